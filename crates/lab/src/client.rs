//! Clients that notice how a connection ends.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use socket2::Socket;

use crate::problem::{Result, Trying};

/// How a connection ended, as a client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The other side closed.
    Closed,
    /// The other side reset.
    Reset,
    /// It is still open after the client's patience.
    Open,
}

/// What a client saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The bytes it received.
    pub bytes: Vec<u8>,
    /// How it ended.
    pub end: End,
}

/// A connected client.
#[derive(Debug)]
pub struct Client(TcpStream);

impl From<TcpStream> for Client {
    fn from(stream: TcpStream) -> Self {
        Self(stream)
    }
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Refused or too slow.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let what = format!("connect to {address}");
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).trying(what)?;
        Ok(Self(stream))
    }

    /// Sends.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).trying("send")
    }

    /// Says that no more comes.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn finish(&self) -> Result<()> {
        self.0.shutdown(Shutdown::Write).trying("shut down")
    }

    /// Reads until `wanted` bytes have come or the connection ends or `patience` is over.
    ///
    /// # Errors
    /// The socket is unusable.
    pub fn receive(&mut self, wanted: usize, patience: Duration) -> Result<Seen> {
        self.0
            .set_read_timeout(Some(patience))
            .trying("set a timeout")?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 16_384];
        loop {
            if bytes.len() >= wanted {
                return Ok(Seen {
                    bytes,
                    end: End::Open,
                });
            }
            match self.0.read(&mut buffer) {
                Ok(0) => {
                    return Ok(Seen {
                        bytes,
                        end: End::Closed,
                    });
                }
                Ok(length) => bytes.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return Ok(Seen {
                        bytes,
                        end: End::Reset,
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => {
                    return Ok(Seen {
                        bytes,
                        end: End::Open,
                    });
                }
            }
        }
    }

    /// Reads until the connection ends.
    ///
    /// # Errors
    /// The socket is unusable.
    pub fn receive_all(&mut self, patience: Duration) -> Result<Seen> {
        self.receive(usize::MAX, patience)
    }

    /// Resets the connection.
    ///
    /// # Errors
    /// The socket is unusable.
    pub fn reset(self) -> Result<()> {
        Socket::from(self.0)
            .set_linger(Some(Duration::ZERO))
            .trying("set SO_LINGER")
    }

    /// The socket itself.
    #[must_use]
    pub const fn stream(&self) -> &TcpStream {
        &self.0
    }
}
