//! What a backend remembers beyond the life of its process: a new one goes on from there.
//!
//! Everything but its sessions and who waits. Servers come in the order of the backend; whoever
//! restores them finds their places by name. Nothing that is restored is told: it is no change.

use std::time::{Duration, Instant};

use super::{
    AgentView, Backend,
    limits::FULL_SHARE,
    member::{Counts, Face, Member},
};
use crate::{
    balance::Turn,
    health::CheckResult,
    server::{AdminState, OperState},
    units::{ServerId, Weight},
};

/// What is remembered of the backend as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Most that ever waited in its own queue.
    pub queued_max: u32,
    /// When it last went up or down as a whole.
    pub last_change: Instant,
    /// Since when nobody takes traffic, if so.
    pub down_since: Option<Instant>,
    /// Times it went down as a whole.
    pub went_down: u64,
    /// How long it was down, without the outage that lasts.
    pub downtime: Duration,
    /// How far its rotation has come, in the unit of its algorithm.
    pub clock: u64,
}

/// What is remembered of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerMemory {
    /// What an administrator wants.
    pub admin: AdminMemory,
    /// What an administrator ruled beside that.
    pub ruling: RulingMemory,
    /// What checks made of it; `None` without checks.
    pub health: Option<HealthMemory>,
    /// What its agent said.
    pub agent: AgentMemory,
    /// Configured weight, or what an administrator or agent made of it.
    pub weight: Weight,
    /// The weight that the file gave it.
    pub configured_weight: Weight,
    /// `maxconn`, if it is no longer that of the file.
    pub limit: Option<LimitMemory>,
    /// The `maxconn` that the file gave it.
    pub configured_limit: Option<u32>,
    /// Its slow start, while that lasts.
    pub start: Option<SlowStart>,
    /// Most slots ever taken at once.
    pub sessions_max: u32,
    /// Most that ever waited.
    pub queued_max: u32,
    /// Times picked by the balancer.
    pub picked: u64,
    /// Failed checks.
    pub failed_checks: u64,
    /// Times it went from up to down.
    pub went_down: u64,
    /// When the state last changed.
    pub last_change: Instant,
    /// Since when it is down, if so.
    pub down_since: Option<Instant>,
    /// How long it was down, without the outage that lasts.
    pub downtime: Duration,
    /// When it last got a session.
    pub last_session: Option<Instant>,
    /// Its place in the rotation.
    pub turn: Option<Turn>,
}

/// The administrative state and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminMemory {
    /// What it is.
    pub state: AdminState,
    /// The agent, not a person, chose it.
    pub by_agent: bool,
    /// The file says `disabled`.
    pub disabled: bool,
}

/// `maxconn` of a server, as somebody wants it who is not the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitMemory {
    /// Sessions at once; 0: no limit.
    pub most: u32,
    /// The agent wants it so; else, an administrator does.
    pub by_agent: bool,
}

/// What an administrator overruled or switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RulingMemory {
    /// A server without checks is down.
    pub down: bool,
    /// Its checks are switched off.
    pub checks_off: bool,
    /// Its agent is switched off.
    pub agent_off: bool,
}

/// What checks and live traffic made of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthMemory {
    /// Passes or failures counted, 0 to `rise + fall - 1`.
    pub health: u32,
    /// `rise`, when they were counted.
    pub rise: u32,
    /// `fall`, when they were counted.
    pub fall: u32,
    /// Has passed a check since it is in use.
    pub proven: bool,
    /// The last check passed for a server that wants to stop.
    pub stopping: bool,
    /// Live traffic wants the next check soon.
    pub hurried: bool,
    /// Errors of live traffic in a row.
    pub observed_errors: u32,
    /// The last finished check.
    pub last: Option<CheckResult>,
    /// When that was.
    pub checked: Option<Instant>,
}

/// What an agent said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentMemory {
    /// It says that the server is down.
    pub down: bool,
    /// Its last word.
    pub last: Option<AgentView>,
    /// When that was.
    pub asked: Option<Instant>,
}

/// How far a slow start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowStart {
    /// When the server came back up.
    pub since: Instant,
    /// Sixteenths of its weight in force.
    pub ramp: u32,
}

/// How far what is checked is still what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// In all that matters.
    Same,
    /// The server is the same, the check is another: the server stays on the side it is on until
    /// the new check's first word, which counts at once.
    OtherCheck,
    /// It is another server of the same name: it begins anew.
    Elsewhere,
}

impl Backend {
    /// What is remembered of the whole.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            queued_max: self.queued_max,
            last_change: self.outage.last_change,
            down_since: self.outage.since,
            went_down: self.outage.times,
            downtime: self.outage.total,
            clock: self.chooser.clock(),
        }
    }

    /// What is remembered of a server.
    #[must_use]
    pub fn server_memory(&self, id: ServerId) -> ServerMemory {
        let (settings, member) = (&self.servers[id.index()], &self.members[id.index()]);
        ServerMemory {
            admin: AdminMemory {
                state: member.admin,
                by_agent: member.agent_chose,
                disabled: settings.disabled,
            },
            ruling: RulingMemory {
                down: member.ruled_down,
                checks_off: member.checks_off,
                agent_off: member.agent_off,
            },
            health: member.health_memory(),
            agent: AgentMemory {
                down: member.agent_down,
                last: member.last_agent.clone(),
                asked: member.asked,
            },
            weight: member.weight,
            configured_weight: settings.weight,
            limit: member.limit,
            configured_limit: settings.max_connections,
            start: member.starting_since.map(|since| SlowStart {
                since,
                ramp: member.ramp,
            }),
            sessions_max: member.counts.sessions_max,
            queued_max: member.counts.queued_max,
            picked: member.counts.picked,
            failed_checks: member.counts.failed_checks,
            went_down: member.counts.went_down,
            last_change: member.last_change,
            down_since: member.down_since,
            downtime: member.downtime,
            last_session: member.last_session,
            turn: self.chooser.turn(id),
        }
    }

    /// When the last check of this server ended, and when its agent was last asked.
    #[must_use]
    pub fn last_probes(&self, id: ServerId) -> (Option<Instant>, Option<Instant>) {
        let member = &self.members[id.index()];
        (member.checked, member.asked)
    }

    /// Goes on from what is remembered of a server. [`Backend::resume`] must follow, when all
    /// servers have been restored.
    pub fn restore_server(
        &mut self,
        id: ServerId,
        memory: &ServerMemory,
        check: Sameness,
        same_agent: bool,
        now: Instant,
    ) {
        let settings = &self.servers[id.index()];
        let member = &mut self.members[id.index()];
        member.restore_counts(memory);
        member.restore_admin(memory.admin, settings.disabled);
        if check != Sameness::Elsewhere {
            member.ruled_down = memory.ruling.down && settings.health.is_none();
            member.checks_off = memory.ruling.checks_off;
            member.agent_off = memory.ruling.agent_off;
        }
        member.restore_health(memory.health.as_ref(), check);
        if memory.configured_weight == settings.weight {
            member.weight = memory.weight;
        }
        if memory.configured_limit == settings.max_connections {
            // Nobody is left who could take back what another agent said.
            let stays = |limit: &LimitMemory| same_agent || !limit.by_agent;
            member.limit = memory.limit.filter(stays);
        }
        if same_agent {
            member.restore_agent(&memory.agent);
        } else if memory.admin.by_agent {
            // Nobody is left who could take that word back.
            member.restore_admin(AdminMemory::of_file(settings.disabled), settings.disabled);
        }
        if check != Sameness::Elsewhere {
            member.last_change = memory.last_change;
            member.down_since = memory.down_since;
        }
        member.settle_downtime(now);
        self.resume_start(id, memory.start);
    }

    /// The state of the server that `server` tracks, after a restart: no change, so nobody is told.
    /// [`Backend::resume`] must follow.
    pub fn tracked_again(
        &mut self,
        server: ServerId,
        oper: OperState,
        admin: AdminState,
        now: Instant,
    ) {
        let member = &mut self.members[server.index()];
        member.tracked = Some((oper, admin));
        member.settle_downtime(now);
    }

    /// Goes on from what is remembered of the whole. `turns` are the servers' places in the
    /// rotation, if it is of the same kind.
    pub fn resume(&mut self, memory: &Memory, turns: Option<&[Option<Turn>]>, now: Instant) {
        self.queued_max = memory.queued_max;
        self.outage.last_change = memory.last_change;
        self.outage.since = memory.down_since;
        self.outage.times = memory.went_down;
        self.outage.total = memory.downtime;
        self.repool(now);
        if let Some(turns) = turns {
            self.chooser.resume(memory.clock, turns);
        }
    }

    fn resume_start(&mut self, id: ServerId, start: Option<SlowStart>) {
        let pace = self.servers[id.index()].slow_start;
        let member = &mut self.members[id.index()];
        self.starting.remove(&id);
        let goes_on = start.filter(|_| !pace.is_zero() && member.face() == Face::Up);
        member.starting_since = goes_on.map(|start| start.since);
        member.ramp = goes_on.map_or(FULL_SHARE, |start| start.ramp.clamp(1, FULL_SHARE));
        if goes_on.is_some() {
            self.starting.insert(id);
        }
    }
}

impl AdminMemory {
    /// What a server begins with.
    #[must_use]
    pub const fn of_file(disabled: bool) -> Self {
        Self {
            state: if disabled {
                AdminState::Maintenance
            } else {
                AdminState::Ready
            },
            by_agent: false,
            disabled,
        }
    }

    /// What it means under another file, as in HAProxy: what that says anew counts, but a drain ends
    /// with maintenance only.
    const fn under(self, disabled: bool) -> Self {
        match self.state {
            _ if self.disabled == disabled => self,
            AdminState::Drain if !disabled => Self { disabled, ..self },
            _ => Self::of_file(disabled),
        }
    }
}

impl Member {
    fn health_memory(&self) -> Option<HealthMemory> {
        let counter = self.counter?;
        Some(HealthMemory {
            health: counter.health(),
            rise: counter.rise(),
            fall: counter.fall(),
            proven: self.proven,
            stopping: self.stopping,
            hurried: self.hurried,
            observed_errors: self.observed_errors,
            last: self.last_check.clone(),
            checked: self.checked,
        })
    }

    fn restore_counts(&mut self, memory: &ServerMemory) {
        self.counts = Counts {
            sessions_max: memory.sessions_max,
            queued_max: memory.queued_max,
            picked: memory.picked,
            failed_checks: memory.failed_checks,
            went_down: memory.went_down,
        };
        self.downtime = memory.downtime;
        self.last_session = memory.last_session;
    }

    fn restore_admin(&mut self, memory: AdminMemory, disabled: bool) {
        let memory = memory.under(disabled);
        self.admin = memory.state;
        self.agent_chose = memory.by_agent;
    }

    fn restore_health(&mut self, memory: Option<&HealthMemory>, check: Sameness) {
        let (Some(counter), Some(memory)) = (&mut self.counter, memory) else {
            return;
        };
        match check {
            Sameness::Elsewhere => {}
            Sameness::OtherCheck => {
                counter.doubt(memory.health >= memory.rise);
                self.proven = memory.proven;
            }
            Sameness::Same => {
                counter.resume(memory.health, memory.rise, memory.fall);
                self.proven = memory.proven;
                self.stopping = memory.stopping;
                self.hurried = memory.hurried;
                self.observed_errors = memory.observed_errors;
                self.last_check.clone_from(&memory.last);
                self.checked = memory.checked;
            }
        }
    }

    fn restore_agent(&mut self, memory: &AgentMemory) {
        self.agent_down = memory.down;
        self.last_agent.clone_from(&memory.last);
        self.asked = memory.asked;
    }

    /// Being down and counting the time of it go together.
    fn settle_downtime(&mut self, now: Instant) {
        let gone = matches!(self.face(), Face::Down | Face::Maintenance);
        match (gone, self.down_since) {
            (true, None) => {
                self.down_since = Some(now);
                self.last_change = now;
            }
            (false, Some(_)) => {
                self.downtime = self.downtime_at(now);
                self.down_since = None;
                self.last_change = now;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
}
