//! A client's socket, with a time limit on each step.

use std::{io, os::fd::OwnedFd, time::Duration};

use pontoon_engine::address::Endpoint;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// Either kind of stream socket.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl Socket for TcpStream {}
impl Socket for UnixStream {}

/// A client's connection.
pub(crate) struct Stream {
    socket: Box<dyn Socket>,
    /// Received and not used yet.
    pub(crate) received: Vec<u8>,
    /// Bytes that came from the socket so far.
    pub(crate) bytes_in: u64,
    /// Bytes sent so far.
    pub(crate) bytes_out: u64,
}

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// Some more bytes.
    Some,
    /// The client sends no more.
    End,
    /// The time is over.
    Timeout,
}

/// How long a closing connection waits for what the client still sends.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes that a closing connection throws away at most.
const MAX_DISCARDED: usize = 1 << 20;

impl Stream {
    /// Takes a connected socket that never blocks, bound to this address.
    ///
    /// # Errors
    /// The runtime cannot watch it.
    pub(crate) fn new(socket: OwnedFd, local: &Endpoint, received: Vec<u8>) -> io::Result<Self> {
        let socket: Box<dyn Socket> = match local {
            Endpoint::Ip(_) => Box::new(TcpStream::from_std(socket.into())?),
            Endpoint::Unix(_) | Endpoint::Abstract(_) => {
                Box::new(UnixStream::from_std(socket.into())?)
            }
        };
        Ok(Self {
            socket,
            bytes_in: received.len() as u64,
            bytes_out: 0,
            received,
        })
    }

    /// Reads what there is, within this time. An error on the socket is its end.
    pub(crate) async fn read(&mut self, limit: Duration) -> Read {
        let mut bytes = [0; 4096];
        match timeout(limit, self.socket.read(&mut bytes)).await {
            Err(_) => Read::Timeout,
            Ok(Ok(0) | Err(_)) => Read::End,
            Ok(Ok(count)) => {
                self.bytes_in += count as u64;
                self.received.extend_from_slice(&bytes[..count]);
                Read::Some
            }
        }
    }

    /// Sends everything; the client must take some of it within each such time.
    /// False if it does not, or is gone.
    pub(crate) async fn write(&mut self, mut bytes: &[u8], limit: Duration) -> bool {
        while !bytes.is_empty() {
            match timeout(limit, self.socket.write(bytes)).await {
                Ok(Ok(count)) if count > 0 => {
                    self.bytes_out += count as u64;
                    bytes = &bytes[count..];
                }
                _ => return false,
            }
        }
        true
    }

    /// Closes so that the client gets all that was sent: closing while it still sends would
    /// reset the connection under the answer.
    pub(crate) async fn close(mut self) {
        if self.socket.shutdown().await.is_err() {
            return;
        }
        let discard = async {
            let mut bytes = [0; 4096];
            let mut discarded = 0;
            while let Ok(count @ 1..) = self.socket.read(&mut bytes).await {
                discarded += count;
                if discarded > MAX_DISCARDED {
                    break;
                }
            }
        };
        // Whether the client closed or the time is over: the connection ends now.
        let _either_way = timeout(LINGER, discard).await;
    }
}
