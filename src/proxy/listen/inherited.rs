//! Listening sockets that another process has handed over.

use std::{cell::Cell, os::fd::OwnedFd};

use crate::handover::wire::Bound;

/// Sockets by what they are bound to. Whoever wants to bind an address looks here first: it is
/// taken as long as the other process lives, and what waits in the socket's queue must not be lost.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<Heirloom>,
    beside_others: bool,
}

#[derive(Debug)]
struct Heirloom {
    bound: Bound,
    socket: OwnedFd,
    used: Cell<bool>,
}

impl Inherited {
    /// These sockets.
    #[must_use]
    pub fn new(sockets: Vec<(Bound, OwnedFd)>) -> Self {
        let heirloom = |(bound, socket)| Heirloom {
            bound,
            socket,
            used: Cell::new(false),
        };
        Self {
            sockets: sockets.into_iter().map(heirloom).collect(),
            beside_others: false,
        }
    }

    /// Old processes that do not hand over may still listen where this one is about to.
    #[must_use]
    pub const fn beside_others(mut self, others: bool) -> Self {
        self.beside_others = others;
        self
    }

    /// The socket that is bound so, if there is one and descriptors are left.
    #[must_use]
    pub fn get(&self, bound: &Bound) -> Option<OwnedFd> {
        let found = self.sockets.iter().find(|it| it.bound == *bound)?;
        found.used.set(true);
        found.socket.try_clone().ok()
    }

    /// What nobody has asked for: the other process is the last that listens there.
    #[must_use]
    pub fn into_unused(self) -> Vec<(Bound, OwnedFd)> {
        let unused = self.sockets.into_iter().filter(|it| !it.used.get());
        unused.map(|it| (it.bound, it.socket)).collect()
    }

    /// Whether addresses may be shared with others that listen there.
    pub(super) const fn shares(&self) -> bool {
        self.beside_others
    }
}
