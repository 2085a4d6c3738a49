//! What becomes of a session's record: counters and the access line.

use std::{sync::atomic::Ordering, time::Instant};

use pontoon_config::haproxy::model::Proxy;
use pontoon_engine::{
    moment::{Moment, Span},
    termination::{Cause, Phase},
    units::{ProxyId, ServerId},
};

use super::{
    Running,
    counters::BackendCounters,
    histogram::{CONNECT_BOUNDS, SESSION_BOUNDS},
    mailbox::Message,
};
use crate::record::{Concurrency, SessionRecord};

impl Running {
    /// A session ended: leaves the levels it counted in, counts how it ended, writes its line.
    ///
    /// It must have left its server before ([`Running::leave_server`]), and its slot is given to
    /// the next one after ([`Running::free_slot`]).
    pub fn finish(&self, mut record: SessionRecord, shard: usize, now: Moment) {
        record.total_time = now.since(record.accepted);
        self.count_bytes(&mut record, shard);
        self.count_ending(&record, shard);
        self.count_times(&record, shard);
        if let Some(backend) = record.backend.and_then(|id| self.backend(id)) {
            backend.sessions.leave();
        }
        // The line shows the session itself, but whoever reads it must find it gone.
        let concurrency = self.concurrency(&record);
        self.leave_frontend(&record);
        self.write_line_with(&mut record, false, concurrency);
    }

    /// The session has chosen its backend.
    #[inline]
    pub fn enter_backend(
        &self,
        record: &mut SessionRecord,
        id: ProxyId,
        shard: usize,
        now: Moment,
    ) {
        let Some(backend) = self.backend(id) else {
            return;
        };
        record.backend = Some(id);
        backend.sessions.enter();
        backend.session_rate.count(now);
        backend.counters.of(shard).sessions.increment();
        backend
            .last_session
            .store(now.millis().max(1), Ordering::Relaxed);
    }

    /// The session was given a slot of a server.
    pub fn enter_server(&self, backend: ProxyId, server: ServerId, now: Moment) {
        let Some(state) = self.server(backend, server) else {
            return;
        };
        state.sessions.enter();
        state
            .last_session
            .store(now.millis().max(1), Ordering::Relaxed);
    }

    /// The session is no longer on this server.
    pub fn leave_server(&self, backend: ProxyId, server: ServerId) {
        if let Some(state) = self.server(backend, server) {
            state.sessions.leave();
        }
    }

    /// The slot of a session that has left its server is free; the next in the queue may have it.
    #[inline]
    pub fn free_slot(&self, backend: ProxyId, server: ServerId, now: Instant) {
        self.with_backend(backend, now, |balancer| balancer.release(server, now));
    }

    /// Counts the bytes that were moved since the last time.
    pub fn count_bytes(&self, record: &mut SessionRecord, shard: usize) {
        let moved_in = record.bytes_in - record.counted_in;
        let moved_out = record.bytes_out - record.counted_out;
        if moved_in == 0 && moved_out == 0 {
            return;
        }
        record.counted_in = record.bytes_in;
        record.counted_out = record.bytes_out;
        if let Some(frontend) = self.frontend(record.frontend) {
            let counters = frontend.counters.of(shard);
            counters.bytes_in.add(moved_in);
            counters.bytes_out.add(moved_out);
            if let Some(listener) = frontend.listeners.get(record.listener) {
                let counters = listener.counters.of(shard);
                counters.bytes_in.add(moved_in);
                counters.bytes_out.add(moved_out);
            }
        }
        // Before one is chosen, a section's own server side stands in, as in HAProxy's books.
        let id = record.backend.unwrap_or(record.frontend);
        if let Some(backend) = self.backend(id) {
            let counters = backend.counters.of(shard);
            counters.bytes_in.add(moved_in);
            counters.bytes_out.add(moved_out);
        }
        if let Some(server) = record.server.and_then(|server| self.server(id, server)) {
            let counters = server.counters.of(shard);
            counters.bytes_in.add(moved_in);
            counters.bytes_out.add(moved_out);
        }
    }

    /// Writes the session's line, unless it was written before or nobody wants it. `early`:
    /// the session goes on, its figures are of now.
    pub fn write_line(&self, record: &mut SessionRecord, early: bool) {
        self.write_line_with(record, early, self.concurrency(record));
    }

    /// Writes a line of a session that goes on, with its figures of now.
    pub fn write_interim(&self, record: &SessionRecord) {
        self.logger.interim(self, record, self.concurrency(record));
    }

    fn write_line_with(&self, record: &mut SessionRecord, early: bool, concurrency: Concurrency) {
        let proxy = self.proxy(record.frontend);
        let unwanted = !early && self.is_null(proxy, record);
        if record.logged || unwanted {
            return;
        }
        record.logged = true;
        self.logger.session(self, record, concurrency);
    }

    /// `option dontlognull`: a client that sent nothing is not worth a line.
    fn is_null(&self, proxy: &Proxy, record: &SessionRecord) -> bool {
        let quiet = proxy
            .frontend
            .as_ref()
            .is_some_and(|side| side.dont_log_null);
        quiet && record.http.is_none() && record.bytes_in == 0
    }

    /// The sessions there are beside this one.
    pub(crate) fn concurrency(&self, record: &SessionRecord) -> Concurrency {
        let frontend = self.frontend(record.frontend);
        let backend = record.backend.and_then(|id| self.backend(id));
        let server = record
            .backend
            .zip(record.server)
            .and_then(|(id, server)| self.server(id, server));
        Concurrency {
            process: self.process.sessions.get(),
            frontend: frontend.map_or(0, |state| state.sessions.get()),
            backend: backend.map_or(0, |state| state.sessions.get()),
            server: server.map_or(0, |state| state.sessions.get()),
        }
    }

    /// The session, or what never became one, leaves the levels it counted in since accept.
    pub(crate) fn leave_frontend(&self, record: &SessionRecord) {
        if let Some(frontend) = self.frontend(record.frontend) {
            frontend.sessions.leave();
            if let Some(listener) = frontend.listeners.get(record.listener) {
                listener.sessions.leave();
            }
        }
        self.process.sessions.leave();
        self.tell_room_again();
    }

    /// Wakes the threads that stopped accepting because something was full.
    pub(crate) fn tell_room_again(&self) {
        for thread in &self.threads {
            if thread.stop_waiting_for_room() {
                thread.post(Message::RoomAgain);
            }
        }
    }

    fn count_times(&self, record: &SessionRecord, shard: usize) {
        let Some(id) = record.backend else { return };
        let backend = self.backend(id);
        if let Some(backend) = backend {
            count_sizes(backend.counters.of(shard), record);
        }
        let backend = backend.map(|state| &state.times);
        let server = record.server.and_then(|server| self.server(id, server));
        for times in backend.into_iter().chain(server.map(|state| &state.times)) {
            times.queue.add(record.queue_time.map_or(0, Span::millis));
            times
                .connect
                .add(record.connect_time.map_or(0, Span::millis));
            times.total.add(record.total_time.millis());
        }
    }

    fn count_ending(&self, record: &SessionRecord, shard: usize) {
        let phase = record.termination.phase;
        match record.termination.cause {
            Cause::ClientAbort | Cause::ClientTimeout if phase == Phase::Request => {
                self.count_request_error(record, shard);
                self.count_at_backend(record, |c| &c.client_aborts, |c| &c.client_aborts, shard);
            }
            Cause::ServerTimeout if phase == Phase::Queue => {
                self.count_at_backend(
                    record,
                    |c| &c.connection_errors,
                    |c| &c.connection_errors,
                    shard,
                );
            }
            Cause::ServerAbort if phase == Phase::Data => {
                self.count_at_backend(record, |c| &c.server_aborts, |c| &c.server_aborts, shard);
                self.count_at_backend(
                    record,
                    |c| &c.response_errors,
                    |c| &c.response_errors,
                    shard,
                );
            }
            Cause::ClientAbort | Cause::ClientTimeout if phase == Phase::Data => {
                self.count_at_backend(record, |c| &c.client_aborts, |c| &c.client_aborts, shard);
            }
            Cause::ServerTimeout if phase == Phase::Data => {
                self.count_at_backend(record, |c| &c.server_aborts, |c| &c.server_aborts, shard);
            }
            _ => {}
        }
    }

    fn count_request_error(&self, record: &SessionRecord, shard: usize) {
        let Some(frontend) = self.frontend(record.frontend) else {
            return;
        };
        frontend.counters.of(shard).request_errors.increment();
        if let Some(listener) = frontend.listeners.get(record.listener) {
            listener.counters.of(shard).request_errors.increment();
        }
    }

    fn count_at_backend(
        &self,
        record: &SessionRecord,
        of_backend: impl Fn(&super::counters::BackendCounters) -> &super::counters::Counter,
        of_server: impl Fn(&super::counters::ServerCounters) -> &super::counters::Counter,
        shard: usize,
    ) {
        let Some(id) = record.backend else { return };
        if let Some(backend) = self.backend(id) {
            of_backend(backend.counters.of(shard)).increment();
        }
        if let Some(server) = record.server.and_then(|server| self.server(id, server)) {
            of_server(server.counters.of(shard)).increment();
        }
    }

    /// A server's shared state.
    #[must_use]
    pub fn server(&self, backend: ProxyId, server: ServerId) -> Option<&super::ServerState> {
        self.backend(backend)?.servers.get(server.index())
    }
}

/// The session and its connect time among those of its backend.
fn count_sizes(counters: &BackendCounters, record: &SessionRecord) {
    let total = record.total_time.micros();
    counters.session_times.count(total, &SESSION_BOUNDS);
    if let Some(connect) = record.connect_time {
        counters
            .connect_times
            .count(connect.micros(), &CONNECT_BOUNDS);
    }
}
