//! A session in the words of the protocol.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::{Bind, BindAddress, Mode, Proxy, Server};
use pontoon_engine::{address::Endpoint, moment::Moment, session::Stage};

use crate::{
    admin::sessions::{Doing, SessionView},
    proxy::observe::{Observed, Way},
    state::{Running, operate::SessionId},
};

/// A session with what its names and times are taken from.
pub(super) struct Sight<'a> {
    pub(super) session: &'a Observed,
    running: &'a Running,
    now: Moment,
}

/// How far towards a server a session is, as HAProxy numbers and names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) number: u8,
    pub(super) word: &'static str,
}

/// What a direction waits for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Waits {
    pub(super) to_read: Option<Moment>,
    pub(super) to_write: Option<Moment>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(running: &'a Arc<Running>, session: &'a Observed, now: Instant) -> Self {
        Self {
            session,
            running,
            now: running.moment(now),
        }
    }

    pub(super) const fn id(&self) -> SessionId {
        SessionId(self.session.key)
    }

    pub(super) fn frontend(&self) -> &'a Proxy {
        self.running.proxy(self.session.record.frontend)
    }

    pub(super) fn backend(&self) -> Option<&'a Proxy> {
        let backend = self.session.record.backend?;
        Some(self.running.proxy(backend))
    }

    /// The server it is meant for. Whoever waits in a queue is meant for none yet.
    pub(super) fn server(&self) -> Option<&'a Server> {
        let server = self.session.record.server?;
        let side = self.backend()?.backend.as_ref()?;
        let waits = matches!(self.session.stage, Stage::Queued { .. });
        side.servers.get(server.index()).filter(|_| !waits)
    }

    pub(super) fn listener(&self) -> Option<&'a Bind> {
        let side = self.frontend().frontend.as_ref()?;
        side.binds.get(self.session.record.listener)
    }

    /// The protocol that the client came by.
    pub(super) fn protocol(&self) -> &'static str {
        match self.listener().map(|bind| &bind.address) {
            Some(BindAddress::Endpoint(endpoint)) => protocol(endpoint),
            Some(BindAddress::Inherited(_)) | None => protocol(&self.session.record.local.0),
        }
    }

    /// A client's end; UNIX sockets have the number of their listener for an address.
    pub(super) fn address(&self, endpoint: &Endpoint) -> String {
        match endpoint {
            Endpoint::Ip(address) => plain(*address),
            Endpoint::Unix(_) | Endpoint::Abstract(_) => {
                format!("unix:{}", self.listener().map_or(0, |bind| bind.number))
            }
        }
    }

    pub(super) fn source(&self) -> String {
        self.address(&self.session.record.client.0)
    }

    pub(super) fn age(&self) -> Duration {
        let accepted = self.session.record.accepted.micros();
        Duration::from_micros(self.now.micros().saturating_sub(accepted))
    }

    /// The time until then, if there is one.
    pub(super) fn until(&self, then: Option<Moment>) -> Option<Duration> {
        let then = then?.micros();
        Some(Duration::from_micros(
            then.saturating_sub(self.now.micros()),
        ))
    }

    /// When it ends or goes on otherwise, if nothing happens.
    pub(super) fn expires(&self) -> Option<Duration> {
        let due = &self.session.deadlines;
        let all = [due.client, due.server, due.connect, due.inspection];
        self.until(all.into_iter().flatten().min())
    }

    /// What the request waits for: the client to send, the server to take.
    pub(super) fn request_waits(&self) -> Waits {
        let due = &self.session.deadlines;
        waits(&self.session.request, due.client, due.server)
    }

    /// What the response waits for: the server to send, the client to take.
    pub(super) fn response_waits(&self) -> Waits {
        let due = &self.session.deadlines;
        waits(&self.session.response, due.server, due.client)
    }

    pub(super) const fn progress(&self) -> Progress {
        let (number, word) = match self.session.stage {
            Stage::Handshake { .. } | Stage::Inspect { .. } => (0, "INI"),
            Stage::Queued { .. } => (2, "QUE"),
            Stage::TurnAround { .. } => (3, "TAR"),
            Stage::Connecting { .. } => (5, "CON"),
            Stage::Relaying { .. } => (8, "EST"),
        };
        Progress { number, word }
    }

    pub(super) const fn is_inspected(&self) -> bool {
        matches!(self.session.stage, Stage::Inspect { .. })
    }

    /// The flags of both directions, as HAProxy shows them for sessions in this state.
    pub(super) fn flags(&self) -> [u32; 2] {
        let request = if self.is_inspected() { 0 } else { 0x80_8000 };
        let relays = matches!(self.session.stage, Stage::Relaying { .. });
        let response = 0x8000_0000 | if relays { 0x8000 } else { 0 };
        [
            request | closed(&self.session.request),
            response | closed(&self.session.response),
        ]
    }

    /// The same for programs.
    pub(super) fn view(&self) -> SessionView {
        let record = &self.session.record;
        let name = |name: &str| name.to_owned();
        SessionView {
            id: self.id().to_string(),
            frontend: name(&self.frontend().name),
            backend: self.backend().map(|it| name(&it.name)),
            server: self.server().map(|it| name(&it.settings.name)),
            client: self.source(),
            server_address: record.server_address.as_ref().map(|it| it.0.to_string()),
            stage: self.doing(),
            age_ms: millis(self.age()),
            idle_ms: self.idle(),
            expires_ms: self.expires().map(millis),
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            held: stuck(&self.session.request) + stuck(&self.session.response),
            retries: record.retries,
        }
    }

    const fn doing(&self) -> Doing {
        match self.session.stage {
            Stage::Handshake { .. } | Stage::Inspect { .. } => Doing::Inspected,
            Stage::Queued { .. } => Doing::Queued,
            Stage::Connecting { .. } => Doing::Connecting,
            Stage::TurnAround { .. } => Doing::Retrying,
            Stage::Relaying { .. } if self.session.request.ended || self.session.response.ended => {
                Doing::Closing
            }
            Stage::Relaying { .. } => Doing::Established,
        }
    }

    fn idle(&self) -> u64 {
        match self.session.stage {
            Stage::Relaying {
                client_seen,
                server_seen,
                ..
            } => {
                let seen = client_seen.max(server_seen).micros();
                self.now.micros().saturating_sub(seen) / 1000
            }
            _ => millis(self.age()),
        }
    }
}

fn waits(way: &Way, sender: Option<Moment>, taker: Option<Moment>) -> Waits {
    let stuck = stuck(way) > 0;
    Waits {
        to_read: sender.filter(|_| !way.ended && !stuck),
        to_write: taker.filter(|_| stuck),
    }
}

fn stuck(way: &Way) -> u64 {
    way.held as u64 + way.piped as u64
}

/// Flags of a direction that its sender has closed, and that is closed towards its taker.
const fn closed(way: &Way) -> u32 {
    (if way.ended { 0x20 } else { 0 }) | (if way.shut { 0x2000 } else { 0 })
}

pub(super) const fn protocol(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Ip(SocketAddr::V4(_)) => "tcpv4",
        Endpoint::Ip(SocketAddr::V6(_)) => "tcpv6",
        Endpoint::Unix(_) | Endpoint::Abstract(_) => "unix_stream",
    }
}

/// An address without brackets, as HAProxy writes it.
pub(super) fn plain(address: SocketAddr) -> String {
    format!("{}:{}", address.ip(), address.port())
}

/// The `mode` of a proxy.
pub(super) const fn mode(proxy: &Proxy) -> &'static str {
    match proxy.mode {
        Mode::Tcp => "tcp",
        Mode::Http => "http",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
