//! Bytes over connected sockets, without ever blocking.

use std::{io, os::fd::AsFd};

use rustix::{
    io::Errno,
    net::{RecvFlags, SendFlags, Shutdown},
};

/// What a read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// So many bytes, at least one.
    Bytes(usize),
    /// The peer has closed its side.
    End,
    /// Nothing for now.
    Nothing,
}

/// Reads what has arrived.
///
/// # Errors
/// The connection broke.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    loop {
        match rustix::net::recv(&socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Ok(Received::End),
            Ok((n, _)) => return Ok(Received::Bytes(n)),
            Err(Errno::AGAIN) => return Ok(Received::Nothing),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes what there is room for; `None` if there is none. With `more`, the last segment waits
/// for what follows at once.
///
/// # Errors
/// The connection broke.
pub fn send(socket: impl AsFd, bytes: &[u8], more: bool) -> io::Result<Option<usize>> {
    let mut flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    flags.set(SendFlags::MORE, more);
    loop {
        match rustix::net::send(&socket, bytes, flags) {
            Ok(n) => return Ok(Some(n)),
            // With TCP Fast Open, the connection is only being made now.
            Err(Errno::AGAIN | Errno::INPROGRESS) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Tells the peer that nothing more will come.
///
/// # Errors
/// The connection is gone already.
pub fn shut_write(socket: impl AsFd) -> io::Result<()> {
    Ok(rustix::net::shutdown(socket, Shutdown::Write)?)
}

/// The error pending on a socket, if there is one; taking it clears it.
///
/// # Errors
/// The pending error.
pub fn pending_error(socket: impl AsFd) -> io::Result<()> {
    Ok(rustix::net::sockopt::socket_error(socket)??)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn reads_what_was_sent_then_nothing_then_the_end() {
        let (a, b) = UnixStream::pair().unwrap();
        let mut buffer = [0; 8];
        assert_eq!(send(&a, b"abc", false).unwrap(), Some(3));
        assert_eq!(receive(&b, &mut buffer).unwrap(), Received::Bytes(3));
        assert_eq!(receive(&b, &mut buffer).unwrap(), Received::Nothing);
        shut_write(&a).unwrap();
        assert_eq!(receive(&b, &mut buffer).unwrap(), Received::End);
        assert!(pending_error(&b).is_ok());
    }

    #[test]
    fn a_full_socket_takes_nothing_more() {
        let (a, _b) = UnixStream::pair().unwrap();
        let block = vec![0; 1 << 16];
        let mut rounds = 0;
        while send(&a, &block, false).unwrap().is_some() {
            rounds += 1;
            assert!(rounds < 10_000, "a socket must fill up");
        }
    }
}
