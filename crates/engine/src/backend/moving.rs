//! Sessions that come from another process, or are about to leave for one.

use std::time::Instant;

use super::{Backend, queue::Line};
use crate::units::{ServerId, SessionKey};

impl Backend {
    /// A session from another process is on this server: its slot is taken, whatever the limits say.
    /// It was placed there before, so nobody is picked, and nobody's turn is over.
    pub fn occupy(&mut self, server: ServerId, now: Instant) {
        let last = self.members[server.index()].last_session;
        self.take_slot(server, now);
        self.members[server.index()].last_session = last.or(Some(now));
    }

    /// All who wait, in the order of their arrival, each with the server it waits for; `None`: any.
    #[must_use]
    pub fn queue_order(&self) -> Vec<(SessionKey, Option<ServerId>)> {
        let order = self.queue.order().into_iter();
        order
            .map(|(session, line)| match line {
                Line::Backend => (session, None),
                Line::Server(server) => (session, Some(server)),
            })
            .collect()
    }

    /// A session from another process waits on, behind all who wait already: for this server, or for
    /// any. If there is a slot for it, it is admitted at once.
    pub fn wait_on(&mut self, session: SessionKey, server: Option<ServerId>, now: Instant) {
        let line = server.map_or(Line::Backend, Line::Server);
        self.queue.join(session, line);
        if let Some(server) = server {
            self.refresh(server);
        }
        self.refresh_dynamic();
        self.admit_all(now);
    }
}
