//! `show servers state`.

use std::{
    fmt::{self, Display, Write as _},
    net::IpAddr,
    time::Instant,
};

use pontoon_config::haproxy::model::{Proxy, Server, ServerPort};
use pontoon_engine::{
    address::Endpoint,
    backend::ServerView,
    server::{AdminState, OperState, Status},
};

use super::{
    FIELDS, VERSION,
    code::{self, Op, admin, check},
};
use crate::state::{BackendState, Running};

/// `srv_check_health` of a server that is not checked and up: what `rise` is by default.
const UNCHECKED: u32 = 2;
/// Servers looked at under one lock: sessions that are to be placed wait that long.
const AT_ONCE: usize = 64;

/// The states of all servers, or of those of one backend: its name, or `#` and its number. `None`:
/// there is no such backend.
#[must_use]
pub fn dump(running: &Running, backend: Option<&str>, now: Instant) -> Option<String> {
    let sides = running.model.proxies.iter();
    let mut chosen = sides
        .filter(|proxy| proxy.backend.is_some() && backend.is_none_or(|it| is_called(proxy, it)))
        .peekable();
    if backend.is_some() {
        chosen.peek()?;
    }
    let mut out = format!("{VERSION}\n# {}\n", FIELDS.join(" "));
    for proxy in chosen {
        if let Some(state) = running.backend(proxy.id) {
            servers(&mut out, proxy, state, now);
        }
    }
    Some(out)
}

fn is_called(proxy: &Proxy, name: &str) -> bool {
    match name.strip_prefix('#') {
        Some(number) => number.parse() == Ok(proxy.number),
        None => *proxy.name == *name,
    }
}

fn servers(out: &mut String, proxy: &Proxy, state: &BackendState, now: Instant) {
    let Some(side) = &proxy.backend else { return };
    let present: Vec<_> = state.servers(side).map(|(server, _)| server).collect();
    for some in present.chunks(AT_ONCE) {
        let views: Vec<_> = {
            let balancer = state.balancer();
            let view = |server: &&Server| balancer.server_view(server.id, now);
            some.iter().map(view).collect()
        };
        for (server, view) in some.iter().zip(&views) {
            let row = Row {
                proxy,
                server,
                view,
                now,
            };
            // Nothing can fail that is written to memory.
            let _always = writeln!(out, "{row}");
        }
    }
}

struct Row<'a> {
    proxy: &'a Proxy,
    server: &'a Server,
    view: &'a ServerView,
    now: Instant,
}

impl Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            proxy,
            server,
            view,
            now,
        } = self;
        let last = view.last_check.as_ref().map(|last| last.status);
        write!(
            f,
            "{} {} {} {} {} {} {} {} {} {}",
            proxy.number,
            proxy.name,
            server.number,
            server.settings.name,
            Dash(self.address()),
            self.op().number(),
            self.admin(),
            view.weight.get(),
            server.settings.weight.get(),
            now.saturating_duration_since(view.last_change).as_secs(),
        )?;
        write!(
            f,
            " {} {} {} {} {} {} {} {} {} - 0",
            last.map_or(1, code::status),
            code::result(last),
            self.health(),
            self.check_state(),
            self.agent_state(),
            u8::from(proxy.number_written),
            u8::from(server.number_written),
            Dash(server.host.as_deref()),
            self.port(),
        )?;
        let probe = server.check.as_ref();
        let agent = server.agent.as_ref();
        let check_port = probe.and_then(|check| check.port).unwrap_or_default();
        let check_address = probe.and_then(|check| check.address);
        write!(
            f,
            " {check_port} {} {} {}",
            Dash(check_address),
            // What an agent does not say itself, it has from the check.
            Dash(agent.and_then(|agent| agent.address).or(check_address)),
            agent.map_or(check_port, |agent| agent.port),
        )
    }
}

impl Row<'_> {
    fn address(&self) -> Option<IpAddr> {
        match &self.server.address.as_ref()?.0 {
            Endpoint::Ip(address) => Some(address.ip()),
            _ => None,
        }
    }

    fn port(&self) -> i32 {
        let written = match self.server.address.as_ref().map(|it| &it.0) {
            Some(Endpoint::Ip(address)) => i32::from(address.port()),
            _ => 0,
        };
        match self.server.port {
            ServerPort::Fixed => written,
            ServerPort::Client => 0,
            ServerPort::Offset(offset) => offset,
        }
    }

    fn in_maintenance(&self) -> bool {
        matches!(
            self.view.status,
            Status::Maintenance | Status::MaintenanceVia
        )
    }

    fn op(&self) -> Op {
        match self.view.oper {
            _ if self.in_maintenance() => Op::Stopped,
            OperState::Down => Op::Stopped,
            OperState::Starting => Op::Starting,
            OperState::Up => Op::Running,
            OperState::Stopping => Op::Stopping,
        }
    }

    fn admin(&self) -> u8 {
        let drains = matches!(self.view.status, Status::Drain | Status::DrainByAgent);
        let own = match self.view.admin {
            AdminState::Ready if drains => admin::DRAIN_VIA,
            AdminState::Ready => 0,
            AdminState::Drain => admin::DRAIN,
            AdminState::Maintenance => admin::MAINTENANCE,
        };
        let bit = |is: bool, bit| if is { bit } else { 0 };
        let via = self.view.status == Status::MaintenanceVia;
        own | bit(via, admin::MAINTENANCE_VIA)
            | bit(self.server.settings.disabled, admin::DISABLED)
            | bit(self.server.address.is_none(), admin::UNRESOLVED)
    }

    fn health(&self) -> u32 {
        match self.server.settings.health {
            _ if self.in_maintenance() => 0,
            Some(_) => self.view.health,
            None => UNCHECKED,
        }
    }

    fn check_state(&self) -> u8 {
        let settings = &self.server.settings;
        let checked = match settings.health {
            Some(_) => check::CONFIGURED | check::ENABLED,
            None => 0,
        };
        let paused = self.in_maintenance() && (checked != 0 || settings.disabled);
        checked | if paused { check::PAUSED } else { 0 }
    }

    fn agent_state(&self) -> u8 {
        match self.server.settings.agent {
            Some(_) => check::AGENT | check::CONFIGURED | check::ENABLED,
            None => 0,
        }
    }
}

/// `-` for nothing.
struct Dash<T>(Option<T>);

impl<T: Display> Display for Dash<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}
