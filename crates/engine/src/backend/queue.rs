//! Who waits, in order of arrival: one line for the backend, one for each server.

use std::collections::{BTreeMap, HashMap};

use crate::units::{ServerId, SessionKey};

/// Orders arrivals over all lines.
type Ticket = u64;

/// Where one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// For any server.
    Backend,
    /// For this one.
    Server(ServerId),
}

/// All lines of a backend.
#[derive(Debug, Default)]
pub(super) struct Queue {
    issued: Ticket,
    waiting: HashMap<SessionKey, (Ticket, Line)>,
    backend: BTreeMap<Ticket, SessionKey>,
    servers: Vec<BTreeMap<Ticket, SessionKey>>,
}

impl Queue {
    pub(super) fn new(servers: usize) -> Self {
        Self {
            servers: vec![BTreeMap::new(); servers],
            ..Self::default()
        }
    }

    /// One more server, for which nobody waits yet.
    pub(super) fn add_server(&mut self) {
        self.servers.push(BTreeMap::new());
    }

    /// Puts a session at the end of a line; how many were there before it. A session that
    /// already waits leaves its old place.
    pub(super) fn join(&mut self, session: SessionKey, line: Line) -> u32 {
        self.leave(session);
        let ahead = self.length(line);
        self.issued += 1;
        self.waiting.insert(session, (self.issued, line));
        let issued = self.issued;
        self.line(line).insert(issued, session);
        ahead
    }

    /// Takes a session out; where it waited.
    pub(super) fn leave(&mut self, session: SessionKey) -> Option<Line> {
        let (ticket, line) = self.waiting.remove(&session)?;
        self.line(line).remove(&ticket);
        Some(line)
    }

    /// Takes out whoever came first among those waiting for this server and, if `shared`, those
    /// waiting for any.
    pub(super) fn next_for(&mut self, server: ServerId, shared: bool) -> Option<SessionKey> {
        let own = self.servers[server.index()].first_key_value();
        let any = self.backend.first_key_value().filter(|_| shared);
        let (_, session) = own
            .into_iter()
            .chain(any)
            .min_by_key(|(ticket, _)| **ticket)?;
        let session = *session;
        self.leave(session);
        Some(session)
    }

    /// Sends all who wait for this server to the backend's line, by their time of arrival; how
    /// many there were.
    pub(super) fn requeue(&mut self, server: ServerId) -> u32 {
        let moved = std::mem::take(&mut self.servers[server.index()]);
        let count = count(moved.len());
        for (ticket, session) in moved {
            self.waiting.insert(session, (ticket, Line::Backend));
            self.backend.insert(ticket, session);
        }
        count
    }

    /// All who wait, and where, by their time of arrival.
    pub(super) fn order(&self) -> Vec<(SessionKey, Line)> {
        let mut waiting: Vec<_> = self.waiting.iter().collect();
        waiting.sort_unstable_by_key(|(_, (ticket, _))| *ticket);
        let places = waiting.into_iter();
        places
            .map(|(session, (_, line))| (*session, *line))
            .collect()
    }

    /// How many wait in a line.
    pub(super) fn length(&self, line: Line) -> u32 {
        count(match line {
            Line::Backend => self.backend.len(),
            Line::Server(id) => self.servers[id.index()].len(),
        })
    }

    /// How many wait in all lines.
    pub(super) fn total(&self) -> u32 {
        count(self.waiting.len())
    }

    fn line(&mut self, line: Line) -> &mut BTreeMap<Ticket, SessionKey> {
        match line {
            Line::Backend => &mut self.backend,
            Line::Server(id) => &mut self.servers[id.index()],
        }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn session(slot: u32) -> SessionKey {
        SessionKey {
            thread: 0,
            slot,
            generation: 0,
        }
    }

    #[test]
    fn a_freed_slot_goes_to_whoever_came_first_in_either_line() {
        let mut queue = Queue::new(2);
        let here = ServerId(0);
        assert_eq!(queue.join(session(1), Line::Backend), 0);
        assert_eq!(queue.join(session(2), Line::Server(here)), 0);
        assert_eq!(queue.join(session(3), Line::Backend), 1);
        assert_eq!(queue.next_for(here, true), Some(session(1)));
        assert_eq!(queue.next_for(here, true), Some(session(2)));
        assert_eq!(queue.next_for(here, false), None);
        assert_eq!(queue.next_for(here, true), Some(session(3)));
        assert_eq!(queue.total(), 0);
    }

    #[test]
    fn requeued_sessions_keep_their_time_of_arrival() {
        let mut queue = Queue::new(1);
        queue.join(session(1), Line::Server(ServerId(0)));
        queue.join(session(2), Line::Backend);
        assert_eq!(queue.requeue(ServerId(0)), 1);
        assert_eq!(queue.length(Line::Backend), 2);
        assert_eq!(queue.leave(session(2)), Some(Line::Backend));
        assert_eq!(queue.next_for(ServerId(0), true), Some(session(1)));
    }

    #[test]
    fn leaving_twice_is_noticed() {
        let mut queue = Queue::new(0);
        queue.join(session(1), Line::Backend);
        assert_eq!(queue.leave(session(1)), Some(Line::Backend));
        assert_eq!(queue.leave(session(1)), None);
    }
}
