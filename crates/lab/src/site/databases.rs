//! Three databases that say their names.

use std::net::{Ipv4Addr, SocketAddr};

use pontoon_sys::namespace::Network;

use super::SERVICE;
use crate::{
    problem::{Result, Trying},
    server::{Behaviour, Server},
};

/// Where they are.
pub(super) const ADDRESSES: [Ipv4Addr; 3] = [
    Ipv4Addr::new(10, 0, 1, 11),
    Ipv4Addr::new(10, 0, 1, 12),
    Ipv4Addr::new(10, 0, 1, 13),
];

/// Each alive or dead.
#[derive(Debug)]
pub(super) struct Databases([Option<Server>; 3]);

impl Databases {
    /// Starts all.
    pub(super) fn start(network: &Network) -> Result<Self> {
        let mut databases = Self([None, None, None]);
        for number in 0..ADDRESSES.len() {
            databases.revive(network, number)?;
        }
        Ok(databases)
    }

    pub(super) fn kill(&mut self, number: usize) {
        if let Some(place) = self.0.get_mut(number) {
            *place = None;
        }
    }

    pub(super) fn revive(&mut self, network: &Network, number: usize) -> Result<()> {
        let place = self.0.get_mut(number).zip(ADDRESSES.get(number));
        let Some((place @ None, address)) = place else {
            return Ok(());
        };
        let greeting = Behaviour::Greet(format!("database {}\n", number + 11));
        let address = SocketAddr::from((*address, SERVICE));
        let started = network.run(|| Server::on(address, greeting));
        *place = Some(started.trying("start a database")??);
        Ok(())
    }
}
