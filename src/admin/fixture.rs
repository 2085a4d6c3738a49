//! A process that exists only in memory, for tests: a frontend with two listeners, a backend with
//! a server in every state, a `listen`, and a statistics proxy.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use pontoon_engine::{
    address::{ClientAddr, Endpoint, LocalAddr},
    health::{CheckResult, CheckStatus},
    server::AdminState,
    units::{ProxyId, ServerId},
};

use crate::{
    record::SessionRecord,
    state::{ProcessState, Running},
    testing,
};

/// The statistics proxy.
pub(crate) const STATS: ProxyId = ProxyId(3);

/// What stands before the statistics proxy.
const PROXIES: &str = "
global
    description a <made-up> node
defaults
    timeout client 700ms
    timeout server 10s
    timeout connect 1s
    maxconn 2000
    option socket-stats
frontend fe_exasol
    description databases & more
    bind :8563
    bind :8564
    default_backend be_exasol
backend be_exasol
    default-server check weight 10 maxconn 100
    server up 10.0.1.11:8563
    server going-down 10.0.1.12:8563
    server down 10.0.1.13:8563
    server going-up 10.0.1.14:8563
    server maint 10.0.1.15:8563 disabled
    server drain 10.0.1.16:8563
    server nocheck 10.0.1.17:8563 no-check
    server spare 10.0.1.18:8563 backup
    server spare-down 10.0.1.19:8563 backup
    server slow 10.0.1.20:8563 slowstart 60s
listen lst
    bind :5432
    server only 10.0.2.11:5432
listen stats
    mode http
    bind :9090
";

/// Everything, with these lines in the statistics proxy.
pub(crate) fn running(stats: &str) -> Arc<Running> {
    let mut model = testing::model(format!("{PROXIES}{stats}\n"));
    model.fill_full_connections(10_000);
    let process = ProcessState::new("node-1".into(), 10_000, 20_030);
    let running = testing::running(model, process, 2);
    put_servers_in_all_states(&running);
    bring_traffic(&running);
    running
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
        running.moment(Instant::now()),
    )
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
