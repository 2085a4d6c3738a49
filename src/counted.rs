//! Numbers of things, for people.

use std::fmt::Display;

/// `1 session`, `12 sessions`.
pub(crate) fn counted(count: impl Display + From<u8> + PartialEq, noun: &str) -> String {
    let s = if count == 1.into() { "" } else { "s" };
    format!("{count} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_no_plural() {
        let texts = [0, 1, 2_u32].map(|count| counted(count, "session"));
        assert_eq!(texts, ["0 sessions", "1 session", "2 sessions"]);
    }
}
