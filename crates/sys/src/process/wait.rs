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
    fn gives_up_after_the_timeout() {
        let (quiet, _keeps_it_open) = std::io::pipe().unwrap();
        let which = readable([Some(quiet.as_fd())], Some(Duration::from_millis(1)));
        assert_eq!(which.unwrap(), [false]);
    }
}
