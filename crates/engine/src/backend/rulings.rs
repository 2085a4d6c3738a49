//! What an administrator rules while the process runs.

use std::time::Instant;

use super::{Backend, LimitMemory, Reason, member::Member, queue::Line};
use crate::{
    server::AdminState,
    units::{ServerId, Weight},
};

/// Where an administrator spoke; the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The runtime socket: `changed from CLI`.
    Socket,
    /// The statistics page: `changed from Web interface`.
    Page,
    /// The statistics page, with one of its older words: `('stop' on stats page)`.
    PageWord(&'static str),
}

/// `set server … health`: what checks are taken to have said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthRuling {
    /// They pass.
    Up,
    /// They pass for a server that wants to stop.
    Stopping,
    /// They fail.
    Down,
}

impl Backend {
    /// An administrator changes the state, at the runtime socket.
    pub fn set_admin(&mut self, server: ServerId, state: AdminState, now: Instant) {
        self.set_admin_from(Channel::Socket, server, state, now);
    }

    /// An administrator changes the state.
    pub fn set_admin_from(
        &mut self,
        channel: Channel,
        server: ServerId,
        state: AdminState,
        now: Instant,
    ) {
        self.change(server, Reason::Admin(channel), now, |member, _| {
            member.set_admin(state);
            member.agent_chose = false;
        });
    }

    /// An administrator changes the weight.
    pub fn set_weight(&mut self, server: ServerId, weight: Weight, now: Instant) {
        self.members[server.index()].weight = weight;
        self.reshare(now);
    }

    /// An administrator changes `maxconn`; 0: no limit. Those who wait may get in at once.
    pub fn set_max_connections(&mut self, server: ServerId, limit: u32, now: Instant) {
        self.members[server.index()].limit = Some(LimitMemory {
            most: limit,
            by_agent: false,
        });
        self.reshare(now);
    }

    /// An administrator overrules the checks. Where there are any that are not switched off, the
    /// next one has its own word again.
    pub fn rule_health(
        &mut self,
        channel: Channel,
        server: ServerId,
        ruling: HealthRuling,
        now: Instant,
    ) {
        self.change(server, Reason::Admin(channel), now, |member, _| {
            member.be_ruled(ruling);
        });
    }

    /// An administrator overrules the agent.
    pub fn rule_agent(&mut self, channel: Channel, server: ServerId, up: bool, now: Instant) {
        self.change(server, Reason::Admin(channel), now, |member, _| {
            member.agent_down = !up;
        });
    }

    /// Switches the checks of a server off, or on again. Off, they leave its state as it is.
    pub fn switch_checks(&mut self, server: ServerId, on: bool) {
        self.members[server.index()].checks_off = !on;
    }

    /// Switches the agent of a server off, or on again. Off, it leaves the state as it is.
    pub fn switch_agent(&mut self, server: ServerId, on: bool) {
        self.members[server.index()].agent_off = !on;
    }

    /// Whether the agent of this server may be asked.
    #[must_use]
    pub fn asks_agent(&self, server: ServerId) -> bool {
        !self.members[server.index()].agent_off
    }

    /// Whether weights may be anything, not only none or all (HAProxy configuration manual, 4.2
    /// `balance`).
    #[must_use]
    pub fn has_free_weights(&self) -> bool {
        self.settings.algorithm.is_dynamic()
    }

    /// The weight of the file, which percentages refer to.
    #[must_use]
    pub fn weight_of_file(&self, server: ServerId) -> Weight {
        self.servers[server.index()].weight
    }

    /// Maxima begin anew at what is now.
    pub fn clear_maxima(&mut self) {
        for id in self.ids() {
            let queued = self.queue.length(Line::Server(id));
            let member = &mut self.members[id.index()];
            member.counts.sessions_max = member.sessions;
            member.counts.queued_max = queued;
        }
        self.queued_max = self.queue.length(Line::Backend);
    }

    /// All counts begin anew.
    pub fn clear_counts(&mut self) {
        for member in &mut self.members {
            member.counts = super::member::Counts::default();
        }
        self.outage.times = 0;
        self.clear_maxima();
    }
}

impl Member {
    fn be_ruled(&mut self, ruling: HealthRuling) {
        let up = ruling != HealthRuling::Down;
        match &mut self.counter {
            Some(counter) if up => counter.bring_up(),
            Some(counter) => counter.bring_down(),
            None => self.ruled_down = !up,
        }
        self.proven |= up;
        self.stopping = ruling == HealthRuling::Stopping;
    }
}
