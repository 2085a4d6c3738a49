//! UNIX sockets that keep messages apart (`SOCK_SEQPACKET`): how the processes of a node talk.
//!
//! None of them blocks: a call that would have to wait fails with [`io::ErrorKind::WouldBlock`].
//! An empty message cannot be told from the end, so none may be sent.

pub mod passing;

use std::{
    fs, io,
    os::{
        fd::{AsFd, AsRawFd as _, OwnedFd},
        unix::fs::MetadataExt as _,
    },
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, bind,
    connect, listen, recv, send as send_bytes, socket_with, socketpair,
};

use crate::process::identity;

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// Two sockets that are connected to each other.
///
/// # Errors
/// Out of descriptors.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SocketType::SEQPACKET;
    Ok(socketpair(AddressFamily::UNIX, kind, FLAGS, None)?)
}

/// Listens under a name in the abstract namespace, which belongs to the network namespace, needs
/// no file system, and is free again when the socket is closed. The name is taken as it is, unlike
/// HAProxy's `abns@`. Connections are taken with [`crate::socket::accept_from`].
///
/// # Errors
/// The name is in use, or longer than 107 bytes.
pub fn listen_abstract(name: &[u8]) -> io::Result<OwnedFd> {
    const BACKLOG: i32 = 16;
    let socket = unconnected()?;
    bind(&socket, &SocketAddrUnix::new_abstract_name(name)?)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Connects to who listens under that name; done or refused at once.
///
/// # Errors
/// Nobody listens (`ECONNREFUSED`), or too many wait to be accepted (`EAGAIN`).
pub fn connect_abstract(name: &[u8]) -> io::Result<OwnedFd> {
    let socket = unconnected()?;
    connect(&socket, &SocketAddrUnix::new_abstract_name(name)?)?;
    Ok(socket)
}

fn unconnected() -> io::Result<OwnedFd> {
    let kind = SocketType::SEQPACKET;
    Ok(socket_with(AddressFamily::UNIX, kind, FLAGS, None)?)
}

/// Sends one message, whole or not at all.
///
/// # Errors
/// The other end is closed (`EPIPE`), or reads too slowly (`EAGAIN`); the message is empty or too
/// long for the socket's buffer.
pub fn send(socket: impl AsFd, message: &[u8]) -> io::Result<()> {
    if message.is_empty() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    send_bytes(socket, message, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one message and returns its length; `None`: the other end is closed.
///
/// # Errors
/// None is there (`EAGAIN`); it is longer than the buffer, and lost.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    let room = buffer.len();
    // With TRUNC the kernel tells the whole length even if it does not fit.
    let (_, length) = recv(socket, buffer, RecvFlags::TRUNC)?;
    match length {
        0 => Ok(None),
        length if length > room => Err(io::ErrorKind::FileTooLarge.into()),
        length => Ok(Some(length)),
    }
}

/// Receives nothing from now on but what has come already: the other end's messages fail (`EPIPE`).
///
/// # Errors
/// Not connected.
pub fn refuse(socket: impl AsFd) -> io::Result<()> {
    Ok(rustix::net::shutdown(socket, Shutdown::Read)?)
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The process that made the connection, or the pair, or that listens; 0 if it cannot be seen
    /// from our process namespace.
    pub process: u32,
    /// Its user at that time.
    pub user: u32,
}

impl Peer {
    /// Whether this is who listens for a process of this number, as far as can be told. The number
    /// alone proves nothing: it may have been that of somebody else, who has left a socket to others
    /// and ended.
    #[must_use]
    pub fn may_listen_for(self, process: u32) -> bool {
        let owner = || fs::metadata(format!("/proc/{process}")).map(|process| process.uid());
        // One that has changed its user was root when it began to listen.
        self.process == process
            && ([0, identity::user()].contains(&self.user)
                || owner().is_ok_and(|owner| owner == self.user))
    }
}

/// Who is at the other end of a connection, as the kernel noted it (`SO_PEERCRED`, unix(7)).
///
/// # Errors
/// It is no UNIX socket.
pub fn peer(socket: impl AsFd) -> io::Result<Peer> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = libc::socklen_t::try_from(size_of_val(&peer)).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes to `peer`, which any bytes may fill.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Peer {
        process: u32::try_from(peer.pid).unwrap_or(0),
        user: peer.uid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::accept_from;

    #[test]
    fn messages_stay_apart_until_the_end() {
        let (here, there) = pair().unwrap();
        send(&here, b"one").unwrap();
        send(&here, b"two!").unwrap();
        drop(here);
        let mut buffer = [0; 16];
        assert_eq!(receive(&there, &mut buffer).unwrap(), Some(3));
        assert_eq!(&buffer[..3], b"one");
        assert_eq!(receive(&there, &mut buffer).unwrap(), Some(4));
        assert_eq!(receive(&there, &mut buffer).unwrap(), None);
        let error = send(&there, b"three").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn nothing_blocks() {
        let (here, there) = pair().unwrap();
        let error = receive(&there, &mut [0; 16]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let full = loop {
            if let Err(error) = send(&here, &[1; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_message_that_does_not_fit_is_an_error() {
        let (here, there) = pair().unwrap();
        send(&here, b"too long").unwrap();
        let error = receive(&there, &mut [0; 4]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert!(send(&here, b"").is_err());
    }

    #[test]
    fn a_listener_is_found_by_its_name_while_it_lives() {
        let name = format!("pontoon-packet-test-{}", std::process::id());
        let refused = connect_abstract(name.as_bytes()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let listener = listen_abstract(name.as_bytes()).unwrap();
        let client = connect_abstract(name.as_bytes()).unwrap();
        let (server, _) = accept_from(&listener).unwrap().unwrap();
        let us = Peer {
            process: std::process::id(),
            user: rustix::process::getuid().as_raw(),
        };
        assert_eq!(peer(&server).unwrap(), us);
        assert_eq!(peer(&client).unwrap(), us);
        assert!(us.may_listen_for(us.process));
        assert!(!us.may_listen_for(us.process + 1));
        let stranger = Peer { user: 54_321, ..us };
        assert!(
            !stranger.may_listen_for(us.process),
            "its number was reused"
        );
        send(&server, b"beat").unwrap();
        assert_eq!(receive(&client, &mut [0; 16]).unwrap(), Some(4));
        drop(listener);
        assert!(connect_abstract(name.as_bytes()).is_err());
    }
}
