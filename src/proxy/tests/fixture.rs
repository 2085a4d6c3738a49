//! A running data path: a model made by hand, threads, and the lines it logs.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use pontoon_config::{
    haproxy::{
        check::CheckMethod,
        log_format::{Flags, LogFormat, Piece, Variable},
        model::{
            Bind, BindAddress, Frontend, Global, LogAddress, LogEncoding, LogLevel, LogTarget,
            Logging, Mode, Model, Proxy, Server, ServerPort, ServerSide, UnixPermissions,
        },
    },
    source::Location,
};
use pontoon_engine::{
    address::{Endpoint, ServerAddr},
    backend,
    balance::Algorithm,
    rules::ContentRules,
    server,
    units::{ProxyId, ServerId, Weight},
};
use pontoon_sys::socket::{self, Address};

use crate::{
    log::{Logger, Settings},
    proxy::{handoff, listen, thread},
    state::{ProcessState, Running, mailbox::Message},
};

/// How long anything may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A running proxy.
pub(super) struct Fixture {
    /// Its shared state.
    pub(super) running: Arc<Running>,
    /// Where it listens.
    pub(super) address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
    log: UdpSocket,
    /// Connections for the statistics.
    pub(super) statistics: handoff::Receiver,
}

impl Fixture {
    /// One `listen` before these servers, changed at will, on so many threads.
    pub(super) fn start(
        servers: &[SocketAddr],
        threads: u16,
        change: impl FnOnce(&mut Proxy),
    ) -> Self {
        let log = UdpSocket::bind("127.0.0.1:0").unwrap();
        log.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut proxy = listen(servers, log.local_addr().unwrap());
        change(&mut proxy);
        let model = Arc::new(Model {
            global: Global::default(),
            proxies: vec![proxy],
            userlists: std::collections::BTreeMap::default(),
        });
        let listeners = listen::bind_all(&model).unwrap();
        let first = listeners.iter().next().unwrap();
        let Ok(Address::Ip(address)) = socket::local_address(&first.socket) else {
            panic!("a TCP listener has an address");
        };
        let logger = Logger::open(&model, Settings::default()).unwrap();
        let process = ProcessState::new("test".into(), 1000, 2000);
        let running = Arc::new(Running::new(model, process, logger, threads).unwrap());
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let threads = (0..threads)
            .map(|n| {
                thread::spawn(Arc::clone(&running), n, listeners.clone(), sender.clone()).unwrap()
            })
            .collect();
        Self {
            running,
            address,
            threads,
            log,
            statistics: receiver,
        }
    }

    /// A client's connection.
    pub(super) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The next line logged: `backend/server Tw/Tc U/B flags retries sq/bq`.
    pub(super) fn line(&self) -> String {
        let mut buffer = [0; 2048];
        let n = self.log.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..n]).trim_end().to_owned()
    }

    /// Tells every thread.
    pub(super) fn post(&self, message: impl Fn() -> Message) {
        for thread in &self.running.threads {
            thread.post(message());
        }
    }

    /// Waits until this holds.
    pub(super) fn wait_until(&self, what: &str, holds: impl Fn(&Running) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.running) {
            assert!(Instant::now() < deadline, "{what} did not happen");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.post(|| Message::Quit);
        for thread in self.threads.drain(..) {
            // A panic has been shown already.
            let _panicked = thread.join();
        }
    }
}

/// A server that does this with each connection.
pub(super) fn server(behaviour: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            behaviour(stream.unwrap());
        }
    });
    address
}

/// Sends back what it gets, until the end.
pub(super) fn echo() -> SocketAddr {
    server(|mut stream| {
        std::thread::spawn(move || {
            let mut copy = stream.try_clone().unwrap();
            let _broken = std::io::copy(&mut stream, &mut copy);
        });
    })
}

/// An address where nobody listens.
pub(super) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Everything up to the end.
pub(super) fn read_all(mut stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn listen(servers: &[SocketAddr], log: SocketAddr) -> Proxy {
    Proxy {
        name: "px".into(),
        id: ProxyId(0),
        number: 1,
        description: None,
        mode: Mode::Tcp,
        disabled: false,
        frontend: Some(frontend()),
        backend: Some(server_side(servers)),
        log: logging(log),
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

fn frontend() -> Frontend {
    Frontend {
        binds: vec![bind()],
        max_connections: None,
        backlog: None,
        rate_limit: None,
        default_backend: Some(ProxyId(0)),
        use_backend: Vec::new(),
        connection_rules: Vec::new(),
        session_rules: Vec::new(),
        content_rules: ContentRules::default(),
        timeout_client: Some(PATIENCE),
        timeout_client_fin: None,
        timeout_http_request: None,
        timeout_http_keep_alive: None,
        keepalive: None,
        no_linger: false,
        dont_log_null: false,
        socket_stats: false,
        monitor_net: None,
    }
}

fn bind() -> Bind {
    Bind {
        address: BindAddress::Endpoint(Endpoint::Ip("127.0.0.1:0".parse().unwrap())),
        name: None,
        number: 1,
        accept_proxy: false,
        backlog: None,
        max_connections: None,
        defer_accept: false,
        interface: None,
        mss: None,
        tcp_user_timeout: None,
        fast_open: false,
        transparent: false,
        v6_only: None,
        unix: UnixPermissions::default(),
        congestion_control: None,
        declared: here(),
    }
}

fn server_side(servers: &[SocketAddr]) -> ServerSide {
    ServerSide {
        settings: backend::Settings {
            algorithm: Algorithm::RoundRobin,
            all_backups: false,
            full_connections: None,
            redispatch: false,
        },
        servers: (0..)
            .zip(servers)
            .map(|(id, address)| one_server(id, *address))
            .collect(),
        use_server: Vec::new(),
        content_rules: ContentRules::default(),
        retries: 3,
        redispatch: None,
        timeout_connect: Some(PATIENCE),
        timeout_server: Some(PATIENCE),
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

fn one_server(id: u32, address: SocketAddr) -> Server {
    Server {
        settings: server::Settings {
            name: format!("s{}", id + 1).into(),
            weight: Weight::ONE,
            backup: false,
            disabled: false,
            max_connections: None,
            min_connections: None,
            max_queue: None,
            slow_start: Duration::ZERO,
            health: None,
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
        check: None,
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

fn logging(log: SocketAddr) -> Logging {
    use Variable::{
        BackendName, BackendQueue, BytesRead, BytesUploaded, Retries, ServerName, ServerQueue,
        Termination,
    };
    let variable = |variable| Piece::Variable(variable, Flags::default());
    let text = |text: &str| Piece::Text(text.to_owned());
    let pieces = vec![
        variable(BackendName),
        text("/"),
        variable(ServerName),
        text(" "),
        variable(BytesUploaded),
        text("/"),
        variable(BytesRead),
        text(" "),
        variable(Termination),
        text(" "),
        variable(Retries),
        text(" "),
        variable(ServerQueue),
        text("/"),
        variable(BackendQueue),
    ];
    Logging {
        targets: vec![LogTarget {
            address: LogAddress::Udp(log),
            length: 1024,
            format: LogEncoding::Raw,
            sample: None,
            facility: 16,
            level: LogLevel::Debug,
            min_level: LogLevel::Emergency,
        }],
        tag: None,
        line: Some(Arc::new(LogFormat { pieces })),
        error_line: None,
        as_soon_as_possible: false,
        dont_log_normal: false,
        separate_errors: false,
        structured_data: None,
    }
}
