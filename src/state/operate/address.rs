//! `set server … addr`: a server moves.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use pontoon_config::haproxy::model::{Server, ServerPort};
use pontoon_engine::address::{Endpoint, ServerAddr};

use super::{Refusal, ServerAt};
use crate::state::Running;

/// Where a server is from now on. Sessions that are on it already stay where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressChange {
    /// Its address.
    pub address: IpAddr,
    /// Its port; `None`: as before.
    pub port: Option<PortChange>,
}

/// A port as `set server … addr … port` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChange {
    /// This one.
    Fixed(u16),
    /// `+N` or `-N`: the client's plus this.
    Offset(i32),
}

/// What came of a move; displayed, it is the answer of the runtime socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressMoved {
    address: (Option<IpAddr>, IpAddr),
    /// Before and after, if a port was given.
    port: Option<(Port, Port)>,
}

/// A port as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Fixed(u16),
    Offset(i32),
}

impl Running {
    /// Moves a server. Its checks go along, as far as they have no address of their own.
    ///
    /// # Errors
    /// It cannot be moved so.
    pub fn move_server(
        &self,
        at: ServerAt,
        change: AddressChange,
    ) -> Result<AddressMoved, Refusal> {
        let (server, _, state) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        let (address, port) = self.address_of(at.backend, server);
        let before = match address {
            Some(ServerAddr(Endpoint::Ip(ip))) => Some(ip),
            None => None,
            Some(_) => return Err(Refusal::FixedFamily),
        };
        if matches!(change.port, Some(PortChange::Offset(_))) && needs_own_port(server) {
            return Err(Refusal::PortMap);
        }
        let fixed = before.map_or(0, |ip| ip.port());
        let told = Port::of(port, fixed);
        let (fixed, port) = match change.port {
            None => (fixed, port),
            Some(PortChange::Fixed(fixed)) => (fixed, ServerPort::Fixed),
            Some(PortChange::Offset(offset)) => (0, ServerPort::Offset(offset)),
        };
        let address = ServerAddr(Endpoint::Ip(SocketAddr::new(change.address, fixed)));
        state
            .whereabouts
            .change(|moved| moved.address = Some((address, port)));
        Ok(AddressMoved {
            address: (before.map(|ip| ip.ip()), change.address),
            port: change.port.map(|_| (told, Port::of(port, fixed))),
        })
    }
}

/// Its checks go to its own port, so it must have one.
fn needs_own_port(server: &Server) -> bool {
    server.check.as_ref().is_some_and(|it| it.port.is_none())
}

impl Port {
    const fn of(port: ServerPort, fixed: u16) -> Self {
        match port {
            ServerPort::Fixed => Self::Fixed(fixed),
            ServerPort::Client => Self::Offset(0),
            ServerPort::Offset(offset) => Self::Offset(offset),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(port) => port.fmt(f),
            Self::Offset(offset) => write!(f, "{offset:+}"),
        }
    }
}

impl fmt::Display for AddressMoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            (Some(before), after) if before == after => {
                f.write_str("no need to change the addr")?;
            }
            (Some(before), after) => write!(f, "IP changed from '{before}' to '{after}'")?,
            (None, after) => write!(f, "IP changed from '(none)' to '{after}'")?,
        }
        match self.port {
            None => {}
            Some((before, after)) if before == after => {
                f.write_str(", no need to change the port")?;
            }
            Some((before, after)) => write!(f, ", port changed from '{before}' to '{after}'")?,
        }
        f.write_str(" by 'stats socket command'")
    }
}
