//! When an answer matches what was expected, and when it is certain not to.

use std::{borrow::Cow, fmt::Write as _};

use pontoon_config::haproxy::{check::BytePattern, log_format::LogFormat};
use regex::bytes::Regex;

/// Writes out a log-format string for the server being checked.
pub(super) type Render<'a> = dyn Fn(&LogFormat) -> String + Send + Sync + 'a;

/// A pattern with its log-format string written out.
pub(super) enum Ready<'a> {
    Contains(Cow<'a, [u8]>),
    Regex(&'a Regex),
    HexRegex(&'a Regex),
}

impl<'a> Ready<'a> {
    pub(super) fn new(pattern: &'a BytePattern, render: &Render<'_>) -> Self {
        match pattern {
            BytePattern::Contains(text) | BytePattern::Binary(text) => {
                Self::Contains(Cow::Borrowed(text))
            }
            BytePattern::Format(format) => Self::Contains(Cow::Owned(render(format).into_bytes())),
            BytePattern::Regex(regex) => Self::Regex(regex),
            BytePattern::HexRegex(regex) => Self::HexRegex(regex),
        }
    }

    /// Whether the pattern is there; `None` while more bytes may tell.
    ///
    /// What matches is certain at once. What does not is certain when nothing more comes, or
    /// with `min-recv`, when so many bytes (for a text, no fewer than its own) have come.
    pub(super) fn judge(
        &self,
        answer: &[u8],
        complete: bool,
        min_receive: Option<u32>,
    ) -> Option<bool> {
        let least = min_receive.map_or(0, |least| usize::try_from(least).unwrap_or(usize::MAX));
        let enough = answer.len() >= least.max(self.length());
        if !enough && !complete {
            return None;
        }
        let found = self.is_in(answer);
        (found || complete || min_receive.is_some()).then_some(found)
    }

    fn length(&self) -> usize {
        match self {
            Self::Contains(text) => text.len(),
            Self::Regex(_) | Self::HexRegex(_) => 0,
        }
    }

    fn is_in(&self, answer: &[u8]) -> bool {
        match self {
            Self::Contains(text) => contains(answer, text),
            Self::Regex(regex) => regex.is_match(answer),
            Self::HexRegex(regex) => regex.is_match(hex(answer).as_bytes()),
        }
    }
}

/// Whether `needle` is somewhere in `haystack`.
pub(super) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty()
        || haystack
            .windows(needle.len())
            .any(|window| window == needle)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02X}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Ready<'_> {
        Ready::Contains(Cow::Borrowed(text.as_bytes()))
    }

    fn judge(
        pattern: &Ready<'_>,
        answer: &str,
        complete: bool,
        least: Option<u32>,
    ) -> Option<bool> {
        pattern.judge(answer.as_bytes(), complete, least)
    }

    #[test]
    fn a_match_is_certain_at_once_a_miss_when_nothing_more_comes() {
        let hello = text("hello");
        assert_eq!(judge(&hello, "say hello", false, None), Some(true));
        assert_eq!(judge(&hello, "goodbye", false, None), None);
        assert_eq!(judge(&hello, "goodbye", true, None), Some(false));
    }

    #[test]
    fn min_recv_makes_a_miss_certain_earlier() {
        let hello = text("hello");
        assert_eq!(judge(&hello, "xxxxxx", false, Some(4)), Some(false));
        assert_eq!(judge(&hello, "xx", false, Some(0)), None);
        assert_eq!(judge(&hello, "xxhello", false, Some(8)), None);
        let regex = Regex::new("hello").unwrap();
        assert_eq!(
            judge(&Ready::Regex(&regex), "xx", false, Some(0)),
            Some(false)
        );
    }

    #[test]
    fn binary_regexes_see_hexadecimal() {
        let regex = Regex::new("41.*42").unwrap();
        assert_eq!(
            judge(&Ready::HexRegex(&regex), "AxxB", false, None),
            Some(true)
        );
        assert_eq!(
            judge(&Ready::HexRegex(&regex), "xx", true, None),
            Some(false)
        );
    }
}
