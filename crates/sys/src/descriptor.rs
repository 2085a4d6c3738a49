//! Descriptors known by their number: the standard streams, `fd@N`.

use std::{
    io,
    os::fd::{FromRawFd, OwnedFd, RawFd},
};

/// A copy of an inherited descriptor, closed on exec.
///
/// # Errors
/// `number` is not open, or there are no descriptors left.
pub fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    /// The standard streams may be replaced later; a copy should not sit in their place.
    const LOWEST: libc::c_int = 3;
    // SAFETY: this command takes any number and touches no memory of ours.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, LOWEST) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Keeps an inherited descriptor from being inherited further.
///
/// # Errors
/// `number` is not open.
pub fn close_on_exec(number: RawFd) -> io::Result<()> {
    // SAFETY: this command takes any number and touches no memory of ours.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Lets the program that replaces this one (exec) have a descriptor of ours.
///
/// # Errors
/// `number` is not open.
pub fn keep_on_exec(number: RawFd) -> io::Result<()> {
    // SAFETY: this command takes any number and touches no memory of ours.
    if unsafe { libc::fcntl(number, libc::F_SETFD, 0) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Takes over a descriptor that the program before this one has left ([`keep_on_exec`]): it is
/// closed on exec from now on, and its number is free again. To be called once for each, with
/// numbers that nothing in this program owns.
///
/// # Errors
/// `number` is not open.
pub fn take_over(number: RawFd) -> io::Result<OwnedFd> {
    let copy = duplicate(number)?;
    // SAFETY: nothing in this program owns it, as the caller has promised; closing a number touches
    // no memory.
    unsafe { libc::close(number) };
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_copy_reaches_the_same_pipe_and_is_closed_on_exec() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let copy = duplicate(writer.as_raw_fd()).unwrap();
        drop(writer);
        rustix::io::write(&copy, b"x").unwrap();
        let mut seen = [0; 2];
        assert_eq!(rustix::io::read(&reader, &mut seen).unwrap(), 1);
        let flags = rustix::io::fcntl_getfd(&copy).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }

    #[test]
    fn what_is_kept_is_taken_over_once() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let number = writer.as_raw_fd();
        keep_on_exec(number).unwrap();
        let flags = rustix::io::fcntl_getfd(&writer).unwrap();
        assert!(!flags.contains(rustix::io::FdFlags::CLOEXEC));
        // As after an exec: nothing owns the number.
        std::mem::forget(writer);
        let taken = take_over(number).unwrap();
        let flags = rustix::io::fcntl_getfd(&taken).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        drop(taken);
        // With no writer left, that is the end.
        assert_eq!(rustix::io::read(&reader, &mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn what_is_not_open_cannot_be_copied() {
        let error = duplicate(-1).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    }
}
