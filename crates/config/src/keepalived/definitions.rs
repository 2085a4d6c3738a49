//! `$NAME=value`, and what `$NAME` and `${NAME}` stand for (keepalived.conf(5), Parameter
//! substitution).

use std::{collections::HashMap, ops::Range};

use super::context::Context;
use crate::source::Span;

/// What was defined so far.
#[derive(Debug)]
pub(super) struct Definitions {
    values: HashMap<String, Vec<String>>,
    /// Of the names, in bytes: what is longer need not be looked at, and a line may be full of dollar signs.
    longest: usize,
}

/// A reference to something defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// What is referred to.
    pub(super) name: String,
    /// Where the reference stands, in bytes of the line.
    pub(super) at: Range<usize>,
}

/// The name and value of a line `$NAME=value`.
pub(super) fn parse(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix('$')?.split_once('=')?;
    is_name(name).then(|| (name, value.trim()))
}

fn is_name(text: &str) -> bool {
    let letter = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    !text.is_empty() && text.bytes().all(letter) && !text.as_bytes()[0].is_ascii_digit()
}

impl Definitions {
    /// The predefined ones.
    pub(super) fn new(config_id: &str) -> Self {
        let mut known = Self {
            values: HashMap::new(),
            longest: RANDOM.len(),
        };
        for (name, value) in [("_INSTANCE", config_id), ("_HASH", "#"), ("_BANG", "!")] {
            known.set(name, vec![value.to_owned()]);
        }
        known
    }

    /// `${_PWD}`.
    pub(super) fn set_directory(&mut self, directory: &str) {
        self.set("_PWD", vec![directory.to_owned()]);
    }

    /// Defines a name, or defines it anew.
    pub(super) fn set(&mut self, name: &str, lines: Vec<String>) {
        let lines = if lines.is_empty() {
            vec![String::new()]
        } else {
            lines
        };
        self.longest = self.longest.max(name.len());
        self.values.insert(name.to_owned(), lines);
    }

    /// The first reference in a line to something that is defined. What is not defined stays as
    /// it stands.
    pub(super) fn find(&self, line: &str) -> Option<Found> {
        // Behind the last brace none is closed any more.
        let closed = memchr::memrchr(b'}', line.as_bytes()).unwrap_or_default();
        memchr::memchr_iter(b'$', line.as_bytes()).find_map(|at| {
            let open = at > closed && line[at..].starts_with("${");
            (!open).then(|| self.reference(line, at))?
        })
    }

    fn reference(&self, line: &str, at: usize) -> Option<Found> {
        let rest = &line[at + 1..];
        let (name, length) = match rest.strip_prefix('{') {
            Some(inner) => {
                let name = &inner[..memchr::memchr(b'}', inner.as_bytes())?];
                (name, name.len() + 3)
            }
            None => {
                let mut letters = rest.char_indices().take(self.longest + 1);
                let blank = letters.find(|(_, letter)| letter.is_whitespace());
                let end = blank.map_or(rest.len(), |(at, _)| at);
                (&rest[..end], end + 1)
            }
        };
        let short = name.len() <= self.longest;
        let known = short && self.values.contains_key(name) || is_random(name);
        known.then(|| Found {
            name: name.to_owned(),
            at: at..at + length,
        })
    }

    /// What a name stands for; `None` after an error.
    pub(super) fn value(
        &self,
        name: &str,
        ctx: &mut Context<'_>,
        span: Span,
    ) -> Option<Vec<String>> {
        if is_random(name) {
            let message =
                "`${_RANDOM}` is not supported: a node would mean something else after each start";
            ctx.d
                .error("random", span, message)
                .suggest("write a number");
            return None;
        }
        self.values.get(name).cloned()
    }

    /// A short text with what it refers to replaced; several lines become one.
    pub(super) fn replaced(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..MOST_IN_A_HEAD {
            let Some(found) = self.find(&text) else { break };
            let Some(value) = self.values.get(&found.name) else {
                break;
            };
            text.replace_range(found.at, &value.join(" "));
            if text.len() > LONGEST_HEAD {
                break;
            }
        }
        text
    }
}

/// References in the head of a repetition.
const MOST_IN_A_HEAD: usize = 64;

/// A longer head of a repetition is not looked at.
const LONGEST_HEAD: usize = 1 << 14;

/// What differs from start to start.
const RANDOM: &str = "_RANDOM";

fn is_random(name: &str) -> bool {
    let rest = name.trim_start().strip_prefix(RANDOM);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_begin_with_a_dollar_and_have_no_blank_before_the_equals_sign() {
        assert_eq!(parse("$A=b c"), Some(("A", "b c")));
        assert_eq!(parse("$A="), Some(("A", "")));
        assert_eq!(parse("$A =b"), None);
        assert_eq!(parse("$1A=b"), None);
        assert_eq!(parse("A=b"), None);
    }

    #[test]
    fn a_reference_ends_at_a_blank_or_has_braces() {
        let mut known = Definitions::new("node1");
        known.set("IF", vec!["eth0".to_owned()]);
        let at = |line| known.find(line).map(|found| found.at);
        assert_eq!(at("interface $IF"), Some(10..13));
        assert_eq!(at("interface $IF up"), Some(10..13));
        assert_eq!(at("interface ${IF}.5"), Some(10..15));
        assert_eq!(at("interface $IF.5"), None, "neither blank nor braces");
        assert_eq!(at("$NO ${NO} ${_INSTANCE}"), Some(10..22));
        assert_eq!(at("${_RANDOMS} ${_RANDOM 1 9}"), Some(12..26));
        assert_eq!(at("$_RANDOM"), Some(0..8));
        assert_eq!(at("$A_NAME_LONGER_THAN_ALL $IF"), Some(24..27));
    }
}
