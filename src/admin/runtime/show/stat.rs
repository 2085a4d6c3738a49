//! `show stat`: the rows of the statistics (HAProxy management manual, 9.3 `show stat`).

use std::{sync::Arc, time::Instant};

use super::info::Style;
use crate::{
    admin::{
        csv, json,
        runtime::{answer::Answer, command::Arguments},
        snapshot::{Hide, Kind, Selection, Snapshot},
        typed,
    },
    state::Running,
};

/// What is wanted of them, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    style: Style,
    hide: Hide,
    described: bool,
    rows: Option<Rows>,
}

/// Some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rows {
    /// The name or the number of a proxy; -1: all.
    proxy: String,
    /// What kinds: 1 frontends, 2 backends, 4 servers, 8 listeners, or a sum of these; -1: all.
    kinds: i64,
    /// The number of a server or listener; -1: all.
    number: i64,
}

/// Reads the words behind `show stat`; unknown ones are left aside, as in HAProxy.
pub(super) fn parse(arguments: &Arguments<'_>) -> Wanted {
    let mut wanted = Wanted::default();
    let words = arguments.words;
    // Three words that do not say how, say what.
    let rest = match words {
        [proxy, kinds, number, rest @ ..] => {
            wanted.rows = Some(Rows {
                proxy: proxy.clone(),
                kinds: integer(kinds),
                number: integer(number),
            });
            rest
        }
        _ => words,
    };
    for word in rest {
        match word.as_str() {
            "typed" => wanted.style = Style::Typed,
            "json" => wanted.style = Style::Json,
            "no-maint" => wanted.hide = wanted.hide.max(Hide::Maintenance),
            "up" => wanted.hide = Hide::Down,
            "desc" => wanted.described = true,
            _ => {}
        }
    }
    wanted
}

/// The number that a word begins with, 0 if it does not, as atoi(3) does.
fn integer(word: &str) -> i64 {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let number = digits[..end].parse().unwrap_or(0);
    if word.starts_with('-') {
        -number
    } else {
        number
    }
}

pub(super) fn answer(running: &Arc<Running>, wanted: &Wanted) -> Answer {
    let selection = Selection {
        hide: wanted.hide,
        legends: true,
        ..Selection::default()
    };
    let mut snapshot = Snapshot::take(running, selection, Instant::now());
    if let Some(rows) = &wanted.rows
        && !rows.choose(&mut snapshot)
    {
        return Answer::error("No such proxy.");
    }
    match wanted.style {
        Style::Plain => Answer::Text(csv::render(&snapshot)),
        Style::Typed => Answer::Text(typed::render(&snapshot, wanted.described)),
        Style::Json => match json::render(&snapshot) {
            Ok(text) => Answer::Text(text + "\n"),
            Err(error) => Answer::error(error.to_string()),
        },
    }
}

impl Rows {
    /// Leaves these only; false if there is no such proxy.
    fn choose(&self, snapshot: &mut Snapshot) -> bool {
        let number = integer(&self.proxy);
        let all = number == -1;
        if !all {
            let by_name = snapshot.proxies.iter().any(|it| *it.name == *self.proxy);
            snapshot.proxies.retain(|it| {
                if by_name {
                    *it.name == *self.proxy
                } else {
                    i64::from(it.number) == number
                }
            });
        }
        // A number of nobody has no rows; a name of nobody is a mistake.
        let found = number != 0 || !snapshot.proxies.is_empty();
        for proxy in &mut snapshot.proxies {
            proxy.rows.retain(|row| {
                let of_kind = self.kinds & kind_bit(row.kind) != 0;
                let single = matches!(row.kind, Kind::Server | Kind::Listener);
                of_kind && (!single || self.number == -1 || i64::from(row.number) == self.number)
            });
        }
        found
    }
}

const fn kind_bit(kind: Kind) -> i64 {
    match kind {
        Kind::Frontend => 1,
        Kind::Backend => 2,
        Kind::Server => 4,
        Kind::Listener => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_a_word_begins_with() {
        assert_eq!(
            [integer("4"), integer("-1"), integer("4x"), integer("x")],
            [4, -1, 4, 0]
        );
    }
}
