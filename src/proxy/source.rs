//! `source`: where connections to servers come from.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
};

use pontoon_engine::rules::{SourceAddress, Transparent};
use pontoon_sys::{
    option,
    socket::{self, Address},
};

use super::{connect::Failed, session::Session, thread::Worker};

/// Ports of a range tried for one connection.
const MOST_PORTS_TRIED: u32 = 256;

/// How many ports of a range are tried; 0 without a range.
pub(super) fn ports(source: &SourceAddress) -> u32 {
    source.ports.map_or(0, |(first, last)| {
        u32::from(last.saturating_sub(first).saturating_add(1)).min(MOST_PORTS_TRIED)
    })
}

impl Worker {
    /// Gives a socket the address that its connection shall come from.
    pub(super) fn choose_source(
        &self,
        socket: &OwnedFd,
        source: &SourceAddress,
        session: &Session,
        v6: bool,
    ) -> Result<(), Failed> {
        self.bind_source(socket, source, session, v6)
            .map_err(|error| self.no_source(session, &error))
    }

    /// Says why, at most once a second.
    pub(super) fn no_source(&self, session: &Session, error: &io::Error) -> Failed {
        let text = format!("cannot bind the source address of a connection to a server: {error}");
        self.complain(session, &text);
        Failed::NoPort
    }

    /// `source`: from this address, this interface, these ports, or as if we were the client.
    fn bind_source(
        &self,
        socket: &OwnedFd,
        source: &SourceAddress,
        session: &Session,
        v6: bool,
    ) -> io::Result<()> {
        if let Some(interface) = &source.interface {
            option::bind_to_interface(socket, interface)?;
        }
        let client = session.record.client.0.ip();
        if let (Some(transparent), Some(client)) = (source.transparent, client) {
            option::set_transparent(socket, v6)?;
            option::reuse_address(socket)?;
            let port = match transparent {
                Transparent::Client => client.port(),
                Transparent::ClientIp => 0,
            };
            return bind(socket, SocketAddr::new(client.ip(), port));
        }
        let Some(address) = source.address else {
            return Ok(());
        };
        match source.ports {
            Some(range) => self.bind_in_range(socket, address, range),
            None if address.is_unspecified() => Ok(()),
            None => {
                option::bind_address_without_port(socket)?;
                bind(socket, SocketAddr::new(address, 0))
            }
        }
    }

    /// The next free port of the range, in rotation; a bounded number of tries.
    fn bind_in_range(
        &self,
        socket: &OwnedFd,
        address: IpAddr,
        range: (u16, u16),
    ) -> io::Result<()> {
        let (first, last) = (u32::from(range.0), u32::from(range.1.max(range.0)));
        let size = last - first + 1;
        // Others may be using the port towards other servers, or have just used it.
        option::reuse_address(socket)?;
        for _ in 0..size.min(MOST_PORTS_TRIED) {
            let next = self.next_port.get().wrapping_add(1);
            self.next_port.set(next);
            let port = u16::try_from(first + next % size).unwrap_or(range.0);
            match bind(socket, SocketAddr::new(address, port)) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                done => return done,
            }
        }
        Err(io::ErrorKind::AddrNotAvailable.into())
    }
}

fn bind(socket: &OwnedFd, address: SocketAddr) -> io::Result<()> {
    socket::bind_to(socket, &Address::Ip(address))
}
