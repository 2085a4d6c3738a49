//! Sessions as they are seen from outside: what `show sess` tells.
//!
//! Whoever asks gets some sessions at a time, so that a thread with thousands of them serves all
//! others between two answers. Nothing is kept for this with a session.

use std::os::fd::AsRawFd as _;

use pontoon_engine::{
    address::Endpoint,
    session::{Deadlines, Stage},
    units::SessionKey,
};
use pontoon_sys::socket;
use tokio::sync::oneshot;

use super::{io::Leg, listen::to_endpoint, relay::Flow, session::Session, thread::Worker};
use crate::record::SessionRecord;

/// Sessions that are described in one turn of the loop, at most.
const MOST: usize = 64;
/// Slots that are looked at for them, at most.
const MOST_SLOTS: usize = 1024;

/// Which sessions are wanted, and who wants to know.
#[derive(Debug)]
pub struct Question {
    /// The slot to begin with.
    pub from: usize,
    /// With our ends of connections to servers, which the kernel has to be asked for.
    pub addresses: bool,
    /// Who asks.
    pub reply: oneshot::Sender<Page>,
}

/// Some sessions.
#[derive(Debug, Default)]
pub struct Page {
    /// They, by slot.
    pub sessions: Vec<Observed>,
    /// Where to go on; `None`: these were the last.
    pub next: Option<usize>,
}

/// A session at one moment.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Its name.
    pub key: SessionKey,
    /// What is known of it.
    pub record: SessionRecord,
    /// Where it is.
    pub stage: Stage,
    /// What is waited for.
    pub deadlines: Deadlines,
    /// The descriptor of the client's socket.
    pub client: i32,
    /// The server's socket, once there is one.
    pub server: Option<End>,
    /// From the client to the server.
    pub request: Way,
    /// From the server to the client.
    pub response: Way,
    /// It holds a slot of its server.
    pub on_server: bool,
}

/// The connection to a server.
#[derive(Debug, Clone)]
pub struct End {
    /// The descriptor of its socket.
    pub descriptor: i32,
    /// Our own address, if that was asked for.
    pub local: Option<Endpoint>,
}

/// A direction of a session.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Bytes in memory that wait for room.
    pub held: usize,
    /// Bytes in a pipe that do.
    pub piped: usize,
    /// Its sender has closed it.
    pub ended: bool,
    /// That was passed on.
    pub shut: bool,
}

impl Worker {
    /// Describes the next sessions. Those that their header or the rules have not let in yet are
    /// none.
    pub(super) fn answer(&self, question: Question) {
        let Question {
            from,
            addresses,
            reply,
        } = question;
        let mut page = Page {
            sessions: Vec::new(),
            next: None,
        };
        let end = self.sessions.slots().min(from.saturating_add(MOST_SLOTS));
        let mut slot = from;
        while slot < end && page.sessions.len() < MOST {
            let session = self.sessions.get(slot);
            let counted = session.filter(|session| session.counted);
            page.sessions
                .extend(counted.map(|session| self.observe(session, addresses)));
            slot += 1;
        }
        page.next = (slot < self.sessions.slots()).then_some(slot);
        // Who asked may have lost patience.
        let _gone = reply.send(page);
    }

    fn observe(&self, session: &Session, addresses: bool) -> Observed {
        Observed {
            key: session.key,
            record: session.record.clone(),
            stage: session.life.stage(),
            deadlines: session.life.deadlines(&self.timeouts(&session.record)),
            client: session.client.socket.as_raw_fd(),
            server: session.server.as_ref().map(|leg| End::of(leg, addresses)),
            request: Way::of(&session.request),
            response: Way::of(&session.response),
            on_server: session.slot.is_some(),
        }
    }
}

impl End {
    fn of(leg: &Leg, address: bool) -> Self {
        let local = address.then(|| socket::local_address(&leg.socket));
        Self {
            descriptor: leg.socket.as_raw_fd(),
            local: local.and_then(Result::ok).map(to_endpoint),
        }
    }
}

impl Way {
    fn of(flow: &Flow) -> Self {
        let piped = flow.filled_pipe().map_or(0, |pipe| pipe.bytes);
        Self {
            held: flow.pending().len(),
            piped,
            ended: flow.ended,
            shut: flow.shut,
        }
    }
}
