//! Every command by its words, with who may use it and what `help` says of it.

use pontoon_config::haproxy::model::Access;

use super::{
    acl,
    answer::Answer,
    change,
    command::{Arguments, Command},
    help, map, session, show, wait,
};

/// A command that can be written.
#[derive(Debug)]
pub(crate) struct Row {
    /// The words that name it, with single spaces.
    pub(crate) name: &'static str,
    /// How it is written, for `help`; HAProxy's words.
    pub(crate) usage: &'static str,
    /// What it does, for `help`; HAProxy's words.
    pub(crate) what: &'static str,
    /// Who may use it.
    pub(crate) access: Access,
    /// Reads what stands behind its name.
    pub(crate) parse: fn(&Arguments<'_>) -> Result<Command, Answer>,
}

/// All of them, by subject.
const TABLES: [&[Row]; 9] = [
    show::ROWS,
    acl::ROWS,
    map::ROWS,
    change::ROWS,
    change::LIMITS,
    change::SERVERS,
    session::ROWS,
    wait::ROWS,
    help::ROWS,
];

/// All of them.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.into_iter().flatten()
}

/// The command that these words name, and its arguments. Of two names the longer one counts.
pub(super) fn find(words: &[String]) -> Option<(&'static Row, &[String])> {
    rows()
        .filter_map(|row| Some((row, row.arguments(words)?)))
        .min_by_key(|(_, rest)| rest.len())
}

impl Row {
    /// What stands behind the name, if that is what the words begin with.
    fn arguments<'w>(&self, words: &'w [String]) -> Option<&'w [String]> {
        let mut rest = words;
        for name in self.name.split(' ') {
            let (word, behind) = rest.split_first()?;
            if word != name {
                return None;
            }
            rest = behind;
        }
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_one_row() {
        let mut names: Vec<_> = rows().map(|row| row.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn words_behind_the_name_are_arguments() {
        let words = ["show", "stat", "up"].map(str::to_owned);
        let (row, rest) = find(&words).unwrap();
        assert_eq!((row.name, rest), ("show stat", &words[2..]));
        assert!(find(&words[..1]).is_none());
    }
}
