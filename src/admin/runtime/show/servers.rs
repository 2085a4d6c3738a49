//! `show backend`, `show servers conn`.

use std::{fmt::Write as _, time::Instant};

use pontoon_config::haproxy::model::{Proxy, Server};

use crate::{
    admin::runtime::answer::Answer,
    state::{Running, server_state},
};

/// What HAProxy says of a backend that is not there.
const NO_BACKEND: &str = "Can't find backend.";

/// `show backend`: the names of all.
pub(super) fn backends(running: &Running) -> Answer {
    let mut out = "# name\n".to_owned();
    for proxy in with_servers(running) {
        out.push_str(&proxy.name);
        out.push('\n');
    }
    Answer::Text(out)
}

/// `show servers state`, of all backends or of one.
pub(super) fn state(running: &Running, backend: &str) -> Answer {
    let backend = (!backend.is_empty()).then_some(backend);
    match server_state::dump(running, backend, Instant::now()) {
        Some(text) => Answer::Text(text),
        None => Answer::error(NO_BACKEND),
    }
}

/// `show servers conn`, of all backends or of one. Connections are not kept for later sessions, so
/// that what HAProxy tells of such is 0.
pub(super) fn connections(running: &Running, backend: &str) -> Answer {
    let chosen = |proxy: &&Proxy| backend.is_empty() || *proxy.name == *backend;
    if !with_servers(running).any(|proxy| chosen(&proxy)) && !backend.is_empty() {
        return Answer::error(NO_BACKEND);
    }
    let threads = running.threads.len();
    let mut out = format!(
        "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb \
         safe_nb idle_lim idle_cur idle_per_thr[{threads}]\n"
    );
    for proxy in with_servers(running).filter(chosen) {
        for (server, _) in running.servers(proxy) {
            out.push_str(&connections_line(running, proxy, server));
        }
    }
    Answer::Text(out)
}

fn connections_line(running: &Running, proxy: &Proxy, server: &Server) -> String {
    let state = running.backend(proxy.id);
    let sessions = state.and_then(|state| state.servers.get(server.id.index()));
    let (now, most) = sessions.map_or((0, 0), |it| (it.sessions.get(), it.sessions.most()));
    let address = server.address.as_ref().and_then(|address| address.0.ip());
    let (ip, port) = address.map_or_else(
        || ("-".to_owned(), 0),
        |address| (address.ip().to_string(), address.port()),
    );
    let mut line = format!(
        "{}/{} {}/{} {ip} {port} - 5000 {now} {most} {most} 0 0 -1 0",
        proxy.name, server.settings.name, proxy.number, server.number,
    );
    for _ in 0..running.threads.len() {
        // Writing to a string cannot fail.
        let _infallible = write!(line, " 0");
    }
    line.push('\n');
    line
}

/// Backends and `listen` sections that run.
fn with_servers(running: &Running) -> impl Iterator<Item = &Proxy> {
    let proxies = running.model.proxies.iter();
    proxies.filter(|proxy| proxy.backend.is_some() && !proxy.disabled)
}
