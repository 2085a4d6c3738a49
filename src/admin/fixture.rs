//! A process made by hand, for tests: a frontend with two listeners, a backend with a server in
//! every state, a `listen`, and a statistics proxy.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use pontoon_config::{
    haproxy::{
        check::CheckMethod,
        model::{
            Bind, BindAddress, Frontend, Global, Logging, Mode, Model, Password, Proxy, Server,
            ServerPort, ServerSide, Stats, StatsAdmin, StatsAuth, UnixPermissions, User, UserList,
        },
    },
    source::Location,
};
use pontoon_engine::{
    address::{ClientAddr, Endpoint, LocalAddr, ServerAddr},
    backend,
    balance::Algorithm,
    health::{self, CheckResult, CheckStatus, InitialState},
    rules::ContentRules,
    server::{self, AdminState},
    units::{ProxyId, ServerId, Weight},
};

use crate::{
    log::{self, Logger},
    record::SessionRecord,
    state::{ProcessState, Running},
};

/// The statistics proxy.
pub(crate) const STATS: ProxyId = ProxyId(3);

/// Everything, with this much changed about the statistics.
pub(crate) fn running(change: impl FnOnce(&mut Stats)) -> Arc<Running> {
    let mut stats = stats();
    change(&mut stats);
    let model = Arc::new(Model {
        global: Global {
            description: Some("a <made-up> node".into()),
            ..Global::default()
        },
        proxies: proxies(stats),
        userlists: BTreeMap::new(),
    });
    let logger = Logger::open(&model, log::Settings::default()).unwrap();
    let process = ProcessState::new("node-1".into(), 10_000, 20_030);
    let running = Running::new(model, process, logger, 2).unwrap();
    put_servers_in_all_states(&running);
    bring_traffic(&running);
    Arc::new(running)
}

/// The record of a connection from loopback, in the levels as a data thread leaves it.
pub(crate) fn accepted(running: &Running) -> SessionRecord {
    running.process.sessions.enter();
    if let Some(frontend) = running.frontend(STATS) {
        frontend.sessions.enter();
        frontend.listeners[0].sessions.enter();
    }
    let client = Endpoint::Ip(SocketAddr::from(([127, 0, 0, 1], 40_000)));
    let local = Endpoint::Ip(SocketAddr::from(([127, 0, 0, 1], 9090)));
    SessionRecord::accepted(
        STATS,
        0,
        ClientAddr(client),
        LocalAddr(local),
        SystemTime::now(),
        Instant::now(),
    )
}

/// Statistics as after `stats uri /stats` and `stats auth admin:secret`.
fn stats() -> Stats {
    let user = User {
        password: Password::Clear("secret".into()),
        groups: Vec::new(),
    };
    let users = BTreeMap::from([("admin".to_owned(), user)]);
    Stats {
        uri: "/stats".into(),
        realm: None,
        auth: Some(StatsAuth {
            users: Arc::new(UserList { users }),
        }),
        refresh: None,
        hide_version: false,
        scope: Vec::new(),
        show_node: Some(String::new()),
        show_description: Some(String::new()),
        show_legends: true,
        show_modules: false,
        admin: Some(StatsAdmin::Always),
    }
}

fn proxies(stats: Stats) -> Vec<Proxy> {
    let names = [
        "up",
        "going-down",
        "down",
        "going-up",
        "maint",
        "drain",
        "nocheck",
        "spare",
        "spare-down",
        "slow",
    ];
    let servers = (0..).zip(names).map(|(id, name)| server(id, name));
    let mut fe = proxy(0, "fe_exasol");
    fe.frontend = Some(frontend(&[8563, 8564], Some(ProxyId(1))));
    fe.description = Some("databases & more".into());
    let mut be = proxy(1, "be_exasol");
    be.backend = Some(side(servers.collect()));
    let mut listen = proxy(2, "lst");
    listen.frontend = Some(frontend(&[5432], Some(ProxyId(2))));
    listen.backend = Some(side(vec![server(0, "only")]));
    let mut page = proxy(STATS.0, "stats");
    page.mode = Mode::Http;
    page.frontend = Some(frontend(&[9090], Some(STATS)));
    page.backend = Some(side(Vec::new()));
    page.stats = Some(Arc::new(stats));
    vec![fe, be, listen, page]
}

fn location() -> Location {
    Location {
        file: Arc::from("haproxy.cfg"),
        line: 1,
    }
}

fn proxy(id: u32, name: &str) -> Proxy {
    Proxy {
        name: name.into(),
        id: ProxyId(id),
        number: id + 2,
        description: None,
        mode: Mode::Tcp,
        disabled: false,
        frontend: None,
        backend: None,
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
        declared: location(),
    }
}

fn frontend(ports: &[u16], backend: Option<ProxyId>) -> Frontend {
    Frontend {
        binds: (1..)
            .zip(ports)
            .map(|(number, port)| bind(number, *port))
            .collect(),
        max_connections: Some(2000),
        backlog: None,
        rate_limit: None,
        default_backend: backend,
        use_backend: Vec::new(),
        connection_rules: Vec::new(),
        session_rules: Vec::new(),
        content_rules: ContentRules::default(),
        timeout_client: Some(Duration::from_millis(700)),
        timeout_client_fin: None,
        keepalive: None,
        no_linger: false,
        dont_log_null: false,
        socket_stats: true,
        smart_accept: false,
        monitor_net: None,
        splice_asked: false,
    }
}

fn bind(number: u32, port: u16) -> Bind {
    let address = Endpoint::Ip(SocketAddr::from(([0, 0, 0, 0], port)));
    Bind {
        address: BindAddress::Endpoint(address),
        name: None,
        number,
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
        namespace: None,
        unix: UnixPermissions::default(),
        congestion_control: None,
        declared: location(),
    }
}

fn side(servers: Vec<Server>) -> ServerSide {
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
        smart_connect: false,
        splice_asked: false,
        source: None,
        log_health_checks: false,
        check: Arc::new(CheckMethod::Connect),
        external_check_path: None,
    }
}

fn server(id: u32, name: &str) -> Server {
    let address = format!("10.0.1.{}:8563", 11 + id).parse().unwrap();
    Server {
        settings: server_settings(name),
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
        namespace: None,
        congestion_control: None,
        declared: location(),
    }
}

fn server_settings(name: &str) -> server::Settings {
    let health = health::Settings {
        rise: 2,
        fall: 3,
        interval: Duration::from_secs(2),
        fast_interval: None,
        down_interval: None,
        initial: InitialState::Up,
    };
    let slow = if name == "slow" { 60 } else { 0 };
    server::Settings {
        name: name.into(),
        weight: Weight::new(10).unwrap(),
        backup: name.starts_with("spare"),
        disabled: name == "maint",
        max_connections: Some(100),
        min_connections: None,
        max_queue: None,
        slow_start: Duration::from_secs(slow),
        health: (name != "nocheck").then_some(health),
        tracks: false,
        agent: None,
        observe: None,
        shutdown_sessions_on_down: false,
        shutdown_backup_sessions_on_up: false,
    }
}

fn passed() -> CheckResult {
    CheckResult {
        status: CheckStatus::L7Ok,
        code: Some(200),
        info: None,
        duration: Duration::from_millis(3),
    }
}

fn failed() -> CheckResult {
    CheckResult {
        status: CheckStatus::L4Connection,
        code: None,
        info: Some("Connection refused".into()),
        duration: Duration::ZERO,
    }
}

/// Brings each server into the state that its name says.
fn put_servers_in_all_states(running: &Running) {
    let now = running.process.started;
    let check = |server: u32, results: &[CheckResult]| {
        for result in results {
            running.with_backend(ProxyId(1), now, |balancer| {
                balancer.check_finished(ServerId(server), result.clone(), now);
            });
        }
    };
    check(0, &[passed(), passed()]);
    check(1, &[passed(), passed(), failed()]);
    check(2, &[failed()]);
    check(3, &[failed(), passed()]);
    check(7, &[passed(), passed()]);
    check(8, &[failed()]);
    check(9, &[failed(), passed(), passed()]);
    running.with_backend(ProxyId(1), now, |balancer| {
        balancer.set_admin(ServerId(5), AdminState::Drain, now);
    });
}

/// Figures such as a busy day leaves.
fn bring_traffic(running: &Running) {
    let Some(frontend) = running.frontend(ProxyId(0)) else {
        return;
    };
    let counters = frontend.counters.of(0);
    counters.connections.add(1_234_567);
    counters.sessions.add(1_234_567);
    counters.bytes_in.add(9_876_543_210);
    counters.bytes_out.add(123_456_789_012);
    counters.denied_connections.add(3);
    let sessions = [(0, 431_022), (1, 398_110), (6, 402_001), (7, 3)];
    for (id, count) in sessions {
        let Some(server) = running.server(ProxyId(1), ServerId(id)) else {
            continue;
        };
        let counters = server.counters.of(1);
        counters.sessions.add(count);
        counters.bytes_in.add(count * 8_000);
        counters.bytes_out.add(count * 100_123);
        counters.retries.add(count / 100_000);
        server.times.connect.add(2);
        for _ in 0..=id {
            server.sessions.enter();
        }
    }
}
