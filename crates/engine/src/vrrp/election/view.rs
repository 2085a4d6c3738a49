//! An instance as it is seen from outside.

use std::time::Instant;

use super::{
    Election, Instance, InstanceId,
    state::{Delay, Lead, State},
};
use crate::vrrp::{action::Hold, view::InstanceView};

impl Election {
    /// One instance, as of the last event.
    ///
    /// # Panics
    ///
    /// If there is no such instance.
    #[must_use]
    pub fn instance(&self, id: InstanceId) -> InstanceView {
        let file = &self.settings.instances[id.0];
        let instance = &self.instances[id.0];
        let contributions = self
            .tracking
            .contributions(&self.settings, id, self.group_of[id.0]);
        let hold = self.hold_of(id);
        InstanceView {
            role: instance.state.role(),
            since: instance.since,
            reason: instance.reason,
            base_priority: file.priority,
            contributions: contributions
                .map(|(_, contribution)| contribution)
                .collect(),
            priority: instance.priority,
            hold,
            hold_ends: hold.and_then(|hold| self.end_of(hold, id)),
            switchover: instance.switchover(),
            master_down_at: instance.master_down_at(),
            master: instance.master(),
            peers: instance.acquaintances.peers(),
            counters: instance.counters,
        }
    }

    fn end_of(&self, hold: Hold, id: InstanceId) -> Option<Instant> {
        match (hold, &self.instances[id.0].state) {
            (Hold::Unstable(_), _) => self.proxy.deadline(),
            (Hold::PreemptDelay(_), State::Backup(listening)) => match listening.delay {
                Delay::Until(end) => Some(end),
                Delay::Unasked | Delay::Over => None,
            },
            (
                Hold::PreemptDelay(_) | Hold::NoPreempt | Hold::HandedOver | Hold::NoUsableServer,
                _,
            ) => None,
        }
    }

    /// Only a backup that knows no better master has anything to hold back from.
    fn hold_of(&self, id: InstanceId) -> Option<Hold> {
        let instance = &self.instances[id.0];
        let State::Backup(listening) = &instance.state else {
            return None;
        };
        if matches!(listening.lead, Lead::Heard(leader) if leader.priority >= instance.priority) {
            return None;
        }
        let file = &self.settings.instances[id.0];
        instance.hold(listening, file, self.proxy_hold(id), self.now)
    }
}

impl Instance {
    fn master_down_at(&self) -> Option<Instant> {
        match &self.state {
            State::Backup(listening) => Some(listening.master_down_at),
            State::Claiming { until, .. } => Some(*until),
            State::Init
            | State::Master(_)
            | State::Ceding { .. }
            | State::Yielding { .. }
            | State::Fault
            | State::Stopped => None,
        }
    }

    fn master(&self) -> Option<std::net::IpAddr> {
        match &self.state {
            State::Backup(listening) => match listening.lead {
                Lead::Heard(leader) => Some(leader.address),
                Lead::Unheard { .. } | Lead::Resigned | Lead::Unknown => None,
            },
            State::Init
            | State::Claiming { .. }
            | State::Master(_)
            | State::Ceding { .. }
            | State::Yielding { .. }
            | State::Fault
            | State::Stopped => None,
        }
    }
}
