//! A backend: places sessions on servers, keeps the queue, follows health.
//!
//! The shell holds one `Backend` per proxy behind a mutex that is taken per session, never per
//! byte, so that the picked server is exact across threads. Every method that may change what
//! others should do leaves [`Action`]s; the caller drains them with [`Backend::poll_action`]
//! before it lets go of the lock.

mod health;
mod joining;
mod limits;
mod member;
mod memory;
mod moving;
mod placing;
mod queue;
mod readiness;
mod rulings;
mod slowstart;
#[cfg(test)]
mod tests;
mod views;

use std::{
    collections::{BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

pub use self::{
    joining::Stays,
    memory::{
        AdminMemory, AgentMemory, HealthMemory, LimitMemory, Memory, RulingMemory, Sameness,
        ServerMemory, SlowStart,
    },
    readiness::Readiness,
    rulings::{Channel, HealthRuling},
    views::{AgentView, BackendView, ServerView},
};
use self::{member::Member, queue::Queue};
use crate::{
    balance::{Algorithm, Chooser},
    health::{CheckResult, CheckStatus},
    server::{AdminState, OperState, Settings as ServerSettings, Status},
    units::{ServerId, SessionKey},
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
    /// `option redispatch`: a session whose forced server has a full queue may go elsewhere.
    pub redispatch: bool,
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
        /// The place in the server's own queue, from 1 (`%sq`); 0: not in that one.
        place_in_server: u32,
        /// The place in the backend's queue, from 1 (`%bq`); 0: not in that one.
        place_in_backend: u32,
    },
    /// The only server that will do has as many waiting as `maxqueue` allows (`SQ` in the log).
    QueueFull(ServerId),
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
    /// The pause before this server's next check became shorter (`on-error`): ask
    /// [`Backend::check_interval`] again.
    CheckSooner {
        /// Whose.
        server: ServerId,
    },
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
    /// An administrator said so, from there.
    Admin(Channel),
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

/// Servers, rotation, queue and health of one backend.
#[derive(Debug)]
pub struct Backend {
    settings: Settings,
    servers: Vec<ServerSettings>,
    members: Vec<Member>,
    chooser: Box<dyn Chooser>,
    queue: Queue,
    queued_max: u32,
    actions: VecDeque<Action>,
    /// Slots taken over all servers.
    occupied: u32,
    /// Servers whose limit follows the load of the backend (`minconn`).
    dynamic: Vec<ServerId>,
    /// Servers on their way to full weight (`slowstart`).
    starting: BTreeSet<ServerId>,
    usable: Usable,
    outage: Outage,
}

/// How many servers could take traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Usable {
    active: u32,
    backup: u32,
}

/// When the backend as a whole had nobody to take traffic.
#[derive(Debug)]
struct Outage {
    last_change: Instant,
    since: Option<Instant>,
    times: u64,
    total: Duration,
}

impl Backend {
    /// A backend in its first state.
    #[must_use]
    pub fn new(settings: Settings, servers: Vec<ServerSettings>, now: Instant) -> Self {
        let members: Vec<Member> = servers
            .iter()
            .map(|server| Member::new(server, now))
            .collect();
        let dynamic = (0..)
            .zip(&servers)
            .filter(|(_, server)| server.min_connections.is_some());
        let mut backend = Self {
            chooser: settings.algorithm.chooser(servers.len()),
            queue: Queue::new(servers.len()),
            queued_max: 0,
            actions: VecDeque::new(),
            occupied: 0,
            dynamic: dynamic.map(|(id, _)| ServerId(id)).collect(),
            starting: BTreeSet::new(),
            usable: Usable::default(),
            outage: Outage {
                last_change: now,
                since: None,
                times: 0,
                total: Duration::ZERO,
            },
            settings,
            servers,
            members,
        };
        backend.repool(now);
        backend.outage.times = 0;
        backend
    }

    /// Places a session, or queues it.
    pub fn place(&mut self, request: Request, now: Instant) -> Placement {
        self.place_session(request, now)
    }

    /// A slot became free: the session on `server` ended or failed to connect.
    pub fn release(&mut self, server: ServerId, now: Instant) {
        let load = self.load();
        self.free_slot(server);
        self.admit_at(server, load, now);
        self.admit_dynamic(now);
    }

    /// A queued session gave up (client gone, `timeout queue`). False if it had been admitted
    /// already: then its `Admit` is on its way and the slot must be released.
    pub fn leave_queue(&mut self, session: SessionKey, _now: Instant) -> bool {
        let line = self.queue.leave(session);
        if let Some(queue::Line::Server(id)) = line {
            self.refresh(id);
        }
        self.refresh_dynamic();
        line.is_some()
    }

    /// A probe finished.
    pub fn check_finished(&mut self, server: ServerId, result: CheckResult, now: Instant) {
        self.apply_check(server, result, now);
    }

    /// When the next check of this server should start, counted from the end of the last one;
    /// `None` while it should not be checked (maintenance, no checks).
    #[must_use]
    pub fn check_interval(&self, server: ServerId) -> Option<Duration> {
        self.members[server.index()].check_interval(&self.servers[server.index()])
    }

    /// An agent answered with this line (`status` is `L7Ok`), or could not be asked (any other
    /// `status`), which changes nothing but its view.
    pub fn agent_finished(
        &mut self,
        server: ServerId,
        status: CheckStatus,
        text: &str,
        duration: Duration,
        now: Instant,
    ) {
        self.apply_agent(
            server,
            AgentView {
                status,
                text: text.to_owned(),
                duration,
            },
            now,
        );
    }

    /// Live traffic to a server connected (`true`) or failed to (`observe layer4`).
    pub fn observed(&mut self, server: ServerId, ok: bool, now: Instant) {
        self.apply_observation(server, ok, now);
    }

    /// The server that `server` tracks changed.
    pub fn tracked_changed(
        &mut self,
        server: ServerId,
        of: &Arc<str>,
        oper: OperState,
        admin: AdminState,
        now: Instant,
    ) {
        let reason = Reason::Tracked(Arc::clone(of));
        self.change(server, reason, now, |member, _| {
            member.tracked = Some((oper, admin))
        });
    }

    /// The first state of the server that `server` tracks: no change, so nobody is told.
    pub fn tracked_at_start(
        &mut self,
        server: ServerId,
        oper: OperState,
        admin: AdminState,
        now: Instant,
    ) {
        self.members[server.index()].begin_tracking(oper, admin, now);
        self.repool(now);
        self.outage.times = 0;
    }

    /// When [`Backend::handle_timeout`] must run next (slowstart steps).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_step()
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.take_steps(now);
    }

    /// The next order, oldest first.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What the statistics show of a server.
    #[must_use]
    pub fn server_view(&self, server: ServerId, now: Instant) -> ServerView {
        self.view_server(server, now)
    }

    /// What the statistics show of the whole.
    #[must_use]
    pub fn view(&self, now: Instant) -> BackendView {
        self.view_whole(now)
    }

    /// How many servers take traffic now (`nbsrv`): the active ones, or else the backups.
    #[must_use]
    pub const fn usable_servers(&self) -> u32 {
        if self.usable.active > 0 {
            self.usable.active
        } else {
            self.usable.backup
        }
    }

    /// Whether it could serve anybody, as far as its checks know.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.members_readiness()
    }

    /// Sessions that wait, for one server or for any.
    #[must_use]
    pub fn queued(&self) -> u32 {
        self.queue.total()
    }
}
