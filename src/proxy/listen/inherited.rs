//! Listening sockets that another process has handed over.

use std::os::fd::OwnedFd;

use crate::handover::wire::Bound;

/// Sockets by what they are bound to. Whoever wants to bind an address looks here first: it is
/// taken as long as the other process lives, and what waits in the socket's queue must not be lost.
#[derive(Debug, Default)]
pub struct Inherited(Vec<(Bound, OwnedFd)>);

impl Inherited {
    /// These sockets.
    #[must_use]
    pub const fn new(sockets: Vec<(Bound, OwnedFd)>) -> Self {
        Self(sockets)
    }

    /// The socket that is bound so, if there is one and descriptors are left.
    #[must_use]
    pub fn get(&self, bound: &Bound) -> Option<OwnedFd> {
        let (_, socket) = self.0.iter().find(|(it, _)| it == bound)?;
        socket.try_clone().ok()
    }
}
