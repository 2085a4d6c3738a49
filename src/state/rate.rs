//! Events per second over a sliding second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts events of the current and the previous second.
///
/// The rate is the current second's count plus the share of the previous second's that still
/// lies within the last 1,000 ms. A mutex suffices: it is taken once per connection.
#[derive(Debug, Default)]
pub struct Rate(Mutex<Window>);

#[derive(Debug, Default, Clone, Copy)]
struct Window {
    began: Option<Instant>,
    current: u32,
    previous: u32,
    most: u32,
}

const SECOND: Duration = Duration::from_secs(1);

impl Rate {
    /// One more event; returns the rate with it.
    pub fn count(&self, now: Instant) -> u32 {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.slide(now);
        window.current = window.current.saturating_add(1);
        let rate = window.rate(now);
        window.most = window.most.max(rate);
        rate
    }

    /// Events within the last second.
    #[must_use]
    pub fn get(&self, now: Instant) -> u32 {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.slide(now);
        window.rate(now)
    }

    /// The highest rate there ever was.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).most
    }
}

impl Window {
    fn slide(&mut self, now: Instant) {
        let Some(began) = self.began else {
            self.began = Some(now);
            return;
        };
        let elapsed = now.saturating_duration_since(began);
        if elapsed < SECOND {
            return;
        }
        let skipped = elapsed.as_secs();
        self.previous = if skipped == 1 { self.current } else { 0 };
        self.current = 0;
        self.began = began.checked_add(Duration::from_secs(skipped));
    }

    fn rate(&self, now: Instant) -> u32 {
        let into = self
            .began
            .map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        let left = SECOND.saturating_sub(into).as_millis();
        let share = u128::from(self.previous) * left / 1000;
        self.current
            .saturating_add(u32::try_from(share).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_fades_over_one_second() {
        let rate = Rate::default();
        let start = Instant::now();
        for _ in 0..10 {
            rate.count(start);
        }
        assert_eq!(rate.get(start), 10);
        assert_eq!(rate.get(start + Duration::from_millis(1500)), 5);
        assert_eq!(rate.get(start + Duration::from_millis(2500)), 0);
        assert_eq!(rate.most(), 10);
    }
}
