//! Connections of clients, and waiting for them.

use std::{
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use pontoon_sys::{
    epoll::{Epoll, Events},
    socket::{self, Address},
};

use crate::problem::{Result, Trying};

/// Events taken at a time.
const EVENTS: usize = 512;

/// Many sockets to wait for.
pub(super) struct Hall {
    pub(super) epoll: Epoll,
    pub(super) events: Events,
}

impl Hall {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            epoll: Epoll::new().trying("make an epoll")?,
            events: events(),
        })
    }

    /// Waits for events, at most until `end`.
    pub(super) fn wait(&mut self, end: Instant) -> Result<()> {
        wait(&self.epoll, &mut self.events, end)
    }
}

/// Room for the events of one wait.
pub(super) fn events() -> Events {
    Events::with_capacity(EVENTS)
}

/// Waits for events, at most until `end`, and never longer than a second.
pub(super) fn wait(epoll: &Epoll, events: &mut Events, end: Instant) -> Result<()> {
    const LONGEST: Duration = Duration::from_secs(1);
    let left = end.saturating_duration_since(Instant::now());
    epoll
        .wait(events, Some(left.min(LONGEST)))
        .trying("wait for sockets")
}

/// Begins to connect. On loopback the connection is there when this returns, unless the other
/// side's queue is full.
pub(super) fn connect(target: SocketAddr) -> io::Result<OwnedFd> {
    let address = Address::Ip(target);
    let socket = socket::stream_for(&address)?;
    socket::connect_to(&socket, &address)?;
    Ok(socket)
}
