//! Access lists: tests on samples, and the conditions made of them
//! (HAProxy configuration manual, chapter 7).

use std::sync::Arc;

use ipnet::IpNet;

use crate::sample::{Expression, Facts, Sampled};

/// One `acl` line, or one anonymous `{ … }`: a sample and what it must match.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What is asked.
    pub sample: Expression,
    /// What it must be; any pattern is enough. Empty: the value itself must be true.
    pub patterns: Vec<Pattern>,
    /// `-i`: letters match whatever their case.
    pub ignore_case: bool,
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
    /// `-m dom`: a run of whole labels between dots.
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
    /// Evaluates the condition.
    #[must_use]
    pub fn evaluate(&self, _facts: &dyn Facts) -> Verdict {
        todo!()
    }
}

impl Test {
    /// Evaluates one test on an already taken sample.
    #[must_use]
    pub fn matches(&self, _sampled: &Sampled) -> Verdict {
        todo!()
    }
}
