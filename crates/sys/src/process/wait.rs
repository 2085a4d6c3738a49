//! Waiting for descriptors without an event loop.

use std::{io, os::fd::BorrowedFd, time::Duration};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits until at least one of these can be read (or has ended), or until `timeout`; tells which.
///
/// # Errors
/// Nothing that a correct program meets.
pub fn readable<const N: usize>(
    descriptors: [Option<BorrowedFd<'_>>; N],
    timeout: Option<Duration>,
) -> io::Result<[bool; N]> {
    let mut polled: Vec<_> = descriptors
        .iter()
        .flatten()
        .map(|descriptor| PollFd::new(descriptor, PollFlags::IN))
        .collect();
    let timeout = timeout.map(Timespec::try_from).transpose();
    let timeout = timeout.map_err(io::Error::other)?;
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) => {}
        // A signal: nothing is readable yet.
        Err(rustix::io::Errno::INTR) => return Ok([false; N]),
        Err(error) => return Err(error.into()),
    }
    let mut events = polled.iter().map(|entry| !entry.revents().is_empty());
    Ok(descriptors.map(|descriptor| descriptor.is_some() && events.next().unwrap_or(false)))
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Something to read, or the end.
    Read,
    /// That, or room to write.
    ReadOrWrite,
    /// Room to write.
    Write,
}

/// Waits until any of these wishes has come true, or until `timeout`, or for a signal.
///
/// # Errors
/// Nothing that a correct program meets.
pub fn any(wishes: &[(BorrowedFd<'_>, Wish)], timeout: Option<Duration>) -> io::Result<()> {
    let mut polled: Vec<_> = wishes
        .iter()
        .map(|(descriptor, wish)| {
            let flags = match wish {
                Wish::Read => PollFlags::IN,
                Wish::ReadOrWrite => PollFlags::IN | PollFlags::OUT,
                Wish::Write => PollFlags::OUT,
            };
            PollFd::new(descriptor, flags)
        })
        .collect();
    let timeout = timeout.map(Timespec::try_from).transpose();
    let timeout = timeout.map_err(io::Error::other)?;
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn tells_which_one_is_readable() {
        let (quiet, _keeps_it_open) = std::io::pipe().unwrap();
        let (loud, writer) = std::io::pipe().unwrap();
        rustix::io::write(&writer, b"x").unwrap();
        let which = readable([Some(quiet.as_fd()), None, Some(loud.as_fd())], None);
        assert_eq!(which.unwrap(), [false, false, true]);
    }

    #[test]
    fn a_wish_that_has_come_true_ends_the_wait() {
        let (quiet, writer) = std::io::pipe().unwrap();
        let wishes = [(quiet.as_fd(), Wish::Read), (writer.as_fd(), Wish::Write)];
        any(&wishes, None).unwrap();
        any(&wishes[..1], Some(Duration::from_millis(1))).unwrap();
        drop(writer);
        any(&[(quiet.as_fd(), Wish::Read)], None).unwrap();
    }

    #[test]
    fn gives_up_after_the_timeout() {
        let (quiet, _keeps_it_open) = std::io::pipe().unwrap();
        let which = readable([Some(quiet.as_fd())], Some(Duration::from_millis(1)));
        assert_eq!(which.unwrap(), [false]);
    }
}
