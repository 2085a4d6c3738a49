//! Accepting: who is let in, and when nobody is.

mod room;

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use pontoon_config::haproxy::model::{Frontend, LogLevel, Mode};
use pontoon_engine::{
    address::{ClientAddr, Endpoint, LocalAddr},
    moment::Span,
    rules::{ConnectionAction, Decision, first_match},
    session::Life,
    units::ProxyId,
};
use pontoon_sys::{
    option,
    socket::{self, Address},
};

use super::{
    listen::{Listener, to_endpoint},
    session::Session,
    thread::Worker,
    token::Token,
};
use crate::{
    facts::SessionFacts,
    record::SessionRecord,
    state::{
        FrontendState,
        limits::ProcessLimit,
        mailbox::{Accepted, Message},
    },
};

/// A listener as one thread sees it.
pub(super) struct Door {
    /// The shared socket.
    pub(super) listener: Arc<Listener>,
    /// The loop watches it.
    open: bool,
    /// Its frontend is disabled, or shut down.
    barred: bool,
    /// Its own address, if every connection to it has the same.
    local: Option<Endpoint>,
    appetite: Appetite,
}

/// How many connections are taken from a listener in one turn.
///
/// That nobody is left is found out by an attempt in vain, which costs half as much as one that
/// brings somebody; whether somebody is left, the loop tells for nothing. So where connections come
/// one by one they are taken one by one, and where more wait turn after turn, more are taken.
#[derive(Debug)]
struct Appetite {
    now: u32,
    /// Turns in a row in which so many were there.
    satisfied: u8,
}

/// Why nothing is accepted for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// A limit of sessions is reached; the next end of a session opens again.
    Full,
    /// A limit of the rate is reached; time opens again.
    TooFast,
}

/// How long a listener stays closed when the system ran out of something.
const SHORTAGE_PAUSE: Span = Span::from_millis(100);
/// How long a listener stays closed when connections came too fast.
const RATE_PAUSE: Span = Span::from_millis(20);
/// Connections taken from a listener before it is closed: more than any queue holds, so that those
/// who come without end do not keep it open.
const MOST_AT_LAST: u32 = 65_536;
/// Connections accepted from one listener in one turn, unless `tune.maxaccept` says otherwise.
pub(super) const MAX_ACCEPT: u32 = 64;

impl Door {
    /// A listener that the loop does not watch yet.
    pub(super) fn new(listener: Arc<Listener>, transparent: bool) -> Self {
        let address = socket::local_address(&listener.socket).ok();
        let local = address.filter(|address| match address {
            Address::Ip(ip) => !ip.ip().is_unspecified() && !transparent,
            Address::Unix(_) | Address::Abstract(_) => true,
        });
        Self {
            listener,
            open: false,
            barred: false,
            local: local.map(to_endpoint),
            appetite: Appetite::default(),
        }
    }
}

impl Default for Appetite {
    fn default() -> Self {
        Self {
            now: 1,
            satisfied: 0,
        }
    }
}

impl Appetite {
    /// So many were taken in a turn, of so many that could have been.
    fn after(&mut self, taken: usize, most: u32) {
        /// Turns after which more are asked for.
        const TURNS: u8 = 8;
        let taken = u32::try_from(taken).unwrap_or(most);
        if taken < most {
            (self.now, self.satisfied) = (taken.max(1), 0);
            return;
        }
        self.satisfied += 1;
        if self.satisfied == TURNS {
            (self.now, self.satisfied) = (most.saturating_mul(2).max(1), 0);
        }
    }
}

impl Worker {
    /// Watches all listeners that are not watched.
    pub(super) fn open_doors(&mut self) {
        if self.paused {
            return;
        }
        let shared = self.running.threads.len() > 1;
        for (index, door) in self.doors.iter_mut().enumerate() {
            let token = Token::Listener(u32::try_from(index).unwrap_or(u32::MAX));
            if !door.open && !door.barred {
                let watched = self.io.watch_listener(&door.listener.socket, token, shared);
                door.open = watched.is_ok();
            }
        }
        if self.doors.iter().any(|door| !door.open && !door.barred) {
            // The system lacks memory or watches for now.
            self.open_doors_at(self.moment + SHORTAGE_PAUSE);
        }
    }

    /// Watches no listener for now.
    pub(super) fn close_doors(&mut self) {
        for index in 0..self.doors.len() {
            self.close_door(index);
        }
    }

    /// Watches the listeners of a frontend no more, whoever has room.
    pub(super) fn bar_doors(&mut self, proxy: ProxyId) {
        for index in 0..self.doors.len() {
            if self.doors[index].listener.proxy == proxy {
                self.doors[index].barred = true;
                self.close_door(index);
            }
        }
    }

    /// Watches them again.
    pub(super) fn unbar_doors(&mut self, proxy: ProxyId) {
        for door in &mut self.doors {
            door.barred &= door.listener.proxy != proxy;
        }
        self.open_doors();
    }

    fn close_door(&mut self, index: usize) {
        let door = &mut self.doors[index];
        if std::mem::take(&mut door.open) {
            self.io.forget_listener(&door.listener.socket);
        }
    }

    /// Takes connections from a listener, so many in one turn.
    pub(super) fn accept(&mut self, index: usize) {
        let appetite = self.doors.get(index).map(|door| door.appetite.now);
        let most = appetite.unwrap_or(0).min(self.max_accept);
        let taken = (0..most).take_while(|_| self.accept_one(index)).count();
        if let Some(door) = self.doors.get_mut(index) {
            door.appetite.after(taken, most);
        }
    }

    /// Whether there was one to take.
    fn accept_one(&mut self, index: usize) -> bool {
        let Some(door) = self.doors.get(index).filter(|door| door.open) else {
            return false;
        };
        let (proxy, bind) = (door.listener.proxy, door.listener.index);
        // Far from every limit, a place is taken only when somebody is there to take it.
        let reserved = !self.running.is_roomy(proxy, bind) || self.too_fast(proxy);
        if reserved && let Err(closed) = self.reserve(proxy, bind) {
            self.close_for(index, closed);
            return false;
        }
        self.take_one(index, reserved)
    }

    /// Takes one whose place is reserved, or need not be.
    fn take_one(&mut self, index: usize, reserved: bool) -> bool {
        let door = &self.doors[index].listener;
        let (proxy, bind) = (door.proxy, door.index);
        let next = self.io.accept(&self.doors[index].listener.socket);
        match (&next, reserved) {
            (Ok(Some(_)), false) => self.running.enter(proxy, bind),
            (Ok(Some(_)), true) | (_, false) => {}
            (_, true) => self.running.unreserve(proxy, bind),
        }
        match next {
            Ok(Some((socket, peer))) => {
                self.welcome(index, socket, peer);
                return true;
            }
            Ok(None) => {}
            // A paused socket; mostly, the order to pause is in our mail.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.close_door(index);
                self.open_doors_at(self.moment + SHORTAGE_PAUSE);
            }
            Err(error) => self.shortage(index, &error),
        }
        false
    }

    /// Listeners are about to be closed: whoever waits at one that no other process has comes in, as far
    /// as there is room. They have been told that they are connected.
    pub(super) fn let_in_who_waits(&mut self) {
        for index in 0..self.doors.len() {
            let door = &self.doors[index];
            let (proxy, bind) = (door.listener.proxy, door.listener.index);
            if door.barred || !self.running.is_last_to_serve(&door.listener) {
                continue;
            }
            for _ in 0..MOST_AT_LAST {
                if !self.running.reserve(proxy, bind) || !self.take_one(index, true) {
                    break;
                }
            }
        }
    }

    /// Takes a place in every level that has a limit.
    fn reserve(&self, proxy: ProxyId, bind: usize) -> Result<(), Closed> {
        if self.too_fast(proxy) {
            return Err(Closed::TooFast);
        }
        if self.running.reserve(proxy, bind) {
            return Ok(());
        }
        self.mailbox().wait_for_room();
        // A place may have become free just before that.
        if self.running.reserve(proxy, bind) {
            return Ok(());
        }
        Err(Closed::Full)
    }

    fn too_fast(&self, proxy: ProxyId) -> bool {
        let process = &self.running.process;
        let over = |limit: u32, rate: &crate::state::rate::Rate| {
            limit > 0 && rate.get(self.moment) >= limit
        };
        let frontend = self.running.proxy(proxy).frontend.as_ref();
        let limit = frontend.and_then(|frontend| frontend.rate_limit);
        let state = self.running.frontend(proxy);
        let of_process = |limit| process.limits.get(limit);
        over(
            of_process(ProcessLimit::ConnectionRate),
            &process.connection_rate,
        ) || over(of_process(ProcessLimit::SessionRate), &process.session_rate)
            || state.is_some_and(|state| over(limit.unwrap_or(0), &state.session_rate))
    }

    fn close_for(&mut self, index: usize, closed: Closed) {
        self.close_door(index);
        if closed == Closed::TooFast {
            self.open_doors_at(self.moment + RATE_PAUSE);
        }
    }

    /// Out of descriptors or memory: says so, at most once a second, and waits a moment.
    fn shortage(&mut self, index: usize, error: &io::Error) {
        self.close_doors();
        self.open_doors_at(self.moment + SHORTAGE_PAUSE);
        self.short = true;
        if !self.running.process.accept_complaints.allows(self.now) {
            return;
        }
        let proxy = self.running.proxy(self.doors[index].listener.proxy);
        let text = format!(
            "Proxy {} cannot accept connections: {error}. Raise the limit of open files \
             (`ulimit -n`, `LimitNOFILE=`, `ulimit-n` in global) or lower `maxconn`; the limit is {}.",
            proxy.name, self.running.process.open_files,
        );
        self.running
            .logger
            .event(Some(proxy), LogLevel::Emergency, &text);
    }

    /// A descriptor is free again: no need to wait any longer.
    pub(super) fn descriptor_freed(&mut self) {
        if std::mem::take(&mut self.short) {
            self.open_doors_at(self.moment);
        }
    }

    /// A connection was taken: it is served here, or by a thread that has fewer.
    fn welcome(&mut self, index: usize, socket: OwnedFd, peer: Option<SocketAddr>) {
        let door = &self.doors[index];
        let accepted = Accepted {
            proxy: door.listener.proxy,
            index: door.listener.index,
            socket,
            peer,
            local: door.local.clone(),
            when: self.moment,
            on: SystemTime::now(),
        };
        let Some(other) = self.less_loaded_thread() else {
            return self.serve(accepted);
        };
        let message = Message::Serve(Box::new(accepted));
        if let Err(Message::Serve(accepted)) = self.running.threads[other].deliver(message) {
            self.running.threads[other].expected_came();
            self.serve(*accepted);
        }
    }

    /// A thread that has clearly fewer sessions than this one.
    fn less_loaded_thread(&self) -> Option<usize> {
        let threads = &self.running.threads;
        if threads.len() < 2 {
            return None;
        }
        let loads = threads.iter().map(|thread| thread.load());
        let (other, least) = loads.enumerate().min_by_key(|&(_, load)| load)?;
        let ours = self.mailbox().load();
        (ours > least + 1 + least / 8).then(|| {
            threads[other].expect_one();
            other
        })
    }

    /// Serves a connection on this thread.
    pub(super) fn serve(&mut self, accepted: Accepted) {
        let running = &*self.running;
        let Some((frontend, state)) = running
            .proxy(accepted.proxy)
            .frontend
            .as_ref()
            .zip(running.frontend(accepted.proxy))
        else {
            return;
        };
        running.count_accepted(state, accepted.index, self.shard, self.moment);
        let client = client_address(&accepted);
        if is_monitor(frontend, &client) {
            running.unreserve(accepted.proxy, accepted.index);
            return;
        }
        let mut record = record(&accepted, client);
        if running.proxy(accepted.proxy).mode == Mode::Tcp {
            record.number = running.process.requests.fetch_add(1, Ordering::Relaxed);
        }
        let expects_header = match self.connection_rules(frontend, &record) {
            Decision::Matched(ConnectionAction::Reject) => {
                let _no_tcp = option::reset_on_close(&accepted.socket);
                self.count_denied(state, accepted.index);
                None
            }
            // In HAProxy's books, who is dropped silently was not denied.
            Decision::Matched(ConnectionAction::SilentDrop) => {
                forget(&accepted.socket);
                None
            }
            Decision::Matched(ConnectionAction::ExpectProxy) => Some(true),
            _ => Some(frontend.binds[accepted.index].accept_proxy),
        };
        let Some(expects_header) = expects_header else {
            running.unreserve(accepted.proxy, accepted.index);
            return;
        };
        self.start(accepted.socket, record, expects_header);
    }

    /// `tcp-request connection reject`.
    fn count_denied(&self, frontend: &FrontendState, bind: usize) {
        let counters = frontend.counters.of(self.shard);
        counters.denied_connections.increment();
        let counters = frontend.listeners[bind].counters.of(self.shard);
        counters.denied_connections.increment();
    }

    fn connection_rules<'a>(
        &self,
        frontend: &'a Frontend,
        record: &SessionRecord,
    ) -> Decision<'a, ConnectionAction> {
        if frontend.connection_rules.is_empty() {
            return Decision::NoMatch;
        }
        first_match(
            &frontend.connection_rules,
            &SessionFacts::new(&self.running, record),
        )
    }

    fn start(&mut self, socket: OwnedFd, record: SessionRecord, header: bool) {
        let key = self.sessions.reserve();
        let life = Life::new(header, &self.timeouts(&record), self.moment);
        let mut session = Box::new(Session::new(key, record, life, socket));
        self.count_sessions();
        let course = if header {
            self.read_header(&mut session)
        } else {
            self.begin(&mut session)
        };
        self.settle(session, course);
    }
}

/// `silent-drop`: the client learns nothing.
pub(super) fn forget(socket: impl AsFd) {
    if option::forget_peer(&socket).is_err() {
        // Without the right to that, the reset at least dies at the first router.
        let _unreachable = option::set_hop_limit(&socket, 1);
        let _reset = option::reset_on_close(&socket);
    }
}

/// `monitor-net`: the connection itself is all that is asked for.
fn is_monitor(frontend: &Frontend, client: &ClientAddr) -> bool {
    let address = client.0.ip().map(|address| address.ip());
    frontend
        .monitor_net
        .zip(address)
        .is_some_and(|(net, address)| net.contains(&address))
}

fn client_address(accepted: &Accepted) -> ClientAddr {
    match (accepted.peer, &accepted.local) {
        (Some(peer), _) => ClientAddr(Endpoint::Ip(peer)),
        // The client of a UNIX socket is known by the socket.
        (None, Some(local)) => ClientAddr(local.clone()),
        (None, None) => ClientAddr(Endpoint::Abstract(Arc::new([]))),
    }
}

fn record(accepted: &Accepted, client: ClientAddr) -> SessionRecord {
    let local = accepted.local.clone().unwrap_or_else(|| {
        socket::local_address(&accepted.socket)
            .map_or_else(|_| Endpoint::Abstract(Arc::new([])), to_endpoint)
    });
    SessionRecord::accepted(
        accepted.proxy,
        accepted.index,
        client,
        LocalAddr(local),
        accepted.on,
        accepted.when,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns until nobody is left of those who wait, and attempts in vain on the way.
    fn turns(appetite: &mut Appetite, mut waiting: u32) -> (u32, u32) {
        let (mut turns, mut vain) = (0, 0);
        while waiting > 0 {
            let most = appetite.now.min(MAX_ACCEPT);
            let taken = most.min(waiting);
            vain += u32::from(taken < most);
            waiting -= taken;
            appetite.after(taken as usize, most);
            turns += 1;
        }
        (turns, vain)
    }

    #[test]
    fn who_come_one_by_one_are_taken_with_few_attempts_in_vain() {
        let mut appetite = Appetite::default();
        let vain: u32 = (0..90).map(|_| turns(&mut appetite, 1).1).sum();
        assert_eq!(vain, 10);
    }

    #[test]
    fn a_crowd_is_taken_many_at_a_time() {
        let mut appetite = Appetite::default();
        let (turns, _) = turns(&mut appetite, 10_000);
        assert!(turns < 200, "{turns} turns");
    }
}
