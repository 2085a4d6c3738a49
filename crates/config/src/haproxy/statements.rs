//! A line to its keyword: found in the tables, checked against its section, then parsed, noted
//! as without effect, or refused.

use std::cell::Cell;

use super::{Context, sections::kind_name};
use crate::{
    args::{Args, joined},
    diagnostic::Diagnostics,
    haproxy::keyword::{Draft, Index, Keyword, Level, Sections, Takes},
    similar::nearest,
    source::{Span, Word},
};

/// Keywords of old files that run, but should be written anew.
const OBSOLETE: &[(&str, &str)] = &[
    (
        "nbproc",
        "remove it; threads (`nbthread`) took the place of processes",
    ),
    ("bind-process", "remove it"),
    ("stats bind-process", "remove it"),
    ("debug", "remove it"),
    ("appsession", "remove it"),
    ("option forceclose", "remove it"),
    ("option http-tunnel", "remove it"),
    ("option http-use-htx", "remove it"),
    ("tune.chksize", "remove it"),
    ("tune.ssl.capture-cipherlist-size", "remove it"),
];

/// One line and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Line<'l> {
    /// All its words, without `no` or `default`.
    pub(super) words: &'l [Word],
    /// `no` or `default`.
    pub(super) prefix: Option<&'l Word>,
}

impl<'l> Line<'l> {
    /// Takes `no` or `default` off a line.
    pub(super) fn new(words: &'l [Word]) -> Self {
        let (prefix, words) = match words {
            [first, rest @ ..] if !rest.is_empty() && is_prefix(&first.text) => (Some(first), rest),
            _ => (None, words),
        };
        Self { words, prefix }
    }

    /// Where its first words stand.
    fn span(&self, count: usize) -> Span {
        Args::new(self.words, count.max(1)).keyword_span()
    }
}

fn is_prefix(word: &str) -> bool {
    word == "no" || word == "default"
}

/// The keyword of a line if it may stand there; else the reason is reported.
pub(super) fn admit<C: Draft>(
    keyword: &'static Keyword<C>,
    count: usize,
    line: Line<'_>,
    negatable: &[&str],
    kind: Sections,
    d: &mut Diagnostics,
) -> bool {
    if let Some(prefix) = line.prefix
        && !negatable.contains(&keyword.name)
    {
        let message = format!("`{}` cannot stand before `{}`", prefix.text, keyword.name);
        d.error("not-negatable", prefix.span, message);
        return false;
    }
    if let Some((_, instead)) = OBSOLETE.iter().find(|(name, _)| *name == keyword.name) {
        let message = format!("`{}` is obsolete", keyword.name);
        d.warning("obsolete", line.span(count), message)
            .suggest(*instead);
    }
    if keyword.sections.has(kind) {
        return true;
    }
    misplaced(keyword, line.span(count), kind, d);
    false
}

/// HAProxy only warns where a frontend says what backends say or the other way round; it stops
/// where that would lose servers or access rules.
fn misplaced<C: Draft>(keyword: &Keyword<C>, span: Span, kind: Sections, d: &mut Diagnostics) {
    let one_sided = Sections::FRONTEND.or(Sections::BACKEND).has(kind);
    let lossy = ["server", "server-template", "default-server"].contains(&keyword.name)
        || keyword.name.starts_with("tcp-request")
        || !keyword.sections.has(Sections::LISTEN);
    let message = format!(
        "`{}` does not belong in `{}`",
        keyword.name,
        kind_name(kind)
    );
    let found = if one_sided && !lossy {
        d.warning("wrong-section", span, message + "; it is ignored there")
    } else {
        d.error("wrong-section", span, message)
    };
    found.suggest(format!("it belongs in {}", section_names(keyword.sections)));
}

/// The names of a set of sections, for a sentence.
pub(crate) fn section_names(sections: Sections) -> String {
    let names: Vec<String> = super::sections::KINDS
        .iter()
        .filter(|(_, kind)| sections.has(*kind))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    match names.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// Does what the table says with an admitted line.
pub(super) fn apply<C>(
    keyword: &'static Keyword<C>,
    count: usize,
    words: &[Word],
    draft: &mut C,
    ctx: &Context<'_>,
    d: &mut Diagnostics,
) where
    C: for<'a> Draft<Context<'a> = Context<'a>>,
{
    let mut args = Args::new(words, count);
    let span = args.keyword_span();
    match &keyword.level {
        Level::Supported(parse) | Level::Depends { parse, .. } => parse(draft, &mut args, ctx, d),
        Level::Inert { reason, takes } => {
            let extra = match takes {
                Takes::Rest => None,
                Takes::Exactly(count) => args.rest().get(usize::from(*count)),
            };
            if let Some(extra) = extra {
                let message = format!("`{}` is too much after `{}`", extra.text, keyword.name);
                d.error("unexpected-argument", extra.span, message);
            }
            let message = format!("`{}` has no effect: {reason}", keyword.name);
            d.note("without-effect", span, message);
        }
        Level::Refused { instead } => {
            let message = format!("`{}` is not supported", keyword.name);
            d.error("unsupported", span, message).suggest(*instead);
        }
    }
}

/// What is known elsewhere, for messages about unknown words.
pub(super) struct Known {
    /// Name and sections of every keyword, by name.
    keywords: Vec<(&'static str, Sections)>,
    /// How many more words are compared with all others.
    suggestions: Cell<u32>,
}

/// A file with more unknown words is no configuration; guessing each would take long.
const MOST_SUGGESTIONS: u32 = 200;

impl Known {
    /// Knows nothing yet.
    pub(super) const fn new() -> Self {
        Self {
            keywords: Vec::new(),
            suggestions: Cell::new(MOST_SUGGESTIONS),
        }
    }

    /// Adds a table.
    pub(super) fn add<C: Draft>(&mut self, index: &Index<C>) {
        let all = index.sorted();
        self.keywords
            .extend(all.iter().map(|keyword| (keyword.name, keyword.sections)));
    }

    /// Reports a line that begins with no keyword.
    pub(super) fn unknown(&self, line: Line<'_>, kind: Sections, d: &mut Diagnostics) {
        let words = line.words;
        let elsewhere = self
            .exact(words)
            .filter(|(_, sections)| !sections.has(kind));
        if let Some((name, sections)) = elsewhere {
            let count = name.split(' ').count();
            let message = format!("`{name}` does not belong in `{}`", kind_name(kind));
            d.error("wrong-section", line.span(count), message)
                .suggest(format!("it belongs in {}", section_names(sections)));
            return;
        }
        let (shown, count) = self.part_to_show(words, kind);
        let left = self.suggestions.get();
        self.suggestions.set(left.saturating_sub(1));
        let near = (left > 0).then(|| self.near(words, count, kind)).flatten();
        let message = format!("`{shown}` is not known in `{}`", kind_name(kind));
        let found = d.error("unknown-keyword", line.span(count), message);
        match near {
            Some((near, true)) => found.suggest(format!("did you mean `{near}`?")),
            Some((near, false)) => found.suggest(format!("did you mean the section `{near}`?")),
            None => found,
        };
    }

    fn exact(&self, words: &[Word]) -> Option<(&'static str, Sections)> {
        (1..=words.len().min(MOST_WORDS)).rev().find_map(|count| {
            let name = joined(&words[..count]);
            self.keywords
                .iter()
                .find(|(known, _)| *known == name)
                .copied()
        })
    }

    /// The nearest keyword of this kind of section, or the nearest section.
    /// A first word that begins keywords is right already: then `least` is 2.
    fn near(&self, words: &[Word], least: usize, kind: Sections) -> Option<(&'static str, bool)> {
        let here = |count: usize| {
            let of_length = move |name: &&'static str| name.split(' ').count() == count;
            let names = self
                .keywords
                .iter()
                .filter(|(_, sections)| sections.has(kind));
            names.map(|(name, _)| *name).filter(of_length)
        };
        let keyword = (least..=words.len().min(MOST_WORDS))
            .rev()
            .find_map(|count| nearest(&joined(&words[..count]), here(count)));
        let section = || {
            let names = super::sections::KINDS.iter().map(|(name, _)| *name);
            nearest(&words.first()?.text, names)
        };
        match keyword {
            Some(name) => Some((name, true)),
            None => section().map(|name| (name, false)),
        }
    }

    /// `option foo` rather than `option` where the first word is known.
    fn part_to_show(&self, words: &[Word], kind: Sections) -> (String, usize) {
        let first = words.first().map_or("", |word| word.text.as_str());
        let begins = |name: &str| name.split(' ').next() == Some(first) && name != first;
        let known = self
            .keywords
            .iter()
            .any(|(name, sections)| sections.has(kind) && begins(name));
        let count = if known { 2 } else { 1 }.min(words.len());
        (joined(&words[..count]), count)
    }
}

/// No keyword has more words.
const MOST_WORDS: usize = 3;
