//! Whom a probe talks to, and how long it may take.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use pontoon_config::haproxy::{
    check::ConnectStep,
    model::{AgentCheck, Server, ServerCheck, ServerSide},
};
use pontoon_engine::{address::Endpoint, proxy_protocol, rules::SourceAddress};
use tokio::time::Instant;

use super::tls::Tls;
use crate::state::whereabouts::Moved;

/// Where a probe connects to, and what it says before the check itself begins.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// `None`: the server has no address yet.
    pub(super) endpoint: Option<Endpoint>,
    /// `source` of the server or its backend.
    pub(super) source: Option<SourceAddress>,
    /// The PROXY header sent first.
    pub(super) proxy_header: Option<proxy_protocol::Version>,
    /// TLS around the check.
    pub(super) tls: Option<Arc<Tls>>,
    /// Close with FIN rather than with RST, for servers that log the latter.
    pub(super) linger: bool,
}

impl Target {
    /// What `check`, `addr`, `port` and `check-send-proxy` of a server make of it.
    pub(super) fn of_check(
        server: &Server,
        check: &ServerCheck,
        side: &ServerSide,
        tls: Option<Arc<Tls>>,
    ) -> Self {
        let elsewhere = check.address.is_some() || check.port.is_some();
        let implied = server.send_proxy.filter(|_| !elsewhere);
        let asked = check
            .send_proxy
            .then(|| server.send_proxy.unwrap_or(proxy_protocol::Version::V1));
        Self {
            endpoint: redirected(server_endpoint(server), check.address, check.port),
            source: server.source.clone().or_else(|| side.source.clone()),
            proxy_header: asked.or(implied),
            tls,
            linger: false,
        }
    }

    /// Where a server's agent listens.
    pub(super) fn of_agent(server: &Server, agent: &AgentCheck, side: &ServerSide) -> Self {
        let port = Some(agent.port);
        Self {
            endpoint: redirected(server_endpoint(server), agent.address, port),
            source: server.source.clone().or_else(|| side.source.clone()),
            proxy_header: None,
            tls: None,
            linger: false,
        }
    }

    /// The same, for a server that was moved while the process runs, or whose checks were.
    pub(super) fn of_check_moved(&self, server: &Server, moved: &Moved) -> Self {
        let check = server.check.as_ref();
        let said = check.map(|check| (check.address, check.port));
        let (address, port) = said.unwrap_or_default();
        let port = moved.check_port.filter(|port| *port > 0).or(port);
        let address = moved.check_address.or(address);
        Self {
            endpoint: redirected(moved_endpoint(server, moved), address, port),
            ..self.clone()
        }
    }

    /// The same, for an agent whose server was moved while the process runs, or that was itself.
    pub(super) fn of_agent_moved(&self, server: &Server, moved: &Moved) -> Self {
        let agent = server.agent.as_ref();
        let address = moved
            .agent_address
            .or(agent.and_then(|agent| agent.address));
        let port = moved.agent_port.or(agent.map(|agent| agent.port));
        Self {
            endpoint: redirected(moved_endpoint(server, moved), address, port),
            ..self.clone()
        }
    }

    /// The same server as a `tcp-check connect` or `http-check connect` line wants it.
    pub(super) fn for_step(&self, step: &ConnectStep, tls: Option<Arc<Tls>>) -> Self {
        let inherited = step.default.then(|| self.clone());
        Self {
            endpoint: redirected(self.endpoint.clone(), step.address, step.port),
            source: self.source.clone(),
            proxy_header: if step.send_proxy {
                Some(proxy_protocol::Version::V1)
            } else {
                inherited.as_ref().and_then(|target| target.proxy_header)
            },
            tls: tls.or_else(|| inherited.and_then(|target| target.tls)),
            linger: step.linger,
        }
    }

    /// The same server, closed politely.
    pub(super) fn lingering(mut self) -> Self {
        self.linger = true;
        self
    }
}

fn server_endpoint(server: &Server) -> Option<Endpoint> {
    server.address.as_ref().map(|address| address.0.clone())
}

fn moved_endpoint(server: &Server, moved: &Moved) -> Option<Endpoint> {
    match &moved.address {
        Some((address, _)) => Some(address.0.clone()),
        None => server_endpoint(server),
    }
}

fn redirected(
    endpoint: Option<Endpoint>,
    address: Option<std::net::IpAddr>,
    port: Option<u16>,
) -> Option<Endpoint> {
    let own = endpoint.as_ref().and_then(Endpoint::ip);
    let ip = address.or_else(|| own.map(|own| own.ip()));
    let port = port.or_else(|| own.map(|own| own.port()));
    match (ip, port) {
        (Some(ip), Some(port)) => Some(Endpoint::Ip(SocketAddr::new(ip, port))),
        _ => endpoint,
    }
}

/// How long a check may take (`timeout check`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For a connection.
    connect: Duration,
    /// For the rest, counted from the connection; `None`: `connect` covers everything.
    answer: Option<Duration>,
}

impl Limits {
    /// Without `timeout check`, `inter` covers connection and answer. With it, a connection gets
    /// the shorter of `timeout connect` and `inter`, and `timeout check` counts from there, as the
    /// manual says. (HAProxy 2.6 notices a `timeout check` shorter than the connection's limit
    /// only when that limit has passed.)
    pub(super) fn new(
        interval: Duration,
        connect: Option<Duration>,
        check: Option<Duration>,
    ) -> Self {
        let connect = match (check, connect) {
            (Some(_), Some(connect)) => connect.min(interval),
            _ => interval,
        };
        Self {
            connect,
            answer: check,
        }
    }
}

/// The deadlines of one check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    limits: Limits,
    started: Instant,
}

impl Deadlines {
    pub(super) fn start(limits: Limits) -> Self {
        Self {
            limits,
            started: Instant::now(),
        }
    }

    /// Until when a connection begun now must stand, TLS handshake included.
    pub(super) fn connection(&self) -> Instant {
        self.after(
            Instant::now(),
            self.limits.answer.map(|_| self.limits.connect),
        )
    }

    /// Until when everything said on a connection that stands now must be answered.
    pub(super) fn answer(&self) -> Instant {
        self.after(Instant::now(), self.limits.answer)
    }

    /// A phase of its own ends so much after it began; the others end with the whole check.
    fn after(&self, now: Instant, phase: Option<Duration>) -> Instant {
        phase.map_or(self.started + self.limits.connect, |phase| now + phase)
    }

    /// How long the check has taken.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_interval_covers_all_without_timeout_check() {
        let deadlines = Deadlines::start(Limits::new(ms(500), Some(ms(100)), None));
        assert_eq!(deadlines.connection(), deadlines.started + ms(500));
        assert_eq!(deadlines.answer(), deadlines.started + ms(500));
    }

    #[test]
    fn timeout_check_counts_from_the_connection() {
        let deadlines = Deadlines::start(Limits::new(ms(500), Some(ms(200)), Some(ms(90_000))));
        let connected = deadlines.started + ms(150);
        assert_eq!(
            deadlines.after(connected, Some(ms(90_000))),
            connected + ms(90_000)
        );
        assert!(deadlines.connection() < deadlines.answer() - ms(80_000));
    }

    #[test]
    fn a_long_timeout_connect_does_not_slow_checks() {
        let limits = Limits::new(ms(500), Some(ms(9000)), Some(ms(900)));
        assert_eq!(limits.connect, ms(500));
    }
}
