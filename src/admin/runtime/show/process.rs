//! What is known of the process beside its figures: environment, sockets, threads.

use std::{
    fmt::Write as _,
    time::{Instant, SystemTime},
};

use crate::{
    admin::{
        runtime::{answer::Answer, session::level_word},
        snapshot::Process,
    },
    log::date::Calendar,
    state::Running,
};

/// `show env`: all variables, or one.
pub(super) fn environment(name: &str) -> Answer {
    let mut variables = std::env::vars_os().map(|(name, value)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    });
    if name.is_empty() {
        let lines = variables.map(|(name, value)| format!("{name}={value}\n"));
        return Answer::Text(lines.collect());
    }
    match variables.find(|(known, _)| known == name) {
        Some((name, value)) => Answer::Text(format!("{name}={value}\n")),
        None => Answer::error("Variable not found"),
    }
}

/// `show cli sockets`.
pub(super) fn sockets(running: &Running) -> Answer {
    let mut out = "# socket lvl processes\n".to_owned();
    for socket in &running.model.global.stats_sockets {
        let family = match socket.endpoint.ip() {
            Some(address) if address.is_ipv4() => "ipv4@",
            Some(_) => "ipv6@",
            None => "",
        };
        let (endpoint, level) = (&socket.endpoint, level_word(socket.access));
        // Writing to a string cannot fail.
        let _infallible = writeln!(out, "{family}{endpoint} {level} all");
    }
    Answer::Text(out)
}

/// `show activity`: what there is of it here; HAProxy's list is about its own inside.
pub(super) fn activity(running: &Running) -> Answer {
    let process = Process::take(running, Instant::now());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default();
    Answer::Text(format!(
        "thread_id: 1 (1..{})\ndate_now: {}.{:06}\naccepted: {}\n",
        process.threads,
        now.as_secs(),
        now.subsec_micros(),
        process.connections_total,
    ))
}

/// `show errors`: no protocol is parsed, so there are none.
pub(super) fn errors(running: &Running, proxy: &str) -> Answer {
    let proxies = &running.model.proxies;
    let is_known = |it: &pontoon_config::haproxy::model::Proxy| {
        *it.name == *proxy || proxy.parse() == Ok(it.number)
    };
    if !matches!(proxy, "" | "-1") && !proxies.iter().any(is_known) {
        return Answer::error("No such proxy.");
    }
    let mut now = Vec::new();
    Calendar::local().with_milliseconds(&mut now, SystemTime::now());
    let now = String::from_utf8_lossy(&now);
    Answer::Text(format!("Total events captured on [{now}] : 0\n"))
}
