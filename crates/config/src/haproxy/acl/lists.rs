//! Lists of patterns as the runtime socket knows them: by their numbers and files
//! (HAProxy management guide, 9.3, "show acl").

use std::{cell::RefCell, collections::HashSet};

use pontoon_engine::acl::{ListRef, Pattern};

use super::patterns::Match;
use crate::{
    diagnostic::Diagnostics,
    haproxy::expression::Type,
    source::{Location, Span, Word},
};

/// A list of patterns that can be changed while the process runs. What was loaded from one file is one
/// list, in however many tests it is used; what stands on a line is another.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternList {
    /// Its number: what `-u` says, or the lowest that is free.
    pub id: u32,
    /// The file it was loaded from; `None`: the patterns of one line.
    pub file: Option<String>,
    /// The lines that use it.
    pub uses: Vec<PatternUse>,
    /// Its patterns, as they were written.
    pub entries: Vec<String>,
    /// The ways its entries are understood. None: its criterion compares with nothing.
    pub readings: Vec<Reading>,
}

/// A line that uses a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternUse {
    /// What is compared, such as `src`.
    pub criterion: String,
    /// Where the line is.
    pub at: Location,
}

/// How one test understands an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub(super) matching: Match,
    pub(super) output: Type,
    pub(super) ignore_case: bool,
}

/// All lists of the files, as they are read.
#[derive(Debug, Default)]
pub(crate) struct PatternLists {
    found: RefCell<Vec<Draft>>,
}

#[derive(Debug)]
struct Draft {
    /// Where its first use begins; the list of a line comes behind those of its files.
    place: (Span, bool),
    id: Option<u32>,
    file: Option<String>,
    uses: Vec<PatternUse>,
    entries: Vec<String>,
    readings: Vec<Reading>,
}

impl PatternLists {
    /// The patterns of a file as one more test understands them.
    pub(super) fn file(
        &self,
        file: &str,
        entries: Vec<String>,
        used: (Span, PatternUse),
        reading: Reading,
    ) -> ListRef {
        let mut found = self.found.borrow_mut();
        let known = found.iter().position(|it| it.file.as_deref() == Some(file));
        let list = known.unwrap_or_else(|| {
            let mut draft = Draft::new((used.0, false), entries);
            draft.file = Some(file.to_owned());
            found.push(draft);
            found.len() - 1
        });
        found[list].uses.push(used.1);
        found[list].readings.push(reading);
        let reading = found[list].readings.len() - 1;
        ListRef { list, reading }
    }

    /// The patterns of one line. Without a reading they cannot be changed.
    pub(super) fn line(
        &self,
        id: Option<u32>,
        entries: Vec<String>,
        used: (Span, PatternUse),
        reading: Option<Reading>,
    ) -> ListRef {
        let mut found = self.found.borrow_mut();
        let mut draft = Draft::new((used.0, true), entries);
        draft.id = id;
        draft.uses.push(used.1);
        draft.readings.extend(reading);
        found.push(draft);
        ListRef {
            list: found.len() - 1,
            reading: 0,
        }
    }

    /// All of them, numbered.
    #[must_use]
    pub(crate) fn finish(self) -> Vec<PatternList> {
        let found = self.found.into_inner();
        let ids = numbers(&found);
        let lists = found.into_iter().zip(ids).map(|(draft, id)| PatternList {
            id,
            file: draft.file,
            uses: draft.uses,
            entries: draft.entries,
            readings: draft.readings,
        });
        lists.collect()
    }
}

/// Numbers in the order in which the lists are used first: the lowest that no `-u` has taken.
fn numbers(found: &[Draft]) -> Vec<u32> {
    let taken: HashSet<u32> = found.iter().filter_map(|it| it.id).collect();
    let mut free = (0..).filter(|id| !taken.contains(id));
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by_key(|&index| {
        let (span, of_line) = found[index].place;
        (span.file, span.start, of_line)
    });
    let mut ids = vec![0; found.len()];
    for index in order {
        ids[index] = found[index].id.or_else(|| free.next()).unwrap_or(u32::MAX);
    }
    ids
}

impl Draft {
    const fn new(place: (Span, bool), entries: Vec<String>) -> Self {
        Self {
            place,
            id: None,
            file: None,
            uses: Vec::new(),
            entries,
            readings: Vec::new(),
        }
    }
}

impl Reading {
    /// The patterns that an entry stands for. Names of hosts are not looked up.
    ///
    /// # Errors
    /// It cannot be understood so; in HAProxy's words where it has plain ones.
    pub fn read(&self, entry: &str) -> Result<Vec<Pattern>, String> {
        let mut findings = Diagnostics::default();
        let word = Word {
            text: entry.to_owned(),
            span: Span::default(),
        };
        let found =
            self.matching
                .patterns(&word, self.output, self.ignore_case, None, &mut findings);
        found.ok_or_else(|| match self.matching {
            Match::Ip => format!("'{entry}' is not a valid IPv4 or IPv6 address."),
            Match::Integer | Match::Length => format!("'{entry}' is not a number."),
            _ => {
                let first = findings.all().first();
                first.map_or_else(String::new, |finding| format!("{}.", finding.message))
            }
        })
    }
}
