//! `haproxy.cfg` files as they are written.

use super::{
    Surroundings, reader,
    sections::{self, Section as Read},
};
use crate::{
    diagnostic::Diagnostics,
    haproxy::keyword::Sections,
    outline::{Line, Section},
    source::{SourceFile, Sources},
};

/// What files say, in their order. What is wrong with them is told by [`super::load()`].
#[must_use]
pub fn outline(files: Vec<SourceFile>, surroundings: &dyn Surroundings) -> Vec<Section> {
    let sources = Sources::new(files);
    let mut untold = Diagnostics::default();
    let statements = reader::read(&sources, surroundings, &mut untold);
    let mut outline = Vec::new();
    for read in sections::split(statements, &mut untold) {
        let inherits = inherited_by(&read, &outline);
        outline.push(section(&read, inherits, &sources));
    }
    outline
}

fn inherited_by(read: &Read, before: &[Section]) -> Option<usize> {
    let is_defaults = |section: &Section| section.kind == "defaults";
    if let Some(from) = &read.from {
        let is_meant = |it: &Section| is_defaults(it) && it.name == from.text;
        return before.iter().rposition(is_meant);
    }
    let alone = Sections::GLOBAL
        .or(Sections::DEFAULTS)
        .or(Sections::USERLIST);
    if alone.has(read.kind) {
        return None;
    }
    before.iter().rposition(is_defaults)
}

fn section(read: &Read, inherits: Option<usize>, sources: &Sources) -> Section {
    // An address behind the name is a `bind` line of old.
    let extra = (!read.extra.is_empty()).then(|| {
        let mut line = Line::new(&read.extra, sources)?;
        line.words.insert(0, "bind".into());
        Some(line)
    });
    let lines = read
        .lines
        .iter()
        .filter_map(|line| Line::new(line, sources));
    Section {
        kind: read.keyword.text.clone(),
        name: read.name().to_owned(),
        location: sources.location(read.span()),
        inherits,
        lines: extra.flatten().into_iter().chain(lines).collect(),
    }
}
