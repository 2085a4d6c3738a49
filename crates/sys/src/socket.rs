//! Making sockets: listening ones, accepted ones, connecting ones.

use std::{
    io,
    net::SocketAddr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, fchmod},
    io::Errno,
    net::{
        AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, acceptfrom_with,
        bind, connect, getsockname, listen, socket_with,
    },
};

/// Where a stream socket is or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Ip(SocketAddr),
    /// A UNIX socket in the file system; empty if unnamed.
    Unix(PathBuf),
    /// A UNIX socket in the abstract namespace. The kernel knows it by this name and zeros up to
    /// the longest name there is, as HAProxy's `abns@`.
    Abstract(Vec<u8>),
}

/// How an attempt to connect went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connecting {
    /// It is done already.
    Done,
    /// The socket will be writable when it is done.
    InProgress,
}

impl Address {
    fn family(&self) -> AddressFamily {
        match self {
            Self::Ip(SocketAddr::V4(_)) => AddressFamily::INET,
            Self::Ip(SocketAddr::V6(_)) => AddressFamily::INET6,
            Self::Unix(_) | Self::Abstract(_) => AddressFamily::UNIX,
        }
    }

    fn raw(&self) -> io::Result<SocketAddrAny> {
        Ok(match self {
            Self::Ip(address) => (*address).into(),
            Self::Unix(path) => SocketAddrUnix::new(path.as_path())?.into(),
            Self::Abstract(name) => SocketAddrUnix::new_abstract_name(&padded(name))?.into(),
        })
    }

    fn from_raw(raw: SocketAddrAny) -> Self {
        if let Ok(ip) = SocketAddr::try_from(raw.clone()) {
            return Self::Ip(ip);
        }
        let Ok(unix) = SocketAddrUnix::try_from(raw) else {
            return Self::Unix(PathBuf::new());
        };
        if let Some(name) = unix.abstract_name() {
            let end = name.iter().rposition(|&byte| byte != 0);
            return Self::Abstract(name[..end.map_or(0, |last| last + 1)].to_vec());
        }
        let path = unix.path_bytes().unwrap_or_default();
        Self::Unix(Path::new(std::ffi::OsStr::from_bytes(path)).to_path_buf())
    }

    /// TCP, as opposed to UNIX sockets.
    #[must_use]
    pub const fn is_ip(&self) -> bool {
        matches!(self, Self::Ip(_))
    }
}

/// The name of an abstract socket as the kernel knows it: see [`Address::Abstract`].
#[must_use]
pub fn padded(name: &[u8]) -> Vec<u8> {
    const LONGEST: usize = 107;
    let mut padded = name.to_vec();
    padded.resize(padded.len().max(LONGEST), 0);
    padded
}

/// A stream socket for this kind of address; never blocks, not inherited by programs we start.
///
/// # Errors
/// Out of descriptors or memory; the family is not supported here.
pub fn stream_for(address: &Address) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(
        address.family(),
        SocketType::STREAM,
        flags,
        None,
    )?)
}

/// Gives the socket its own address.
///
/// # Errors
/// The address is in use, not ours, or not allowed.
pub fn bind_to(socket: impl AsFd, address: &Address) -> io::Result<()> {
    Ok(bind(socket, &address.raw()?)?)
}

/// Makes it a listening socket, or changes the queue of one.
///
/// # Errors
/// Another socket listens there.
pub fn listen_on(socket: impl AsFd, backlog: i32) -> io::Result<()> {
    Ok(listen(socket, backlog)?)
}

/// Listens at a path that only our own user may connect to, from the first moment on.
///
/// # Errors
/// Something has that path already, or its directory may not be written.
pub fn listen_privately(path: &Path) -> io::Result<OwnedFd> {
    const BACKLOG: i32 = 16;
    let address = Address::Unix(path.to_owned());
    let socket = stream_for(&address)?;
    // The file is made with the mode of the socket (unix(7)).
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind_to(&socket, &address)?;
    listen_on(&socket, BACKLOG)?;
    Ok(socket)
}

/// Takes the next connection; `None` if there is none.
///
/// # Errors
/// Out of descriptors or memory. A connection that broke in the queue counts as none.
pub fn accept_from(listener: impl AsFd) -> io::Result<Option<(OwnedFd, Option<SocketAddr>)>> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    loop {
        match acceptfrom_with(&listener, flags) {
            Ok((socket, peer)) => {
                let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
                return Ok(Some((socket, peer)));
            }
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A listening socket that this process was started with. The inherited descriptor itself stays
/// open, as others may name it too.
///
/// # Errors
/// No such descriptor, or no stream socket.
pub fn inherited(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(Errno::BADF.into());
    }
    // SAFETY: the borrow ends with this function. A number that is no open descriptor makes the
    // calls below fail with EBADF.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
    let socket = rustix::io::fcntl_dupfd_cloexec(borrowed, 3)?;
    if rustix::net::sockopt::socket_type(&socket)? != SocketType::STREAM {
        return Err(Errno::PROTOTYPE.into());
    }
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// Begins to connect.
///
/// # Errors
/// Refused or unreachable at once; `EADDRNOTAVAIL` or `EAGAIN` when out of local ports.
pub fn connect_to(socket: impl AsFd, address: &Address) -> io::Result<Connecting> {
    match connect(socket, &address.raw()?) {
        Ok(()) => Ok(Connecting::Done),
        Err(Errno::INPROGRESS | Errno::INTR) => Ok(Connecting::InProgress),
        Err(error) => Err(error.into()),
    }
}

/// The socket's own address.
///
/// # Errors
/// Not a socket.
pub fn local_address(socket: impl AsFd) -> io::Result<Address> {
    Ok(Address::from_raw(getsockname(socket)?))
}

/// Makes a listening socket refuse new connections until [`listen_on`] is called again; its
/// address stays ours.
///
/// # Errors
/// Not listening.
pub fn refuse_connections(socket: impl AsFd) -> io::Result<()> {
    Ok(rustix::net::shutdown(socket, rustix::net::Shutdown::Read)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> Address {
        Address::Ip("127.0.0.1:0".parse().unwrap())
    }

    #[test]
    fn listens_connects_and_accepts() {
        let listener = stream_for(&loopback()).unwrap();
        bind_to(&listener, &loopback()).unwrap();
        listen_on(&listener, 8).unwrap();
        assert!(accept_from(&listener).unwrap().is_none());

        let address = local_address(&listener).unwrap();
        let client = stream_for(&address).unwrap();
        connect_to(&client, &address).unwrap();
        let (accepted, peer) = accept_from(&listener).unwrap().unwrap();
        assert_eq!(Address::Ip(peer.unwrap()), local_address(&client).unwrap());
        assert_eq!(local_address(&accepted).unwrap(), address);
    }

    #[test]
    fn a_paused_listener_refuses_until_it_listens_again() {
        // The kernel keeps the port only if it was asked for by number; the first socket finds
        // a free number.
        let finder = stream_for(&loopback()).unwrap();
        crate::option::reuse_address(&finder).unwrap();
        bind_to(&finder, &loopback()).unwrap();
        let address = local_address(&finder).unwrap();
        let listener = stream_for(&address).unwrap();
        crate::option::reuse_address(&listener).unwrap();
        bind_to(&listener, &address).unwrap();
        listen_on(&listener, 8).unwrap();
        refuse_connections(&listener).unwrap();
        assert!(try_connecting(&address).is_err());
        listen_on(&listener, 8).unwrap();
        assert!(try_connecting(&address).is_ok());
    }

    fn try_connecting(address: &Address) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, poll};
        let client = stream_for(address)?;
        if connect_to(&client, address)? == Connecting::InProgress {
            poll(&mut [PollFd::new(&client, PollFlags::OUT)], None)?;
        }
        crate::stream::pending_error(&client)
    }

    #[test]
    fn an_inherited_socket_is_taken_by_number() {
        use std::os::fd::AsRawFd as _;
        let original = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = inherited(original.as_raw_fd()).unwrap();
        let address = Address::Ip(original.local_addr().unwrap());
        assert_eq!(local_address(&taken).unwrap(), address);
        assert!(accept_from(&taken).unwrap().is_none());
        assert!(inherited(-1).is_err());
    }

    #[test]
    fn unix_sockets_in_the_abstract_namespace_work_too() {
        let name = format!("pontoon-test-{}", std::process::id());
        let address = Address::Abstract(name.into_bytes());
        let listener = stream_for(&address).unwrap();
        bind_to(&listener, &address).unwrap();
        listen_on(&listener, 8).unwrap();
        let client = stream_for(&address).unwrap();
        assert_eq!(connect_to(&client, &address).unwrap(), Connecting::Done);
        assert_eq!(local_address(&listener).unwrap(), address);
    }
}
