//! What comes before picking: the PROXY header, the rules, and reading ahead for them.

use std::ops::ControlFlow;

use pontoon_config::haproxy::model::Mode;
use pontoon_engine::{
    address::{ClientAddr, Endpoint, LocalAddr},
    moment::Span,
    proxy_protocol::{self, Header, Malformed, Parsed},
    rules::{ConnectionAction, ContentAction, ContentRules, Decision, Rule, first_match},
    session::{Incident, Stage, Step},
    termination::{Cause, Phase, Termination},
};
use pontoon_sys::{epoll::Interest, stream::Received};

use super::{
    handoff::HttpConnection,
    session::{Course, Inspector, Session, Side},
    thread::Worker,
};
use crate::facts::SessionFacts;

/// The words of HAProxy's log for a connection without a good PROXY header.
const CLOSED: &str = "Connection closed while waiting for PROXY protocol header";
const TRUNCATED: &str = "Truncated PROXY protocol header received";
const INVALID: &str = "Received an invalid PROXY protocol header";
const NO_HEADER: &str = "Received something which does not look like a PROXY protocol header";
/// No header is shorter.
const SHORTEST: usize = 16;

impl Worker {
    /// What rules may know now. `over`: no more data are waited for.
    pub(super) fn facts<'a>(&'a self, session: &'a Session, over: bool) -> SessionFacts<'a> {
        let complete = over || session.request.ended || self.is_full(session);
        SessionFacts::new(&self.running, &session.record).reading(
            session.request.pending(),
            complete,
            over,
        )
    }

    fn is_full(&self, session: &Session) -> bool {
        session.request.pending().len() >= self.read_ahead_limit
    }

    /// Reads what the client sends before it has a server, up to a limit.
    pub(super) fn read_ahead(&mut self, session: &mut Session) -> Course {
        while session.client.readable && !session.request.ended {
            let room = self
                .read_ahead_limit
                .saturating_sub(session.request.pending().len())
                .min(self.io.most());
            if room == 0 {
                break;
            }
            match self.io.receive(&session.client, room) {
                Ok(Received::Bytes(n)) => {
                    session.request.hold(self.io.bytes());
                    session.record.bytes_in += n as u64;
                    if n < room {
                        session.client.drained();
                        session.request.ended = session.client.read_all();
                    }
                }
                Ok(Received::End) => {
                    session.request.ended = true;
                    session.client.readable = false;
                }
                Ok(Received::Nothing) => session.client.readable = false,
                Err(_) => return session.over(Incident::ClientBroke),
            }
        }
        ControlFlow::Continue(())
    }

    /// `accept-proxy`: whose connection this really is.
    pub(super) fn read_header(&mut self, session: &mut Session) -> Course {
        if let ControlFlow::Break(broken) = self.read_ahead(session) {
            self.header_refused(session, CLOSED);
            return ControlFlow::Break(broken);
        }
        match proxy_protocol::parse(session.request.pending()) {
            Ok(Parsed::Complete { header, length }) => {
                if let Header::Proxied {
                    source,
                    destination,
                } = header
                {
                    session.record.client = ClientAddr(Endpoint::Ip(source));
                    session.record.local = LocalAddr(Endpoint::Ip(destination));
                }
                session.request.consume(length);
                session.record.bytes_in -= length as u64;
                session.record.handshake = self.moment.since(session.record.accepted);
                self.begin(session)
            }
            Ok(Parsed::Incomplete) if !session.request.ended && !self.is_full(session) => {
                self.watch(session, Side::Client, Interest::Arrivals)
            }
            refused => {
                let why = match refused {
                    Ok(_) if session.request.is_empty() => CLOSED,
                    Ok(_) => TRUNCATED,
                    Err(Malformed::Signature) if session.request.pending().len() < SHORTEST => {
                        TRUNCATED
                    }
                    Err(Malformed::Signature) => NO_HEADER,
                    Err(Malformed::Line | Malformed::Binary) => INVALID,
                };
                self.header_refused(session, why);
                session.over(Incident::Ordered(Cause::ProxyRefused))
            }
        }
    }

    /// A connection that never became a session: says why.
    pub(super) fn header_refused(&self, session: &Session, why: &str) {
        let silent = session.request.is_empty();
        self.running
            .logger
            .refused(&self.running, &session.record, silent, why);
    }

    /// The session proper begins: who it is, is known.
    pub(super) fn begin(&mut self, session: &mut Session) -> Course {
        let running = &*self.running;
        let proxy = running.proxy(session.record.frontend);
        let Some(frontend) = &proxy.frontend else {
            return session.over(Incident::Ordered(Cause::Internal));
        };
        if self.session_rules_refuse(session, &frontend.session_rules) {
            return session.over(Incident::Ordered(Cause::ProxyRefused));
        }
        session.counted = true;
        if let Some(state) = running.frontend(proxy.id) {
            running.count_session(state, session.record.listener, self.shard, self.moment);
        }
        if proxy.mode == Mode::Http {
            session.inspected_by = Inspector::Nobody;
            return ControlFlow::Continue(());
        }
        if proxy.log.line.is_none() {
            running.write_line(&mut session.record, true);
        }
        self.step(session, Step::Inspect(None));
        self.inspect(session, false)
    }

    /// Whether a rule wants no session. As in HAProxy, only a reject counts as denied.
    fn session_rules_refuse(&self, session: &Session, rules: &[Rule<ConnectionAction>]) -> bool {
        if rules.is_empty() {
            return false;
        }
        match first_match(rules, &self.facts(session, true)) {
            Decision::Matched(ConnectionAction::Reject) => {
                self.count_frontend(session, |c| &c.denied_sessions, |c| &c.denied_sessions);
                true
            }
            Decision::Matched(ConnectionAction::SilentDrop) => {
                super::accept::forget(&session.client.socket);
                true
            }
            _ => false,
        }
    }

    /// Applies content rules, of the frontend first, then of the backend; then picks a server.
    pub(super) fn inspect(&mut self, session: &mut Session, over: bool) -> Course {
        if let ControlFlow::Break(broken) = self.read_ahead(session) {
            self.blame_own_backend(session);
            return ControlFlow::Break(broken);
        }
        let running = &*self.running;
        if session.inspected_by == Inspector::Frontend {
            let frontend = running.proxy(session.record.frontend).frontend.as_ref();
            if let Some(frontend) = frontend
                && !self.passes(session, &frontend.content_rules, over)?
            {
                return self.watch(session, Side::Client, Interest::Arrivals);
            }
            let Some(backend) = self.choose_backend(session) else {
                return ControlFlow::Break(Termination::new(Cause::ServerAbort, Phase::Connect));
            };
            running.enter_backend(&mut session.record, backend, self.shard, self.moment);
            session.inspected_by = Inspector::Backend;
            self.step(session, Step::Inspect(None));
            return self.inspect(session, false);
        }
        let side = session
            .record
            .backend
            .and_then(|id| running.proxy(id).backend.as_ref());
        if let Some(side) = side
            && !self.passes(session, &side.content_rules, over)?
        {
            return self.watch(session, Side::Client, Interest::Arrivals);
        }
        self.place(session, None)
    }

    /// Whether the rules let the session go on; false: they want to see more.
    fn passes(
        &self,
        session: &mut Session,
        content: &ContentRules,
        over: bool,
    ) -> ControlFlow<Termination, bool> {
        if content.rules.is_empty() {
            return ControlFlow::Continue(true);
        }
        let over = over || content.inspect_delay.is_none();
        let decision = first_match(&content.rules, &self.facts(session, over));
        match decision {
            Decision::NoMatch | Decision::Matched(ContentAction::Accept) => {
                ControlFlow::Continue(true)
            }
            Decision::NotYet => {
                if matches!(session.life.stage(), Stage::Inspect { until: None, .. }) {
                    let delay = content.inspect_delay.map(Span::at_least);
                    self.step(session, Step::Inspect(delay));
                }
                ControlFlow::Continue(false)
            }
            Decision::Matched(action) => self.deny(session, action),
        }
    }

    /// A session whose client failed it before a backend was chosen counts, in HAProxy's books,
    /// for the server side of its own section.
    pub(super) fn blame_own_backend(&self, session: &mut Session) {
        if session.record.backend.is_none() {
            let own = session.record.frontend;
            self.running
                .enter_backend(&mut session.record, own, self.shard, self.moment);
        }
    }

    fn deny(
        &self,
        session: &mut Session,
        action: &ContentAction,
    ) -> ControlFlow<Termination, bool> {
        if *action == ContentAction::SilentDrop {
            super::accept::forget(&session.client.socket);
        }
        // HAProxy counts it for the frontend, whosever rule it was.
        self.count_frontend(session, |c| &c.denied_requests, |c| &c.denied_requests);
        session.over(Incident::Ordered(Cause::ProxyRefused))
    }

    /// Statistics are served elsewhere: the connection leaves this thread.
    pub(super) fn hand_off(&mut self, mut session: Box<Session>) {
        self.wheel.clear(session.key.slot);
        // Whoever serves it counts what it reads, these bytes included.
        session.record.bytes_in = 0;
        let connection = HttpConnection {
            received: session.request.take_held(),
            socket: self.io.release(session.client),
            record: session.record,
        };
        self.sessions.free(session.key);
        self.count_sessions();
        if let Err(refused) = self.statistics.send(connection) {
            // The control thread is gone: so is the process, in a moment.
            self.running
                .finish(refused.0.record, self.shard, self.moment);
        }
    }
}
