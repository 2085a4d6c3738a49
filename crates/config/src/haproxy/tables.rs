//! All keyword tables of the language, for the reference manual.

use super::{bind, check, global, proxy, sections, server, userlist};
use crate::{
    haproxy::keyword::{Draft, Keyword, Level, Sections},
    reference::{Chapter, Entry, Support},
};

/// The chapters of the manual, unsorted.
pub(crate) fn chapters() -> Vec<Chapter> {
    let mut proxy = entries(proxy::TABLES, proxy::NEGATABLE);
    proxy.extend(entries(&[check::KEYWORDS], &[]));
    vec![
        Chapter {
            title: "Sections",
            doc: "What a file is divided into.",
            entries: section_entries(),
        },
        Chapter {
            title: "The process",
            doc: "Keywords of the `global` section.",
            entries: entries(global::TABLES, global::NEGATABLE),
        },
        Chapter {
            title: "Proxies",
            doc: "Keywords of `defaults`, `frontend`, `backend` and `listen`.",
            entries: proxy,
        },
        Chapter {
            title: "Listeners",
            doc: "Parameters of `bind` lines.",
            entries: entries(&[bind::KEYWORDS], &[]),
        },
        Chapter {
            title: "Servers",
            doc: "Parameters of `server`, `server-template` and `default-server` lines.",
            entries: entries(&[server::KEYWORDS], &[]),
        },
        Chapter {
            title: "User lists",
            doc: "Keywords of `userlist` sections.",
            entries: entries(&[userlist::KEYWORDS], &[]),
        },
    ]
}

fn entries<C: Draft>(tables: &[&[Keyword<C>]], negatable: &[&str]) -> Vec<Entry> {
    let keywords = tables.iter().flat_map(|table| table.iter());
    keywords.map(|keyword| entry(keyword, negatable)).collect()
}

fn entry<C: Draft>(keyword: &Keyword<C>, negatable: &[&str]) -> Entry {
    let (support, remark) = match keyword.level {
        Level::Supported(_) => (Support::Supported, None),
        Level::Depends { on, .. } => (Support::Depends, Some(on)),
        Level::Inert { reason, .. } => (Support::Inert, Some(reason)),
        Level::Refused { instead } => (Support::Refused, Some(instead)),
    };
    Entry {
        name: keyword.name,
        sections: section_names(keyword.sections),
        negatable: negatable.contains(&keyword.name),
        syntax: keyword.syntax,
        doc: keyword.doc,
        support,
        remark,
    }
}

fn section_names(sections: Sections) -> Vec<&'static str> {
    sections::KINDS
        .iter()
        .filter(|(_, kind)| sections.has(*kind))
        .map(|(name, _)| *name)
        .collect()
}

fn section_entries() -> Vec<Entry> {
    let entry = |name, syntax, doc, support, remark| Entry {
        name,
        sections: vec!["file"],
        negatable: false,
        syntax,
        doc,
        support,
        remark,
    };
    let read = [
        ("global", "", "What concerns the whole process."),
        (
            "defaults",
            "[<name>] [from <name>]",
            "What the proxies below do not say themselves.",
        ),
        ("frontend", "<name> [from <name>]", "Where clients connect."),
        (
            "backend",
            "<name> [from <name>]",
            "Where their sessions go.",
        ),
        (
            "listen",
            "<name> [from <name>]",
            "A frontend and a backend in one.",
        ),
        ("userlist", "<name>", "Users and their passwords."),
    ];
    let supported =
        read.map(|(name, syntax, doc)| entry(name, syntax, doc, Support::Supported, None));
    let refused = sections::REFUSED.iter().map(|section| {
        entry(
            section.name,
            "[<name>]",
            section.doc,
            Support::Refused,
            Some(section.instead),
        )
    });
    supported.into_iter().chain(refused).collect()
}
