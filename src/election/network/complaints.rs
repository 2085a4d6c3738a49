//! Faults that last are told once, not each time they are met.

use std::{collections::BTreeMap, fmt::Display};

use crate::election::log::{Level, Log};

/// What was complained about, by what it concerns.
#[derive(Debug)]
pub(super) struct Complaints {
    log: Log,
    open: BTreeMap<String, String>,
}

/// Whoever forges senders must not make us remember them all.
const MOST: usize = 128;

impl Complaints {
    pub(super) const fn new(log: Log) -> Self {
        Self {
            log,
            open: BTreeMap::new(),
        }
    }

    /// Tells it, unless this was the last that was told of the same thing.
    pub(super) fn once(&mut self, about: &str, what: impl Display) {
        let what = what.to_string();
        if self.open.get(about) == Some(&what) {
            return;
        }
        self.log.line(Level::Error, &what);
        self.open.insert(about.to_owned(), what);
    }

    /// Tells it if nothing was told of the same thing; others can make these up, so there is a
    /// limit to them.
    pub(super) fn first(&mut self, about: &str, what: impl Display) {
        if self.open.len() < MOST && !self.open.contains_key(about) {
            self.once(about, what);
        }
    }

    /// It is well again: the next fault is worth telling.
    pub(super) fn settle(&mut self, about: &str) {
        self.open.remove(about);
    }

    /// What is no fault.
    pub(super) fn mention(&self, level: Level, what: impl Display) {
        self.log.line(level, what);
    }
}
