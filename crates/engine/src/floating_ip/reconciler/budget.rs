//! How many calls may be made, whatever happens: over all masterships of a node.

use std::time::{Duration, Instant};

use super::later;
use crate::floating_ip::settings::Settings;

/// A bucket that holds `burst` tokens and gets one more every `refill`; and the provider's word.
///
/// It is kept as the time at which the bucket is full again.
#[derive(Debug)]
pub(super) struct Budget {
    full_at: Option<Instant>,
    not_before: Option<Instant>,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self {
            full_at: None,
            not_before: None,
        }
    }

    /// When the next call may start: `now`, or later.
    pub(super) fn ready_at(&self, settings: &Settings, now: Instant) -> Instant {
        let missing = self
            .full_at
            .map_or(Duration::ZERO, |full| full.saturating_duration_since(now));
        let others = settings.refill.saturating_mul(settings.burst.max(1) - 1);
        let ready = later(now, missing.saturating_sub(others));
        ready.max(self.not_before.unwrap_or(now))
    }

    /// A call starts.
    pub(super) fn take(&mut self, settings: &Settings, now: Instant) {
        let empty_from = self.full_at.map_or(now, |full| full.max(now));
        self.full_at = Some(later(empty_from, settings.refill));
    }

    /// The provider has said when the next call is welcome.
    pub(super) fn hold_until(&mut self, welcome: Instant) {
        self.not_before = self.not_before.max(Some(welcome));
    }
}
