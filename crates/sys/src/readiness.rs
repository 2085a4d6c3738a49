//! Waiting for any descriptor inside tokio's event loop: packet sockets, pidfds, inotify, netlink.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    task::{Context, Poll, ready},
};

use tokio::io::{Interest, unix::AsyncFd};

/// Tells when a descriptor may be read or written.
///
/// It watches a copy of the descriptor, so whoever owns the original keeps using it as before. The
/// descriptor must not block.
#[derive(Debug)]
pub struct Readiness(AsyncFd<OwnedFd>);

impl Readiness {
    /// Watches this descriptor. To be called inside the event loop.
    ///
    /// # Errors
    /// Out of descriptors, or a kind that cannot be waited for (a regular file).
    pub fn of(descriptor: impl AsFd) -> io::Result<Self> {
        let copy = descriptor.as_fd().try_clone_to_owned()?;
        // SAFETY: the copy is valid, and its owner moves into the registration, which neither
        // replaces nor closes it before its end.
        let registered = unsafe { AsyncFd::register(copy) };
        registered.map(Self).map_err(io::Error::other)
    }

    /// Waits until it may be readable, or has ended. Read until the answer is "would block" before
    /// calling this again; nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The event loop is being taken down.
    pub async fn readable(&self) -> io::Result<()> {
        self.ready(Interest::READABLE).await
    }

    /// As [`Readiness::readable`], but room for writing counts, too.
    ///
    /// # Errors
    /// The event loop is being taken down.
    pub async fn readable_or_writable(&self) -> io::Result<()> {
        self.ready(Interest::READABLE | Interest::WRITABLE).await
    }

    /// As [`Readiness::readable`], for code that is polled.
    ///
    /// # Errors
    /// The event loop is being taken down.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ready = ready!(self.0.poll_read_ready(context));
        Poll::Ready(ready.map(|mut guard| guard.clear_ready()))
    }

    async fn ready(&self, interest: Interest) -> io::Result<()> {
        self.0.ready(interest).await?.clear_ready();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::packet;

    #[test]
    fn wakes_once_for_what_came_and_again_for_the_end() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        let (here, there) = packet::pair().unwrap();
        runtime.block_on(async {
            let readiness = Readiness::of(&here).unwrap();
            let soon = Duration::from_millis(10);
            assert!(
                tokio::time::timeout(soon, readiness.readable())
                    .await
                    .is_err()
            );
            packet::send(&there, b"x").unwrap();
            readiness.readable().await.unwrap();
            assert_eq!(packet::receive(&here, &mut [0; 1]).unwrap(), Some(1));
            assert!(
                tokio::time::timeout(soon, readiness.readable())
                    .await
                    .is_err()
            );
            drop(there);
            readiness.readable().await.unwrap();
            assert_eq!(packet::receive(&here, &mut [0; 1]).unwrap(), None);
        });
    }
}
