//! Access lists: tests on samples, and the conditions made of them
//! (HAProxy configuration manual, chapter 7).

mod pattern;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ipnet::IpNet;

use crate::sample::{Expression, Facts, Sampled, Value};

/// One `acl` line, or one anonymous `{ … }`: a sample and what it must match.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What is asked.
    pub sample: Expression,
    /// What it must be; any pattern is enough. Empty, and of no list: the value itself must be true.
    pub patterns: Vec<Pattern>,
    /// `-i`: letters match whatever their case.
    pub ignore_case: bool,
    /// The list that the patterns are of, if they can change while the process runs.
    pub list: Option<ListRef>,
}

/// A list of patterns, and one of the ways in which its entries are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRef {
    /// The list, in the order of the files.
    pub list: usize,
    /// One list may be used by tests that compare in different ways.
    pub reading: usize,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// An integer in a range, both ends included; an open end is the type's limit.
    Range(i64, i64),
    /// An address in a network.
    Network(IpNet),
    /// `-m str`: the same text.
    Exact(Arc<[u8]>),
    /// `-m beg`.
    Prefix(Arc<[u8]>),
    /// `-m end`.
    Suffix(Arc<[u8]>),
    /// `-m sub`.
    Contains(Arc<[u8]>),
    /// `-m dom`: a run of whole labels between dots, colons, slashes or question marks.
    Domain(Arc<[u8]>),
    /// `-m dir`: a run of whole parts between slashes.
    Directory(Arc<[u8]>),
    /// `-m reg`; upper and lower case were settled when it was compiled.
    Regex(Regex),
    /// `-m found`: there is a value at all.
    Found,
    /// `-m bool`.
    Bool(bool),
    /// `-m len`: the length in a range.
    Length(i64, i64),
}

/// A compiled regular expression; two are equal if they were written alike.
#[derive(Debug, Clone)]
pub struct Regex(pub regex::bytes::Regex);

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// `if …` or `unless …`: any of several groups of terms that must all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// `unless`.
    pub unless: bool,
    /// Groups joined by `||`, each of terms joined by nothing.
    pub any_of: Vec<Vec<Term>>,
}

/// A named list, maybe negated.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// `!`.
    pub negated: bool,
    /// All `acl` lines of that name: any is enough.
    pub tests: Arc<[Test]>,
}

/// What a condition gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// More data is needed to say.
    NotYet,
}

impl Condition {
    /// Evaluates the condition. It waits for data only if its answer depends on them.
    #[must_use]
    pub fn evaluate(&self, facts: &dyn Facts) -> Verdict {
        let groups = self.any_of.iter();
        let any = any(groups.map(|group| all(group.iter().map(|term| term.evaluate(facts)))));
        if self.unless { any.negate() } else { any }
    }
}

impl Term {
    fn evaluate(&self, facts: &dyn Facts) -> Verdict {
        let tests = self.tests.iter();
        let verdict = any(tests.map(|test| test.evaluate(facts)));
        if self.negated {
            verdict.negate()
        } else {
            verdict
        }
    }
}

impl Test {
    fn evaluate(&self, facts: &dyn Facts) -> Verdict {
        let sampled = self.sample.sample(facts);
        match self.list.and_then(|list| facts.changed_patterns(list)) {
            Some(changed) => self.compare(&changed, &sampled),
            None => self.matches(&sampled),
        }
    }

    /// Evaluates one test on an already taken sample, with the patterns of the file.
    #[must_use]
    pub fn matches(&self, sampled: &Sampled) -> Verdict {
        self.compare(&self.patterns, sampled)
    }

    /// A value that may change still says yes at once, but no only when it is final.
    fn compare(&self, patterns: &[Pattern], sampled: &Sampled) -> Verdict {
        match sampled {
            Sampled::Value(value) if self.is_one_of(patterns, value) => Verdict::Yes,
            Sampled::Changing(value) if self.is_one_of(patterns, value) => Verdict::Yes,
            Sampled::Value(_) | Sampled::Missing => Verdict::No,
            Sampled::Changing(_) | Sampled::NotYet => Verdict::NotYet,
        }
    }

    fn is_one_of(&self, patterns: &[Pattern], value: &Value) -> bool {
        if patterns.is_empty() && self.list.is_none() {
            return value.as_bool() == Some(true);
        }
        let mut patterns = patterns.iter();
        patterns.any(|pattern| pattern.matches(value, self.ignore_case))
    }
}

impl Verdict {
    const fn negate(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::NotYet => Self::NotYet,
        }
    }
}

/// Yes as soon as one says yes; no only if all do.
fn any(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    all(verdicts.map(Verdict::negate)).negate()
}

/// No as soon as one says no; yes only if all do.
fn all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut waits = false;
    for verdict in verdicts {
        match verdict {
            Verdict::No => return Verdict::No,
            Verdict::NotYet => waits = true,
            Verdict::Yes => {}
        }
    }
    if waits { Verdict::NotYet } else { Verdict::Yes }
}
