//! Which commands there are.

use pontoon_config::haproxy::model::Access;

use super::{
    answer::Answer,
    command::{Arguments, Command},
    table::{self, Row},
};

pub(super) const ROWS: &[Row] = &[Row {
    name: "help",
    usage: "help [<command>]",
    what: "list matching or all commands",
    access: Access::User,
    parse: |arguments| Ok(parse(arguments)),
}];

/// Those that end every list.
const LAST: [&str; 3] = ["help", "prompt", "quit"];

fn parse(arguments: &Arguments<'_>) -> Command {
    Command::Help(arguments.words.to_vec())
}

/// The answer to `help`: all commands, or those like these words.
pub(super) fn list(words: &[String]) -> Answer {
    let head = "The following commands are valid at this level:";
    let rows = similar(words);
    Answer::info(lines(head, if rows.is_empty() { all() } else { rows }))
}

/// The answer to something that is no command.
pub(super) fn unknown(words: &[String]) -> Answer {
    let rows = similar(words);
    let text = if rows.is_empty() {
        lines(
            "Unknown command. Please enter one of the following commands only:",
            all(),
        )
    } else {
        lines(
            "Unknown command, but maybe one of the following ones is a better match:",
            rows,
        )
    };
    Answer::info(text)
}

fn all() -> Vec<&'static Row> {
    table::rows().filter(|row| !is_last(row)).collect()
}

fn is_last(row: &Row) -> bool {
    LAST.contains(&row.name)
}

/// The commands that share most words with these, in any order and by their beginnings.
fn similar(words: &[String]) -> Vec<&'static Row> {
    let score = |row: &Row| {
        let names = row.name.split(' ');
        let is_meant = |name: &str| {
            let mut words = words.iter().filter(|word| !word.is_empty());
            words.any(|word| name.starts_with(word.as_str()) || word.starts_with(name))
        };
        names.filter(|name| is_meant(name)).count()
    };
    let best = all().into_iter().map(score).max().unwrap_or(0);
    let mut rows = all();
    rows.retain(|row| best > 0 && score(row) == best);
    rows
}

fn lines(head: &str, mut rows: Vec<&Row>) -> String {
    rows.sort_by_key(|row| row.usage);
    rows.extend(
        LAST.iter()
            .filter_map(|name| table::rows().find(|row| row.name == *name)),
    );
    let mut text = head.to_owned();
    for row in rows {
        text.push_str(&format!("\n  {:<40}: {}", row.usage, row.what));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: Answer) -> String {
        match answer {
            Answer::Feedback(_, text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_are_listed_and_the_way_out_comes_last() {
        let text = text(list(&[]));
        assert!(text.contains("\n  show version                            : show version of"));
        assert!(text.ends_with("\n  quit                                    : disconnect"));
    }

    #[test]
    fn what_is_unknown_is_answered_with_what_is_like_it() {
        let text = text(unknown(&["show".to_owned(), "vers".to_owned()]));
        assert!(text.starts_with("Unknown command, but maybe"), "{text}");
        assert!(text.contains("show version"), "{text}");
        assert!(!text.contains("show stat"), "{text}");
    }
}
