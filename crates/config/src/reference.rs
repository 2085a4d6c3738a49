//! The reference manual, made from the keyword tables.

mod man;

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    haproxy::{
        tables,
        vocabulary::{self, Vocabulary},
    },
    keepalived,
};

/// The languages there are manuals of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `haproxy.cfg`.
    Haproxy,
    /// `keepalived.conf`.
    Keepalived,
}

/// One keyword.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its words.
    pub name: &'static str,
    /// Where it may stand.
    pub sections: Vec<&'static str>,
    /// Whether `no` may stand before it.
    pub negatable: bool,
    /// What follows it.
    pub syntax: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// What is done with it.
    pub support: Support,
    /// Why it has no effect, or what to do instead.
    pub remark: Option<&'static str>,
}

/// What is done with a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Support {
    /// It works.
    Supported,
    /// It depends on the proxy.
    Depends,
    /// Accepted without effect.
    Inert,
    /// An error.
    Refused,
}

/// A chapter: keywords of one kind, by name.
#[derive(Debug, Clone, Serialize)]
pub struct Chapter {
    /// Its title.
    pub title: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Its keywords.
    pub entries: Vec<Entry>,
}

/// All chapters of a language.
#[must_use]
pub fn chapters(language: Language) -> Vec<Chapter> {
    let mut chapters = match language {
        Language::Haproxy => tables::chapters(),
        Language::Keepalived => keepalived::tables::chapters(),
    };
    for chapter in &mut chapters {
        chapter.entries.sort_unstable_by_key(|entry| entry.name);
    }
    chapters
}

/// The manual as Markdown.
#[must_use]
pub fn markdown(language: Language) -> String {
    let mut out = match language {
        Language::Haproxy => HAPROXY.to_owned(),
        Language::Keepalived => KEEPALIVED.to_owned(),
    };
    for chapter in chapters(language) {
        // Writing to a string cannot fail.
        let _ = write!(out, "\n## {}\n\n{}\n\n", chapter.title, chapter.doc);
        out += "| keyword | in | support | what it does |\n|---|---|---|---|\n";
        for entry in &chapter.entries {
            out += &row(entry);
        }
    }
    if language == Language::Haproxy {
        for list in vocabulary::all() {
            out += &words(&list);
        }
    }
    out
}

/// Words inside lines: what works in a table, what is refused by reason.
fn words(list: &Vocabulary) -> String {
    let mut out = format!("\n## {}\n\n{}\n\n", list.title, list.doc);
    out += "| word | what it does |\n|---|---|\n";
    for (usage, doc) in &list.works {
        out += &format!("| `{}` | {} |\n", escaped(usage), escaped(doc));
    }
    for (reason, names) in &list.refused {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        out += &format!("\n**Refused**, because {reason}: {}.\n", names.join(", "));
    }
    out
}

/// The manual as a page of section 5 (`man -l`).
#[must_use]
pub fn man(language: Language) -> String {
    man::page(language)
}

/// The manual as JSON.
#[must_use]
pub fn json(language: Language) -> String {
    // Strings always serialise.
    serde_json::to_string_pretty(&chapters(language)).unwrap_or_default()
}

const HAPROXY: &str = "\
# The language of haproxy.cfg

This page is made by `pontoon reference`; do not edit it. It lists every keyword of HAProxy 2.6's manual, and
those of Pontoon alone (`tune.pontoon…`), with what Pontoon does with it:

- **yes**: it works.
- **depends**: it works, has no effect, or is refused, depending on the proxy.
- **no effect**: accepted, and listed by `pontoon check` as a note, because it changes nothing here.
- **refused**: an error, because leaving it out would change what the file means.
";

const KEEPALIVED: &str = "\
# The language of keepalived.conf

This page is made by `pontoon reference keepalived`; do not edit it. It lists every keyword of keepalived 2.2.7's
manual outside of IPVS, Pontoon's own, and what Pontoon does with each:

- **yes**: it works.
- **no effect**: accepted, and listed by `pontoon check` as a note, or as a warning where that may surprise.
- **refused**: an error, because leaving it out would change what the file means.

An unknown word is an error in `pontoon check` and `pontoon run`; under the name keepalived it is a warning, and a value
that cannot be is replaced by the default, as there. Besides keywords, the language has comments (`#`, `!`), quotes,
`include` with its stricter forms, `$NAME=value` with `$NAME` and `${NAME}`, lines for one node (`@id`, `@^id`), and
repeated lines (`~SEQ(…)`, `~LST(…)`). `${_RANDOM}` is refused.
";

fn row(entry: &Entry) -> String {
    let negatable = if entry.negatable { "[no] " } else { "" };
    let gap = if entry.syntax.is_empty() { "" } else { " " };
    let usage = format!("`{negatable}{}{gap}{}`", entry.name, entry.syntax);
    let support = match entry.support {
        Support::Supported => "yes",
        Support::Depends => "depends",
        Support::Inert => "no effect",
        Support::Refused => "**refused**",
    };
    let remark = match (entry.support, entry.remark) {
        (Support::Refused, Some(remark)) => format!(" Instead: {remark}."),
        (_, Some(remark)) => format!(" {}.", capitalised(remark)),
        (_, None) => String::new(),
    };
    let sections = entry.sections.join(", ");
    format!(
        "| {} | {sections} | {support} | {}{remark} |\n",
        escaped(&usage),
        escaped(entry.doc),
        remark = escaped(&remark)
    )
}

/// A bar would end the cell, even inside a code span.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn both() -> Vec<Chapter> {
        let mut all = chapters(Language::Haproxy);
        all.extend(chapters(Language::Keepalived));
        all
    }

    #[test]
    fn every_keyword_is_declared_once() {
        for chapter in both() {
            let mut seen = HashSet::new();
            for entry in chapter.entries {
                assert!(
                    seen.insert(entry.name),
                    "`{}` twice in {}",
                    entry.name,
                    chapter.title
                );
            }
        }
    }

    #[test]
    fn every_keyword_says_what_it_does() {
        for entry in both().iter().flat_map(|chapter| &chapter.entries) {
            assert!(entry.doc.ends_with('.'), "`{}`: {}", entry.name, entry.doc);
            assert!(!entry.sections.is_empty(), "`{}`", entry.name);
            let remark = entry.remark.unwrap_or("x");
            assert!(
                !remark.is_empty() && !remark.ends_with('.'),
                "`{}`: {remark}",
                entry.name
            );
        }
    }

    #[test]
    fn the_manual_in_the_repository_is_this_one() {
        let committed = include_str!("../../../docs/reference/haproxy.md");
        assert!(
            committed == markdown(Language::Haproxy),
            "run `cargo run -- reference > docs/reference/haproxy.md`"
        );
        let committed = include_str!("../../../docs/reference/keepalived.md");
        assert!(
            committed == markdown(Language::Keepalived),
            "run `cargo run -- reference keepalived > docs/reference/keepalived.md`"
        );
    }

    #[test]
    fn json_holds_the_same_chapters() {
        let language = Language::Keepalived;
        let json: serde_json::Value = serde_json::from_str(&json(language)).unwrap();
        assert_eq!(json.as_array().unwrap().len(), chapters(language).len());
    }
}
