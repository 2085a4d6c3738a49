//! Carries out what the balancer ordered: admits, ends sessions, logs, tells trackers.

use std::{sync::Arc, time::Instant};

use pontoon_engine::{
    backend::{Action, Backend, StateChange},
    termination::Cause,
    units::{ProxyId, ServerId},
};

use super::{BackendState, Running, mailbox::Message};
use crate::log;

impl Running {
    /// Changes a backend's balancer, then carries out the orders that follow, without its lock.
    ///
    /// Returns `None` if the proxy has no server side.
    pub fn with_backend<T>(
        &self,
        id: ProxyId,
        now: Instant,
        change: impl FnOnce(&mut Backend) -> T,
    ) -> Option<T> {
        let state = self.backend(id)?;
        let mut actions = Vec::new();
        let result = {
            let mut balancer = state.balancer();
            let result = change(&mut balancer);
            while let Some(action) = balancer.poll_action() {
                actions.push(action);
            }
            result
        };
        for action in &actions {
            self.carry_out(id, state, action, now);
        }
        // Those who track a server come last, so that the log tells of one backend after the
        // other.
        for action in &actions {
            if let Action::StateChanged(change) = action {
                self.tell_trackers(id, state, change, now);
            }
        }
        Some(result)
    }

    fn carry_out(&self, id: ProxyId, state: &BackendState, action: &Action, now: Instant) {
        match action {
            &Action::Admit { session, server } => {
                let message = Message::Admit {
                    session,
                    backend: id,
                    server,
                };
                let thread = self.threads.get(usize::from(session.thread));
                // A thread has ended only if its session has: the slot goes to the next.
                if thread.is_none_or(|thread| thread.deliver(message).is_err()) {
                    self.free_slot(id, server, now);
                }
            }
            Action::ShutdownSessions { server } => {
                self.end_sessions(id, Some(*server), Cause::ServerDown);
            }
            Action::ShutdownBackupSessions => self.end_sessions(id, None, Cause::ServerUp),
            Action::StateChanged(change) => self.state_changed(id, state, change),
            Action::CheckSooner { server } => {
                state.servers[server.index()].state_changed.notify_one();
            }
            Action::HealthReport(report) => {
                self.logger.health_report(self.proxy(id), report);
                if let Some(server) = state.servers.get(report.server.index()) {
                    server.checks.add(report);
                }
                if report.changed {
                    // Perhaps the first check that has passed.
                    self.readiness_changed.notify_one();
                }
            }
            Action::NoServerLeft => self.logger.no_server_left(self.proxy(id)),
        }
    }

    pub(super) fn end_sessions(&self, backend: ProxyId, server: Option<ServerId>, cause: Cause) {
        for thread in &self.threads {
            thread.post(Message::EndSessions {
                backend,
                server,
                cause,
            });
        }
    }

    fn state_changed(&self, id: ProxyId, state: &BackendState, change: &StateChange) {
        let proxy = self.proxy(id);
        self.logger.state_changed(proxy, change);
        for text in log::words_of(proxy, change) {
            self.timeline.add(id, change.server, text);
        }
        state.timers_changed.notify_one();
        self.readiness_changed.notify_one();
        state.servers[change.server.index()]
            .state_changed
            .notify_one();
    }

    fn tell_trackers(&self, id: ProxyId, state: &BackendState, change: &StateChange, now: Instant) {
        let proxy = self.proxy(id);
        let trackers = state
            .trackers
            .iter()
            .filter(|(ours, ..)| *ours == change.server);
        let Some(side) = &proxy.backend else { return };
        let name = &side.servers[change.server.index()].settings.name;
        let of: Arc<str> = format!("{}/{name}", proxy.name).into();
        for (_, tracker_proxy, tracker) in trackers {
            self.with_backend(*tracker_proxy, now, |backend| {
                backend.tracked_changed(*tracker, &of, change.now.oper, change.now.admin, now);
            });
        }
    }
}
