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

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
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
    /// epoll_wait(2) counts in whole milliseconds: whoever waits for less is late by up to one.
    const COARSE: Duration = Duration::from_millis(5);
    let mut left = end.saturating_duration_since(Instant::now()).min(LONGEST);
    if left < COARSE {
        wait_exactly(epoll, left)?;
        left = Duration::ZERO;
    }
    epoll.wait(events, Some(left)).trying("wait for sockets")
}

/// Returns when there are events, or when so much time is over, to the nanosecond (ppoll(2)).
fn wait_exactly(epoll: &Epoll, left: Duration) -> Result<()> {
    let time = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(left.subsec_nanos()),
    };
    match poll(&mut [PollFd::new(epoll, PollFlags::IN)], Some(&time)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error).trying("wait for sockets"),
    }
}

/// Begins to connect. On loopback the connection is there when this returns, unless the other
/// side's queue is full.
pub(super) fn connect(target: SocketAddr) -> io::Result<OwnedFd> {
    let address = Address::Ip(target);
    let socket = socket::stream_for(&address)?;
    socket::connect_to(&socket, &address)?;
    Ok(socket)
}
