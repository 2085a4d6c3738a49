//! SIGHUP: the state of every server, in the log.

use std::time::Instant;

use pontoon_config::haproxy::model::{LogLevel, Proxy, ServerSide};
use pontoon_engine::{
    backend::BackendView,
    server::{AdminState, OperState},
};

use crate::state::{BackendState, Running, counters::ServerCounters};

/// Writes the state of all proxies and servers to the log.
pub(super) fn states(running: &Running, now: Instant) {
    for proxy in &running.model.proxies {
        let say = |text: &str| running.logger.event(Some(proxy), LogLevel::Notice, text);
        say(&format!(
            "SIGHUP received, dumping servers states for proxy {}.",
            proxy.name
        ));
        if let (Some(side), Some(state)) = (&proxy.backend, running.backend(proxy.id)) {
            servers(proxy, side, state, now).for_each(|line| say(&line));
        }
        say(&summary(running, proxy, now));
    }
}

fn servers<'a>(
    proxy: &'a Proxy,
    side: &'a ServerSide,
    state: &'a BackendState,
    now: Instant,
) -> impl Iterator<Item = String> + 'a {
    state.servers(side).map(move |(server, counted)| {
        let view = state.balancer().server_view(server.id, now);
        let down = view.oper == OperState::Down || view.admin == AdminState::Maintenance;
        let total = counted.counters.sum(|c: &ServerCounters| &c.sessions);
        format!(
            "SIGHUP: Server {}/{} is {}. Conn: {} act, {} pend, {total} tot.",
            proxy.name,
            server.settings.name,
            if down { "DOWN" } else { "UP" },
            view.sessions,
            view.queued,
        )
    })
}

fn summary(running: &Running, proxy: &Proxy, now: Instant) -> String {
    let backend = running.backend(proxy.id);
    let view = backend.map(|state| state.balancer().view(now));
    let has_servers = proxy
        .backend
        .as_ref()
        .is_some_and(|side| !side.servers.is_empty());
    let sessions_front = running
        .frontend(proxy.id)
        .map_or(0, |side| side.sessions.get());
    let sessions_back = backend.map_or(0, |side| side.sessions.get());
    let queued = view.map_or(0, |view| view.queued);
    let (total_front, total_back) = running.totals(proxy);
    format!(
        "SIGHUP: Proxy {} {} Conn: act(FE+BE): {sessions_front}+{sessions_back}, {queued} pend \
         ({queued} unass), tot(FE+BE): {total_front}+{total_back}.",
        proxy.name,
        standing(view.filter(|_| has_servers)),
    )
}

/// How a backend stands; `None`: it has no servers.
fn standing(view: Option<BackendView>) -> String {
    match view {
        None => "has no servers.".into(),
        Some(view) if view.active > 0 => format!(
            "has {} active servers and {} backup servers available.",
            view.active, view.backup
        ),
        Some(view) if view.backup > 0 => "is running on backup servers !".into(),
        Some(_) => "has no server available !".into(),
    }
}
