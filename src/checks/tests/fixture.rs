//! Backends whose servers are checked, and servers that count.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use pontoon_config::{
    haproxy::{
        check::CheckMethod,
        model::{
            CheckTls, Global, Logging, Mode, Model, Proxy, Server, ServerCheck, ServerPort,
            ServerSide,
        },
    },
    source::Location,
};
use pontoon_engine::{
    address::{Endpoint, ServerAddr},
    backend::{self, ServerView},
    balance::Algorithm,
    health,
    rules::ContentRules,
    server::{self, AdminState, Status},
    units::{ProxyId, ServerId, Weight},
};
use tokio::task::JoinHandle;

use crate::{
    checks::Checks,
    log::{Logger, Settings},
    state::{ProcessState, Running},
};

/// `inter` of the servers.
pub(super) const INTERVAL: Duration = Duration::from_millis(40);
const PATIENCE: Duration = Duration::from_secs(20);

/// Checks that run.
pub(super) struct Fixture {
    pub(super) running: Arc<Running>,
    task: JoinHandle<()>,
}

impl Fixture {
    pub(super) fn start(backend: ServerSide) -> Self {
        Self::of(vec![backend])
    }

    pub(super) fn of(backends: Vec<ServerSide>) -> Self {
        let proxies = (0..).zip(backends).map(|(id, backend)| proxy(id, backend));
        let model = Arc::new(Model {
            global: Global::default(),
            proxies: proxies.collect(),
            userlists: std::collections::BTreeMap::default(),
        });
        let checks = Checks::load(&model).unwrap();
        let logger = Logger::open(&model, Settings::default()).unwrap();
        let process = ProcessState::new("test".into(), 1000, 2000);
        let running = Arc::new(Running::new(model, process, logger, 0).unwrap());
        let task = tokio::spawn(checks.run(Arc::clone(&running)));
        Self { running, task }
    }

    /// Waits until every server has been checked once.
    pub(super) async fn checked_all(&self) {
        let count = self.running.model.proxies[0]
            .backend
            .as_ref()
            .unwrap()
            .servers
            .len();
        let ids = 0..u32::try_from(count).unwrap();
        eventually("check of every server", || {
            let mut views = ids.clone().map(|id| self.view(ServerId(id)));
            views.all(|view| view.last_check.is_some())
        })
        .await;
    }

    pub(super) fn usable(&self) -> u32 {
        self.running
            .backend(ProxyId(0))
            .unwrap()
            .balancer()
            .usable_servers()
    }

    pub(super) fn view(&self, server: ServerId) -> ServerView {
        self.view_in(ProxyId(0), server)
    }

    fn view_in(&self, proxy: ProxyId, server: ServerId) -> ServerView {
        let state = self.running.backend(proxy).unwrap();
        state.balancer().server_view(server, Instant::now())
    }

    pub(super) fn set_admin(&self, server: ServerId, state: AdminState) {
        let now = Instant::now();
        self.running.with_backend(ProxyId(0), now, |backend| {
            backend.set_admin(server, state, now)
        });
    }

    pub(super) async fn status(&self, server: ServerId, status: Status) {
        self.status_in(ProxyId(0), server, status).await;
    }

    pub(super) async fn status_in(&self, proxy: ProxyId, server: ServerId, status: Status) {
        let what = format!("status {status}");
        eventually(&what, || self.view_in(proxy, server).status == status).await;
    }

    pub(super) async fn until(&self, what: &str, holds: impl Fn(&ServerView) -> bool) {
        eventually(what, || holds(&self.view(ServerId(0)))).await;
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "no {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A server that counts its clients; it stops listening when dropped.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    accepted: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Listener {
    /// One that closes at once.
    pub(super) fn new() -> Self {
        Self::serving(drop)
    }

    pub(super) fn at(address: SocketAddr) -> Self {
        Self::on(TcpListener::bind(address).unwrap(), drop)
    }

    /// One that does this with each client, on a thread of its own.
    pub(super) fn serving(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), serve)
    }

    fn on(listener: TcpListener, serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let (accepted, stop) = (
            Arc::new(AtomicU32::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let thread = {
            let (accepted, stop) = (Arc::clone(&accepted), Arc::clone(&stop));
            thread::spawn(move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    accepted.fetch_add(1, Ordering::SeqCst);
                    let serve = serve.clone();
                    // A check of layer 4 may have reset it already.
                    if let Ok(stream) = stream {
                        thread::spawn(move || serve(stream));
                    }
                }
            })
        };
        Self {
            address,
            accepted,
            stop,
            thread: Some(thread),
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) async fn accepted(&self, at_least: u32) {
        eventually("clients", || self.count() >= at_least).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accept.
        let _woken = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn proxy(id: u32, backend: ServerSide) -> Proxy {
    Proxy {
        name: format!("be{id}").into(),
        id: ProxyId(id),
        number: id + 1,
        description: None,
        mode: Mode::Tcp,
        disabled: false,
        frontend: None,
        backend: Some(backend),
        log: Logging {
            targets: Vec::new(),
            tag: None,
            line: None,
            error_line: None,
            as_soon_as_possible: false,
            dont_log_normal: false,
            separate_errors: false,
            structured_data: None,
        },
        stats: None,
        declared: here(),
    }
}

fn here() -> Location {
    Location {
        file: "test".into(),
        line: 1,
    }
}

pub(super) fn side(servers: Vec<Server>) -> ServerSide {
    ServerSide {
        settings: backend::Settings {
            algorithm: Algorithm::RoundRobin,
            all_backups: false,
            full_connections: None,
            redispatch: false,
        },
        servers,
        use_server: Vec::new(),
        content_rules: ContentRules::default(),
        retries: 3,
        redispatch: None,
        timeout_connect: None,
        timeout_server: None,
        timeout_server_fin: None,
        timeout_queue: None,
        timeout_tunnel: None,
        timeout_check: None,
        keepalive: None,
        no_linger: false,
        abort_on_close: false,
        source: None,
        log_health_checks: false,
        check: Arc::new(CheckMethod::Connect),
        external_check_path: None,
    }
}

/// A server with `check inter 40ms rise 2 fall 3`.
pub(super) fn checked(id: u32, address: SocketAddr) -> Server {
    Server {
        settings: server::Settings {
            name: format!("s{id}").into(),
            weight: Weight::ONE,
            backup: false,
            disabled: false,
            max_connections: None,
            min_connections: None,
            max_queue: None,
            slow_start: Duration::ZERO,
            health: Some(health::Settings {
                rise: 2,
                fall: 3,
                interval: INTERVAL,
                fast_interval: None,
                down_interval: None,
                initial: health::InitialState::FullyUp,
            }),
            tracks: false,
            agent: None,
            observe: None,
            shutdown_sessions_on_down: false,
            shutdown_backup_sessions_on_up: false,
        },
        id: ServerId(id),
        number: id + 1,
        address: Some(ServerAddr(Endpoint::Ip(address))),
        host: None,
        port: ServerPort::Fixed,
        check: Some(ServerCheck {
            address: None,
            port: None,
            send_proxy: false,
            tls: None,
            step_tls: Arc::new(CheckTls {
                server_name: None,
                verify: false,
                verify_host: None,
                ca_file: None,
                certificate: None,
            }),
            alpn: Vec::new(),
        }),
        agent: None,
        track: None,
        send_proxy: None,
        source: None,
        tcp_user_timeout: None,
        fast_open: false,
        congestion_control: None,
        declared: here(),
    }
}
