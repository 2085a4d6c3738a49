//! Room for sessions: the levels of the process, the frontend and the listener, and their limits.

use std::sync::atomic::Ordering;

use pontoon_config::haproxy::model::Bind;
use pontoon_engine::{moment::Moment, units::ProxyId};

use crate::state::{
    FrontendState, Running,
    counters::Level,
    limits::{NO_LIMIT, ProcessLimit},
};

impl Running {
    /// The levels of the process, the frontend and the listener, with their limits
    /// ([`NO_LIMIT`]: none).
    #[inline]
    fn levels(&self, proxy: ProxyId, bind: usize) -> Option<[(&Level, u32); 3]> {
        let frontend = self.proxy(proxy).frontend.as_ref()?;
        let state = self.frontend(proxy)?;
        let listener = &state.listeners[bind].sessions;
        Some([
            (
                &self.process.sessions,
                self.process.limits.get(ProcessLimit::Sessions),
            ),
            (&state.sessions, state.limit.ceiling()),
            (listener, bind_limit(&frontend.binds[bind])),
        ])
    }

    /// Whether all threads could take one more at once without reaching a limit.
    #[inline]
    pub(super) fn is_roomy(&self, proxy: ProxyId, bind: usize) -> bool {
        let threads = u32::try_from(self.threads.len()).unwrap_or(u32::MAX);
        self.levels(proxy, bind).is_some_and(|levels| {
            levels
                .iter()
                .all(|(level, limit)| level.get().saturating_add(threads) < *limit)
        })
    }

    /// Takes a place where there is room for certain.
    #[inline]
    pub(super) fn enter(&self, proxy: ProxyId, bind: usize) {
        for (level, _) in self.levels(proxy, bind).iter().flatten() {
            level.enter();
        }
    }

    /// A session of another process takes its place, whatever the limits say. Its listener may be
    /// gone.
    pub(in crate::proxy) fn enter_anyway(&self, proxy: ProxyId, bind: usize) {
        self.process.sessions.enter();
        if let Some(state) = self.frontend(proxy) {
            state.sessions.enter();
            if let Some(listener) = state.listeners.get(bind) {
                listener.sessions.enter();
            }
        }
    }

    /// Takes a place in the process, the frontend and the listener, unless one is full.
    #[inline]
    pub(super) fn reserve(&self, proxy: ProxyId, bind: usize) -> bool {
        let Some(levels) = self.levels(proxy, bind) else {
            return false;
        };
        // Mostly one look suffices, and nobody sees a place taken that is given back at once.
        if levels.iter().any(|(level, limit)| level.get() >= *limit) {
            return false;
        }
        for (taken, (level, limit)) in levels.iter().enumerate() {
            if !level.reserve(*limit) {
                for (level, _) in &levels[..taken] {
                    level.leave();
                }
                // Somebody may have found full what was only taken for a moment.
                self.tell_room_again();
                return false;
            }
        }
        true
    }

    /// Gives back what [`Running::reserve`] took: there was nobody, or nobody welcome.
    pub(super) fn unreserve(&self, proxy: ProxyId, bind: usize) {
        if let Some(state) = self.frontend(proxy) {
            state.listeners[bind].sessions.leave();
            state.sessions.leave();
        }
        self.process.sessions.leave();
        self.tell_room_again();
    }

    #[inline]
    pub(super) fn count_accepted(
        &self,
        frontend: &FrontendState,
        bind: usize,
        shard: usize,
        now: Moment,
    ) {
        self.process
            .connections_total
            .fetch_add(1, Ordering::Relaxed);
        self.process.connection_rate.count(now);
        frontend.counters.of(shard).connections.increment();
        frontend.connection_rate.count(now);
        self.process.sessions.confirm();
        frontend.sessions.confirm();
        frontend.listeners[bind].sessions.confirm();
    }

    /// The connection has become a session.
    #[inline]
    pub(in crate::proxy) fn count_session(
        &self,
        frontend: &FrontendState,
        bind: usize,
        shard: usize,
        now: Moment,
    ) {
        self.process.session_rate.count(now);
        frontend.session_rate.count(now);
        frontend.counters.of(shard).sessions.increment();
        let listener = &frontend.listeners[bind];
        listener.counters.of(shard).sessions.increment();
    }
}

fn bind_limit(bind: &Bind) -> u32 {
    bind.max_connections.unwrap_or(NO_LIMIT)
}
