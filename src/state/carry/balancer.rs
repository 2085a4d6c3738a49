//! What the balancer remembers, as JSON.

use std::time::Duration;

use pontoon_engine::{
    backend::{
        AdminMemory, AgentMemory, AgentView, HealthMemory, LimitMemory, Memory, RulingMemory,
        ServerMemory, SlowStart,
    },
    balance::Turn,
    health::{CheckResult, CheckStatus},
    server::{AdminState, Settings},
    units::Weight,
};
use serde::{Deserialize, Serialize};

use super::clock::{Stamp, Zero};

/// What it remembers of the backend as a whole: [`Memory`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Whole {
    queued_max: u32,
    last_change: Stamp,
    down_since: Option<Stamp>,
    went_down: u64,
    downtime: Duration,
    clock: u64,
}

/// What it remembers of a server: [`ServerMemory`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Server {
    admin: Admin,
    #[serde(default)]
    ruling: Ruling,
    health: Option<Health>,
    agent: Agent,
    weight: u16,
    configured_weight: u16,
    /// `maxconn` as it was set, and whether the agent did.
    limit: Option<(u32, bool)>,
    configured_limit: Option<u32>,
    start: Option<(Stamp, u32)>,
    sessions_max: u32,
    queued_max: u32,
    picked: u64,
    failed_checks: u64,
    went_down: u64,
    last_change: Stamp,
    down_since: Option<Stamp>,
    downtime: Duration,
    last_session: Option<Stamp>,
    turn: Option<(u64, u32, u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Admin {
    state: Wish,
    by_agent: bool,
    disabled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Ready,
    Drain,
    Maintenance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Ruling {
    down: bool,
    checks_off: bool,
    agent_off: bool,
}

impl Ruling {
    const fn of(memory: RulingMemory) -> Self {
        let RulingMemory {
            down,
            checks_off,
            agent_off,
        } = memory;
        Self {
            down,
            checks_off,
            agent_off,
        }
    }

    const fn memory(self) -> RulingMemory {
        RulingMemory {
            down: self.down,
            checks_off: self.checks_off,
            agent_off: self.agent_off,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Health {
    health: u32,
    rise: u32,
    fall: u32,
    proven: bool,
    stopping: bool,
    hurried: bool,
    observed_errors: u32,
    last: Option<Probe>,
    checked: Option<Stamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Agent {
    down: bool,
    last: Option<Probe>,
    asked: Option<Stamp>,
}

/// What a check found, or an agent said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Probe {
    /// As the statistics call it.
    status: String,
    code: Option<u16>,
    info: Option<String>,
    duration: Duration,
}

impl Whole {
    pub(super) fn of(memory: &Memory, zero: Zero) -> Self {
        Self {
            queued_max: memory.queued_max,
            last_change: zero.stamp(memory.last_change),
            down_since: memory.down_since.map(|since| zero.stamp(since)),
            went_down: memory.went_down,
            downtime: memory.downtime,
            clock: memory.clock,
        }
    }

    pub(super) fn memory(&self, zero: Zero) -> Memory {
        Memory {
            queued_max: self.queued_max,
            last_change: zero.instant(self.last_change),
            down_since: self.down_since.map(|since| zero.instant(since)),
            went_down: self.went_down,
            downtime: self.downtime,
            clock: self.clock,
        }
    }
}

impl Server {
    pub(super) fn of(memory: &ServerMemory, zero: Zero) -> Self {
        Self {
            admin: Admin::of(memory.admin),
            ruling: Ruling::of(memory.ruling),
            health: memory.health.as_ref().map(|it| Health::of(it, zero)),
            agent: Agent::of(&memory.agent, zero),
            weight: memory.weight.get(),
            configured_weight: memory.configured_weight.get(),
            limit: memory.limit.map(|limit| (limit.most, limit.by_agent)),
            configured_limit: memory.configured_limit,
            start: memory.start.map(|it| (zero.stamp(it.since), it.ramp)),
            sessions_max: memory.sessions_max,
            queued_max: memory.queued_max,
            picked: memory.picked,
            failed_checks: memory.failed_checks,
            went_down: memory.went_down,
            last_change: zero.stamp(memory.last_change),
            down_since: memory.down_since.map(|since| zero.stamp(since)),
            downtime: memory.downtime,
            last_session: memory.last_session.map(|last| zero.stamp(last)),
            turn: memory
                .turn
                .map(|it| (it.due, it.fraction, it.rest, it.order)),
        }
    }

    /// What cannot be, another process must not make true: it is as the file says.
    pub(super) fn memory(&self, zero: Zero, settings: &Settings) -> ServerMemory {
        let weight = |weight| Weight::new(weight).unwrap_or(settings.weight);
        ServerMemory {
            admin: self.admin.memory(),
            ruling: self.ruling.memory(),
            health: self.health.as_ref().map(|it| it.memory(zero)),
            agent: self.agent.memory(zero),
            weight: weight(self.weight),
            configured_weight: weight(self.configured_weight),
            limit: self
                .limit
                .map(|(most, by_agent)| LimitMemory { most, by_agent }),
            configured_limit: self.configured_limit,
            start: self.start.map(|(since, ramp)| SlowStart {
                since: zero.instant(since),
                ramp,
            }),
            sessions_max: self.sessions_max,
            queued_max: self.queued_max,
            picked: self.picked,
            failed_checks: self.failed_checks,
            went_down: self.went_down,
            last_change: zero.instant(self.last_change),
            down_since: self.down_since.map(|since| zero.instant(since)),
            downtime: self.downtime,
            last_session: self.last_session.map(|last| zero.instant(last)),
            turn: self.turn(),
        }
    }

    pub(super) fn turn(&self) -> Option<Turn> {
        let (due, fraction, rest, order) = self.turn?;
        Some(Turn {
            due,
            fraction,
            rest,
            order,
        })
    }
}

impl Admin {
    const fn of(memory: AdminMemory) -> Self {
        Self {
            state: match memory.state {
                AdminState::Ready => Wish::Ready,
                AdminState::Drain => Wish::Drain,
                AdminState::Maintenance => Wish::Maintenance,
            },
            by_agent: memory.by_agent,
            disabled: memory.disabled,
        }
    }

    const fn memory(self) -> AdminMemory {
        AdminMemory {
            state: match self.state {
                Wish::Ready => AdminState::Ready,
                Wish::Drain => AdminState::Drain,
                Wish::Maintenance => AdminState::Maintenance,
            },
            by_agent: self.by_agent,
            disabled: self.disabled,
        }
    }
}

impl Health {
    fn of(memory: &HealthMemory, zero: Zero) -> Self {
        Self {
            health: memory.health,
            rise: memory.rise,
            fall: memory.fall,
            proven: memory.proven,
            stopping: memory.stopping,
            hurried: memory.hurried,
            observed_errors: memory.observed_errors,
            last: memory.last.as_ref().map(Probe::of_check),
            checked: memory.checked.map(|at| zero.stamp(at)),
        }
    }

    fn memory(&self, zero: Zero) -> HealthMemory {
        HealthMemory {
            health: self.health,
            rise: self.rise,
            fall: self.fall,
            proven: self.proven,
            stopping: self.stopping,
            hurried: self.hurried,
            observed_errors: self.observed_errors,
            last: self.last.as_ref().and_then(Probe::check),
            checked: self.checked.map(|at| zero.instant(at)),
        }
    }
}

impl Agent {
    fn of(memory: &AgentMemory, zero: Zero) -> Self {
        Self {
            down: memory.down,
            last: memory.last.as_ref().map(Probe::of_agent),
            asked: memory.asked.map(|at| zero.stamp(at)),
        }
    }

    fn memory(&self, zero: Zero) -> AgentMemory {
        AgentMemory {
            down: self.down,
            last: self.last.as_ref().and_then(Probe::agent),
            asked: self.asked.map(|at| zero.instant(at)),
        }
    }
}

impl Probe {
    pub(super) fn of_check(result: &CheckResult) -> Self {
        Self {
            status: result.status.code().to_owned(),
            code: result.code,
            info: result.info.clone(),
            duration: result.duration,
        }
    }

    fn of_agent(view: &AgentView) -> Self {
        Self {
            status: view.status.code().to_owned(),
            code: None,
            info: Some(view.text.clone()),
            duration: view.duration,
        }
    }

    /// `None` for a status that only another version knows.
    pub(super) fn check(&self) -> Option<CheckResult> {
        Some(CheckResult {
            status: CheckStatus::of_code(&self.status)?,
            code: self.code,
            info: self.info.clone(),
            duration: self.duration,
        })
    }

    fn agent(&self) -> Option<AgentView> {
        Some(AgentView {
            status: CheckStatus::of_code(&self.status)?,
            text: self.info.clone().unwrap_or_default(),
            duration: self.duration,
        })
    }
}
