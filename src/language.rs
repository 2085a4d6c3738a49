//! Which language a file is written in, by its content.

use pontoon_config::{keepalived, source::SourceFile};

/// The languages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// `haproxy.cfg`.
    Haproxy,
    /// `keepalived.conf`.
    Keepalived,
}

/// Words that begin a section of a `haproxy.cfg`.
const HAPROXY: &[&str] = &[
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "userlist",
    "peers",
    "resolvers",
    "mailers",
    "cache",
    "program",
    "ring",
    "http-errors",
    "log-forward",
    "fcgi-app",
    "crt-store",
];

impl Language {
    /// The language of a text: that of the first line which begins as only one of them can.
    pub(crate) fn of(text: &str) -> Self {
        let mut lines = text.lines().filter_map(Self::of_line);
        lines.next().unwrap_or(Self::Haproxy)
    }

    fn of_line(line: &str) -> Option<Self> {
        let line = line.trim_start_matches('\u{feff}').trim_start();
        let word = line.split(|c: char| c.is_whitespace() || c == '{').next()?;
        if HAPROXY.contains(&word) || word.starts_with('.') {
            return Some(Self::Haproxy);
        }
        let special = word.starts_with(['$', '@', '~']) || word.starts_with("include");
        (special || keepalived::is_outermost(word)).then_some(Self::Keepalived)
    }

    /// Why a file cannot be run under the name haproxy.
    pub(crate) fn refusal(file: &SourceFile) -> Option<String> {
        (Self::of(&file.text) == Self::Keepalived).then(|| {
            format!(
                "{} is a keepalived.conf: give it to `pontoon run`, or start Pontoon under the \
                 name keepalived",
                file.name
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_can_tell_tells() {
        let of = Language::of;
        assert_eq!(
            of("! comment\n\nvrrp_script chk {\n}\n"),
            Language::Keepalived
        );
        assert_eq!(of("global_defs{\n"), Language::Keepalived);
        assert_eq!(of("$IF=eth0\n"), Language::Keepalived);
        assert_eq!(of("\u{feff}vrrp_instance a {"), Language::Keepalived);
        assert_eq!(of("# keepalived\nglobal\n daemon\n"), Language::Haproxy);
        assert_eq!(of(".if defined(X)\nglobal\n"), Language::Haproxy);
        assert_eq!(of(""), Language::Haproxy);
    }
}
