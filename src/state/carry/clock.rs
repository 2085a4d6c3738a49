//! Instants, as another process understands them.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The zero of all moments, the same in both processes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zero(pub(super) Instant);

/// Nanoseconds since the zero; less than none if it was before. That is enough for 292 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp(i64);

impl Zero {
    /// When that was.
    pub(super) fn stamp(self, instant: Instant) -> Stamp {
        let nanos = |length: Duration| i64::try_from(length.as_nanos()).unwrap_or(i64::MAX);
        Stamp(match instant.checked_duration_since(self.0) {
            Some(since) => nanos(since),
            None => -nanos(self.0.saturating_duration_since(instant)),
        })
    }

    /// The instant of that.
    pub(super) fn instant(self, stamp: Stamp) -> Instant {
        let length = Duration::from_nanos(stamp.0.unsigned_abs());
        let instant = if stamp.0 < 0 {
            self.0.checked_sub(length)
        } else {
            self.0.checked_add(length)
        };
        instant.unwrap_or(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_before_or_after_zero_comes_back() {
        let zero = Zero(Instant::now());
        let hour = Duration::from_secs(3600);
        for instant in [zero.0, zero.0 + hour, zero.0.checked_sub(hour).unwrap()] {
            assert_eq!(zero.instant(zero.stamp(instant)), instant);
        }
    }

    #[test]
    fn no_number_is_beyond_time() {
        let zero = Zero(Instant::now());
        zero.instant(Stamp(i64::MIN));
        zero.instant(Stamp(i64::MAX));
    }
}
