//! What has changed from one version of files to the next.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::outline::{Line, Section};

#[cfg(test)]
mod tests;

/// What has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Sections that are new.
    pub added: Vec<String>,
    /// Sections that are gone.
    pub removed: Vec<String>,
    /// Sections of which lines have changed.
    pub changed: Vec<ChangedSection>,
    /// Sections that say what they said, but inherit something else.
    pub inherits_changes: Vec<String>,
    /// Sections that mean what they meant.
    pub unaffected: Vec<String>,
}

/// A section of which lines have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedSection {
    /// Kind and name.
    pub section: String,
    /// What, in the order of the new file; what is gone comes last.
    pub changes: Vec<Change>,
}

/// A change of lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// It is new.
    Added {
        /// It.
        new: Line,
    },
    /// It is gone.
    Removed {
        /// It.
        old: Line,
    },
    /// It says something else.
    Changed {
        /// What it said.
        old: Line,
        /// What it says.
        new: Line,
    },
    /// The same lines stand in another order, where the order counts.
    Reordered {
        /// What they begin with.
        keyword: String,
        /// The first that stands elsewhere.
        new: Line,
    },
}

impl Difference {
    /// Whether nothing has changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.inherits_changes.is_empty()
    }
}

/// Lines whose order means something: what matches first counts, or servers take turns.
const ORDERED: &[&str] = &[
    "http-check",
    "http-request",
    "server",
    "setenv",
    "tcp-check",
    "tcp-request",
    "use-server",
    "use_backend",
];

/// From the old to the new version.
#[must_use]
pub fn between(old: &[Section], new: &[Section]) -> Difference {
    let (before, after) = (Index::new(old), Index::new(new));
    let mut difference = Difference::default();
    for (key, &now) in &after.0 {
        let title = new[now].title();
        let Some(&then) = before.0.get(key) else {
            difference.added.push(title);
            continue;
        };
        let own = changes(&old[then].lines, &new[now].lines);
        if !own.is_empty() {
            difference.changed.push(ChangedSection {
                section: title,
                changes: own,
            });
        } else if !changes(&inherited(old, then), &inherited(new, now)).is_empty() {
            difference.inherits_changes.push(title);
        } else {
            difference.unaffected.push(title);
        }
    }
    let gone = before.0.keys().filter(|key| !after.0.contains_key(*key));
    let gone = gone.map(|key| old[before.0[key]].title());
    difference.removed.extend(gone);
    difference
}

/// Sections by kind, name, and number among those of the same: there may be several `global`.
struct Index<'s>(BTreeMap<(&'s str, &'s str, usize), usize>);

impl<'s> Index<'s> {
    fn new(sections: &'s [Section]) -> Self {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut index = BTreeMap::new();
        for (position, section) in sections.iter().enumerate() {
            let key = (section.kind.as_str(), section.name.as_str());
            let count = counts.entry(key).or_default();
            index.insert((key.0, key.1, *count), position);
            *count += 1;
        }
        Self(index)
    }
}

/// All lines that a section inherits, the farthest first.
fn inherited(sections: &[Section], of: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut next = sections[of].inherits;
    // `defaults` inherit from those above only, so this ends.
    while let Some(section) = next.and_then(|index| sections.get(index)) {
        lines.splice(0..0, section.lines.iter().cloned());
        next = section.inherits.filter(|index| Some(*index) < next);
    }
    lines
}

fn changes(old: &[Line], new: &[Line]) -> Vec<Change> {
    let mut gone = but_for(old, new);
    let mut come = but_for(new, old);
    let mut found = Vec::new();
    // A server, a timeout, an option; then what is said once in a section.
    for words in [2, 1] {
        found.extend(pairs(&mut gone, &mut come, words));
    }
    let added = |new: &Line| Change::Added { new: new.clone() };
    found.extend(come.into_iter().map(added));
    found.extend(reordered(old, new));
    found.sort_by_key(Change::place);
    let removed = |old: &Line| Change::Removed { old: old.clone() };
    found.extend(gone.into_iter().map(removed));
    found
}

impl Change {
    /// The file and the line of what is new.
    fn place(&self) -> (String, u32) {
        let location = match self {
            Self::Added { new } | Self::Changed { new, .. } | Self::Reordered { new, .. } => {
                &new.location
            }
            Self::Removed { old } => &old.location,
        };
        (location.file.to_string(), location.line)
    }
}

/// The lines that the others do not have, or not so often.
fn but_for<'l>(lines: &'l [Line], others: &[Line]) -> Vec<&'l Line> {
    let mut left: BTreeMap<&[String], usize> = BTreeMap::new();
    for other in others {
        *left.entry(&other.words).or_default() += 1;
    }
    let is_new = |line: &&Line| match left.get_mut(line.words.as_slice()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    lines.iter().filter(is_new).collect()
}

/// Takes out what is the same line with another value: one line that is gone and one that has come
/// which begin with the same words, and no other does.
fn pairs(gone: &mut Vec<&Line>, come: &mut Vec<&Line>, words: usize) -> Vec<Change> {
    let key = |line: &Line| line.words.get(..words).map(<[String]>::to_vec);
    let count = |lines: &[&Line]| {
        let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for key in lines.iter().filter_map(|line| key(line)) {
            *counts.entry(key).or_default() += 1;
        }
        counts
    };
    let (before, after) = (count(gone), count(come));
    let once = before.iter().filter(|(_, count)| **count == 1);
    let once = once.filter(|(key, _)| after.get(*key) == Some(&1));
    let keys: BTreeSet<_> = once.map(|(key, _)| key.clone()).collect();
    let take = |lines: &mut Vec<&Line>| -> BTreeMap<Vec<String>, Line> {
        let is_taken = |line: &mut &Line| key(line).is_some_and(|key| keys.contains(&key));
        let taken = lines.extract_if(.., is_taken);
        taken
            .filter_map(|line| Some((key(line)?, line.clone())))
            .collect()
    };
    let (old, new) = (take(gone), take(come));
    let both = old.into_values().zip(new.into_values());
    both.map(|(old, new)| Change::Changed { old, new })
        .collect()
}

/// Keywords whose lines stand in another order, as far as they are there before and after.
fn reordered(old: &[Line], new: &[Line]) -> Vec<Change> {
    let mut found = Vec::new();
    for keyword in ORDERED {
        let before = kept(old, new, keyword);
        let after = kept(new, old, keyword);
        let elsewhere = before.iter().zip(&after);
        let mut elsewhere = elsewhere.filter(|(old, new)| old.words != new.words);
        if let Some((_, new)) = elsewhere.next() {
            found.push(Change::Reordered {
                keyword: (*keyword).to_owned(),
                new: (*new).clone(),
            });
        }
    }
    found
}

/// The lines with this keyword that the others have as well.
fn kept<'l>(lines: &'l [Line], others: &[Line], keyword: &str) -> Vec<&'l Line> {
    let missing = but_for(lines, others);
    let is_missing = |line: &Line| missing.iter().any(|it| std::ptr::eq(*it, line));
    let with_keyword = lines.iter().filter(|line| line.words[0] == keyword);
    with_keyword.filter(|line| !is_missing(line)).collect()
}
