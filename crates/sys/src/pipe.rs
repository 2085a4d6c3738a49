//! Moving bytes between sockets without copying them: splice through a pipe.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice},
    thread::{CapabilitySet, capabilities},
};

use crate::stream::Received;

/// A pipe to splice through.
#[derive(Debug)]
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    capacity: usize,
}

impl Pipe {
    /// A pipe of about `capacity` bytes, or of what the limits of the user leave
    /// (`/proc/sys/fs/pipe-user-pages-soft`); see [`Pipe::capacity`].
    ///
    /// # Errors
    /// Out of descriptors or memory.
    pub fn new(capacity: usize) -> io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let capacity = match fcntl_setpipe_size(&write, capacity) {
            Ok(granted) => granted,
            // The limit for one pipe or for the user: what we have must do.
            Err(_) => fcntl_getpipe_size(&write)?,
        };
        Ok(Self {
            read,
            write,
            capacity,
        })
    }

    /// A pipe of another process, by its ends: where it is read, and where it is written.
    ///
    /// # Errors
    /// These are no ends of a pipe.
    pub fn of_ends(read: OwnedFd, write: OwnedFd) -> io::Result<Self> {
        let capacity = fcntl_getpipe_size(&write)?;
        Ok(Self {
            read,
            write,
            capacity,
        })
    }

    /// Its ends: where it is read, and where it is written.
    #[must_use]
    pub fn ends(&self) -> [BorrowedFd<'_>; 2] {
        [self.read.as_fd(), self.write.as_fd()]
    }

    /// How many bytes it holds at most.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Moves up to `length` bytes from a socket into the pipe. [`Received::Nothing`] also means
    /// a full pipe.
    ///
    /// # Errors
    /// The connection broke; `EINVAL` if this kind of socket cannot be spliced.
    pub fn fill(&self, socket: impl AsFd, length: usize) -> io::Result<Received> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        loop {
            match splice(&socket, None, &self.write, None, length, flags) {
                Ok(0) => return Ok(Received::End),
                Ok(n) => return Ok(Received::Bytes(n)),
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Moves up to `length` bytes from the pipe to a socket; `None` if it has no room.
    ///
    /// # Errors
    /// The connection broke.
    pub fn drain(&self, socket: impl AsFd, length: usize, more: bool) -> io::Result<Option<usize>> {
        let mut flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        flags.set(SpliceFlags::MORE, more);
        loop {
            match splice(&self.read, None, &socket, None, length, flags) {
                Ok(n) => return Ok(Some(n)),
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// How many bytes the pipes of one user may hold before the kernel grants small ones only
/// (`/proc/sys/fs/pipe-user-pages-soft`), or none at all (`…-hard`); `None`: no limit, or unknown.
#[must_use]
pub fn allowance_of_users() -> Option<u64> {
    ["soft", "hard"]
        .into_iter()
        .filter_map(|limit| {
            let text = std::fs::read_to_string(format!("/proc/sys/fs/pipe-user-pages-{limit}"));
            text.ok()?.trim().parse::<u64>().ok()
        })
        // Zero is no limit.
        .filter(|&pages| pages > 0)
        .min()
        .map(|pages| pages.saturating_mul(page_size()))
}

/// Not rustix's: that looks for the vDSO, which valgrind hides, and ends the process there.
fn page_size() -> u64 {
    // SAFETY: takes a number and gives one.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}

/// Whether those limits do not hold for this process, as it is now.
#[must_use]
pub fn is_exempt() -> bool {
    let exempt = CapabilitySet::SYS_RESOURCE | CapabilitySet::SYS_ADMIN;
    capabilities(None).is_ok_and(|sets| sets.effective.intersects(exempt))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        os::unix::net::UnixStream,
    };

    use super::*;

    #[test]
    fn carries_bytes_from_socket_to_socket() {
        let (mut sender, source) = UnixStream::pair().unwrap();
        let (sink, mut receiver) = UnixStream::pair().unwrap();
        source.set_nonblocking(true).unwrap();
        let pipe = Pipe::new(1 << 16).unwrap();
        assert!(pipe.capacity() >= 4096);
        assert_eq!(pipe.fill(&source, 100).unwrap(), Received::Nothing);
        sender.write_all(b"hello").unwrap();
        assert_eq!(pipe.fill(&source, 100).unwrap(), Received::Bytes(5));
        assert_eq!(pipe.drain(&sink, 5, false).unwrap(), Some(5));
        let mut got = [0; 5];
        receiver.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"hello");
        drop(sender);
        assert_eq!(pipe.fill(&source, 100).unwrap(), Received::End);
    }
}
