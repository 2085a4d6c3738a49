//! What is going to happen, in the order of time; of two things at once, what was planned first.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    time::Duration,
};

/// Plans.
pub(crate) struct Queue<T> {
    plans: BinaryHeap<Reverse<Plan<T>>>,
    made: u64,
}

struct Plan<T> {
    at: Duration,
    number: u64,
    what: T,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self {
            plans: BinaryHeap::new(),
            made: 0,
        }
    }

    pub(crate) fn plan(&mut self, at: Duration, what: T) {
        self.made += 1;
        let number = self.made;
        self.plans.push(Reverse(Plan { at, number, what }));
    }

    /// What comes next, and when.
    pub(crate) fn next(&mut self) -> Option<(Duration, T)> {
        let Reverse(Plan { at, what, .. }) = self.plans.pop()?;
        Some((at, what))
    }
}

impl<T> PartialEq for Plan<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Plan<T> {}

impl<T> PartialOrd for Plan<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Plan<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
