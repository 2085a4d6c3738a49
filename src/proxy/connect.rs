//! Connecting to the picked server: where from, how, and what if it fails.

use std::{io, net::SocketAddr, ops::ControlFlow, os::fd::OwnedFd};

use pontoon_config::haproxy::model::{LogLevel, Server, ServerPort, ServerSide};
use pontoon_engine::{
    address::{Endpoint, ServerAddr},
    balance::Algorithm,
    moment::Span,
    proxy_protocol,
    session::{
        Incident, Stage, Step,
        retry::{AfterFailure, RetryPolicy},
    },
    termination::Cause,
};
use pontoon_sys::{
    epoll::Interest,
    option,
    socket::{self, Address, Connecting},
    stream,
};

use super::{
    io::{Early, Leg},
    listen::{to_endpoint, to_system},
    session::{Course, Session, Side},
    source,
    thread::Worker,
};

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// Refused or unreachable.
    Refused,
    /// No answer within `timeout connect`.
    TimedOut,
    /// No port of `source` is free.
    NoPort,
    /// We lack descriptors, ports or memory.
    Resource,
}

impl Worker {
    /// Begins an attempt; if it is quick, goes on to relay in the same turn.
    pub(super) fn connect(&mut self, session: &mut Session) -> Course {
        self.step(session, Step::Connect);
        // What the client has sent already goes with the handshake's last packet.
        self.read_ahead(session)?;
        match self.open(session) {
            Ok(leg) => session.server = Some(leg),
            Err(failed) => return self.connect_failed(session, failed),
        }
        self.check_connection(session)?;
        if matches!(session.life.stage(), Stage::Connecting { .. }) {
            return self.watch(session, Side::Client, Interest::Arrivals);
        }
        ControlFlow::Continue(())
    }

    /// The client or the server has stirred while connecting.
    pub(super) fn await_connection(&mut self, session: &mut Session) -> Course {
        self.check_connection(session)?;
        if matches!(session.life.stage(), Stage::Connecting { .. }) {
            return self.watch_waiting_client(session);
        }
        ControlFlow::Continue(())
    }

    fn open(&self, session: &mut Session) -> Result<Leg, Failed> {
        let Some((side, server)) = server_of(&self.running.model, session) else {
            return Err(Failed::Refused);
        };
        self.count(session, |c| &c.connects, |c| &c.connects);
        let address = self.target(server, session)?;
        let (socket, connecting) = self.dial(session, side, server, &address)?;
        self.count_attempt(session);
        session.record.server_address = Some(ServerAddr(to_endpoint(address)));
        if self.wants_source[session.record.frontend.index()] {
            session.record.source = match socket::local_address(&socket) {
                Ok(Address::Ip(ip)) => Some(Box::new(ip)),
                _ => None,
            };
        }
        let mut leg = Leg::new(socket);
        // The loop tells what the server says, once it watches.
        leg.readable = false;
        leg.writable = connecting == Connecting::Done;
        leg.abrupt = side.no_linger;
        if leg.writable && opens_fast(server, session) {
            leg.early = Early::Waits;
        }
        Ok(leg)
    }

    /// Where the server is: as in the file, unless it was moved since.
    fn target(&self, server: &Server, session: &Session) -> Result<Address, Failed> {
        let backend = session.record.backend.ok_or(Failed::Refused)?;
        if let Some((ServerAddr(endpoint), port)) = self.running.moved_to(backend, server.id) {
            return Ok(with_port(&endpoint, port, session));
        }
        match &server.address {
            Some(ServerAddr(endpoint)) => Ok(with_port(endpoint, server.port, session)),
            None => Err(Failed::Refused),
        }
    }

    /// A socket on its way to the server. A port of ours that is in use towards this very
    /// server makes room for the next in the range.
    fn dial(
        &self,
        session: &Session,
        side: &ServerSide,
        server: &Server,
        address: &Address,
    ) -> Result<(OwnedFd, Connecting), Failed> {
        let lacking = |error: io::Error| failure(&error);
        let source = server.source.as_ref().or(side.source.as_ref());
        let ports = source.map_or(0, source::ports);
        for left in (0..ports.max(1)).rev() {
            let socket = socket::stream_for(address).map_err(lacking)?;
            self.prepare(&socket, side, server, session, address)
                .map_err(lacking)?;
            if let (Some(source), Address::Ip(target)) = (source, address) {
                self.choose_source(&socket, source, session, target.is_ipv6())?;
            }
            match socket::connect_to(&socket, address) {
                Ok(connecting) => return Ok((socket, connecting)),
                Err(error) if ports > 0 && error.kind() == io::ErrorKind::AddrNotAvailable => {
                    if left == 0 {
                        return Err(self.no_source(session, &error));
                    }
                }
                Err(error) => return Err(lacking(error)),
            }
        }
        Err(Failed::NoPort)
    }

    fn prepare(
        &self,
        socket: &OwnedFd,
        side: &ServerSide,
        server: &Server,
        session: &Session,
        address: &Address,
    ) -> io::Result<()> {
        let tune = &self.running.model.global.tune;
        if let Some(bytes) = tune.receive_buffer_server {
            option::set_receive_buffer(socket, bytes)?;
        }
        if let Some(bytes) = tune.send_buffer_server {
            option::set_send_buffer(socket, bytes)?;
        }
        if !address.is_ip() {
            return Ok(());
        }
        option::set_no_delay(socket)?;
        if let Some(keepalive) = side.keepalive {
            option::set_keepalive(socket, super::to_system_keepalive(keepalive))?;
        }
        if let Some(timeout) = server.tcp_user_timeout {
            option::set_user_timeout(socket, timeout)?;
        }
        if let Some(name) = &server.congestion_control {
            option::set_congestion_control(socket, name)?;
        }
        if opens_fast(server, session) {
            option::connect_fast_open(socket)?;
        }
        if !session.request.is_empty() || server.send_proxy.is_some() {
            option::delay_acks(socket)?;
        }
        Ok(())
    }

    /// Says that something is lacking, at most once a second.
    pub(super) fn complain(&self, session: &Session, text: &str) {
        if !self.running.process.connect_complaints.allows(self.now) {
            return;
        }
        let proxy = session.record.backend.unwrap_or(session.record.frontend);
        let proxy = self.running.proxy(proxy);
        let text = format!("Backend {}: {text}", proxy.name);
        self.running
            .logger
            .event(Some(proxy), LogLevel::Emergency, &text);
    }

    /// Whether the attempt has come to something. A socket that takes bytes is connected, so
    /// with bytes in hand sending them is the question.
    fn check_connection(&mut self, session: &mut Session) -> Course {
        let Some(server) = &session.server else {
            return session.over(Incident::Ordered(Cause::Internal));
        };
        if server.failed {
            let error = stream::pending_error(&server.socket).err();
            let failed = error.map_or(Failed::Refused, |error| failure(&error));
            return self.connect_failed(session, failed);
        }
        match self.greet_server(session) {
            Ok(true) => self.connected(session),
            Ok(false) => self.watch(session, Side::Server, Interest::Everything),
            Err(error) => self.connect_failed(session, failure(&error)),
        }
    }

    /// Sends what comes first: the PROXY header, else the client's first bytes, else nothing.
    /// False while the connection is not there yet.
    fn greet_server(&self, session: &mut Session) -> io::Result<bool> {
        if let Some(leg) = &mut session.server
            && let Early::Sent(bytes) = leg.early
        {
            if leg.writable {
                leg.early = Early::No;
                session.request.consume(bytes as usize);
            }
            return Ok(leg.writable);
        }
        let sent = self.send_first(session)?;
        let Some(leg) = &mut session.server else {
            return Ok(false);
        };
        if let (Some(bytes), Early::Waits) = (sent, leg.early) {
            // A packet's worth, which fits.
            leg.early = Early::Sent(u32::try_from(bytes).unwrap_or(u32::MAX));
            leg.writable = false;
            return Ok(false);
        }
        session.request.consume(sent.unwrap_or(0));
        Ok(sent.is_some())
    }

    /// Sends what comes first; how many bytes of the request are gone, or `None` while the
    /// connection is not there yet.
    fn send_first(&self, session: &mut Session) -> io::Result<Option<usize>> {
        let Session {
            record,
            request,
            server: Some(leg),
            ..
        } = session
        else {
            return Ok(None);
        };
        let side = record
            .backend
            .and_then(|id| self.running.proxy(id).backend.as_ref());
        let version = side
            .zip(record.server)
            .and_then(|(side, id)| side.servers.get(id.index()))
            .and_then(|server| server.send_proxy);
        if let Some(version) = version {
            let mut header = Vec::with_capacity(128);
            let ends = record.client.0.ip().zip(record.local.0.ip());
            proxy_protocol::write(version, ends, &mut header);
            return match self.io.send(leg, &header, !request.is_empty())? {
                Some(sent) if sent == header.len() => Ok(Some(0)),
                // A fresh socket that has no room for a hundred bytes is of no use.
                Some(_) => Err(io::ErrorKind::WriteZero.into()),
                None => Ok(None),
            };
        }
        if request.is_empty() {
            // The loop tells when it is there.
            return Ok(leg.writable.then_some(0));
        }
        let sent = self.io.send(leg, request.pending(), request.ended)?;
        leg.writable &= sent.is_some();
        Ok(sent)
    }

    fn connected(&mut self, session: &mut Session) -> Course {
        let queued = session.record.queue_time.unwrap_or_default();
        session.record.connect_time = Some(self.time_queued(session).without(queued));
        self.step(session, Step::Relay);
        self.observed(session, true);
        if self
            .running
            .proxy(session.record.frontend)
            .log
            .as_soon_as_possible
        {
            session.record.total_time = self.moment.since(session.record.accepted);
            self.running.write_line(&mut session.record, true);
        }
        self.tell_start(&mut session.record);
        if let Some(server) = &mut session.server {
            server.writable = true;
        }
        self.relay(session)
    }

    /// A server counts attempts as sessions, successful or not.
    fn count_attempt(&self, session: &Session) {
        let (Some(id), Some(server)) = (session.record.backend, session.record.server) else {
            return;
        };
        if let Some(state) = self.running.server(id, server) {
            state.counters.of(self.shard).sessions.increment();
            state.session_rate.count(self.moment);
        }
    }

    /// `observe layer4`: live traffic tells how the server is.
    fn observed(&self, session: &Session, ok: bool) {
        let Some((_, server)) = server_of(&self.running.model, session) else {
            return;
        };
        if let (Some(_), Some(backend)) = (server.settings.observe, session.record.backend) {
            let now = self.now;
            self.running.with_backend(backend, now, |balancer| {
                balancer.observed(server.id, ok, now)
            });
        }
    }

    /// An attempt failed: again, elsewhere, or the end.
    pub(super) fn connect_failed(&mut self, session: &mut Session, failed: Failed) -> Course {
        session.server = None;
        if failed == Failed::Resource {
            self.count_failed(session);
            self.release_slot(session);
            self.complain(
                session,
                "no descriptor, port or memory is left for a connection to a server",
            );
            return session.over(Incident::Ordered(Cause::Resource));
        }
        self.observed(session, false);
        let Some((side, _)) = server_of(&self.running.model, session) else {
            return session.over(Incident::Ordered(Cause::Internal));
        };
        let others = session.record.backend.is_some_and(|id| {
            let state = self.running.backend(id);
            state.is_some_and(|state| state.balancer().usable_servers() > 1)
        });
        // Only a server that refused needs a moment.
        let at_once = failed != Failed::Refused;
        match policy(side).after_failure(session.record.retries, others, at_once) {
            AfterFailure::GiveUp => self.give_up(session, failed),
            AfterFailure::Elsewhere => self.redispatch(session),
            AfterFailure::Again(pause) => {
                self.count_retry(session);
                session.record.retries += 1;
                self.step(session, Step::TurnAround(Span::at_least(pause)));
                self.watch_waiting_client(session)
            }
        }
    }

    fn give_up(&mut self, session: &mut Session, failed: Failed) -> Course {
        self.count_failed(session);
        self.release_slot(session);
        let cause = match failed {
            Failed::TimedOut => Cause::ServerTimeout,
            Failed::Refused | Failed::NoPort | Failed::Resource => Cause::ServerAbort,
        };
        session.over(Incident::Ordered(cause))
    }

    /// The pause is over: the same server again.
    pub(super) fn connect_again(&mut self, session: &mut Session) -> Course {
        let side = server_of(&self.running.model, session).map(|(side, _)| side);
        // In HAProxy's books a redispatch that finds no other server has queued once more.
        if side.is_some_and(|side| policy(side).redispatches(session.record.retries)) {
            session.record.queue_time = Some(self.time_queued(session));
        }
        self.connect(session)
    }

    fn redispatch(&mut self, session: &mut Session) -> Course {
        let avoid = session.record.server;
        self.count_redispatch(session);
        session.record.retries += 1;
        session.record.redispatched = true;
        self.release_slot(session);
        self.place(session, avoid)
    }

    fn count_retry(&self, session: &Session) {
        self.count(session, |c| &c.retries, |c| &c.retries);
    }

    fn count_redispatch(&self, session: &Session) {
        self.count(session, |c| &c.redispatches, |c| &c.redispatches);
    }

    pub(super) fn count_failed(&self, session: &Session) {
        self.count(session, |c| &c.connection_errors, |c| &c.connection_errors);
    }
}

fn policy(side: &ServerSide) -> RetryPolicy {
    RetryPolicy {
        retries: side.retries,
        redispatch: side.redispatch,
        takes_turns: !matches!(side.settings.algorithm, Algorithm::Source(_)),
        connect: side.timeout_connect,
    }
}

/// TCP Fast Open. Without bytes in hand nothing would be sent at all, and the server not even asked.
fn opens_fast(server: &Server, session: &Session) -> bool {
    server.fast_open && !session.request.is_empty()
}

/// The session's backend and picked server.
fn server_of<'a>(
    model: &'a pontoon_config::haproxy::model::Model,
    session: &Session,
) -> Option<(&'a ServerSide, &'a Server)> {
    let backend = session.record.backend?;
    let side = model.proxies[backend.index()].backend.as_ref()?;
    let server = side.servers.get(session.record.server?.index())?;
    Some((side, server))
}

/// The server's address, with the port that this client's connection asks for.
fn with_port(endpoint: &Endpoint, port: ServerPort, session: &Session) -> Address {
    let Endpoint::Ip(fixed) = endpoint else {
        return to_system(endpoint);
    };
    let asked = session.record.local.0.ip().map_or(0, |local| local.port());
    let port = match port {
        ServerPort::Fixed => fixed.port(),
        ServerPort::Client => asked,
        ServerPort::Offset(offset) => {
            let port = i32::from(asked).wrapping_add(offset);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a port beyond the range wraps around in it"
            )]
            let port = port as u16;
            port
        }
    };
    Address::Ip(SocketAddr::new(fixed.ip(), port))
}

fn failure(error: &io::Error) -> Failed {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, OutOfMemory, PermissionDenied, WouldBlock};
    let few_descriptors = matches!(
        error.raw_os_error(),
        Some(pontoon_sys::EMFILE | pontoon_sys::ENFILE | pontoon_sys::ENOBUFS)
    );
    match error.kind() {
        _ if few_descriptors => Failed::Resource,
        AddrInUse | AddrNotAvailable | OutOfMemory | PermissionDenied | WouldBlock => {
            Failed::Resource
        }
        io::ErrorKind::TimedOut => Failed::TimedOut,
        _ => Failed::Refused,
    }
}
