//! Waiting for many descriptors at once.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::event::{
    PollFd, PollFlags, Timespec,
    epoll::{self, CreateFlags, Event, EventData, EventFlags},
    poll,
};

/// An epoll instance.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Readable, as long as it is; only one of several waiting threads is woken.
    Shared,
    /// Readable, as long as it is.
    Readable,
    /// Readable, told once until the watch is modified.
    Once,
    /// Changes to readable or closed by the peer.
    Arrivals,
    /// Changes to readable, writable or closed by the peer.
    Everything,
}

/// What became of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// What it was registered with.
    pub token: u64,
    /// There is something to read, an end of stream included.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
    /// The peer will send nothing more: what there is to read is all.
    pub read_closed: bool,
    /// Urgent data are there: a read stops in front of them.
    pub urgent: bool,
    /// An error is pending, or both directions are closed.
    pub failed: bool,
}

/// Room for the events of one wait.
#[derive(Default)]
pub struct Events(Vec<Event>);

// SAFETY: an event can carry a pointer; ours carry numbers only (`Epoll::add`, `Epoll::modify`).
unsafe impl Send for Events {}

impl Events {
    /// Room for `n` events, at least one.
    #[must_use]
    pub fn with_capacity(n: usize) -> Self {
        Self(Vec::with_capacity(n.max(1)))
    }

    /// Whether the last wait brought none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The events of the last wait.
    pub fn iter(&self) -> impl Iterator<Item = Ready> + '_ {
        self.0.iter().map(|event| {
            let flags = event.flags;
            Ready {
                token: event.data.u64(),
                readable: flags.contains(EventFlags::IN),
                writable: flags.contains(EventFlags::OUT),
                read_closed: flags.intersects(EventFlags::RDHUP | EventFlags::HUP),
                urgent: flags.contains(EventFlags::PRI),
                failed: flags.intersects(EventFlags::ERR | EventFlags::HUP),
            }
        })
    }
}

impl Interest {
    fn flags(self) -> EventFlags {
        let arrivals = EventFlags::IN | EventFlags::PRI | EventFlags::RDHUP | EventFlags::ET;
        match self {
            Self::Shared => EventFlags::IN | EventFlags::EXCLUSIVE,
            Self::Readable => EventFlags::IN,
            Self::Once => EventFlags::IN | EventFlags::ONESHOT,
            Self::Arrivals => arrivals,
            Self::Everything => arrivals | EventFlags::OUT,
        }
    }
}

impl Epoll {
    /// A new instance.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self(epoll::create(CreateFlags::CLOEXEC)?))
    }

    /// Begins to watch a descriptor.
    ///
    /// # Errors
    /// Out of memory or of watches (`/proc/sys/fs/epoll/max_user_watches`).
    pub fn add(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let data = EventData::new_u64(token);
        Ok(epoll::add(&self.0, fd, data, interest.flags())?)
    }

    /// Changes what to wait for.
    ///
    /// # Errors
    /// The descriptor is not watched.
    pub fn modify(&self, fd: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        let data = EventData::new_u64(token);
        Ok(epoll::modify(&self.0, fd, data, interest.flags())?)
    }

    /// Stops watching a descriptor.
    ///
    /// # Errors
    /// The descriptor is not watched.
    pub fn delete(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.0, fd)?)
    }

    /// Waits until something happens, at most `timeout`, which is rounded up to milliseconds if it is
    /// longer than one. A signal ends the wait early with no events.
    ///
    /// # Errors
    /// None that a correct program meets.
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.0.clear();
        let mut timeout = timeout;
        if let Some(short) = timeout.filter(|timeout| is_short(*timeout)) {
            // epoll_pwait2 could do it at once, but is younger than the kernels we run on.
            if !self.wait_briefly(short)? {
                return Ok(());
            }
            timeout = Some(Duration::ZERO);
        }
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        });
        let spare = rustix::buffer::spare_capacity(&mut events.0);
        match epoll::wait(&self.0, spare, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until there are events, at most `timeout` and the kernel's slack for timers; whether
    /// there are.
    fn wait_briefly(&self, timeout: Duration) -> io::Result<bool> {
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        let mut events = [PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut events, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Too short for the milliseconds of `epoll_wait`.
const fn is_short(timeout: Duration) -> bool {
    !timeout.is_zero() && timeout.as_millis() == 0
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::net::UnixStream};

    use super::*;

    #[test]
    fn tells_readable_and_closed_by_the_peer() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let epoll = Epoll::new().unwrap();
        let mut events = Events::with_capacity(4);
        epoll.add(&ours, 7, Interest::Arrivals).unwrap();
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events.iter().count(), 0);

        theirs.write_all(b"x").unwrap();
        epoll.wait(&mut events, None).unwrap();
        let ready = events.iter().next().unwrap();
        assert_eq!(
            (ready.token, ready.readable, ready.read_closed),
            (7, true, false)
        );

        drop(theirs);
        epoll.wait(&mut events, None).unwrap();
        assert!(events.iter().next().unwrap().read_closed);
    }
}
