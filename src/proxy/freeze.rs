//! Sessions stand still: nothing watches their sockets, no timer runs, no byte moves. So they can be
//! described to another process, and go on here or there as if nothing had been.

use std::{
    collections::HashMap,
    fmt,
    os::fd::{AsFd as _, BorrowedFd},
    sync::mpsc::{SendError, SyncSender, channel, sync_channel},
    time::{Duration, Instant},
};

use pontoon_engine::{
    session::Stage,
    units::{ProxyId, SessionKey},
};

use super::{
    relay::Flow,
    session::{Inspector, Session},
    thread::Worker,
};
use crate::{
    handover::wire::{self, Lack},
    record::SessionRecord,
    state::{Running, mailbox::Message},
};

/// The sessions of one thread, standing still.
pub struct Frozen {
    thread: usize,
    #[expect(
        clippy::vec_box,
        reason = "they leave the table and come back as boxes: nothing is copied"
    )]
    sessions: Vec<Box<Session>>,
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sessions of thread {}",
            self.sessions.len(),
            self.thread
        )
    }
}

/// All sessions of the process, standing still. They must go on: [`Still::go_on`] or [`Still::part`].
#[derive(Debug)]
pub(crate) struct Still(Vec<Frozen>);

/// A session as another process is told of it, with what goes beside that.
pub(crate) struct Description<'a> {
    pub(crate) form: wire::Session,
    pub(crate) descriptors: Vec<BorrowedFd<'a>>,
    pub(crate) bytes: [&'a [u8]; 2],
}

/// A data thread does not answer.
#[derive(Debug, thiserror::Error)]
#[error("a data thread did not answer in time")]
pub(crate) struct Hung;

impl Worker {
    /// Hands out all sessions, each standing still. Whoever asked gives them back, or says that they
    /// have moved.
    pub(super) fn freeze(&mut self, reply: &SyncSender<Frozen>) {
        self.paused = true;
        self.close_doors();
        self.frozen = true;
        self.again.clear();
        let keys: Vec<_> = self.sessions.iter().map(|session| session.key).collect();
        let mut sessions = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(mut session) = self.sessions.take(key.slot, key.generation) {
                self.still(&mut session);
                sessions.push(session);
            }
        }
        let thread = self.shard;
        if let Err(SendError(frozen)) = reply.send(Frozen { thread, sessions }) {
            self.thaw(frozen);
        }
    }

    fn still(&mut self, session: &mut Session) {
        self.wheel.clear(session.key.slot);
        if let Some(pace) = session.pace.take() {
            self.rouse(session, pace.is_calm());
        }
        session.in_line = false;
        self.io.forget(&mut session.client);
        session.client.readable = true;
        let relays = matches!(session.life.stage(), Stage::Relaying { .. });
        // Of a connection that is being made, being writable means that it is there.
        session.client.writable |= relays;
        if let Some(server) = &mut session.server {
            self.io.forget(server);
            server.readable = true;
            server.writable |= relays;
        }
    }

    /// Goes on with these. What came for them meanwhile is heard now.
    pub(super) fn thaw(&mut self, frozen: Frozen) {
        self.frozen = false;
        for mut session in frozen.sessions {
            let course = self.advance(&mut session);
            // Whatever was due meanwhile is due at once.
            self.settle(session, course);
        }
        for message in std::mem::take(&mut self.unheard) {
            self.hear(message);
        }
    }

    /// These have moved: their places are free.
    pub(super) fn forget_moved(&mut self, keys: &[SessionKey]) {
        for key in keys {
            self.sessions.free(*key);
        }
        self.count_sessions();
    }
}

impl Still {
    /// Stops accepting, and all sessions with it.
    ///
    /// # Errors
    /// A thread takes longer than that; everything goes on, but nothing is accepted.
    pub(crate) fn stop(running: &Running, patience: Duration) -> Result<Self, Hung> {
        let deadline = Instant::now() + patience;
        let left = || deadline.saturating_duration_since(Instant::now());
        let (heard, all_heard) = channel();
        for thread in &running.threads {
            thread.post(Message::Pause);
            thread.post(Message::Confirm(heard.clone()));
        }
        // What one has accepted for another is there once both have confirmed.
        for _ in &running.threads {
            all_heard.recv_timeout(left()).map_err(|_| Hung)?;
        }
        // Without room: what nobody takes, because patience is over, comes back to its thread.
        let (reply, all_frozen) = sync_channel(0);
        for thread in &running.threads {
            thread.post(Message::Freeze(reply.clone()));
        }
        drop(reply);
        let mut still = Self(Vec::new());
        for _ in &running.threads {
            match all_frozen.recv_timeout(left()) {
                Ok(frozen) => still.0.push(frozen),
                Err(_) => {
                    still.go_on(running);
                    return Err(Hung);
                }
            }
        }
        Ok(still)
    }

    /// All go on here.
    pub(crate) fn go_on(self, running: &Running) {
        for frozen in self.0 {
            running.threads[frozen.thread].post(Message::Thaw(frozen));
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|frozen| frozen.sessions.len()).sum()
    }

    /// Those that may move to a process that lacks this, when these are the queues.
    pub(crate) fn movable<'a>(
        &'a self,
        lack: &'a Lack,
        queues: &'a QueuePlaces,
    ) -> impl Iterator<Item = Description<'a>> {
        let sessions = self.sessions().filter(|session| may_move(session, lack));
        sessions.map(|session| Description::of(session, queues))
    }

    /// How many these are.
    pub(crate) fn count_movable(&self, lack: &Lack) -> usize {
        let sessions = self.sessions();
        sessions.filter(|session| may_move(session, lack)).count()
    }

    fn sessions(&self) -> impl Iterator<Item = &Session> {
        let sessions = self.0.iter().flat_map(|frozen| &frozen.sessions);
        sessions.map(|session| &**session)
    }

    /// Those that may not: how many of each frontend and backend.
    pub(crate) fn left_behind(&self, lack: &Lack) -> Vec<(ProxyId, Option<ProxyId>, usize)> {
        let mut counts = HashMap::new();
        for session in self.sessions().filter(|session| !may_move(session, lack)) {
            let SessionRecord {
                frontend, backend, ..
            } = session.record;
            *counts.entry((frontend, backend)).or_default() += 1;
        }
        let counts = counts.into_iter();
        let mut left: Vec<_> = counts.map(|((f, b), n)| (f, b, n)).collect();
        left.sort_unstable();
        left
    }

    /// Those that may move have moved; the others go on here. Our copies of the sockets are closed,
    /// which their peers do not notice.
    pub(crate) fn part(self, running: &Running, lack: &Lack) {
        let mut gone = Vec::new();
        for Frozen { thread, sessions } in self.0 {
            let (moved, staying): (Vec<_>, Vec<_>) = sessions
                .into_iter()
                .partition(|session| may_move(session, lack));
            let keys = moved.iter().map(|session| session.key).collect();
            let mailbox = &running.threads[thread];
            mailbox.post(Message::Gone(keys));
            mailbox.post(Message::Thaw(Frozen {
                thread,
                sessions: staying,
            }));
            gone.extend(moved);
        }
        let now = Instant::now();
        // First all leave the queues, so that nobody who has gone is let in.
        for session in gone.iter().filter(|session| session.queued) {
            if let Some(backend) = session.record.backend {
                running.with_backend(backend, now, |balancer| {
                    balancer.leave_queue(session.key, now)
                });
            }
        }
        for session in gone {
            leave_all(running, &session, now);
        }
    }
}

/// It counts here no longer.
fn leave_all(running: &Running, session: &Session, now: Instant) {
    if let Some(backend) = session.record.backend {
        if let Some(server) = session.slot {
            running.leave_server(backend, server);
            running.free_slot(backend, server, now);
        }
        if let Some(state) = running.backend(backend) {
            state.sessions.leave();
        }
    }
    running.leave_frontend(&session.record);
}

fn may_move(session: &Session, lack: &Lack) -> bool {
    let SessionRecord {
        frontend,
        backend,
        server,
        ..
    } = session.record;
    let server = session.slot.or(server);
    !lack.all_sessions
        && !lack.frontends.contains(&frontend.0)
        && backend.is_none_or(|backend| {
            !lack.backends.contains(&backend.0)
                && server.is_none_or(|server| !lack.servers.contains(&(backend.0, server.0)))
        })
}

/// Where those who wait in queues wait.
pub(crate) type QueuePlaces = HashMap<SessionKey, wire::Queued>;

/// Where those who wait in queues wait now.
pub(crate) fn queue_places(running: &Running) -> QueuePlaces {
    let backends = running.model.proxies.iter();
    let orders = backends.filter_map(|proxy| {
        let state = running.backend(proxy.id)?;
        Some(state.balancer().queue_order())
    });
    orders
        .flat_map(|order| {
            order.into_iter().enumerate().map(|(place, (key, server))| {
                let server = server.map(|server| server.0);
                (key, wire::Queued { place, server })
            })
        })
        .collect()
}

impl<'a> Description<'a> {
    /// Of a session that stands still.
    fn of(session: &'a Session, queue: &QueuePlaces) -> Self {
        let mut descriptors = vec![session.client.socket.as_fd()];
        descriptors.extend(session.server.as_ref().map(|leg| leg.socket.as_fd()));
        for flow in [&session.request, &session.response] {
            descriptors.extend(
                flow.filled_pipe()
                    .map(|filled| filled.pipe.ends())
                    .into_iter()
                    .flatten(),
            );
        }
        // Who has just been let in, and has not heard of it, comes first.
        let first = wire::Queued {
            place: 0,
            server: None,
        };
        Self {
            form: wire::Session {
                record: record_form(&session.record),
                stage: session.life.stage().into(),
                client: session.client.form(),
                server: session.server.as_ref().map(super::io::Leg::form),
                request: session.request.form(),
                response: session.response.form(),
                at_backend: session.inspected_by == Inspector::Backend,
                slot: session.slot.map(|server| server.0),
                queued: session
                    .queued
                    .then(|| queue.get(&session.key).copied().unwrap_or(first)),
                counted: session.counted,
                blame: session.blame.map(Into::into),
            },
            descriptors,
            bytes: [&session.request, &session.response].map(Flow::pending),
        }
    }
}

fn record_form(record: &SessionRecord) -> wire::Record {
    wire::Record {
        frontend: record.frontend.0,
        listener: record.listener,
        backend: record.backend.map(|id| id.0),
        server: record.server.map(|id| id.0),
        client: (&record.client.0).into(),
        local: (&record.local.0).into(),
        source: record.source.as_deref().copied(),
        server_address: record.server_address.as_ref().map(|it| (&it.0).into()),
        accepted_on: record.accepted_on,
        accepted: record.accepted.micros(),
        handshake: record.handshake.millis(),
        queue_time: record.queue_time.map(pontoon_engine::moment::Span::millis),
        connect_time: record
            .connect_time
            .map(pontoon_engine::moment::Span::millis),
        total_time: record.total_time.millis(),
        bytes: [record.bytes_in, record.bytes_out],
        counted: [record.counted_in, record.counted_out],
        retries: record.retries,
        redispatched: record.redispatched,
        queues: [record.server_queue, record.backend_queue],
        logged: record.logged,
        number: record.number,
    }
}
