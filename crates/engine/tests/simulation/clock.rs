//! A node's clock, which runs too fast or too slow.

use std::time::{Duration, Instant};

/// True time is told in `Duration`s since the beginning of the run, a node's own in `Instant`s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    begin: Instant,
    /// Parts per million that it runs too fast.
    too_fast: i32,
}

impl Clock {
    pub(crate) const fn new(begin: Instant, too_fast: i32) -> Self {
        Self { begin, too_fast }
    }

    /// What the node's clock shows at a true time.
    pub(crate) fn shows(&self, at: Duration) -> Instant {
        self.begin + at.mul_f64(self.rate())
    }

    /// When the node's clock will have reached what it is waiting for.
    pub(crate) fn reaches(&self, deadline: Instant) -> Duration {
        let wait = deadline.saturating_duration_since(self.begin);
        let mut at = wait.div_f64(self.rate());
        while self.shows(at) < deadline {
            at += Duration::from_nanos(50);
        }
        at
    }

    fn rate(&self) -> f64 {
        1.0 + f64::from(self.too_fast) / 1e6
    }
}
