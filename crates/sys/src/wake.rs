//! Waking an event loop from another thread: an eventfd.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

/// A descriptor that becomes readable when somebody calls [`Wake::notify`].
#[derive(Debug)]
pub struct Wake(OwnedFd);

impl Wake {
    /// A new one, not signalled.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self(eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
        )?))
    }

    /// Makes the descriptor readable. Calling it again before it was drained is harmless.
    pub fn notify(&self) {
        // The only possible failure is a full counter: then it is readable already.
        let _full = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Makes the descriptor unreadable again.
    pub fn drain(&self) {
        let mut counter = [0; 8];
        // EAGAIN means that nobody called.
        let _empty = rustix::io::read(&self.0, &mut counter);
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    fn readable(wake: &Wake) -> bool {
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut [PollFd::new(wake, PollFlags::IN)], Some(&now)).unwrap() == 1
    }

    #[test]
    fn is_readable_from_notify_to_drain() {
        let wake = Wake::new().unwrap();
        assert!(!readable(&wake));
        wake.notify();
        wake.notify();
        assert!(readable(&wake));
        wake.drain();
        assert!(!readable(&wake));
    }
}
