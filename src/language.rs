//! Which language a file is written in, by its content.

use pontoon_config::source::SourceFile;

/// The languages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// `haproxy.cfg`.
    Haproxy,
    /// `keepalived.conf`.
    Keepalived,
}

/// Words that begin a block of a `keepalived.conf`, and nothing in a `haproxy.cfg`.
const KEEPALIVED: &[&str] = &[
    "bfd_instance",
    "global_defs",
    "linkbeat_use_polling",
    "static_ipaddress",
    "static_routes",
    "static_rules",
    "virtual_server",
    "virtual_server_group",
    "vrrp_instance",
    "vrrp_script",
    "vrrp_sync_group",
    "vrrp_track_file",
    "vrrp_track_process",
];

impl Language {
    /// The language of a text: that of the first word which only one of them has.
    pub(crate) fn of(text: &str) -> Self {
        let words = text.lines().filter_map(|line| {
            let word = line.split_whitespace().next()?;
            (!word.starts_with(['#', '!'])).then_some(word)
        });
        let is_keepalived = |word: &str| KEEPALIVED.contains(&word.trim_end_matches('{'));
        match words.into_iter().next() {
            Some(word) if is_keepalived(word) => Self::Keepalived,
            _ => Self::Haproxy,
        }
    }

    /// Why a file cannot be run yet.
    pub(crate) fn refusal(file: &SourceFile) -> Option<String> {
        (Self::of(&file.text) == Self::Keepalived).then(|| {
            format!(
                "{} is a keepalived.conf, which this version does not read yet; run keepalived \
                 beside Pontoon for now (`killall -0 haproxy` and `pidof haproxy` find it)",
                file.name
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_tells() {
        let of = Language::of;
        assert_eq!(
            of("! comment\n\nvrrp_script chk {\n}\n"),
            Language::Keepalived
        );
        assert_eq!(of("global_defs{\n"), Language::Keepalived);
        assert_eq!(of("# keepalived\nglobal\n daemon\n"), Language::Haproxy);
        assert_eq!(of(""), Language::Haproxy);
    }
}
