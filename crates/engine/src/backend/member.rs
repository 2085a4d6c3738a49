//! The running state of one server: everything that the file does not say.

use std::time::{Duration, Instant};

use super::{AgentView, LimitMemory, Standing};
use crate::{
    health::{CheckResult, Counter},
    server::{AdminState, OperState, Settings, Status},
    units::Weight,
};

/// A server, alive.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) admin: AdminState,
    /// What checks counted; `None` without checks.
    pub(super) counter: Option<Counter>,
    /// Has passed a check since it is in use.
    pub(super) proven: bool,
    /// The last check passed for a server that wants to stop.
    pub(super) stopping: bool,
    /// The agent says that it is down.
    pub(super) agent_down: bool,
    /// An administrator said that it is down, and no checks are there to say so.
    pub(super) ruled_down: bool,
    /// An administrator switched its checks off.
    pub(super) checks_off: bool,
    /// An administrator switched its agent off.
    pub(super) agent_off: bool,
    /// It was deleted while the process ran.
    pub(super) gone: bool,
    /// The agent, not a person, chose the administrative state.
    pub(super) agent_chose: bool,
    /// The state of the server that this one tracks.
    pub(super) tracked: Option<(OperState, AdminState)>,
    /// Configured weight, or what an administrator or agent made of it.
    pub(super) weight: Weight,
    /// `maxconn`, if it is no longer that of the file.
    pub(super) limit: Option<LimitMemory>,
    /// When it came back up, while `slowstart` lasts.
    pub(super) starting_since: Option<Instant>,
    /// Live traffic wants the next check soon (`on-error fastinter` and stronger).
    pub(super) hurried: bool,
    /// Errors of live traffic in a row.
    pub(super) observed_errors: u32,

    /// Among those that new sessions go to.
    pub(super) in_pool: bool,
    /// The share of its weight that is in force, of [`FULL_SHARE`](super::limits::FULL_SHARE).
    pub(super) ramp: u32,
    pub(super) sessions: u32,

    pub(super) counts: Counts,
    pub(super) last_change: Instant,
    pub(super) down_since: Option<Instant>,
    pub(super) downtime: Duration,
    pub(super) last_session: Option<Instant>,
    pub(super) last_check: Option<CheckResult>,
    /// When that was.
    pub(super) checked: Option<Instant>,
    pub(super) last_agent: Option<AgentView>,
    /// When that was.
    pub(super) asked: Option<Instant>,
}

/// What only grows.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) sessions_max: u32,
    pub(super) queued_max: u32,
    pub(super) picked: u64,
    pub(super) failed_checks: u64,
    pub(super) went_down: u64,
}

/// The state as others see it, coarse enough that every change of it is worth a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Up,
    /// Finishes its sessions because a check or agent said so.
    Stopping,
    /// Finishes its sessions because an administrator or agent said so.
    Drain,
    Down,
    Maintenance,
}

/// The whole state: a change of either half is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stance {
    pub(super) face: Face,
    pub(super) standing: Standing,
}

impl Member {
    pub(super) fn new(settings: &Settings, now: Instant) -> Self {
        let admin = if settings.disabled {
            AdminState::Maintenance
        } else {
            AdminState::Ready
        };
        let counter = settings.health.as_ref().map(Counter::new);
        let down = settings.disabled || counter.is_some_and(|counter| !counter.is_up());
        Self {
            admin,
            counter,
            proven: false,
            stopping: false,
            agent_down: false,
            ruled_down: false,
            checks_off: false,
            agent_off: false,
            gone: false,
            agent_chose: false,
            tracked: None,
            weight: settings.weight,
            limit: None,
            starting_since: None,
            hurried: false,
            observed_errors: 0,
            in_pool: false,
            ramp: super::limits::FULL_SHARE,
            sessions: 0,
            counts: Counts::default(),
            last_change: now,
            down_since: down.then_some(now),
            downtime: Duration::ZERO,
            last_session: None,
            last_check: None,
            checked: None,
            last_agent: None,
            asked: None,
        }
    }

    pub(super) fn begin_tracking(&mut self, oper: OperState, admin: AdminState, now: Instant) {
        self.tracked = Some((oper, admin));
        if !self.takes_forced() {
            self.down_since.get_or_insert(now);
        }
    }

    pub(super) fn set_admin(&mut self, state: AdminState) {
        if self.admin == AdminState::Maintenance && state != AdminState::Maintenance {
            self.stopping = false;
            self.proven = false;
            self.observed_errors = 0;
            if let Some(counter) = &mut self.counter {
                counter.start_over();
            }
        }
        self.admin = state;
    }

    pub(super) fn oper(&self) -> OperState {
        let failed = self
            .counter
            .map_or(self.ruled_down, |counter| !counter.is_up());
        match self.tracked {
            Some((OperState::Down, _)) => OperState::Down,
            _ if failed || self.agent_down => OperState::Down,
            Some((OperState::Stopping, _)) => OperState::Stopping,
            _ if self.stopping => OperState::Stopping,
            _ if self.starting_since.is_some() => OperState::Starting,
            _ => OperState::Up,
        }
    }

    /// The administrative state in force: its own, or that of the server it tracks.
    fn admin_in_force(&self) -> AdminState {
        match (self.admin, self.tracked) {
            (AdminState::Ready, Some((_, admin))) => admin,
            (AdminState::Drain, Some((_, AdminState::Maintenance))) => AdminState::Maintenance,
            (own, _) => own,
        }
    }

    pub(super) fn face(&self) -> Face {
        match (self.admin_in_force(), self.oper()) {
            (AdminState::Maintenance, _) => Face::Maintenance,
            (_, OperState::Down) => Face::Down,
            (AdminState::Drain, _) => Face::Drain,
            (_, OperState::Stopping) => Face::Stopping,
            (_, OperState::Up | OperState::Starting) => Face::Up,
        }
    }

    /// Both halves of the state; a server that still comes up counts as up.
    pub(super) fn stance(&self) -> Stance {
        let oper = match self.oper() {
            OperState::Starting => OperState::Up,
            oper => oper,
        };
        let standing = Standing {
            admin: self.admin_in_force(),
            oper,
        };
        Stance {
            face: self.face(),
            standing,
        }
    }

    /// Passes or failures counted so far, 0 without checks.
    pub(super) fn health(&self) -> u32 {
        self.counter.map_or(0, Counter::health)
    }

    /// Whether new sessions may be sent to it.
    pub(super) fn is_usable(&self) -> bool {
        self.face() == Face::Up && self.weight > Weight::ZERO
    }

    /// Whether sessions that ask for this very server may have it.
    pub(super) fn takes_forced(&self) -> bool {
        !matches!(self.face(), Face::Down | Face::Maintenance)
    }

    pub(super) fn status(&self, settings: &Settings) -> Status {
        // Checks that are switched off count as none.
        let counter = self.counter.filter(|_| !self.checks_off);
        match (self.face(), counter) {
            (Face::Maintenance, _) if self.admin != AdminState::Maintenance => {
                Status::MaintenanceVia
            }
            (Face::Maintenance, _) => Status::Maintenance,
            (Face::Drain, _) if self.agent_chose => Status::DrainByAgent,
            (Face::Drain, _) => Status::Drain,
            (Face::Stopping, _) => Status::Stopping,
            (Face::Down, _) if self.agent_down => Status::DownByAgent,
            (Face::Down, Some(counter)) if counter.in_transition() && !counter.is_up() => {
                Status::GoingUp {
                    rise: counter.health(),
                    of: counter.rise(),
                }
            }
            (Face::Down, _) => Status::Down,
            (Face::Up, Some(counter)) if counter.in_transition() => {
                let rise = counter.health() + 1 - counter.rise();
                Status::GoingDown {
                    rise,
                    of: counter.fall(),
                }
            }
            (Face::Up, None) if !settings.tracks => Status::NoCheck,
            (Face::Up, _) => Status::Up,
        }
    }

    /// The pause before the next check (HAProxy configuration manual, 5.2 `inter`).
    pub(super) fn check_interval(&self, settings: &Settings) -> Option<Duration> {
        let health = settings.health.as_ref()?;
        if self.checks_off || self.face() == Face::Maintenance {
            return None;
        }
        let counter = self.counter?;
        let pause = if self.last_check.is_none() || counter.in_transition() || self.hurried {
            health.fast_interval
        } else if counter.is_up() {
            None
        } else {
            health.down_interval
        };
        Some(pause.unwrap_or(health.interval))
    }

    /// Time spent down until now.
    pub(super) fn downtime_at(&self, now: Instant) -> Duration {
        let running = self.down_since.map_or(Duration::ZERO, |since| now - since);
        self.downtime + running
    }
}
