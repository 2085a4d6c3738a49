//! When to look again.

use std::time::{Duration, Instant};

use super::later;
use crate::floating_ip::settings::Settings;

/// The first look after something has changed; each further one takes twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// So long after a node has become master, or has heard a rival, it looks more often; one
/// `call_timeout` more, and the last call of a rival has landed or never will.
const WATCH: Duration = Duration::from_secs(8);

/// The next look of a master that has the address: 1, 2, 4 and 8 s after it became master, until a
/// rival's last call has landed, then every `verify_interval`.
pub(super) fn of_a_holder(watch_since: Instant, settings: &Settings, now: Instant) -> Instant {
    let usual = later(now, settings.verify_interval);
    doubling(watch_since, watch(settings), now).map_or(usual, |at| at.min(usual))
}

/// Whether it looks as seldom as ever again.
pub(super) fn watch_is_over(watch_since: Instant, settings: &Settings, now: Instant) -> bool {
    later(watch_since, watch(settings)) <= now
}

fn watch(settings: &Settings) -> Duration {
    WATCH.saturating_add(settings.call_timeout)
}

/// The next look while the provider may not show yet what it has agreed to: 1, 2, 4 … s after it
/// has, and when it is not waited for any longer.
pub(super) fn of_the_unseen(agreed_at: Instant, settings: &Settings, now: Instant) -> Instant {
    doubling(agreed_at, settings.call_timeout, now).unwrap_or(now)
}

/// Whether the provider may still show what was before it agreed: its answers lag behind.
pub(super) fn may_be_stale(agreed_at: Instant, settings: &Settings, now: Instant) -> bool {
    now < later(agreed_at, settings.call_timeout)
}

/// The first of 1, 2, 4 … s and `end` after `begin` that is yet to come.
fn doubling(begin: Instant, end: Duration, now: Instant) -> Option<Instant> {
    let mut wait = FIRST;
    while wait < end && later(begin, wait) <= now {
        wait = wait.saturating_mul(2);
    }
    let at = later(begin, wait.min(end));
    (at > now).then_some(at)
}
