//! How often the process may say the same thing.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lets one pass a second, whichever thread comes first.
#[derive(Debug, Default)]
pub struct Pace(Mutex<Option<Instant>>);

const PAUSE: Duration = Duration::from_secs(1);

impl Pace {
    /// Whether it may be said now; then not again for a second.
    pub fn allows(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recently = last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE);
        if !recently {
            *last = Some(now);
        }
        !recently
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_passes_a_second() {
        let pace = Pace::default();
        let start = Instant::now();
        assert!(pace.allows(start));
        assert!(!pace.allows(start + Duration::from_millis(999)));
        assert!(pace.allows(start + PAUSE));
        // The clock of another thread may be a little behind.
        assert!(!pace.allows(start));
    }
}
