//! What became of reloads: processes taken over from, and their sessions.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// Counts since the service began: what this process took over counts on.
#[derive(Debug, Default)]
pub struct Handovers {
    completed: AtomicU64,
    failed: AtomicU64,
    moved: AtomicU64,
    left: AtomicU64,
    last_micros: AtomicU64,
}

/// All of it at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HandoverCounts {
    /// Processes taken over from.
    pub completed: u64,
    /// Times that came to nothing: the old process kept its sessions.
    pub failed: u64,
    /// Sessions taken over.
    pub moved: u64,
    /// Sessions that stayed in the old process.
    pub left: u64,
    /// How long the last one took.
    pub last: Duration,
}

impl Handovers {
    /// Everything was taken over but `left` sessions.
    pub fn complete(&self, moved: usize, left: usize, took: Duration) {
        self.completed.fetch_add(1, Relaxed);
        self.moved.fetch_add(moved as u64, Relaxed);
        self.left.fetch_add(left as u64, Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.last_micros.store(micros, Relaxed);
    }

    /// Nothing was taken over.
    pub fn fail(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// All of it now.
    #[must_use]
    pub fn counts(&self) -> HandoverCounts {
        HandoverCounts {
            completed: self.completed.load(Relaxed),
            failed: self.failed.load(Relaxed),
            moved: self.moved.load(Relaxed),
            left: self.left.load(Relaxed),
            last: Duration::from_micros(self.last_micros.load(Relaxed)),
        }
    }

    /// What processes before this one counted comes first.
    pub fn continue_from(&self, before: HandoverCounts) {
        self.completed.fetch_add(before.completed, Relaxed);
        self.failed.fetch_add(before.failed, Relaxed);
        self.moved.fetch_add(before.moved, Relaxed);
        self.left.fetch_add(before.left, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_go_on_in_the_next_process() {
        let (first, second) = (Handovers::default(), Handovers::default());
        first.complete(3, 1, Duration::from_millis(5));
        first.fail();
        second.continue_from(first.counts());
        second.complete(2, 0, Duration::from_millis(7));
        let counts = second.counts();
        assert_eq!((counts.completed, counts.failed), (2, 1));
        assert_eq!((counts.moved, counts.left), (5, 1));
        assert_eq!(counts.last, Duration::from_millis(7));
    }
}
