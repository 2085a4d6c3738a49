//! What `expect` lines of both languages have in common.

use std::sync::Arc;

use pontoon_engine::health::CheckStatus;

use super::{BytePattern, keywords::STATUS_CODE};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{
        Context, acl,
        log_format::{self, LogFormat},
        value::{self, required, text_after},
    },
    source::Word,
};

/// The parameters around a pattern.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub(super) negated: bool,
    pub(super) min_receive: Option<u32>,
    pub(super) comment: Option<String>,
    pub(super) ok_status: Option<CheckStatus>,
    pub(super) error_status: Option<CheckStatus>,
    pub(super) timeout_status: Option<CheckStatus>,
    pub(super) on_success: Option<Arc<LogFormat>>,
    pub(super) on_error: Option<Arc<LogFormat>>,
}

/// The names of these parameters.
pub(super) const PARAMETERS: [&str; 8] = [
    "comment",
    "error-status",
    "min-recv",
    "ok-status",
    "on-error",
    "on-success",
    "status-code",
    "tout-status",
];

const OK: &[(&str, CheckStatus)] = &[
    ("L4OK", CheckStatus::L4Ok),
    ("L6OK", CheckStatus::L6Ok),
    ("L7OK", CheckStatus::L7Ok),
    ("L7OKC", CheckStatus::L7OkConditional),
];

const ERROR: &[(&str, CheckStatus)] = &[
    ("L4CON", CheckStatus::L4Connection),
    ("L6RSP", CheckStatus::L6Response),
    ("L7OKC", CheckStatus::L7OkConditional),
    ("L7RSP", CheckStatus::L7Response),
    ("L7STS", CheckStatus::L7Status),
];

const TIMEOUT: &[(&str, CheckStatus)] = &[
    ("L4TOUT", CheckStatus::L4Timeout),
    ("L6TOUT", CheckStatus::L6Timeout),
    ("L7TOUT", CheckStatus::L7Timeout),
];

impl Around {
    /// Takes a parameter; `Some(false)` if the word is none. `None`: an error was reported.
    pub(super) fn take(
        &mut self,
        word: &Word,
        args: &mut Args<'_>,
        cx: &Context<'_>,
        d: &mut Diagnostics,
    ) -> Option<bool> {
        match word.text.as_str() {
            "comment" => self.comment = Some(text_after(args, "a comment", d)?),
            "min-recv" => self.min_receive = min_receive(args, d)?,
            "ok-status" => self.ok_status = Some(status(word, OK, args, d)?),
            "error-status" => self.error_status = Some(status(word, ERROR, args, d)?),
            "tout-status" => self.timeout_status = Some(status(word, TIMEOUT, args, d)?),
            "on-success" => self.on_success = Some(format(args, cx, d)?),
            "on-error" => self.on_error = Some(format(args, cx, d)?),
            "status-code" => {
                d.error("unsupported", word.span, "`status-code` is not supported")
                    .suggest(STATUS_CODE);
                return None;
            }
            _ => return Some(false),
        }
        Some(true)
    }
}

/// The word that names a pattern, without its `!`.
pub(super) fn pattern_name<'a>(
    word: &'a Word,
    around: &mut Around,
    args: &mut Args<'a>,
    d: &mut Diagnostics,
) -> Option<(&'a Word, &'a str)> {
    let mut word = word;
    let mut name = word.text.as_str();
    if let Some(rest) = name.strip_prefix('!') {
        around.negated = true;
        name = rest;
        if rest.is_empty() {
            word = required(args, "a pattern after `!`", d)?;
            name = &word.text;
        }
    }
    Some((word, name))
}

/// -1 means: not set.
fn min_receive(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Option<u32>> {
    let word = required(args, "a number of bytes", d)?;
    let number: i64 = value::integer(word, "a number of bytes", -1..=i64::from(i32::MAX), d)?;
    Some(u32::try_from(number).ok())
}

fn status(
    parameter: &Word,
    known: &[(&str, CheckStatus)],
    args: &mut Args<'_>,
    d: &mut Diagnostics,
) -> Option<CheckStatus> {
    let word = required(args, "a status", d)?;
    let found = known.iter().find(|(name, _)| *name == word.text);
    if found.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let message = format!("`{}` is not a status of `{}`", word.text, parameter.text);
        d.error("bad-choice", word.span, message)
            .suggest(names.join(", "));
    }
    found.map(|(_, status)| *status)
}

fn format(args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) -> Option<Arc<LogFormat>> {
    let word = required(args, "a format", d)?;
    log_format::parse_verbatim(word, cx, d).map(Arc::new)
}

/// The pattern that follows `string`, `rstring` and the like. `Some(None)`: the name is none.
pub(super) fn bytes(
    name: &str,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<Option<BytePattern>> {
    let mut word = || required(args, "a pattern", d);
    Some(Some(match name {
        "string" => BytePattern::Contains(word()?.text.clone().into_bytes()),
        "rstring" => BytePattern::Regex(acl::compile(word()?, false, d)?),
        "string-lf" => {
            let word = word()?;
            BytePattern::Format(Arc::new(log_format::parse_verbatim(word, cx, d)?))
        }
        "binary" => BytePattern::Binary(value::hex(word()?, d)?),
        // The answer is written in upper case; an expression may be in either.
        "rbinary" => BytePattern::HexRegex(acl::compile(word()?, true, d)?),
        _ => return Some(None),
    }))
}
