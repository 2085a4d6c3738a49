//! Names and numbers that must be unique.

use std::collections::{BTreeMap, HashMap};

use super::Written;
use crate::{
    diagnostic::Diagnostics,
    haproxy::keyword::Sections,
    haproxy::sections::{Section, kind_name},
    source::Sources,
};

/// The number of each proxy: as written, else the lowest that is free, from `first`. HAProxy counts
/// the same way, so that statistics keep their numbers.
pub(super) fn assign(written: &[Written<'_>], first: u32, d: &mut Diagnostics) -> Vec<u32> {
    let mut taken: BTreeMap<u32, &str> = BTreeMap::new();
    for proxy in written {
        let Some(number) = proxy.draft.number else {
            continue;
        };
        if let Some(other) = taken.insert(number.value, proxy.section.name()) {
            let message = format!("the id {} is that of `{other}` already", number.value);
            d.error("duplicate-id", number.span, message);
        }
    }
    let mut free = (first..).filter(|number| !taken.contains_key(number));
    let number = |proxy: &Written<'_>| match proxy.draft.number {
        Some(number) => number.value,
        None => free.next().unwrap_or(u32::MAX),
    };
    written.iter().map(number).collect()
}

/// Reports proxies of one name, other than a frontend and a backend, and ambiguous `from`.
pub(in crate::haproxy) fn duplicate_names(
    sections: &[Section],
    sources: &Sources,
    d: &mut Diagnostics,
) {
    let mut sides: HashMap<(bool, &str), &Section> = HashMap::new();
    for section in sections {
        for (is_client, kinds) in [
            (true, Sections::FRONTEND.or(Sections::LISTEN)),
            (false, Sections::BACKEND.or(Sections::LISTEN)),
        ] {
            if !kinds.has(section.kind) {
                continue;
            }
            let Some(first) = sides.insert((is_client, section.name()), section) else {
                continue;
            };
            let at = sources.location(first.keyword.span);
            let kind = kind_name(section.kind);
            let message = format!(
                "another {} has the name of this {kind}",
                kind_name(first.kind)
            );
            d.error("duplicate-name", section.span(), message)
                .suggest(format!(
                    "`{}` is declared at {}:{}",
                    section.name(),
                    at.file,
                    at.line
                ));
            break;
        }
    }
    ambiguous_defaults(sections, d);
}

fn ambiguous_defaults(sections: &[Section], d: &mut Diagnostics) {
    let mut count: HashMap<&str, u32> = HashMap::new();
    for section in sections
        .iter()
        .filter(|section| section.kind == Sections::DEFAULTS)
    {
        *count.entry(section.name()).or_default() += 1;
    }
    for from in sections.iter().filter_map(|section| section.from.as_ref()) {
        if count
            .get(from.text.as_str())
            .is_some_and(|count| *count > 1)
        {
            let message = format!("several `defaults` have the name `{}`", from.text);
            d.error("ambiguous-defaults", from.span, message);
        }
    }
}
