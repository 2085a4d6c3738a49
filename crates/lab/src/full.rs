//! An address that neither accepts nor refuses: its backlog is full.

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use crate::problem::{Problem, Result, Trying};

/// A listening socket whose queue is full, so that the kernel drops further SYNs.
#[derive(Debug)]
pub struct FullListener {
    address: SocketAddr,
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl FullListener {
    /// Fills a new listener on loopback.
    ///
    /// # Errors
    /// It does not get full.
    pub fn start() -> Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).trying("make a socket")?;
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&any.into()).trying("bind")?;
        listener.listen(0).trying("listen")?;
        let address = listener
            .local_addr()
            .trying("ask for a socket's address")?
            .as_socket();
        let address = address.ok_or_else(|| Problem::Unexpected("no IP address".into()))?;
        let mut waiting = Vec::new();
        for _ in 0..16 {
            match TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
                Ok(stream) => waiting.push(stream),
                Err(_) => {
                    return Ok(Self {
                        address,
                        _listener: listener,
                        _waiting: waiting,
                    });
                }
            }
        }
        Err(Problem::Unexpected(
            "a backlog of 0 took 16 connections".into(),
        ))
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}
