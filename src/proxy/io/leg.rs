//! One end of a session.

use std::os::fd::OwnedFd;

use pontoon_sys::epoll::{Interest, Ready};

use crate::handover::wire;

/// One end of a session: a socket, and what is known of it.
pub(in crate::proxy) struct Leg {
    /// The socket.
    pub(in crate::proxy) socket: OwnedFd,
    /// What the loop watches it for.
    pub(super) watched: Option<Interest>,
    /// There may be something to read.
    pub(in crate::proxy) readable: bool,
    /// There may be room to write.
    pub(in crate::proxy) writable: bool,
    /// The peer has closed its direction: what can be read now is all.
    pub(in crate::proxy) read_closed: bool,
    /// An error is pending, or both directions are closed.
    pub(in crate::proxy) failed: bool,
    /// A short read does not mean that all was read: urgent data stop reads. There may be more
    /// of them than the loop has told, so this stays.
    urgent: bool,
    /// `option nolinger` of a backend: when the client has closed, this end is reset.
    pub(in crate::proxy) abrupt: bool,
    /// TCP Fast Open towards a server.
    pub(in crate::proxy) early: Early,
}

/// How far TCP Fast Open has come: the first data go with the first packet, and nobody knows yet
/// whether there is anybody to take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Early {
    /// It is not used, or it is over.
    No,
    /// The first packet waits for data.
    Waits,
    /// So many bytes of the request went with it. They are kept until the server has answered:
    /// another one may have to be sent them.
    Sent(u32),
}

impl Leg {
    /// A fresh socket, about which everything is hoped for.
    pub(in crate::proxy) const fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            watched: None,
            readable: true,
            writable: true,
            read_closed: false,
            failed: false,
            urgent: false,
            abrupt: false,
            early: Early::No,
        }
    }

    /// What another process has to be told of it.
    pub(in crate::proxy) const fn form(&self) -> wire::Leg {
        wire::Leg {
            writable: self.writable,
            urgent: self.urgent,
            abrupt: self.abrupt,
            early: match self.early {
                Early::No => wire::Early::No,
                Early::Waits => wire::Early::Waits,
                Early::Sent(bytes) => wire::Early::Sent(bytes),
            },
        }
    }

    /// A socket of another process. Whatever the kernel tells again is hoped for.
    pub(in crate::proxy) fn resumed(socket: OwnedFd, form: wire::Leg) -> Self {
        Self {
            writable: form.writable,
            urgent: form.urgent,
            abrupt: form.abrupt,
            early: match form.early {
                wire::Early::No => Early::No,
                wire::Early::Waits => Early::Waits,
                wire::Early::Sent(bytes) => Early::Sent(bytes),
            },
            ..Self::new(socket)
        }
    }

    /// A read brought less than asked for: there is nothing more, unless an error or urgent data
    /// stood in its way. (Whatever arrives later is an event of its own.)
    pub(in crate::proxy) const fn drained(&mut self) {
        self.readable = self.failed || self.urgent || self.read_closed;
    }

    /// After [`Leg::drained`]: the peer had closed already, so what was read was the last.
    pub(in crate::proxy) const fn read_all(&self) -> bool {
        self.read_closed && !self.failed && !self.urgent
    }

    /// Urgent data may stand in the way of what follows.
    pub(in crate::proxy) const fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// Notes what the loop said.
    pub(in crate::proxy) const fn note(&mut self, ready: Ready) {
        self.readable |= ready.readable | ready.read_closed | ready.failed;
        self.writable |= ready.writable;
        self.read_closed |= ready.read_closed;
        self.failed |= ready.failed;
        self.urgent |= ready.urgent;
    }
}
