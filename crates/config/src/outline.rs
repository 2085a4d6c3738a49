//! Files as they are written: sections and their lines, after variables, conditions, definitions and
//! includes were resolved. What a line means is the models' business; what has changed from one
//! version of a file to the next is best told in its own words.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::source::{Location, Sources, Word};

/// A section, or a block that stands in no other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The word that it begins with.
    pub kind: String,
    /// Its name; empty if it has none.
    pub name: String,
    /// Where it begins.
    pub location: Location,
    /// Whose lines count as well: `defaults`, by their index among the sections.
    pub inherits: Option<usize>,
    /// What it says; of blocks inside of it, each line with all words that lead there.
    pub lines: Vec<Line>,
}

/// A line that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its words, without quotes.
    pub words: Vec<String>,
    /// Where it stands.
    pub location: Location,
}

impl Section {
    /// Kind and name.
    #[must_use]
    pub fn title(&self) -> String {
        if self.name.is_empty() {
            self.kind.clone()
        } else {
            format!("{} {}", self.kind, self.name)
        }
    }
}

impl Line {
    /// A line of these words, which are at least one.
    pub(crate) fn new<'w>(
        words: impl IntoIterator<Item = &'w Word>,
        sources: &Sources,
    ) -> Option<Self> {
        let words: Vec<_> = words.into_iter().collect();
        let last = words.last()?;
        Some(Self {
            location: sources.location(last.span),
            words: words.iter().map(|word| word.text.clone()).collect(),
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

/// `{"text": …, "file": …, "line": …}`.
impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("Line", 3)?;
        line.serialize_field("text", &self.to_string())?;
        line.serialize_field("file", &*self.location.file)?;
        line.serialize_field("line", &self.location.line)?;
        line.end()
    }
}
