//! What survives a reload beside sessions: health, administrative states, weights, rotation,
//! counters, maxima, averages, rates.
//!
//! Everything goes by name: what the new files name no longer is left out, and what they name for
//! the first time begins as it always does. Levels are not carried: sessions that move enter them
//! again. Nothing that is restored is told, since nothing has changed.

mod balancer;
mod clock;
pub(super) mod counted;
mod figures;
mod identity;
mod recent;
mod ruled;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::atomic::Ordering, time::Instant};

use pontoon_config::haproxy::model::{Frontend, Proxy, ServerSide};
use pontoon_engine::backend::Sameness;
use serde::{Deserialize, Serialize};

use self::{
    clock::Zero,
    counted::Counts,
    figures::{CarriedRate, CarriedTimes},
    identity::Identity,
    recent::{Checked, Events},
    ruled::{Moves, Ruled},
};
use super::{
    BackendState, FrontendState, FrontendStatus, ListenerState, ProcessState, Running, ServerState,
    handovers::HandoverCounts,
};
use crate::handover::wire::Bound;

/// What another process goes on from; the version of the handover is also that of this.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Carried {
    process: CarriedProcess,
    frontends: Vec<CarriedFrontend>,
    backends: Vec<CarriedBackend>,
    events: Events,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct CarriedProcess {
    sessions_max: u32,
    connections_total: u64,
    requests: u32,
    connection_rate: CarriedRate,
    session_rate: CarriedRate,
    handovers: HandoverCounts,
    limits: [Ruled; 3],
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct CarriedFrontend {
    name: String,
    counts: Counts,
    sessions_max: u32,
    log_lines: u32,
    connection_rate: CarriedRate,
    session_rate: CarriedRate,
    request_rate: CarriedRate,
    closed: Option<Closed>,
    limit: Ruled,
    listeners: Vec<CarriedListener>,
}

/// Why a frontend refuses connections. One that was shut down is not among them: there is no other
/// way to have it back than a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Closed {
    Disabled,
    Paused,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CarriedListener {
    bound: Bound,
    counts: Counts,
    sessions_max: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CarriedBackend {
    name: String,
    /// The name of its algorithm.
    algorithm: String,
    balancer: balancer::Whole,
    counts: Counts,
    /// How long checks took, by what came of them.
    checks: [Counts; 2],
    sessions_max: u32,
    session_rate: CarriedRate,
    times: CarriedTimes,
    last_session: u64,
    servers: Vec<CarriedServer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CarriedServer {
    name: String,
    #[serde(default)]
    moves: Moves,
    checked: Checked,
    identity: Identity,
    balancer: balancer::Server,
    counts: Counts,
    sessions_max: u32,
    session_rate: CarriedRate,
    times: CarriedTimes,
    last_session: u64,
}

impl Running {
    /// What another process must know to go on from here, at a moment when all sessions stand
    /// still.
    #[must_use]
    pub fn carry(&self, _now: Instant) -> Carried {
        let zero = Zero(self.process.started);
        let proxies = || self.model.proxies.iter().zip(&self.proxies);
        let frontends = proxies().filter_map(|(proxy, state)| {
            let (side, state) = (proxy.frontend.as_ref()?, state.frontend.as_ref()?);
            Some(CarriedFrontend::of(&proxy.name, side, state))
        });
        let backends = proxies().filter_map(|(proxy, state)| {
            let (side, state) = (proxy.backend.as_ref()?, state.backend.as_ref()?);
            Some(CarriedBackend::of(&proxy.name, side, state, zero))
        });
        Carried {
            process: CarriedProcess {
                limits: ruled::limits(&self.model.global, &self.process),
                ..CarriedProcess::of(&self.process)
            },
            frontends: frontends.collect(),
            backends: backends.collect(),
            events: Events::of(&self.timeline, &self.model),
        }
    }

    /// Goes on from there. To be called before anything is accepted, counted or checked, in a
    /// process whose time has the same zero.
    pub fn take_over(&self, carried: &Carried, now: Instant) {
        carried.process.restore(&self.process);
        ruled::restore_limits(&carried.process.limits, &self.model.global, &self.process);
        let shard = self.control_shard();
        let frontends: HashMap<_, _> = named(&carried.frontends, |it| &it.name);
        let backends: HashMap<_, _> = named(&carried.backends, |it| &it.name);
        for (proxy, state) in self.model.proxies.iter().zip(&self.proxies) {
            if let (Some(side), Some(state)) = (&proxy.frontend, &state.frontend)
                && let Some(old) = frontends.get(&*proxy.name)
            {
                old.restore(side, state, shard);
            }
            if let (Some(side), Some(state)) = (&proxy.backend, &state.backend)
                && let Some(old) = backends.get(&*proxy.name)
            {
                old.restore(self, side, state, now);
            }
        }
        self.resume_balancers(&backends, now);
        carried.events.restore(&self.timeline, &self.model);
        self.readiness_changed.notify_one();
    }

    /// After servers were given states that another process wrote to a file.
    pub(super) fn resume_from_files(&self, now: Instant) {
        self.resume_balancers(&HashMap::new(), now);
        self.readiness_changed.notify_one();
    }

    /// When each server stands where it stood: who tracks another follows that one, and rotations go
    /// on.
    fn resume_balancers(&self, backends: &HashMap<&str, &CarriedBackend>, now: Instant) {
        self.track_again(now);
        let zero = Zero(self.process.started);
        for Proxy {
            id, name, backend, ..
        } in &self.model.proxies
        {
            let Some(state) = self.backend(*id) else {
                continue;
            };
            match (backends.get(&**name), backend) {
                (Some(old), Some(side)) => old.resume(side, state, zero, now),
                _ => state.resume_anew(now),
            }
        }
    }
}

fn named<'a, T>(all: &'a [T], name: impl Fn(&'a T) -> &'a str) -> HashMap<&'a str, &'a T> {
    all.iter().map(|it| (name(it), it)).collect()
}

impl CarriedProcess {
    fn of(process: &ProcessState) -> Self {
        Self {
            sessions_max: process.sessions.most(),
            connections_total: process.connections_total.load(Ordering::Relaxed),
            requests: process.requests.load(Ordering::Relaxed),
            connection_rate: process.connection_rate.carry(),
            session_rate: process.session_rate.carry(),
            handovers: process.handovers.counts(),
            limits: [Ruled::default(); 3],
        }
    }

    fn restore(&self, process: &ProcessState) {
        process.sessions.remember(self.sessions_max);
        process
            .connections_total
            .store(self.connections_total, Ordering::Relaxed);
        process.requests.store(self.requests, Ordering::Relaxed);
        process.connection_rate.resume(self.connection_rate);
        process.session_rate.resume(self.session_rate);
        process.handovers.continue_from(self.handovers);
    }
}

impl CarriedFrontend {
    fn of(name: &str, side: &Frontend, state: &FrontendState) -> Self {
        let listeners = side.binds.iter().zip(&state.listeners);
        Self {
            name: name.to_owned(),
            counts: Counts::of(&state.counters),
            sessions_max: state.sessions.most(),
            log_lines: state.log_lines.load(Ordering::Relaxed),
            connection_rate: state.connection_rate.carry(),
            session_rate: state.session_rate.carry(),
            request_rate: state.request_rate.carry(),
            closed: Closed::of(*state.lock_status()),
            limit: Ruled::of(side.max_connections, state.limit.shown()),
            listeners: listeners
                .map(|(bind, state)| CarriedListener {
                    bound: Bound::from(bind),
                    counts: Counts::of(&state.counters),
                    sessions_max: state.sessions.most(),
                })
                .collect(),
        }
    }

    fn restore(&self, side: &Frontend, state: &FrontendState, shard: usize) {
        self.counts.restore(&state.counters, shard);
        state.sessions.remember(self.sessions_max);
        state.log_lines.store(self.log_lines, Ordering::Relaxed);
        state.connection_rate.resume(self.connection_rate);
        state.session_rate.resume(self.session_rate);
        state.request_rate.resume(self.request_rate);
        let known: HashMap<_, _> = self.listeners.iter().map(|it| (&it.bound, it)).collect();
        if let Some(closed) = self.closed {
            *state.lock_status() = closed.status();
        }
        if let Some(limit) = self.limit.under(side.max_connections) {
            state.limit.set(limit);
        }
        for (bind, listener) in side.binds.iter().zip(&state.listeners) {
            if let Some(old) = known.get(&Bound::from(bind)) {
                old.restore(listener, shard);
            }
        }
    }
}

impl Closed {
    const fn of(status: FrontendStatus) -> Option<Self> {
        match status {
            FrontendStatus::Disabled => Some(Self::Disabled),
            FrontendStatus::Paused => Some(Self::Paused),
            FrontendStatus::Open | FrontendStatus::Full | FrontendStatus::Stopped => None,
        }
    }

    const fn status(self) -> FrontendStatus {
        match self {
            Self::Disabled => FrontendStatus::Disabled,
            Self::Paused => FrontendStatus::Paused,
        }
    }
}

impl CarriedListener {
    fn restore(&self, state: &ListenerState, shard: usize) {
        self.counts.restore(&state.counters, shard);
        state.sessions.remember(self.sessions_max);
    }
}

impl CarriedBackend {
    fn of(name: &str, side: &ServerSide, state: &BackendState, zero: Zero) -> Self {
        let balancer = state.balancer();
        let servers = state.servers(side);
        Self {
            name: name.to_owned(),
            algorithm: side.settings.algorithm.name().to_owned(),
            balancer: balancer::Whole::of(&balancer.memory(), zero),
            counts: Counts::of(&state.counters),
            checks: state.checks.each_ref().map(Counts::of),
            sessions_max: state.sessions.most(),
            session_rate: state.session_rate.carry(),
            times: CarriedTimes::of(&state.times),
            last_session: state.last_session.load(Ordering::Relaxed),
            servers: servers
                .map(|(server, state)| CarriedServer {
                    name: server.settings.name.to_string(),
                    moves: Moves::of(state.whereabouts.get()),
                    checked: Checked::of(&state.checks),
                    identity: Identity::of(side, server),
                    balancer: balancer::Server::of(&balancer.server_memory(server.id), zero),
                    counts: Counts::of(&state.counters),
                    sessions_max: state.sessions.most(),
                    session_rate: state.session_rate.carry(),
                    times: CarriedTimes::of(&state.times),
                    last_session: state.last_session.load(Ordering::Relaxed),
                })
                .collect(),
        }
    }

    fn restore(&self, running: &Running, side: &ServerSide, state: &BackendState, now: Instant) {
        let shard = running.control_shard();
        let zero = Zero(running.process.started);
        self.counts.restore(&state.counters, shard);
        for (counts, checks) in self.checks.iter().zip(&state.checks) {
            counts.restore(checks, 0);
        }
        state.sessions.remember(self.sessions_max);
        state.session_rate.resume(self.session_rate);
        self.times.restore(&state.times);
        state
            .last_session
            .store(self.last_session, Ordering::Relaxed);
        let known = named(&self.servers, |it| &it.name);
        let mut balancer = state.balancer();
        for (server, state) in side.servers.iter().zip(&state.servers) {
            let Some(old) = known.get(&*server.settings.name) else {
                continue;
            };
            old.restore(state, shard);
            let now_is = Identity::of(side, server);
            if old.identity.check_under(&now_is) != Sameness::Elsewhere {
                old.moves.restore(&state.whereabouts);
                old.checked.restore(&state.checks);
            }
            let memory = old.balancer.memory(zero, &server.settings);
            balancer.restore_server(
                server.id,
                &memory,
                old.identity.check_under(&now_is),
                old.identity.same_agent(&now_is),
                now,
            );
        }
    }

    fn resume(&self, side: &ServerSide, state: &BackendState, zero: Zero, now: Instant) {
        let known = named(&self.servers, |it| &it.name);
        let turn = |name: &str| known.get(name)?.balancer.turn();
        let turns: Vec<_> = side
            .servers
            .iter()
            .map(|it| turn(&it.settings.name))
            .collect();
        let same = self.algorithm == side.settings.algorithm.name();
        let memory = self.balancer.memory(zero);
        state
            .balancer()
            .resume(&memory, same.then_some(&*turns), now);
        state.timers_changed.notify_one();
    }
}

impl CarriedServer {
    fn restore(&self, state: &ServerState, shard: usize) {
        self.counts.restore(&state.counters, shard);
        state.sessions.remember(self.sessions_max);
        state.session_rate.resume(self.session_rate);
        self.times.restore(&state.times);
        state
            .last_session
            .store(self.last_session, Ordering::Relaxed);
    }
}

impl BackendState {
    /// Nothing is remembered of it, but what its servers track may have changed.
    fn resume_anew(&self, now: Instant) {
        let mut balancer = self.balancer();
        let memory = balancer.memory();
        balancer.resume(&memory, None, now);
    }
}
