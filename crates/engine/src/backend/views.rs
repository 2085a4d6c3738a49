//! What the statistics show.

use std::time::{Duration, Instant};

use super::{Backend, limits::FULL_SHARE, queue::Line};
use crate::{
    health::{CheckResult, CheckStatus},
    server::{AdminState, OperState, Status},
    units::{ServerId, Weight},
};

/// What the statistics show of one server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerView {
    /// The `status` column.
    pub status: Status,
    /// What an administrator wants.
    pub admin: AdminState,
    /// What checks say.
    pub oper: OperState,
    /// Configured or set weight.
    pub weight: Weight,
    /// The weight in force: slowstart and agent applied, in `weight`'s scale.
    pub effective_weight: Weight,
    /// Takes new sessions now.
    pub usable: bool,
    /// `backup`.
    pub backup: bool,
    /// Slots taken.
    pub sessions: u32,
    /// Most slots ever taken at once.
    pub sessions_max: u32,
    /// Waiting for this very server.
    pub queued: u32,
    /// Most that ever waited.
    pub queued_max: u32,
    /// The limit in force (`maxconn`, or what `minconn`/`fullconn` make of it).
    pub connection_limit: Option<u32>,
    /// `maxconn`: of the file, or what an agent or administrator made of it. `None`: no limit.
    pub max_connections: Option<u32>,
    /// Times picked by the balancer (`lbtot`).
    pub picked: u64,
    /// Failed checks (`chkfail`).
    pub failed_checks: u64,
    /// Times it went from up to down (`chkdown`).
    pub went_down: u64,
    /// When the state last changed.
    pub last_change: Instant,
    /// Seconds it has been down altogether.
    pub downtime_secs: u64,
    /// When it last got a session.
    pub last_session: Option<Instant>,
    /// The last finished check.
    pub last_check: Option<CheckResult>,
    /// Passes or failures counted so far (`check_health`), 0 to `rise + fall - 1`.
    pub health: u32,
    /// It has checks, and they are not switched off.
    pub checks_on: bool,
    /// It has an agent, which is not switched off.
    pub agent_on: bool,
    /// The last word of the agent.
    pub last_agent: Option<AgentView>,
}

/// What the statistics show of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentView {
    /// The verdict.
    pub status: CheckStatus,
    /// Its words.
    pub text: String,
    /// How long it took.
    pub duration: Duration,
}

/// What the statistics show of the backend as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendView {
    /// Usable active servers.
    pub active: u32,
    /// Usable backup servers.
    pub backup: u32,
    /// Sum of the weights in force of what takes traffic now.
    pub weight: u32,
    /// Sum of its weights as they were set.
    pub weight_set: u32,
    /// Sessions waiting in the backend's queue.
    pub queued: u32,
    /// Most that ever waited.
    pub queued_max: u32,
    /// Slots taken over all servers.
    pub sessions: u32,
    /// When it last went up or down as a whole.
    pub last_change: Instant,
    /// Times it went down as a whole.
    pub went_down: u64,
    /// Seconds without any usable server.
    pub downtime_secs: u64,
}

impl Backend {
    pub(super) fn view_server(&self, id: ServerId, now: Instant) -> ServerView {
        let (settings, member) = (&self.servers[id.index()], &self.members[id.index()]);
        ServerView {
            status: member.status(settings),
            admin: member.admin,
            oper: member.oper(),
            weight: member.weight,
            effective_weight: in_force(member.weight, member.ramp),
            usable: member.is_usable(),
            backup: settings.backup,
            sessions: member.sessions,
            sessions_max: member.counts.sessions_max,
            queued: self.queue.length(Line::Server(id)),
            queued_max: member.counts.queued_max,
            connection_limit: self.limit(id),
            max_connections: self.most(id),
            picked: member.counts.picked,
            failed_checks: member.counts.failed_checks,
            went_down: member.counts.went_down,
            last_change: member.last_change,
            downtime_secs: member.downtime_at(now).as_secs(),
            last_session: member.last_session,
            last_check: member.last_check.clone(),
            health: member.health(),
            checks_on: settings.health.is_some() && !member.checks_off,
            agent_on: settings.agent.is_some() && !member.agent_off,
            last_agent: member.last_agent.clone(),
        }
    }

    pub(super) fn view_whole(&self, now: Instant) -> BackendView {
        let pool = || self.members.iter().filter(|member| member.in_pool);
        let running = self
            .outage
            .since
            .map_or(Duration::ZERO, |since| now - since);
        BackendView {
            active: self.usable.active,
            backup: self.usable.backup,
            weight: pool()
                .map(|member| u32::from(in_force(member.weight, member.ramp).get()))
                .sum(),
            weight_set: pool().map(|member| u32::from(member.weight.get())).sum(),
            queued: self.queue.length(Line::Backend),
            queued_max: self.queued_max,
            sessions: self.occupied,
            last_change: self.outage.last_change,
            went_down: self.outage.times,
            downtime_secs: (self.outage.total + running).as_secs(),
        }
    }
}

/// A weight on its way up, rounded up: what takes any traffic is never shown as 0.
fn in_force(weight: Weight, ramp: u32) -> Weight {
    let scaled = (u32::from(weight.get()) * ramp).div_ceil(FULL_SHARE);
    u16::try_from(scaled)
        .ok()
        .and_then(Weight::new)
        .unwrap_or(weight)
}
