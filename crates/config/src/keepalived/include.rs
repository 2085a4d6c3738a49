//! `include` and its stricter forms.

use super::{Surroundings, context::Context, text::Text};
use crate::source::Span;

/// What an `include` asks for.
pub(super) struct Wanted {
    /// The pattern.
    pattern: String,
    /// Where it stands.
    pub(super) span: Span,
    /// What is checked.
    check: Check,
}

/// What an `include` complains about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Check {
    /// A file that cannot be read.
    readable: bool,
    /// A name without wildcards that names no file.
    named: bool,
    /// A pattern with wildcards that names no file.
    wildcard: bool,
}

/// The keywords, and what each complains about (keepalived.conf(5), DESCRIPTION).
const KEYWORDS: &[(&str, Check)] = &[
    ("include", Check::new(false, false, false)),
    ("includer", Check::new(true, false, false)),
    ("includem", Check::new(true, true, false)),
    ("includew", Check::new(true, false, true)),
    ("includeb", Check::new(true, false, false)),
    ("includea", Check::new(true, true, true)),
];

impl Check {
    const fn new(readable: bool, named: bool, wildcard: bool) -> Self {
        Self {
            readable,
            named,
            wildcard,
        }
    }
}

/// Whether a line is an `include`.
pub(super) fn is_include(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or("");
    KEYWORDS.iter().any(|(keyword, _)| *keyword == word)
}

/// What the line asks for; `None` after an error.
pub(super) fn parse(line: &Text, ctx: &mut Context<'_>) -> Option<Wanted> {
    let text = line.as_str();
    let length = text.find(char::is_whitespace).unwrap_or(text.len());
    let (_, check) = KEYWORDS
        .iter()
        .find(|(keyword, _)| *keyword == &text[..length])?;
    let pattern = text[length..].trim();
    let span = line.span(0..text.len());
    if pattern.is_empty() {
        let message = format!("`{}` needs a file", &text[..length]);
        ctx.fault("missing-argument", span, message);
        return None;
    }
    Some(Wanted {
        pattern: pattern.trim_matches(['"', '\'']).to_owned(),
        span,
        check: *check,
    })
}

/// The files a pattern names, and the complaint if there are none.
pub(super) fn files(wanted: &Wanted, directory: &str, ctx: &mut Context<'_>) -> Vec<String> {
    let pattern = joined(directory, &wanted.pattern);
    let found = ctx.surroundings.glob(&pattern);
    if found.is_empty() {
        let message = format!("`{}` names no file", wanted.pattern);
        if wanted.check.wildcard {
            ctx.fault("include-missing", wanted.span, message);
        } else {
            ctx.d.note("include-missing", wanted.span, message);
        }
    }
    found
}

/// The complaint about a file that cannot be read.
pub(super) fn unreadable(wanted: &Wanted, name: &str, why: &str, ctx: &mut Context<'_>) {
    let message = format!("cannot read {name}: {why}");
    let plain = !is_pattern(&wanted.pattern);
    if (plain && wanted.check.named) || (!plain && wanted.check.readable) {
        ctx.fault("include-missing", wanted.span, message);
    } else {
        ctx.d
            .warning("include-missing", wanted.span, message)
            .suggest("`includea` makes this an error");
    }
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[', '{'])
}

/// The directory of a file, from the root if that is known.
pub(super) fn directory(file: &str, surroundings: &dyn Surroundings) -> String {
    let directory = match file.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((directory, _)) => directory,
        None => "",
    };
    if directory.starts_with('/') {
        return directory.to_owned();
    }
    let here = surroundings
        .variable("PWD")
        .filter(|it| it.starts_with('/'));
    match (here, directory) {
        (Some(here), "" | ".") => here,
        (Some(here), below) => joined(&here, below),
        (None, "") => ".".to_owned(),
        (None, below) => below.to_owned(),
    }
}

fn joined(directory: &str, name: &str) -> String {
    if name.starts_with('/') {
        return name.to_owned();
    }
    format!("{}/{name}", directory.trim_end_matches('/'))
}
