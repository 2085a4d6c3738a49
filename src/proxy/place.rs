//! Picking: which backend, which server, or which queue.

use std::ops::ControlFlow;

use pontoon_engine::{
    backend::{Placement, Request},
    moment::Span,
    rules::{Decision, first_match},
    session::{Incident, Stage, Step},
    termination::{Cause, Phase, Termination},
    units::{ProxyId, ServerId},
};
use pontoon_sys::epoll::Interest;

use super::{
    session::{Course, Session, Side},
    thread::Worker,
};

impl Worker {
    /// The frontend's choice for this session.
    pub(super) fn choose_backend(&self, session: &Session) -> Option<ProxyId> {
        let frontend = self
            .running
            .proxy(session.record.frontend)
            .frontend
            .as_ref()?;
        if frontend.use_backend.is_empty() {
            return frontend.default_backend;
        }
        let facts = self.facts(session, true);
        match first_match(&frontend.use_backend, &facts) {
            Decision::Matched(chosen) => Some(chosen.0),
            Decision::NoMatch | Decision::NotYet => frontend.default_backend,
        }
    }

    /// `use-server`, if a rule names one.
    fn forced_server(&self, session: &Session, backend: ProxyId) -> Option<ServerId> {
        let side = self.running.proxy(backend).backend.as_ref()?;
        if side.use_server.is_empty() {
            return None;
        }
        match first_match(&side.use_server, &self.facts(session, true)) {
            Decision::Matched(chosen) => Some(chosen.0),
            Decision::NoMatch | Decision::NotYet => None,
        }
    }

    /// Asks the balancer for a server, but not for `avoid` if there is another.
    pub(super) fn place(&mut self, session: &mut Session, avoid: Option<ServerId>) -> Course {
        let Some(backend) = session.record.backend else {
            return session.over(Incident::Ordered(Cause::Internal));
        };
        let request = Request {
            session: session.key,
            client: session.record.client.0.ip().map(|address| address.ip()),
            forced: self.forced_server(session, backend),
            avoid,
            random: self.random(),
        };
        let now = self.now;
        let placement = self
            .running
            .with_backend(backend, now, |balancer| balancer.place(request, now));
        match placement {
            Some(Placement::Server(server)) => {
                if let Some(state) = self.running.backend(backend) {
                    state.counters.of(self.shard).picked.increment();
                }
                self.placed(session, backend, server)
            }
            Some(Placement::Queued {
                place_in_server,
                place_in_backend,
            }) => {
                session.record.server_queue = place_in_server;
                session.record.backend_queue = place_in_backend;
                self.wait_in_queue(session)
            }
            Some(Placement::QueueFull(server)) => {
                session.record.server = Some(server);
                self.count_failed(session);
                ControlFlow::Break(Termination::new(Cause::ServerAbort, Phase::Queue))
            }
            Some(Placement::NoServer) | None => self.no_server(session, backend),
        }
    }

    fn no_server(&self, session: &mut Session, backend: ProxyId) -> Course {
        if let Some(state) = self.running.backend(backend) {
            state.counters.of(self.shard).connection_errors.increment();
        }
        session.record.server = None;
        ControlFlow::Break(Termination::new(Cause::ServerAbort, Phase::Connect))
    }

    fn wait_in_queue(&mut self, session: &mut Session) -> Course {
        session.queued = true;
        self.step(session, Step::Queue);
        self.watch_waiting_client(session)
    }

    /// The balancer let the first in a queue go on.
    pub(super) fn admitted(
        &mut self,
        slot: u32,
        generation: u32,
        backend: ProxyId,
        server: ServerId,
    ) {
        let waiting = self
            .sessions
            .take(slot, generation)
            .map(|session| (session.queued, session));
        match waiting {
            Some((true, mut session)) => {
                session.queued = false;
                let course = self.placed(&mut session, backend, server);
                self.settle(session, course);
            }
            Some((false, session)) => {
                self.sessions.put(session);
                self.refuse_admission(backend, server);
            }
            None => self.refuse_admission(backend, server),
        }
    }

    /// An admission that found nobody: the slot goes to the next.
    fn refuse_admission(&self, backend: ProxyId, server: ServerId) {
        let now = self.now;
        self.running
            .with_backend(backend, now, |balancer| balancer.release(server, now));
    }

    /// A slot on this server is ours.
    fn placed(&mut self, session: &mut Session, backend: ProxyId, server: ServerId) -> Course {
        session.slot = Some(server);
        session.record.server = Some(server);
        self.running.enter_server(backend, server, self.moment);
        session.record.queue_time = Some(self.time_queued(session));
        self.connect(session)
    }

    /// From accept (or the PROXY header) to now.
    pub(super) fn time_queued(&self, session: &Session) -> Span {
        let record = &session.record;
        self.moment.since(record.accepted).without(record.handshake)
    }

    /// While a session waits for its server, the client may send, close or break off.
    pub(super) fn watch_waiting_client(&mut self, session: &mut Session) -> Course {
        self.read_ahead(session)?;
        if session.client.failed {
            // With as much read ahead as may be, no read tells.
            return session.over(Incident::ClientBroke);
        }
        if session.request.ended && self.gives_up_on_close(session) {
            return session.over(Incident::ClientLeft);
        }
        self.watch(session, Side::Client, Interest::Arrivals)
    }

    /// Who closes before being served, and has asked for nothing, does not want to be; with
    /// `option abortonclose`, nor does who has.
    fn gives_up_on_close(&self, session: &Session) -> bool {
        let backend = session
            .record
            .backend
            .and_then(|id| self.running.proxy(id).backend.as_ref());
        let waiting = matches!(
            session.life.stage(),
            Stage::Queued { .. } | Stage::Connecting { .. } | Stage::TurnAround { .. }
        );
        let unasked = session.request.is_empty();
        waiting && (unasked || backend.is_some_and(|backend| backend.abort_on_close))
    }

    /// Moves the session's life on.
    pub(super) fn step(&self, session: &mut Session, step: Step) {
        let timeouts = self.timeouts(&session.record);
        session.life.step(step, &timeouts, self.moment);
    }
}
