//! A `keepalived.conf` as it is written.

use super::{Settings, Surroundings, reader, statement::Statement};
use crate::{
    outline::{Line, Section},
    source::{SourceFile, Sources, Word},
};

/// What files say, and what they include, in their order. What is wrong with them is told by
/// [`super::load()`].
#[must_use]
pub fn outline(
    files: Vec<SourceFile>,
    settings: &Settings,
    surroundings: &dyn Surroundings,
) -> Vec<Section> {
    let read = reader::read(files, settings, surroundings);
    let sources = Sources::new(read.files);
    let sections = read.statements.iter();
    sections
        .map(|statement| section(statement, &sources))
        .collect()
}

fn section(statement: &Statement, sources: &Sources) -> Section {
    let mut words = statement.words.iter().map(|word| word.text.as_str());
    let kind = words.next().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for inner in statement.block.iter().flatten() {
        add(inner, &mut Vec::new(), &mut lines, sources);
    }
    Section {
        kind,
        name: words.collect::<Vec<_>>().join(" "),
        location: sources.location(statement.span()),
        inherits: None,
        lines,
    }
}

/// A statement, and what stands in its block.
fn add<'s>(
    statement: &'s Statement,
    before: &mut Vec<&'s Word>,
    lines: &mut Vec<Line>,
    sources: &Sources,
) {
    let length = before.len();
    before.extend(&statement.words);
    // Of a block with content and without a name, the content says all.
    let block = statement.block.as_deref().unwrap_or_default();
    if block.is_empty() || statement.words.len() > 1 {
        lines.extend(Line::new(before.iter().copied(), sources));
    }
    for inner in block {
        add(inner, before, lines, sources);
    }
    before.truncate(length);
}
