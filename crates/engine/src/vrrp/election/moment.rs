//! What an instance needs to know of the world around it, and where its orders go.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::vrrp::{
    InstanceId,
    action::{Action, Hold, Report},
    settings,
};

/// How long a node that nobody has answered yet listens between its claim and its mastership.
pub(super) const CLAIM_WINDOW: Duration = Duration::from_millis(50);

/// How long a yielding master keeps the addresses.
pub(super) const GRACE: Duration = Duration::from_millis(20);

/// When a rival has let go for certain, and the neighbours are told once more.
const SETTLED_AFTER: Duration = Duration::from_millis(100);

/// One call of an instance.
pub(super) struct Moment<'a> {
    pub(super) now: Instant,
    pub(super) id: InstanceId,
    pub(super) file: &'a settings::Instance,
    /// Why our own proxy keeps it from preempting.
    pub(super) proxy_hold: Option<Hold>,
    /// Another member of its group hears a living master that it must not contradict, or has just
    /// heard it; until then.
    pub(super) deferring_until: Option<Instant>,
    pub(super) orders: &'a mut VecDeque<Action>,
}

impl Moment<'_> {
    pub(super) fn order(&mut self, action: Action) {
        self.orders.push_back(action);
    }

    pub(super) fn report(&mut self, report: Report) {
        self.order(Action::Report(report));
    }

    pub(super) fn announce(&mut self, repeat: u32) {
        if repeat > 0 {
            let instance = self.id;
            self.order(Action::Announce { instance, repeat });
        }
    }

    pub(super) fn settled_after(&self) -> Duration {
        SETTLED_AFTER.min(self.file.interval)
    }

    /// Times that are short beside the interval.
    pub(super) fn short(&self, longest: Duration) -> Duration {
        longest.min(self.file.interval / 2)
    }
}
