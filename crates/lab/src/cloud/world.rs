//! Machines, addresses, and who has which.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use super::Instance;

/// The region of a cloud without machines.
const REGION: &str = "eu-west-1";

/// The machines and addresses of one account.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) instances: Vec<Instance>,
    addresses: Vec<Address>,
    associations: u32,
}

/// An Elastic IP.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) public: Ipv4Addr,
    pub(super) allocation: String,
    /// What became of it, the oldest first; never empty.
    history: Vec<(Instant, Option<Association>)>,
}

/// Whom an address is with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Association {
    pub(super) id: String,
    pub(super) instance: String,
    pub(super) interface: String,
    pub(super) private: Ipv4Addr,
}

/// Where an address is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) instance: String,
    pub(super) interface: String,
    pub(super) private: Ipv4Addr,
}

impl Address {
    pub(super) fn association(&self) -> Option<&Association> {
        self.history.last().and_then(|(_, held)| held.as_ref())
    }

    /// Whom it was with so long ago.
    pub(super) fn seen(&self, lag: Duration) -> Option<&Association> {
        let old = |entry: &&(Instant, Option<Association>)| entry.0.elapsed() >= lag;
        let entry = self.history.iter().rev().find(old);
        entry.or(self.history.first())?.1.as_ref()
    }

    fn hold(&mut self, association: Option<Association>) {
        self.history.push((Instant::now(), association));
    }
}

impl World {
    pub(super) fn region(&self) -> &str {
        let first = self.instances.first();
        first.map_or(REGION, |instance| instance.region.as_str())
    }

    pub(super) fn allocate(&mut self, public: Ipv4Addr, allocation: &str) {
        self.addresses.push(Address {
            public,
            allocation: allocation.to_owned(),
            history: vec![(Instant::now(), None)],
        });
    }

    /// The addresses, in the order of their allocation.
    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    pub(super) fn address(&self, allocation: &str) -> Option<&Address> {
        let mut addresses = self.addresses.iter();
        addresses.find(|address| address.allocation == allocation)
    }

    /// The interfaces of a machine; none if there is no such machine.
    pub(super) fn interfaces(&self, id: &str) -> Vec<&Instance> {
        let of = |instance: &&Instance| instance.id == id;
        self.instances.iter().filter(of).collect()
    }

    pub(super) fn interface(&self, interface: &str) -> Option<&Instance> {
        let mut instances = self.instances.iter();
        instances.find(|instance| instance.interface == interface)
    }

    /// The interface that has a private address.
    pub(super) fn owner(&self, private: Ipv4Addr) -> Option<&Instance> {
        let mut instances = self.instances.iter();
        instances.find(|instance| instance.private_ips.contains(&private))
    }

    pub(super) fn holder(&self, public: Ipv4Addr) -> Option<Ipv4Addr> {
        let address = self.addresses.iter().find(|each| each.public == public)?;
        address.association().map(|held| held.private)
    }

    pub(super) fn public_of(&self, private: Ipv4Addr) -> Option<Ipv4Addr> {
        let held = |each: &&Address| each.association().is_some_and(|at| at.private == private);
        self.addresses
            .iter()
            .find(held)
            .map(|address| address.public)
    }

    /// Brings an address to its target, away from wherever it is; another address that the target
    /// has goes. The association's name is returned, an old one if nothing changes.
    pub(super) fn associate(&mut self, allocation: &str, target: &Target) -> Option<String> {
        let held = self.address(allocation)?.association();
        if let Some(held) = held.filter(|held| held.is_at(target)) {
            return Some(held.id.clone());
        }
        for address in &mut self.addresses {
            if address.association().is_some_and(|held| held.is_at(target)) {
                address.hold(None);
            }
        }
        self.associations += 1;
        let id = format!("eipassoc-{:017x}", self.associations);
        let association = Association {
            id: id.clone(),
            instance: target.instance.clone(),
            interface: target.interface.clone(),
            private: target.private,
        };
        let mut addresses = self.addresses.iter_mut();
        let address = addresses.find(|each| each.allocation == allocation)?;
        address.hold(Some(association));
        Some(id)
    }

    /// Moves an address without being asked.
    pub(super) fn force(&mut self, public: Ipv4Addr, private: Option<Ipv4Addr>) {
        let Some(address) = self.addresses.iter_mut().find(|each| each.public == public) else {
            return;
        };
        let Some(private) = private else {
            address.hold(None);
            return;
        };
        let allocation = address.allocation.clone();
        let target = self.owner(private).map(|owner| Target {
            instance: owner.id.clone(),
            interface: owner.interface.clone(),
            private,
        });
        if let Some(target) = target {
            self.associate(&allocation, &target);
        }
    }

    /// Every address and who has it.
    pub(super) fn holders(&self) -> Vec<(Ipv4Addr, Option<Ipv4Addr>)> {
        let holder = |address: &Address| {
            let private = address.association().map(|held| held.private);
            (address.public, private)
        };
        self.addresses.iter().map(holder).collect()
    }
}

impl Association {
    fn is_at(&self, target: &Target) -> bool {
        self.interface == target.interface && self.private == target.private
    }
}

/// The addresses that somebody else has than before.
pub(super) fn changed(
    before: &[(Ipv4Addr, Option<Ipv4Addr>)],
    after: &[(Ipv4Addr, Option<Ipv4Addr>)],
) -> Vec<(Ipv4Addr, Option<Ipv4Addr>)> {
    let is_new = |entry: &&(Ipv4Addr, Option<Ipv4Addr>)| !before.contains(entry);
    after.iter().filter(is_new).copied().collect()
}
