//! A backend: places sessions on servers, keeps the queue, follows health.
//!
//! The shell holds one `Backend` per proxy behind a mutex that is taken per session, never per
//! byte, so that the picked server is exact across threads. Every method that may change what
//! others should do leaves [`Action`]s; the caller drains them with [`Backend::poll_action`]
//! before it lets go of the lock.

use std::{net::IpAddr, sync::Arc, time::Instant};

use crate::{
    balance::Algorithm,
    health::{CheckResult, CheckStatus},
    server::{AdminState, OperState, Settings as ServerSettings, Status},
    units::{ServerId, SessionKey, Weight},
};

/// What the file says of a backend, as far as placing goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `balance` and `hash-type`.
    pub algorithm: Algorithm,
    /// `option allbackups`: balance over all backup servers, not only the first.
    pub all_backups: bool,
    /// `fullconn`: sessions of the whole backend at which servers reach their `maxconn`.
    pub full_connections: Option<u32>,
}

/// A session asks for a server.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Who asks, for the queue.
    pub session: SessionKey,
    /// The client's address, for `balance source`.
    pub client: Option<IpAddr>,
    /// `use-server`: this one, if it is usable.
    pub forced: Option<ServerId>,
    /// After a failed connection: not this one, if there is another.
    pub avoid: Option<ServerId>,
    /// Random bits from the shell, for `balance random`.
    pub random: u64,
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Connect to this server; a slot is taken until [`Backend::release`].
    Server(ServerId),
    /// Wait: an [`Action::Admit`] will name the server. Undone by [`Backend::leave_queue`].
    Queued {
        /// Who was ahead in the server's own queue (`%sq`).
        ahead_in_server: u32,
        /// Who was ahead in the backend's queue (`%bq`).
        ahead_in_backend: u32,
    },
    /// No server is usable at all.
    NoServer,
}

/// An order to the shell.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A queued session gets this server; its slot is taken.
    Admit {
        /// Who waited.
        session: SessionKey,
        /// Where it may connect.
        server: ServerId,
    },
    /// End all sessions of this server (`on-marked-down shutdown-sessions`; maintenance with it).
    ShutdownSessions {
        /// Whose.
        server: ServerId,
    },
    /// End the sessions of all backup servers (`on-marked-up shutdown-backup-sessions`).
    ShutdownBackupSessions,
    /// The state changed; log it, tell those who track it.
    StateChanged(StateChange),
    /// A check result changed or, with `option log-health-checks`, may be worth a line.
    HealthReport(HealthReport),
    /// The last usable server is gone: `backend … has no server available!`
    NoServerLeft,
}

/// What [`Action::StateChanged`] tells.
#[derive(Debug, Clone, PartialEq)]
pub struct StateChange {
    /// Whose state.
    pub server: ServerId,
    /// What it is now.
    pub status: Status,
    /// Where it stood before.
    pub was: Standing,
    /// Where it stands now; the line in the log tells the difference.
    pub now: Standing,
    /// Why.
    pub reason: Reason,
    /// Usable active servers after the change.
    pub active_left: u32,
    /// Usable backup servers after the change.
    pub backup_left: u32,
    /// Sessions on this server now.
    pub sessions: u32,
    /// Sessions sent from this server's queue back to the backend's.
    pub requeued: u32,
    /// Sessions left in the backend's queue.
    pub queued: u32,
}

/// Both halves of a server's state. For one that tracks another, the wish of the other's
/// administrator counts as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What an administrator wants.
    pub admin: AdminState,
    /// What checks say.
    pub oper: OperState,
}

/// Why a state changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// A check said so; or live traffic (`observe`), then with [`CheckStatus::Observed`].
    Check(CheckResult),
    /// An agent said so: `L7Ok` or `L7Status` with code 0 and an info like `via agent : down`.
    Agent(CheckResult),
    /// The tracked server `backend/server` changed.
    Tracked(Arc<str>),
    /// An administrator said so.
    Admin,
}

/// One finished check, with what it made of the server.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthReport {
    /// Whose.
    pub server: ServerId,
    /// What the probe found.
    pub result: CheckResult,
    /// An agent said it, not a check.
    pub agent: bool,
    /// The state after it.
    pub status: Status,
    /// Passes or failures counted after it, as in [`ServerView::health`].
    pub health: u32,
    /// The weight in force is zero: such a server is `DRAIN`, not `UP`, in the line.
    pub weightless: bool,
    /// Whether this result differs from the one before (only such lines are logged).
    pub changed: bool,
}

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
    pub duration: std::time::Duration,
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

/// Servers, rotation, queue and health of one backend.
#[derive(Debug)]
pub struct Backend {
    settings: Settings,
    servers: Vec<ServerSettings>,
}

impl Backend {
    /// A backend in its first state.
    #[must_use]
    pub fn new(settings: Settings, servers: Vec<ServerSettings>, _now: Instant) -> Self {
        Self { settings, servers }
    }

    /// Places a session, or queues it.
    pub fn place(&mut self, _request: Request, _now: Instant) -> Placement {
        todo!()
    }

    /// A slot became free: the session on `server` ended or failed to connect.
    pub fn release(&mut self, _server: ServerId, _now: Instant) {
        todo!()
    }

    /// A queued session gave up (client gone, `timeout queue`). False if it had been admitted
    /// already: then its `Admit` is on its way and the slot must be released.
    pub fn leave_queue(&mut self, _session: SessionKey, _now: Instant) -> bool {
        todo!()
    }

    /// A probe finished.
    pub fn check_finished(&mut self, _server: ServerId, _result: CheckResult, _now: Instant) {
        todo!()
    }

    /// When the next check of this server should start, counted from the end of the last one;
    /// `None` while it should not be checked (maintenance, no checks).
    #[must_use]
    pub fn check_interval(&self, _server: ServerId) -> Option<std::time::Duration> {
        todo!()
    }

    /// An agent answered with this line.
    pub fn agent_finished(
        &mut self,
        _server: ServerId,
        _status: CheckStatus,
        _text: &str,
        _duration: std::time::Duration,
        _now: Instant,
    ) {
        todo!()
    }

    /// Live traffic to a server connected (`true`) or failed to (`observe layer4`).
    pub fn observed(&mut self, _server: ServerId, _ok: bool, _now: Instant) {
        todo!()
    }

    /// The server that `server` tracks changed.
    pub fn tracked_changed(
        &mut self,
        _server: ServerId,
        _of: &Arc<str>,
        _oper: OperState,
        _admin: AdminState,
        _now: Instant,
    ) {
        todo!()
    }

    /// An administrator changes the state.
    pub fn set_admin(&mut self, _server: ServerId, _state: AdminState, _now: Instant) {
        todo!()
    }

    /// An administrator changes the weight.
    pub fn set_weight(&mut self, _server: ServerId, _weight: Weight, _now: Instant) {
        todo!()
    }

    /// When [`Backend::handle_timeout`] must run next (slowstart steps).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, _now: Instant) {
        todo!()
    }

    /// The next order, oldest first.
    pub fn poll_action(&mut self) -> Option<Action> {
        todo!()
    }

    /// What the statistics show of a server.
    #[must_use]
    pub fn server_view(&self, _server: ServerId, _now: Instant) -> ServerView {
        todo!()
    }

    /// What the statistics show of the whole.
    #[must_use]
    pub fn view(&self, _now: Instant) -> BackendView {
        todo!()
    }

    /// How many servers take traffic now (`nbsrv`).
    #[must_use]
    pub fn usable_servers(&self) -> u32 {
        todo!()
    }

    /// What was configured.
    #[must_use]
    pub fn server_settings(&self) -> &[ServerSettings] {
        &self.servers
    }

    /// What was configured.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }
}
