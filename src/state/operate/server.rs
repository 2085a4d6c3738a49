//! What can be changed of one server.

use std::{net::IpAddr, time::Instant};

use pontoon_engine::{
    backend::{Channel, HealthRuling},
    server::AdminState,
    termination::Cause,
    units::Weight,
};

use super::{Refusal, ServerAt, WeightChange};
use crate::state::Running;

/// A change of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerChange {
    /// `set server … state`, `enable server`, `disable server`.
    State(AdminState),
    /// `set weight`, `set server … weight`.
    Weight(WeightChange),
    /// `set maxconn server`; 0: no limit.
    Limit(u32),
    /// `set server … health`.
    Health(HealthRuling),
    /// `set server … agent up` (true) or `down`.
    Agent(bool),
    /// `enable health` (true) or `disable health`.
    Checks(bool),
    /// `enable agent` (true) or `disable agent`.
    AgentChecks(bool),
    /// `set server … check-addr`, `check-port`.
    CheckAddress(ProbeAddress),
    /// `set server … agent-addr`, `agent-port`.
    AgentAddress(ProbeAddress),
    /// `set server … agent-send`.
    AgentSend(Vec<u8>),
}

/// Where a probe goes from now on; `None`: where it went before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProbeAddress {
    /// The address.
    pub address: Option<IpAddr>,
    /// The port; 0: the server's own.
    pub port: Option<u16>,
}

impl Running {
    /// Changes a server.
    ///
    /// # Errors
    /// This server cannot be changed so.
    pub fn change_server(
        &self,
        at: ServerAt,
        change: ServerChange,
        channel: Channel,
        now: Instant,
    ) -> Result<(), Refusal> {
        match change {
            ServerChange::State(state) => {
                self.rule(at, now, |balancer, server| {
                    balancer.set_admin_from(channel, server, state, now);
                });
                Ok(())
            }
            ServerChange::Weight(weight) => self.set_weight(at, weight, now),
            ServerChange::Limit(limit) => {
                self.rule(at, now, |balancer, server| {
                    balancer.set_max_connections(server, limit, now);
                });
                Ok(())
            }
            ServerChange::Health(ruling) => self.rule_health(at, ruling, channel, now),
            ServerChange::Agent(up) => self.rule_agent(at, up, channel, now),
            ServerChange::Checks(on) => self.switch_checks(at, on, now),
            ServerChange::AgentChecks(on) => self.switch_agent(at, on, now),
            ServerChange::CheckAddress(to) => self.move_checks(at, to),
            ServerChange::AgentAddress(to) => self.move_agent(at, to),
            ServerChange::AgentSend(text) => self.change_question(at, text),
        }
    }

    /// Whether a server is configured to be checked, even if its checks are switched off.
    #[must_use]
    pub fn has_checks(&self, at: ServerAt) -> bool {
        let server = self.server_at(at);
        server.is_some_and(|(server, ..)| server.settings.health.is_some())
    }

    /// Whether a server has an agent, even if that is switched off.
    #[must_use]
    pub fn has_agent(&self, at: ServerAt) -> bool {
        self.server_at(at)
            .is_some_and(|(server, ..)| server.agent.is_some())
    }

    /// `get weight`: the weight now, and that of the file.
    #[must_use]
    pub fn weights(&self, at: ServerAt, now: Instant) -> Option<(Weight, Weight)> {
        let balancer = self.backend(at.backend)?.balancer();
        let weight = balancer.server_view(at.server, now).weight;
        Some((weight, balancer.weight_of_file(at.server)))
    }

    /// `shutdown sessions server`: ends all that are on this server.
    pub fn shut_down_sessions(&self, at: ServerAt) {
        self.end_sessions(at.backend, Some(at.server), Cause::Killed);
    }

    fn rule(
        &self,
        at: ServerAt,
        now: Instant,
        change: impl FnOnce(&mut pontoon_engine::backend::Backend, pontoon_engine::units::ServerId),
    ) {
        self.with_backend(at.backend, now, |balancer| change(balancer, at.server));
    }

    fn set_weight(&self, at: ServerAt, weight: WeightChange, now: Instant) -> Result<(), Refusal> {
        let set = self.with_backend(at.backend, now, |balancer| {
            let configured = balancer.weight_of_file(at.server);
            if !balancer.has_free_weights() && !weight.is_all_or_nothing(configured) {
                return Err(Refusal::StaticWeights);
            }
            balancer.set_weight(at.server, weight.of(configured), now);
            Ok(())
        });
        self.readiness_changed.notify_one();
        set.unwrap_or(Err(Refusal::NoSuchBackend))
    }

    fn rule_health(
        &self,
        at: ServerAt,
        ruling: HealthRuling,
        channel: Channel,
        now: Instant,
    ) -> Result<(), Refusal> {
        let (server, ..) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        if server.track.is_some() {
            return Err(Refusal::Tracks);
        }
        self.rule(at, now, |balancer, server| {
            balancer.rule_health(channel, server, ruling, now);
        });
        Ok(())
    }

    fn rule_agent(
        &self,
        at: ServerAt,
        up: bool,
        channel: Channel,
        now: Instant,
    ) -> Result<(), Refusal> {
        let (server, state, _) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        if server.agent.is_none() || !state.balancer().asks_agent(at.server) {
            return Err(Refusal::NoAgent);
        }
        self.rule(at, now, |balancer, server| {
            balancer.rule_agent(channel, server, up, now);
        });
        Ok(())
    }

    fn switch_checks(&self, at: ServerAt, on: bool, now: Instant) -> Result<(), Refusal> {
        let (server, _, state) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        if server.settings.health.is_none() {
            // There is nothing to be switched off, and that is what was asked for.
            return if on {
                Err(Refusal::CannotEnableChecks)
            } else {
                Ok(())
            };
        }
        self.rule(at, now, |balancer, server| {
            balancer.switch_checks(server, on)
        });
        state.state_changed.notify_one();
        self.readiness_changed.notify_one();
        Ok(())
    }

    fn switch_agent(&self, at: ServerAt, on: bool, now: Instant) -> Result<(), Refusal> {
        let (server, _, state) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        if server.agent.is_none() {
            return if on {
                Err(Refusal::CannotEnableAgent)
            } else {
                Ok(())
            };
        }
        self.rule(at, now, |balancer, server| {
            balancer.switch_agent(server, on)
        });
        state.agent_changed.notify_one();
        Ok(())
    }

    fn move_checks(&self, at: ServerAt, to: ProbeAddress) -> Result<(), Refusal> {
        let (server, _, state) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        if server.check.is_none() {
            return Err(Refusal::NoChecks);
        }
        state.whereabouts.change(|moved| {
            moved.check_address = to.address.or(moved.check_address);
            moved.check_port = to.port.or(moved.check_port);
        });
        Ok(())
    }

    fn move_agent(&self, at: ServerAt, to: ProbeAddress) -> Result<(), Refusal> {
        let (server, _, state) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        if server.agent.is_none() {
            return Err(Refusal::NoAgentToMove);
        }
        state.whereabouts.change(|moved| {
            moved.agent_address = to.address.or(moved.agent_address);
            moved.agent_port = to.port.or(moved.agent_port);
        });
        Ok(())
    }

    fn change_question(&self, at: ServerAt, text: Vec<u8>) -> Result<(), Refusal> {
        let (server, _, state) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        if server.agent.is_none() {
            return Err(Refusal::NoAgent);
        }
        state
            .whereabouts
            .change(|moved| moved.agent_send = Some(text));
        Ok(())
    }
}
