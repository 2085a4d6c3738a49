//! A session on its way: from the header to the relay, stage by stage.

use std::{ops::ControlFlow, os::fd::OwnedFd};

use pontoon_engine::{
    moment::Moment,
    session::{Expired, Incident, Life, Stage, Timeouts},
    termination::{Cause, Termination},
    units::{ServerId, SessionKey},
};
use pontoon_sys::{
    epoll::{Interest, Ready},
    option, stream,
};

use super::{calm::Pace, io::Leg, relay::Flow, thread::Worker, token::Token};
use crate::record::SessionRecord;

/// Whether a session goes on, or how it ended.
pub(super) type Course = ControlFlow<Termination>;

/// One client's connection and what became of it.
pub(super) struct Session {
    /// Its name.
    pub(super) key: SessionKey,
    /// What counters and logs learn.
    pub(super) record: SessionRecord,
    /// Its stage.
    pub(super) life: Life,
    /// The client's socket.
    pub(super) client: Leg,
    /// The server's socket, once there is one.
    pub(super) server: Option<Leg>,
    /// From the client to the server.
    pub(super) request: Flow,
    /// From the server to the client.
    pub(super) response: Flow,
    /// Whose rules look at the request now.
    pub(super) inspected_by: Inspector,
    /// It holds a slot of this server of its backend.
    pub(super) slot: Option<ServerId>,
    /// It waits in its backend's queue.
    pub(super) queued: bool,
    /// It has more to do, and waits for its turn.
    pub(super) in_line: bool,
    /// It counts as a session: its header and the session rules have let it in.
    pub(super) counted: bool,
    /// Who was silent for too long: how it will be called, once it ends.
    pub(super) blame: Option<Termination>,
    /// How it is doing while it carries bulk.
    pub(super) pace: Option<Box<Pace>>,
}

/// Whose content rules a session has to pass next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inspector {
    /// The frontend's.
    Frontend,
    /// The backend's.
    Backend,
    /// It leaves this thread for the statistics.
    Nobody,
}

/// Which end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The client's.
    Client,
    /// The server's.
    Server,
}

impl Session {
    /// Just accepted.
    pub(super) fn new(key: SessionKey, record: SessionRecord, life: Life, socket: OwnedFd) -> Self {
        Self::with_leg(key, record, life, Leg::new(socket))
    }

    /// With its client's end, and nothing else yet.
    pub(super) fn with_leg(
        key: SessionKey,
        record: SessionRecord,
        life: Life,
        client: Leg,
    ) -> Self {
        Self {
            key,
            record,
            life,
            client,
            server: None,
            request: Flow::default(),
            response: Flow::default(),
            inspected_by: Inspector::Frontend,
            slot: None,
            queued: false,
            in_line: false,
            counted: false,
            blame: None,
            pace: None,
        }
    }

    /// How it ends if this happens now.
    pub(super) const fn over<T>(&self, incident: Incident) -> ControlFlow<Termination, T> {
        ControlFlow::Break(self.life.ending(incident))
    }

    /// What its events are told by.
    pub(super) const fn token(&self, side: Side) -> Token {
        let SessionKey {
            slot, generation, ..
        } = self.key;
        match side {
            Side::Client => Token::Client { slot, generation },
            Side::Server => Token::Server { slot, generation },
        }
    }
}

impl Worker {
    /// The loop says that a socket of a session is ready.
    pub(super) fn session_ready(&mut self, slot: u32, generation: u32, side: Side, ready: Ready) {
        let Some(mut session) = self.sessions.take(slot, generation) else {
            return;
        };
        match (side, &mut session.server) {
            (Side::Client, _) => session.client.note(ready),
            (Side::Server, Some(server)) => server.note(ready),
            (Side::Server, None) => {}
        }
        let course = self.advance(&mut session);
        self.settle(session, course);
    }

    /// The timer of a session fired, which was set for `when`.
    pub(super) fn session_due(&mut self, slot: u32, when: u64) {
        let Some(generation) = self.sessions.generation(slot) else {
            return;
        };
        let Some(mut session) = self.sessions.take(slot, generation) else {
            return;
        };
        self.tell_progress(&mut session, when);
        let course = self.expire(&mut session);
        self.settle(session, course);
    }

    fn expire(&mut self, session: &mut Session) -> Course {
        let timeouts = self.timeouts(&session.record);
        match session.life.handle_timeout(&timeouts, self.moment) {
            Some(Expired::End(termination)) => {
                if matches!(session.life.stage(), Stage::Handshake { .. }) {
                    self.header_refused(session, "Timeout while waiting for PROXY protocol header");
                } else {
                    self.blame_own_backend(session);
                }
                ControlFlow::Break(termination)
            }
            Some(Expired::Silent(cause)) => self.silenced(session, cause),
            Some(Expired::InspectionOver) => self.inspect(session, true),
            Some(Expired::ConnectFailed) => {
                self.connect_failed(session, super::connect::Failed::TimedOut)
            }
            Some(Expired::TryAgain) => self.connect_again(session),
            None => ControlFlow::Continue(()),
        }
    }

    /// Does whatever can be done now.
    pub(super) fn advance(&mut self, session: &mut Session) -> Course {
        match session.life.stage() {
            Stage::Handshake { .. } => self.read_header(session),
            Stage::Inspect { .. } => self.inspect(session, false),
            Stage::Queued { .. } | Stage::TurnAround { .. } => self.watch_waiting_client(session),
            Stage::Connecting { .. } => self.await_connection(session),
            Stage::Relaying { .. } => self.relay(session),
        }
    }

    /// Puts a session back with its timer set, or ends it.
    pub(super) fn settle(&mut self, mut session: Box<Session>, course: Course) {
        match course {
            ControlFlow::Continue(()) if session.inspected_by == Inspector::Nobody => {
                self.hand_off(session);
            }
            ControlFlow::Continue(()) => {
                self.set_timer(&mut session);
                self.sessions.put(session);
            }
            ControlFlow::Break(termination) => self.end(session, termination),
        }
    }

    /// The timer is moved only if it would fire too late.
    fn set_timer(&mut self, session: &mut Session) {
        let slot = session.key.slot;
        let armed = self.wheel.armed(slot);
        if !session.life.take_hastened() && armed.is_some() {
            return;
        }
        let due = session.life.poll_timeout(&self.timeouts(&session.record));
        let line = self.next_line(&session.record);
        let due = due.map(Moment::millis_rounded_up);
        let Some(due) = due.into_iter().chain(line).min() else {
            self.wheel.clear(slot);
            return;
        };
        if armed.is_none_or(|armed| armed > due) {
            self.wheel.set(slot, due);
        }
    }

    /// The timeouts of the session's frontend and, once chosen, of its backend.
    pub(super) fn timeouts(&self, record: &SessionRecord) -> Timeouts {
        let client = self.timeouts[record.frontend.index()];
        let server = record.backend.map(|id| self.timeouts[id.index()]);
        Timeouts {
            client: client.client,
            client_fin: client.client_fin,
            ..server.unwrap_or_default()
        }
    }

    /// Watches one end for what it is not watched for yet.
    ///
    /// Adding or changing a watch reports what is ready already, so nothing is missed.
    pub(super) fn watch(&self, session: &mut Session, side: Side, interest: Interest) -> Course {
        let token = session.token(side);
        let leg = match (side, &mut session.server) {
            (Side::Client, _) => &mut session.client,
            (Side::Server, Some(server)) => server,
            (Side::Server, None) => return ControlFlow::Continue(()),
        };
        match self.io.watch(leg, token, interest) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => session.over(Incident::Ordered(Cause::Resource)),
        }
    }

    /// Gives back what the session held, closes its sockets, counts and logs it.
    pub(super) fn end(&mut self, mut session: Box<Session>, termination: Termination) {
        self.wheel.clear(session.key.slot);
        session.record.termination = session.blame.unwrap_or(termination);
        self.leave_queue(&mut session);
        let slot = session.slot.take().zip(session.record.backend);
        self.pipes.give_back(session.request.take_pipe());
        self.pipes.give_back(session.response.take_pipe());
        self.choose_reset(&session);
        let Session {
            key,
            record,
            client,
            server,
            counted,
            ..
        } = *session;
        self.sessions.free(key);
        self.count_sessions();
        if let Some((server, backend)) = slot {
            self.running.leave_server(backend, server);
        }
        if counted {
            self.running.finish(record, self.shard, self.moment);
        } else {
            self.running.leave_frontend(&record);
        }
        // In this order: who sees the end can read the line, and whoever is admitted next finds
        // the server without our connection.
        drop((client, server));
        if let Some((server, backend)) = slot {
            self.running.free_slot(backend, server, self.now);
        }
        self.descriptor_freed();
    }

    /// A broken connection is passed on as broken. With `option nolinger`, a client that went
    /// away is not waited for.
    fn choose_reset(&self, session: &Session) {
        let Termination { cause, .. } = session.record.termination;
        if let (Cause::ClientAbort, Some(server)) = (cause, &session.server) {
            let _no_tcp = option::reset_on_close(&server.socket);
        }
        let frontend = self
            .running
            .proxy(session.record.frontend)
            .frontend
            .as_ref();
        let impatient = frontend.is_some_and(|frontend| frontend.no_linger);
        if impatient && matches!(cause, Cause::ClientAbort | Cause::ClientTimeout) {
            let _no_tcp = option::reset_on_close(&session.client.socket);
        }
        let its_fault = matches!(
            cause,
            Cause::ClientAbort | Cause::ClientTimeout | Cause::ProxyRefused
        );
        if !its_fault && !session.response.shut {
            // Closing with its bytes unread resets: what it was told before must end in order.
            let _gone = stream::shut_write(&session.client.socket);
        }
    }

    /// The session's slot of its server is free for another.
    pub(super) fn release_slot(&mut self, session: &mut Session) {
        if let (Some(server), Some(backend)) = (session.slot.take(), session.record.backend) {
            self.running.leave_server(backend, server);
            self.running.free_slot(backend, server, self.now);
        }
    }

    fn leave_queue(&mut self, session: &mut Session) {
        if !std::mem::take(&mut session.queued) {
            return;
        }
        let Some(backend) = session.record.backend else {
            return;
        };
        session.record.queue_time = Some(self.time_queued(session));
        let (key, now) = (session.key, self.now);
        // Admitted already? Then the message will find nobody, and the slot is given back there.
        let _waited = self
            .running
            .with_backend(backend, now, |balancer| balancer.leave_queue(key, now));
    }
}
