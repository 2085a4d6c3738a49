//! A data thread: its event loop, its sessions, its mail.

use std::{
    cell::Cell,
    io,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use pontoon_config::haproxy::{
    log_format::{Piece, Variable},
    model::Proxy,
};
use pontoon_engine::{
    moment::{Moment, Span},
    session::{Incident, Timeouts},
    termination::Cause,
    units::{ProxyId, ServerId},
};
use pontoon_sys::{
    epoll::{Events, Ready},
    process::identity::set_processors,
};

use super::{
    accept::{Door, MAX_ACCEPT},
    calm::Calm,
    handoff,
    io::Io,
    listen::Listeners,
    session::{Session, Side},
    spin::Spin,
    splice::{Budget, Pool},
    table::Table,
    timers::{Fired, Wheel},
    token::Token,
};
use crate::{
    record::SessionRecord,
    state::{
        Running,
        counters::{BackendCounters, Counter, FrontendCounters, ListenerCounters, ServerCounters},
        mailbox::{Mailbox, Message},
        operate::SessionId,
    },
};

/// Everything a data thread owns.
pub(super) struct Worker {
    pub(super) running: Arc<Running>,
    /// Where it counts.
    pub(super) shard: usize,
    pub(super) io: Io,
    pub(super) sessions: Table,
    pub(super) wheel: Wheel,
    pub(super) pipes: Pool,
    /// Sessions that the thread looks at by itself.
    pub(super) calm: Calm,
    pub(super) doors: Vec<Door>,
    /// Told to accept nothing for now.
    pub(super) paused: bool,
    /// Somebody has all sessions, to move them; what is for them waits.
    pub(super) frozen: bool,
    pub(super) unheard: Vec<Message>,
    /// The system ran out of descriptors or memory.
    pub(super) short: bool,
    /// Sessions that have more to do, but let others go first.
    pub(super) again: Vec<pontoon_engine::units::SessionKey>,
    /// The time of this turn.
    pub(super) now: Instant,
    /// The same for what is kept with each session.
    pub(super) moment: Moment,
    /// The timeouts of each proxy, of both its sides.
    pub(super) timeouts: Vec<Timeouts>,
    pub(super) max_accept: u32,
    /// Bytes read from a client without a server, at most.
    pub(super) read_ahead_limit: usize,
    /// Whether a proxy's log line shows our address towards the server.
    pub(super) wants_source: Vec<bool>,
    /// Rotates through port ranges.
    pub(super) next_port: Cell<u32>,
    pub(super) statistics: handoff::Sender,
    /// When to look at closed listeners again.
    doors_due: Option<Moment>,
    /// Tick zero of the wheel.
    started: Instant,
    random: Cell<u64>,
    leaving: bool,
}

/// `tune.bufsize`, unless said otherwise.
const READ_AHEAD: usize = 16 << 10;
/// Events taken from the kernel at once.
const EVENTS: usize = 200;

/// Starts a data thread, which accepts nobody before [`Message::Resume`] if it is to wait. It ends
/// by itself after [`Message::StopListening`], once its last session is over, or at
/// [`Message::Quit`].
///
/// # Errors
/// Out of descriptors or threads.
pub fn spawn(
    running: Arc<Running>,
    number: u16,
    listeners: Listeners,
    waits: bool,
    statistics: handoff::Sender,
) -> io::Result<JoinHandle<()>> {
    let processors = running.model.global.cpu_map.get(usize::from(number));
    let processors = processors.cloned().unwrap_or_default();
    let mut worker = Worker::new(running, number, &listeners, statistics)?;
    worker.paused = waits;
    drop(listeners);
    std::thread::Builder::new()
        .name(format!("data-{number}"))
        .spawn(move || {
            // `cpu-map` with processors that this machine lacks leaves the thread where it is.
            if !processors.is_empty() {
                let _ = set_processors(&processors);
            }
            worker.run();
        })
}

impl Worker {
    fn new(
        running: Arc<Running>,
        number: u16,
        listeners: &Listeners,
        statistics: handoff::Sender,
    ) -> io::Result<Self> {
        let io = Io::new()?;
        let shard = usize::from(number);
        io.watch_mail(running.threads[shard].wake())?;
        let doors = listeners
            .iter()
            .map(|listener| {
                Door::new(
                    Arc::clone(listener),
                    is_transparent(&running, listener.proxy, listener.index),
                )
            })
            .collect();
        let global = &running.model.global;
        let allowance = running.process.pipe_bytes;
        let budget = Budget::of_thread(global, allowance, number, running.threads.len());
        let now = Instant::now();
        let moment = running.moment(now);
        Ok(Self {
            shard,
            io,
            sessions: Table::new(number),
            wheel: Wheel::new(moment.millis()),
            pipes: Pool::new(budget),
            calm: Calm::new()?,
            doors,
            paused: false,
            frozen: false,
            unheard: Vec::new(),
            short: false,
            again: Vec::new(),
            now,
            moment,
            timeouts: running.model.proxies.iter().map(timeouts).collect(),
            max_accept: global.tune.max_accept.unwrap_or(MAX_ACCEPT).max(1),
            read_ahead_limit: global
                .tune
                .buffer_size
                .map_or(READ_AHEAD, |size| size as usize),
            wants_source: running.model.proxies.iter().map(shows_source).collect(),
            next_port: Cell::new(0),
            statistics,
            doors_due: None,
            // The zero of the wheel, and of what the other threads are told of our turns.
            started: running.process.started,
            random: Cell::new(seed(number)),
            leaving: false,
            running,
        })
    }

    fn run(&mut self) {
        self.open_doors();
        let tune = &self.running.model.global.tune;
        let size = tune.max_poll_events;
        let mut spin = Spin::new(tune.spin);
        let mut events = Events::with_capacity(size.map_or(EVENTS, |size| size as usize));
        let mut due = Vec::new();
        while !self.is_done() {
            let waited = self.patience().and_then(|patience| {
                spin.wait(patience, |patience| {
                    self.io.wait(&mut events, patience)?;
                    Ok(!events.is_empty())
                })
            });
            if waited.is_err() {
                // Nothing that a correct program meets; a thread that spins would be worse.
                return;
            }
            self.tell_time();
            self.mailbox().turns_by(self.moment);
            for ready in events.iter() {
                self.handle(ready);
            }
            self.take_turns();
            self.look_if_due();
            self.fire_timers(&mut due);
        }
        self.mailbox().turns_no_more();
    }

    fn tell_time(&mut self) {
        self.now = Instant::now();
        self.moment = Moment::at(self.now, self.started);
    }

    /// Does what an event asks for.
    pub(super) fn handle(&mut self, ready: Ready) {
        match Token::unpack(ready.token) {
            Token::Client { slot, generation } => {
                self.session_ready(slot, generation, Side::Client, ready);
            }
            Token::Server { slot, generation } => {
                self.session_ready(slot, generation, Side::Server, ready);
            }
            Token::Listener(index) => self.accept(index as usize),
            Token::Mail => self.read_mail(),
            Token::Calm => self.look_at_calm(),
            // What is due is looked at in every turn.
            Token::Alarm => self.io.alarm_went_off(),
        }
    }

    /// Sessions that had to let others go first go on.
    fn take_turns(&mut self) {
        for key in std::mem::take(&mut self.again) {
            if let Some(mut session) = self.sessions.take(key.slot, key.generation) {
                session.in_line = false;
                let course = self.advance(&mut session);
                self.settle(session, course);
            }
        }
    }

    fn fire_timers(&mut self, due: &mut Vec<Fired>) {
        let tick = self.moment.millis();
        self.wheel.advance(tick, due);
        for Fired { slot, when } in due.drain(..) {
            self.session_due(slot, when);
        }
        if self.doors_due.is_some_and(|when| when <= self.moment) {
            self.doors_due = None;
            self.short = false;
            self.open_doors();
        }
    }

    /// How long to wait at most, if it is not for the alarm to tell. Whoever watches is told when
    /// the thread will turn again.
    fn patience(&mut self) -> io::Result<Option<Duration>> {
        let timer = self.wheel.next().map(Moment::from_millis);
        let next = match (timer, self.doors_due) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        // Times count from the beginning of this turn, which saves asking for the time once more:
        // what is due is a turn late at most.
        if !self.again.is_empty() || next.is_some_and(|when| when <= self.moment) {
            return Ok(Some(Duration::ZERO));
        }
        match next {
            Some(when) => {
                self.io.wake_at(when, self.moment)?;
                self.mailbox().turns_by(when);
            }
            None => self.mailbox().need_not_turn(),
        }
        let calm = self.calm.due();
        Ok(calm.map(|due| due.saturating_duration_since(self.now)))
    }

    fn is_done(&self) -> bool {
        self.leaving && self.sessions.len() == 0 && self.mailbox().close_if_empty()
    }

    /// Closed listeners are looked at again at this time.
    pub(super) fn open_doors_at(&mut self, when: Moment) {
        self.doors_due = Some(self.doors_due.map_or(when, |due| due.min(when)));
    }

    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.running.threads[self.shard]
    }

    /// Tells the other threads how busy this one is.
    pub(super) fn count_sessions(&self) {
        // A thread about to end wants no more.
        let count = match u32::try_from(self.sessions.len()) {
            Ok(count) if !self.leaving => count,
            _ => u32::MAX,
        };
        self.mailbox().set_sessions(count);
    }

    fn read_mail(&mut self) {
        for message in self.mailbox().take() {
            self.hear(message);
        }
    }

    pub(super) fn hear(&mut self, message: Message) {
        // They are about sessions that somebody else has for now.
        if self.frozen && message.is_about_sessions() {
            self.unheard.push(message);
            return;
        }
        match message {
            Message::Admit {
                session,
                backend,
                server,
            } => self.admitted(session.slot, session.generation, backend, server),
            Message::Serve(accepted) => {
                self.mailbox().expected_came();
                self.serve(*accepted);
            }
            Message::EndSessions {
                backend,
                server,
                cause,
            } => self.end_sessions(backend, server, cause),
            Message::EndSession { id, reply } => {
                // Who asked may have lost patience.
                let _gone = reply.send(self.end_session(id));
            }
            Message::Observe(question) => self.answer(question),
            Message::ClearCounters(done) => {
                self.running.clear_shard(self.shard);
                let _gone = done.send(());
            }
            Message::CloseFrontend(proxy) => self.bar_doors(proxy),
            Message::OpenFrontend(proxy) => self.unbar_doors(proxy),
            Message::StopListening => {
                self.leave();
            }
            Message::Pause => {
                self.paused = true;
                self.close_doors();
            }
            Message::Resume => {
                self.paused = false;
                self.open_doors();
            }
            Message::RoomAgain => self.open_doors(),
            // Who asked may have lost patience.
            Message::Confirm(heard) => drop(heard.send(())),
            Message::Freeze(reply) => self.freeze(&reply),
            Message::Thaw(frozen) => self.thaw(frozen),
            Message::Gone(keys) => self.forget_moved(&keys),
            Message::Adopt(arrivals) => self.adopt(arrivals),
            Message::Quit => self.quit(),
        }
    }

    fn leave(&mut self) {
        self.let_in_who_waits();
        self.close_for_good();
    }

    fn close_for_good(&mut self) {
        self.close_doors();
        self.doors.clear();
        self.leaving = true;
        self.count_sessions();
    }

    fn quit(&mut self) {
        self.close_for_good();
        self.end_all(Cause::Killed, |_| true);
    }

    fn end_sessions(&mut self, backend: ProxyId, server: Option<ServerId>, cause: Cause) {
        let running = Arc::clone(&self.running);
        let Some(side) = &running.proxy(backend).backend else {
            return;
        };
        self.end_all(cause, |session| {
            session.record.backend == Some(backend)
                && session.slot.is_some_and(|slot| match server {
                    Some(server) => slot == server,
                    None => side.servers[slot.index()].settings.backup,
                })
        });
    }

    /// Whether there was such a session.
    fn end_session(&mut self, id: SessionId) -> bool {
        let before = self.sessions.len();
        self.end_all(Cause::Killed, |session| id.names(session.key));
        self.sessions.len() < before
    }

    fn end_all(&mut self, cause: Cause, which: impl Fn(&Session) -> bool) {
        let keys: Vec<_> = self
            .sessions
            .iter()
            .filter(|session| which(session))
            .map(|session| session.key)
            .collect();
        for key in keys {
            if let Some(session) = self.sessions.take(key.slot, key.generation) {
                let ending = session.life.ending(Incident::Ordered(cause));
                self.end(session, ending);
            }
        }
    }

    /// Random bits, not for secrets.
    pub(super) fn random(&self) -> u64 {
        let mut bits = self.random.get();
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        self.random.set(bits);
        bits
    }

    /// One more for the frontend and its listener.
    pub(super) fn count_frontend(
        &self,
        session: &Session,
        of_frontend: impl Fn(&FrontendCounters) -> &Counter,
        of_listener: impl Fn(&ListenerCounters) -> &Counter,
    ) {
        let record: &SessionRecord = &session.record;
        if let Some(state) = self.running.frontend(record.frontend) {
            of_frontend(state.counters.of(self.shard)).increment();
            if let Some(listener) = state.listeners.get(record.listener) {
                of_listener(listener.counters.of(self.shard)).increment();
            }
        }
    }

    /// One more for the backend and the picked server.
    pub(super) fn count(
        &self,
        session: &Session,
        of_backend: impl Fn(&BackendCounters) -> &Counter,
        of_server: impl Fn(&ServerCounters) -> &Counter,
    ) {
        let Some(id) = session.record.backend else {
            return;
        };
        if let Some(state) = self.running.backend(id) {
            of_backend(state.counters.of(self.shard)).increment();
        }
        let server = session.record.server;
        if let Some(state) = server.and_then(|server| self.running.server(id, server)) {
            of_server(state.counters.of(self.shard)).increment();
        }
    }
}

fn is_transparent(running: &Running, proxy: ProxyId, index: usize) -> bool {
    let frontend = running.proxy(proxy).frontend.as_ref();
    frontend
        .and_then(|frontend| frontend.binds.get(index))
        .is_some_and(|bind| bind.transparent)
}

/// `%bi` or `%bp`.
fn shows_source(proxy: &Proxy) -> bool {
    let lines = [
        &proxy.log.line,
        &proxy.log.error_line,
        &proxy.log.structured_data,
    ];
    let mut pieces = lines.into_iter().flatten().flat_map(|line| &line.pieces);
    pieces.any(|piece| {
        matches!(
            piece,
            Piece::Variable(Variable::BackendSourceIp | Variable::BackendSourcePort, _)
        )
    })
}

/// The timeouts of a proxy's sides.
fn timeouts(proxy: &Proxy) -> Timeouts {
    let span = |timeout: Option<Duration>| timeout.map(Span::at_least);
    let client = proxy.frontend.as_ref();
    let server = proxy.backend.as_ref();
    Timeouts {
        client: client.and_then(|side| span(side.timeout_client)),
        client_fin: client.and_then(|side| span(side.timeout_client_fin)),
        connect: server.and_then(|side| span(side.timeout_connect)),
        queue: server.and_then(|side| span(side.timeout_queue)),
        server: server.and_then(|side| span(side.timeout_server)),
        server_fin: server.and_then(|side| span(side.timeout_server_fin)),
        tunnel: server.and_then(|side| span(side.timeout_tunnel)),
    }
}

fn seed(number: u16) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(number) | 1
}
