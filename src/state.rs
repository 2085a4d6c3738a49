//! What the threads of a running proxy share: counters, balancers, mailboxes.
//!
//! A data thread counts into its own shard; a scrape sums the shards. The balancer of a backend
//! sits behind a mutex that is taken a few times per session, never per byte.

pub mod carry;
pub mod counters;
pub mod dispatch;
mod figures;
mod finish;
pub mod handovers;
pub mod histogram;
pub mod limits;
pub mod lists;
pub mod mailbox;
pub mod operate;
pub mod owed;
pub mod pace;
pub mod pulse;
pub mod rate;
pub mod server_state;
pub mod timeline;
mod tracking;
pub mod whereabouts;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::{Model, Proxy, Server, ServerSide};
use pontoon_engine::{
    backend::{Backend, Readiness},
    moment::Moment,
    roster::Roster,
    units::{ProxyId, ServerId},
};
use tokio::sync::Notify;

use self::{
    counters::{
        Average, BackendCounters, FrontendCounters, Level, ListenerCounters, ServerCounters, Shards,
    },
    handovers::Handovers,
    histogram::Checks,
    limits::{FrontendLimit, Limits, ProcessLimit},
    lists::Lists,
    mailbox::Mailbox,
    operate::Newcomers,
    owed::Owed,
    pace::Pace,
    pulse::Pulse,
    rate::Rate,
    timeline::{RecentChecks, Timeline},
    whereabouts::Whereabouts,
};
use crate::{handover::wire::Bound, log::Logger, proxy::listen::Listener};

/// A running proxy process.
#[derive(Debug)]
pub struct Running {
    /// What the files mean.
    pub model: Arc<Model>,
    /// The proxies; a [`ProxyId`] is an index, as in the model.
    pub proxies: Vec<ProxyState>,
    /// The process as a whole.
    pub process: ProcessState,
    /// Where lines go.
    pub logger: Logger,
    /// The data threads, by number.
    pub threads: Vec<Arc<Mailbox>>,
    /// What has happened to the servers lately.
    pub timeline: Timeline,
    /// Servers that were added, for whoever checks them.
    pub newcomers: Newcomers,
    /// The lists of patterns that were changed.
    pub lists: Lists,
    /// Told when [`Running::readiness`] may have changed, or a stop was asked for.
    pub readiness_changed: Notify,
}

/// The process as a whole.
#[derive(Debug)]
pub struct ProcessState {
    /// The zero of all its moments: when it started, or, if it took over from another process, when
    /// that one did.
    pub started: Instant,
    /// When this very process started.
    pub launched: Instant,
    /// `node`, or the machine's name.
    pub node: String,
    /// Sessions at once, at most, whatever anybody asks for (global `maxconn`, or from the limit of
    /// open files).
    pub max_connections: u32,
    /// The limits in force.
    pub limits: Limits,
    /// Open files, at most.
    pub open_files: u64,
    /// Bytes that its pipes may hold, if the kernel sets a limit to its user.
    pub pipe_bytes: Option<u64>,
    /// Sessions now, ever, and most at once (`%ac`).
    pub sessions: Level,
    /// Connections accepted since the start.
    pub connections_total: AtomicU64,
    /// New connections a second.
    pub connection_rate: Rate,
    /// New sessions a second.
    pub session_rate: Rate,
    /// Counts requests for `%rt`.
    pub requests: AtomicU32,
    /// Complaints that nothing can be accepted.
    pub accept_complaints: Pace,
    /// Complaints that something is lacking for connections to servers.
    pub connect_complaints: Pace,
    /// How busy it has been lately.
    pub pulse: Pulse,
    /// What became of reloads.
    pub handovers: Handovers,
    /// A stop was asked for: nothing new is accepted.
    pub stopping: AtomicBool,
    /// Another process has taken over, but for these listeners: what is left here runs on to its end.
    pub handed_over: OnceLock<Vec<Bound>>,
    /// Told then.
    pub taken_over: Notify,
    /// What clients of the process itself wait for.
    pub owed: Owed,
}

/// One proxy's shared state.
#[derive(Debug)]
pub struct ProxyState {
    /// The client side.
    pub frontend: Option<FrontendState>,
    /// The server side.
    pub backend: Option<BackendState>,
}

/// The client side of a proxy.
#[derive(Debug)]
pub struct FrontendState {
    /// What the threads count.
    pub counters: Shards<FrontendCounters>,
    /// Sessions now, and most at once (`%fc`, `scur`, `smax`).
    pub sessions: Level,
    /// `maxconn`, as the file says or as it was set since.
    pub limit: FrontendLimit,
    /// New connections a second.
    pub connection_rate: Rate,
    /// New sessions a second.
    pub session_rate: Rate,
    /// New HTTP requests a second.
    pub request_rate: Rate,
    /// Counts log lines for `%lc`.
    pub log_lines: AtomicU32,
    /// The listeners, as in the model.
    pub listeners: Vec<ListenerState>,
    /// Disabled, paused by a signal, or stopped.
    pub status: Mutex<FrontendStatus>,
}

/// Whether a frontend takes connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrontendStatus {
    /// It does.
    Open,
    /// Its session limit is reached: `FULL`.
    Full,
    /// An administrator disabled it (`disable frontend`): `PAUSED`, whatever signals say.
    Disabled,
    /// Paused by SIGTTOU, until SIGTTIN.
    Paused,
    /// Stopped for good.
    Stopped,
}

/// One listening socket.
#[derive(Debug)]
pub struct ListenerState {
    /// What the threads count.
    pub counters: Shards<ListenerCounters>,
    /// Sessions now, and most at once.
    pub sessions: Level,
    /// Its socket, while it has one.
    pub socket: OnceLock<Weak<Listener>>,
}

/// The server side of a proxy.
#[derive(Debug)]
pub struct BackendState {
    balancer: Mutex<Backend>,
    /// What the threads count.
    pub counters: Shards<BackendCounters>,
    /// How long its servers' checks took: those that passed, then those that failed.
    pub checks: [Shards<Checks>; 2],
    /// Sessions now, queued ones included, and most at once (`%bc`).
    pub sessions: Level,
    /// New sessions a second.
    pub session_rate: Rate,
    /// `qtime`, `ctime`, `rtime`, `ttime`.
    pub times: Times,
    /// When the last session began, in milliseconds since the process started; 0: never.
    pub last_session: AtomicU64,
    /// The servers, as in the model.
    pub servers: Roster<ServerState>,
    /// Told when a server's state changed: the balancer's timers may be due at other times.
    pub timers_changed: Notify,
    /// Servers elsewhere that track one of ours: ours, then theirs.
    pub trackers: Vec<(ServerId, ProxyId, ServerId)>,
}

/// Averages over the last 1,024 sessions, in milliseconds.
#[derive(Debug, Default)]
pub struct Times {
    /// In the queue.
    pub queue: Average,
    /// To connect.
    pub connect: Average,
    /// To the first byte of an answer (HTTP only).
    pub response: Average,
    /// Altogether.
    pub total: Average,
}

/// One server.
#[derive(Debug)]
pub struct ServerState {
    /// What the threads count.
    pub counters: Shards<ServerCounters>,
    /// Sessions being served now, and most at once (`%sc`).
    pub sessions: Level,
    /// New sessions a second.
    pub session_rate: Rate,
    /// `qtime` and so on.
    pub times: Times,
    /// When the last session began, in milliseconds since the process started; 0: never.
    pub last_session: AtomicU64,
    /// Its last checks.
    pub checks: RecentChecks,
    /// Told when its checks may have to stop or start, or when the next one is due sooner.
    pub state_changed: Notify,
    /// Told when its agent was switched on again.
    pub agent_changed: Notify,
    /// Its addresses, if they are no longer those of the file.
    pub whereabouts: Whereabouts,
    /// It was deleted while the process runs: nobody hears of it any more.
    pub gone: AtomicBool,
}

impl Running {
    /// A process about to start, with `threads` data threads.
    ///
    /// # Errors
    /// The threads' mailboxes need descriptors.
    pub fn new(
        model: Arc<Model>,
        process: ProcessState,
        logger: Logger,
        threads: u16,
    ) -> std::io::Result<Self> {
        // One more shard: the control thread counts what it serves itself.
        let shards = usize::from(threads) + 1;
        let now = process.launched;
        let limits = &process.limits;
        let rate = |limit: Option<u32>| limit.unwrap_or(0);
        let global = &model.global;
        limits.set(
            ProcessLimit::ConnectionRate,
            rate(global.max_connection_rate),
        );
        limits.set(ProcessLimit::SessionRate, rate(global.max_session_rate));
        let proxies = model
            .proxies
            .iter()
            .map(|proxy| ProxyState::new(proxy, &model.proxies, shards, now))
            .collect();
        let lists = Lists::of(&model.pattern_lists);
        let threads = (0..threads)
            .map(|_| Mailbox::new().map(Arc::new))
            .collect::<Result<_, _>>()?;
        let running = Self {
            model,
            proxies,
            process,
            logger,
            threads,
            timeline: Timeline::default(),
            newcomers: Newcomers::default(),
            lists,
            readiness_changed: Notify::new(),
        };
        running.begin_tracking(now);
        Ok(running)
    }

    /// The shard in which the control thread counts.
    #[must_use]
    pub fn control_shard(&self) -> usize {
        self.threads.len()
    }

    /// The proxy's part of the model.
    #[must_use]
    pub fn proxy(&self, id: ProxyId) -> &Proxy {
        &self.model.proxies[id.index()]
    }

    /// The client side of a proxy that has one.
    #[must_use]
    pub fn frontend(&self, id: ProxyId) -> Option<&FrontendState> {
        self.proxies[id.index()].frontend.as_ref()
    }

    /// The server side of a proxy that has one.
    #[must_use]
    pub fn backend(&self, id: ProxyId) -> Option<&BackendState> {
        self.proxies[id.index()].backend.as_ref()
    }

    /// The servers of a proxy that are there: those of the file, and those that were added; not those
    /// that were deleted.
    pub fn servers<'a>(
        &'a self,
        proxy: &'a Proxy,
    ) -> impl Iterator<Item = (&'a Server, &'a ServerState)> {
        let sides = proxy.backend.iter().zip(self.backend(proxy.id));
        sides.flat_map(|(side, state)| state.servers(side))
    }

    /// Whether any server could serve anybody, as far as checks know.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let live = self.model.proxies.iter().filter(|proxy| !proxy.disabled);
        let backends = live.filter_map(|proxy| self.backend(proxy.id));
        let each = backends.map(|backend| backend.balancer().readiness());
        each.fold(Readiness::Unchecked, Readiness::and)
    }

    /// How late the slowest data thread is to go through its loop: none, if all of them wait for
    /// something to happen.
    #[must_use]
    pub fn slowest_thread(&self, now: Instant) -> Duration {
        let now = self.moment(now);
        let late = self.threads.iter().map(|thread| thread.lateness(now));
        late.max().unwrap_or_default()
    }

    /// This instant in the life of the process.
    #[must_use]
    pub fn moment(&self, now: Instant) -> Moment {
        Moment::at(now, self.process.started)
    }
}

impl ProcessState {
    /// Zeroed counters at the moment of start, in the time of another process that began then.
    #[must_use]
    pub fn since(zero: Instant, node: String, max_connections: u32, open_files: u64) -> Self {
        Self {
            started: zero,
            ..Self::new(node, max_connections, open_files)
        }
    }

    /// Zeroed counters at the moment of start.
    #[must_use]
    pub fn new(node: String, max_connections: u32, open_files: u64) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            launched: now,
            node,
            max_connections,
            limits: Limits::of(max_connections),
            open_files,
            pipe_bytes: None,
            sessions: Level::default(),
            connections_total: AtomicU64::new(0),
            connection_rate: Rate::default(),
            session_rate: Rate::default(),
            requests: AtomicU32::new(0),
            accept_complaints: Pace::default(),
            connect_complaints: Pace::default(),
            pulse: Pulse::default(),
            handovers: Handovers::default(),
            stopping: AtomicBool::new(false),
            handed_over: OnceLock::new(),
            taken_over: Notify::new(),
            owed: Owed::default(),
        }
    }

    /// Whether nothing new is accepted any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Another process goes on from here, but for these listeners.
    pub fn hand_over(&self, orphans: Vec<Bound>) {
        self.handed_over.get_or_init(|| orphans);
        self.stopping.store(true, Ordering::Relaxed);
        self.taken_over.notify_waiters();
    }

    /// Whether another process has taken over.
    pub fn has_handed_over(&self) -> bool {
        self.handed_over.get().is_some()
    }

    /// Whether no other process listens there.
    pub fn is_last_at(&self, bound: &Bound) -> bool {
        let orphans = self.handed_over.get();
        orphans.is_none_or(|orphans| orphans.contains(bound))
    }
}

impl ProxyState {
    fn new(proxy: &Proxy, all: &[Proxy], shards: usize, now: Instant) -> Self {
        let frontend = proxy.frontend.as_ref().map(|frontend| FrontendState {
            counters: Shards::new(shards),
            sessions: Level::default(),
            limit: FrontendLimit::of(frontend.max_connections),
            connection_rate: Rate::default(),
            session_rate: Rate::default(),
            request_rate: Rate::default(),
            log_lines: AtomicU32::new(0),
            listeners: frontend
                .binds
                .iter()
                .map(|_| ListenerState {
                    counters: Shards::new(shards),
                    sessions: Level::default(),
                    socket: OnceLock::new(),
                })
                .collect(),
            status: Mutex::new(FrontendStatus::Open),
        });
        let backend = proxy.backend.as_ref().map(|side| BackendState {
            balancer: Mutex::new(Backend::new(
                side.settings.clone(),
                side.servers
                    .iter()
                    .map(|server| server.settings.clone())
                    .collect(),
                now,
            )),
            counters: Shards::new(shards),
            // Only the control thread checks.
            checks: [Shards::new(1), Shards::new(1)],
            sessions: Level::default(),
            session_rate: Rate::default(),
            times: Times::default(),
            last_session: AtomicU64::new(0),
            servers: side
                .servers
                .iter()
                .map(|_| ServerState::new(shards))
                .collect(),
            timers_changed: Notify::new(),
            trackers: trackers_of(proxy.id, all),
        });
        Self { frontend, backend }
    }
}

fn trackers_of(tracked: ProxyId, all: &[Proxy]) -> Vec<(ServerId, ProxyId, ServerId)> {
    let sides = all
        .iter()
        .filter_map(|proxy| Some((proxy.id, proxy.backend.as_ref()?)));
    sides
        .flat_map(|(id, side)| side.servers.iter().map(move |server| (id, server)))
        .filter_map(|(id, server)| match server.track {
            Some((proxy, target)) if proxy == tracked => Some((target, id, server.id)),
            _ => None,
        })
        .collect()
}

impl ServerState {
    fn new(shards: usize) -> Self {
        Self {
            counters: Shards::new(shards),
            sessions: Level::default(),
            session_rate: Rate::default(),
            times: Times::default(),
            last_session: AtomicU64::new(0),
            checks: RecentChecks::default(),
            state_changed: Notify::new(),
            agent_changed: Notify::new(),
            whereabouts: Whereabouts::default(),
            gone: AtomicBool::new(false),
        }
    }
}

impl ServerState {
    /// Whether it was deleted.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

impl BackendState {
    /// The servers that are there, as [`Running::servers`].
    pub fn servers<'a>(
        &'a self,
        side: &'a ServerSide,
    ) -> impl Iterator<Item = (&'a Server, &'a ServerState)> {
        let servers = side.servers.iter().zip(&self.servers);
        servers.filter(|(_, state)| !state.is_gone())
    }

    /// The balancer, to look at. To change something, use [`Running::with_backend`], which
    /// carries out the orders that follow.
    pub fn balancer(&self) -> MutexGuard<'_, Backend> {
        // A panic aborts the process, so a poisoned lock cannot be seen.
        self.balancer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
