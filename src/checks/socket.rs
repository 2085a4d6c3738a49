//! Opens the sockets of probes.

use std::{
    io,
    net::SocketAddr,
    os::unix::ffi::OsStrExt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pontoon_engine::{address::Endpoint, rules::SourceAddress};
use socket2::{Domain, SockAddr, Socket as RawSocket, Type};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
    time::{Instant, timeout_at},
};

use super::{
    target::Target,
    verdict::{Failure, connect_failure},
};

/// A connected socket.
#[derive(Debug)]
pub(super) enum Connected {
    /// The server answered at once: for a check of layer 4 it need never be watched.
    Unwatched(RawSocket),
    /// It had to be waited for.
    Watched(TcpStream),
}

/// What a check of layer 4 does with its connection: nothing. The server's kernel sees SYN and
/// RST, so that neither its application nor our own table of connections notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Connect and reset.
    Knock,
    /// Talk.
    Talk,
}

/// Connects a socket, until `deadline`.
pub(super) async fn connect(
    target: &Target,
    purpose: Use,
    deadline: Instant,
) -> Result<Connected, Failure> {
    let endpoint = target.endpoint.as_ref().ok_or_else(no_address)?;
    let address = socket_address(endpoint).map_err(Failure::Socket)?;
    let socket = prepared(target, purpose, &address).map_err(Failure::Socket)?;
    if begin(&socket, &address)? {
        return Ok(Connected::Unwatched(socket));
    }
    match timeout_at(deadline, finish(socket)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::ConnectTimeout),
    }
}

fn no_address() -> Failure {
    Failure::Socket(io::Error::other("the server has no address"))
}

fn socket_address(endpoint: &Endpoint) -> io::Result<SockAddr> {
    match endpoint {
        Endpoint::Ip(address) => Ok((*address).into()),
        Endpoint::Unix(path) => SockAddr::unix(path.as_path()),
        Endpoint::Abstract(name) => {
            let mut path = vec![0];
            path.extend_from_slice(&pontoon_sys::socket::padded(name));
            SockAddr::unix(std::ffi::OsStr::from_bytes(&path))
        }
    }
}

fn prepared(target: &Target, purpose: Use, address: &SockAddr) -> io::Result<RawSocket> {
    let socket = RawSocket::new(address.domain(), Type::STREAM.nonblocking(), None)?;
    if address.is_unix() {
        return Ok(socket);
    }
    // A reset would cut a TLS handshake short that has just ended on our side only.
    if !target.linger && target.tls.is_none() {
        socket.set_linger(Some(Duration::ZERO))?;
    }
    match purpose {
        Use::Knock => socket.set_tcp_quickack(false)?,
        Use::Talk => socket.set_tcp_nodelay(true)?,
    }
    if let Some(source) = &target.source {
        bind(&socket, source)?;
    }
    Ok(socket)
}

/// Applies `source`. `usesrc client` names no address here: there is no client.
fn bind(socket: &RawSocket, source: &SourceAddress) -> io::Result<()> {
    if let Some(interface) = &source.interface {
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    let Some(address) = source.address.filter(|ip| !ip.is_unspecified()) else {
        return Ok(());
    };
    // Checks share no ports with sessions: the kernel picks one even where a range was given.
    socket.bind(&SocketAddr::new(address, 0).into())
}

/// Starts to connect; true if that is all. Nearby servers answer within the system call: the
/// second call finds the connection standing, and saves watching the socket.
fn begin(socket: &RawSocket, address: &SockAddr) -> Result<bool, Failure> {
    for _ in 0..2 {
        match socket.connect(address) {
            Ok(()) => return Ok(true),
            Err(error) if is_pending(&error) => {}
            Err(error) if error.raw_os_error() == Some(libc::EISCONN) => return Ok(true),
            Err(error) => return Err(connect_failure(error)),
        }
    }
    Ok(false)
}

fn is_pending(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINPROGRESS | libc::EALREADY)
    )
}

async fn finish(socket: RawSocket) -> Result<Connected, Failure> {
    // Only TCP gets here: a UNIX socket connects at once or not at all.
    let stream = TcpStream::from_std(socket.into()).map_err(Failure::Socket)?;
    stream.writable().await.map_err(Failure::Socket)?;
    match stream.take_error() {
        Ok(None) => Ok(Connected::Watched(stream)),
        Ok(Some(error)) | Err(error) => Err(connect_failure(error)),
    }
}

impl Connected {
    /// Both ends, if this is TCP: ours, then the server's.
    pub(super) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        match self {
            Self::Unwatched(socket) => {
                let ours = socket.local_addr().ok()?.as_socket()?;
                let theirs = socket.peer_addr().ok()?.as_socket()?;
                Some((ours, theirs))
            }
            Self::Watched(stream) => Some((stream.local_addr().ok()?, stream.peer_addr().ok()?)),
        }
    }

    /// A stream to talk through.
    pub(super) fn into_stream(self) -> io::Result<Stream> {
        match self {
            Self::Watched(stream) => Ok(Stream::Tcp(stream)),
            Self::Unwatched(socket) if socket.domain()? == Domain::UNIX => {
                UnixStream::from_std(socket.into()).map(Stream::Unix)
            }
            Self::Unwatched(socket) => TcpStream::from_std(socket.into()).map(Stream::Tcp),
        }
    }
}

/// A stream to a server.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
