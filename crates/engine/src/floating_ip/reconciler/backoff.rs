//! Longer and longer waits.

use std::time::Duration;

use super::A_DAY;
use crate::{floating_ip::settings::Settings, splitmix::SplitMix};

/// Exponential backoff with full jitter: anything up to a limit that doubles each time. Nodes that
/// failed together do not come back together.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// One more failure: how long to wait.
    pub(super) fn next(&mut self, settings: &Settings, dice: &mut SplitMix) -> Duration {
        let doubled = 1_u32.checked_shl(self.attempts).unwrap_or(u32::MAX);
        let limit = settings.backoff_first.saturating_mul(doubled);
        self.attempts = self.attempts.saturating_add(1);
        up_to(limit.min(settings.backoff_longest), dice)
    }

    /// Failures in a row.
    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// All is well again.
    pub(super) const fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// Anything between nothing and `limit`.
fn up_to(limit: Duration, dice: &mut SplitMix) -> Duration {
    let nanoseconds = limit.min(A_DAY).as_nanos();
    let drawn = (u128::from(dice.next()) * nanoseconds) >> 64;
    Duration::from_nanos(u64::try_from(drawn).unwrap_or(u64::MAX))
}
