//! The process as a whole.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant, SystemTime},
};

use pontoon_sys::clock;

use crate::state::{Running, handovers::HandoverCounts, limits::ProcessLimit, pulse::Reading};

/// The process as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: u32,
    /// Since when it runs.
    pub(crate) uptime: Duration,
    /// When it was started, in seconds since 1970.
    pub(crate) started_on: u64,
    /// Its data threads.
    pub(crate) threads: usize,
    /// Its threads look for events before they sleep.
    pub(crate) spins: bool,
    /// Sessions at once, at most.
    pub(crate) max_connections: u32,
    /// The same, whatever was set since the start.
    pub(crate) hard_max_connections: u32,
    /// Open files, at most.
    pub(crate) open_files: u64,
    /// Pipes at once, at most (`maxpipes`); 0: not limited.
    pub(crate) max_pipes: u32,
    /// Sessions now.
    pub(crate) sessions: u32,
    /// Sessions at once, at most so far.
    pub(crate) sessions_max: u32,
    /// New connections a second.
    pub(crate) connection_rate: u32,
    /// Most new connections in a second.
    pub(crate) connection_rate_max: u32,
    /// New connections a second, at most (`maxconnrate`); 0: not limited.
    pub(crate) connection_rate_limit: u32,
    /// New sessions a second.
    pub(crate) session_rate: u32,
    /// Most new sessions in a second.
    pub(crate) session_rate_max: u32,
    /// New sessions a second, at most (`maxsessrate`); 0: not limited.
    pub(crate) session_rate_limit: u32,
    /// Connections accepted since the start.
    pub(crate) connections_total: u64,
    /// Sessions and requests since the start.
    pub(crate) requests: u32,
    /// Bytes sent to clients since the start.
    pub(crate) bytes_out: u64,
    /// Bytes sent to clients a second, lately.
    pub(crate) bytes_out_rate: u64,
    /// The share of its threads' time that it did not use lately, in percent.
    pub(crate) idle_percent: u32,
    /// Its listening sockets.
    pub(crate) listeners: u64,
    /// Log lines that could not be sent, of all proxies.
    pub(crate) dropped_lines: u64,
    /// What became of reloads.
    pub(crate) handovers: HandoverCounts,
    /// It takes nothing new any more.
    pub(crate) stopping: bool,
}

impl Process {
    /// Looks at it now.
    pub(crate) fn take(running: &Running, now: Instant) -> Self {
        let process = &running.process;
        let global = &running.model.global;
        let moment = running.moment(now);
        let uptime = now.saturating_duration_since(process.launched);
        let bytes_out = bytes_out(running);
        let effort = process.pulse.look(
            Reading {
                at: now,
                used: clock::used(),
                bytes_out,
            },
            Reading {
                at: process.launched,
                used: Duration::ZERO,
                bytes_out: 0,
            },
            running.threads.len(),
        );
        Self {
            pid: std::process::id(),
            uptime,
            started_on: started_on(uptime),
            threads: running.threads.len(),
            spins: !global.tune.spin.is_zero(),
            max_connections: process.limits.get(ProcessLimit::Sessions),
            hard_max_connections: process.max_connections,
            open_files: process.open_files,
            max_pipes: global.max_pipes.unwrap_or(0),
            sessions: process.sessions.get(),
            sessions_max: process.sessions.most(),
            connection_rate: process.connection_rate.get(moment),
            connection_rate_max: process.connection_rate.most(),
            connection_rate_limit: process.limits.get(ProcessLimit::ConnectionRate),
            session_rate: process.session_rate.get(moment),
            session_rate_max: process.session_rate.most(),
            session_rate_limit: process.limits.get(ProcessLimit::SessionRate),
            connections_total: process.connections_total.load(Ordering::Relaxed),
            requests: process.requests.load(Ordering::Relaxed),
            bytes_out,
            bytes_out_rate: effort.bytes_out_rate,
            idle_percent: effort.idle_percent,
            listeners: listeners(running),
            dropped_lines: running.logger.dropped(),
            handovers: process.handovers.counts(),
            stopping: process.is_stopping(),
        }
    }
}

fn started_on(uptime: Duration) -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since_1970.map_or(0, |time| time.saturating_sub(uptime).as_secs())
}

fn bytes_out(running: &Running) -> u64 {
    let frontends = running.proxies.iter().filter_map(|it| it.frontend.as_ref());
    frontends
        .map(|frontend| frontend.counters.sum(|c| &c.bytes_out))
        .sum()
}

fn listeners(running: &Running) -> u64 {
    let proxies = running.model.proxies.iter().filter(|proxy| !proxy.disabled);
    let frontends = proxies.filter_map(|proxy| proxy.frontend.as_ref());
    frontends.map(|frontend| frontend.binds.len() as u64).sum()
}
