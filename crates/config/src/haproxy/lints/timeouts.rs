//! Timeouts that are missing, and timeouts that cut off people's database sessions.

use std::{collections::HashMap, time::Duration};

use pontoon_engine::units::ProxyId;

use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        check::CheckMethod,
        model::{Mode, Model, Proxy, ServerSide},
        proxy::Written as Set,
        resolve::Written,
    },
};

/// Ports that databases listen on, and what they are.
const DATABASES: [(u16, &str); 9] = [
    (8563, "Exasol"),
    (5432, "PostgreSQL"),
    (3306, "MySQL"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (27017, "MongoDB"),
    (6379, "Redis"),
    (9042, "Cassandra"),
    (50000, "Db2"),
];

/// A client may be idle for as long as somebody reads a result or has lunch.
const LONG_ENOUGH: Duration = Duration::from_secs(30 * 60);

/// HAProxy warns of these as well.
pub(super) fn missing(proxy: &Proxy, written: &Written<'_>, d: &mut Diagnostics) {
    let mut names = Vec::new();
    let forwards = written.mode() == Mode::Tcp;
    if proxy
        .frontend
        .as_ref()
        .is_some_and(|side| side.timeout_client.is_none())
    {
        names.push("client");
    }
    if let Some(side) = proxy
        .backend
        .as_ref()
        .filter(|side| forwards && !side.servers.is_empty())
    {
        if side.timeout_connect.is_none() {
            names.push("connect");
        }
        if side.timeout_server.is_none() {
            names.push("server");
        }
    }
    if !names.is_empty() {
        let list = names.join("`, `timeout ");
        let message = format!(
            "`{}` has no `timeout {list}`: dead sessions stay forever",
            proxy.name
        );
        d.warning("missing-timeout", written.section.span(), message)
            .suggest("set them here or in `defaults`");
    }
}

/// Idle sessions are normal before a database: pools keep them, people think.
pub(super) fn too_short_for_databases(model: &Model, written: &[Written<'_>], d: &mut Diagnostics) {
    let databases: HashMap<ProxyId, &str> = model
        .proxies
        .iter()
        .filter(|proxy| !proxy.disabled)
        .filter_map(|proxy| Some((proxy.id, database(proxy.backend.as_ref()?)?)))
        .collect();
    for (proxy, draft) in model.proxies.iter().zip(written) {
        let timeouts = &draft.draft.timeouts;
        if let Some(name) = databases.get(&proxy.id) {
            match timeouts.tunnel {
                Some(_) => warn("tunnel", timeouts.tunnel, name, d),
                None => warn("server", timeouts.server, name, d),
            }
        }
        for backend in targets(proxy) {
            let tunnel = written
                .get(backend.index())
                .and_then(|it| it.draft.timeouts.tunnel);
            if let (Some(name), None) = (databases.get(&backend), tunnel) {
                warn("client", timeouts.client, name, d);
            }
        }
    }
}

fn targets(proxy: &Proxy) -> impl Iterator<Item = ProxyId> {
    let side = proxy.frontend.iter().filter(|_| proxy.mode == Mode::Tcp);
    side.flat_map(|side| {
        let rules = side.use_backend.iter().map(|rule| rule.action.0);
        side.default_backend.into_iter().chain(rules)
    })
}

/// What the servers are, as far as checks or ports tell.
fn database(side: &ServerSide) -> Option<&'static str> {
    match *side.check {
        CheckMethod::Postgres { .. } => return Some("PostgreSQL"),
        CheckMethod::Mysql { .. } => return Some("MySQL"),
        CheckMethod::Exasol(_) => return Some("Exasol"),
        CheckMethod::Redis => return Some("Redis"),
        _ => {}
    }
    let mut addresses = side
        .servers
        .iter()
        .filter_map(|server| server.address.as_ref());
    let port = addresses.find_map(|address| address.0.ip())?.port();
    let known = DATABASES.iter().find(|(known, _)| *known == port);
    known.map(|(_, name)| *name)
}

fn warn(name: &str, timeout: Option<Set<Duration>>, database: &str, d: &mut Diagnostics) {
    let Some(timeout) = timeout.filter(|timeout| timeout.value < LONG_ENOUGH) else {
        return;
    };
    let message = format!(
        "`timeout {name}` cuts off {database} sessions that are idle for {}",
        shown(timeout.value)
    );
    d.warning("short-timeout", timeout.span, message).suggest(
        "set `timeout client 1h` and `timeout server 1h`, with `option clitcpka` and `option srvtcpka` to find dead peers",
    );
}

fn shown(time: Duration) -> String {
    match time.as_millis() {
        millis if millis % 60_000 == 0 => format!("{} min", millis / 60_000),
        millis if millis % 1_000 == 0 => format!("{} s", millis / 1_000),
        millis => format!("{millis} ms"),
    }
}
