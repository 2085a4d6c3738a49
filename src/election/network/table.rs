//! The interfaces and addresses of this machine, as the kernel last told.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use pontoon_config::keepalived::model::{Instance, Model};
use pontoon_engine::vrrp::Priority;
use pontoon_sys::netlink::{Notice, address::Address, link::Link};

/// From here on an IPv4 address is not for the world (rtnetlink(7): link).
const SCOPE_LINK: u8 = 253;

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Table {
    links: BTreeMap<u32, Link>,
    /// In the kernel's order: main addresses come first.
    addresses: Vec<Address>,
}

impl Table {
    pub(super) fn new(links: Vec<Link>, addresses: Vec<Address>) -> Self {
        let links = links.into_iter().map(|link| (link.index, link)).collect();
        Self { links, addresses }
    }

    /// Takes note of a change.
    pub(super) fn note(&mut self, notice: Notice) {
        match notice {
            Notice::Link(link) => {
                self.links.insert(link.index, link);
            }
            Notice::LinkGone(link) => {
                self.links.remove(&link.index);
                self.addresses.retain(|one| one.interface != link.index);
            }
            Notice::Address(new) => match self.addresses.iter_mut().find(|old| same(old, &new)) {
                Some(old) => *old = new,
                None => self.addresses.push(new),
            },
            Notice::AddressGone(gone) => self.addresses.retain(|one| !same(one, &gone)),
            Notice::Lost => {}
        }
    }

    /// An interface by its name.
    pub(super) fn link(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|link| link.name == name)
    }

    /// Whether it can be used.
    pub(super) fn is_up(&self, name: &str) -> bool {
        self.link(name).is_some_and(|link| link.up && link.running)
    }

    /// An address on an interface.
    pub(super) fn find(&self, interface: u32, address: IpAddr) -> Option<&Address> {
        self.find_all(interface, address).next()
    }

    /// The same, with all its prefix lengths.
    pub(super) fn find_all(
        &self,
        interface: u32,
        address: IpAddr,
    ) -> impl Iterator<Item = &Address> {
        let all = self.addresses.iter();
        all.filter(move |one| one.interface == interface && one.address == address)
    }

    /// Where an instance's advertisements come from; `None`: it cannot send now.
    pub(super) fn source(&self, model: &Model, instance: &Instance) -> Option<IpAddr> {
        let unicast = instance.unicast_peers.is_some();
        match instance.source {
            // The source of a multicast may be whatever one likes (`mcast_src_ip`).
            Some(source) if !unicast && !instance.track_source => Some(source),
            Some(source) => self.is_usable(source).then_some(source),
            None => self.first(model, instance),
        }
    }

    fn is_usable(&self, address: IpAddr) -> bool {
        let mut all = self.addresses.iter();
        all.any(|one| one.address == address && !one.tentative)
    }

    /// The interface's own address: not one that an election gives and takes, except for its
    /// owner.
    fn first(&self, model: &Model, instance: &Instance) -> Option<IpAddr> {
        let interface = self.link(&instance.interface)?.index;
        let virtual_ones = virtual_addresses(model);
        let suits = |one: &&Address| one.interface == interface && suits(instance, one);
        let mut own = self.addresses.iter().filter(suits);
        let first = own.find(|one| !virtual_ones.contains(&one.address));
        let owner = instance.priority == Priority::OWNER;
        let first = first.or_else(|| owner.then(|| self.addresses.iter().find(suits)).flatten());
        first.map(|one| one.address)
    }
}

fn same(one: &Address, other: &Address) -> bool {
    (one.interface, one.address, one.prefix) == (other.interface, other.address, other.prefix)
}

/// IPv4: the main address. IPv6: the link-local one (RFC 9568, 5.1.2.1), unless there are unicast
/// peers farther away.
fn suits(instance: &Instance, one: &Address) -> bool {
    match one.address {
        _ if one.tentative => false,
        IpAddr::V4(_) => !instance.ipv6 && !one.secondary && one.scope < SCOPE_LINK,
        IpAddr::V6(address) => {
            instance.ipv6 && address.is_unicast_link_local() != has_distant_peers(instance)
        }
    }
}

fn has_distant_peers(instance: &Instance) -> bool {
    let distant = |address: IpAddr| match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    };
    let mut peers = instance.unicast_peers.iter().flatten();
    peers.any(|peer| distant(peer.address))
}

fn virtual_addresses(model: &Model) -> BTreeSet<IpAddr> {
    let lists = |instance: &'_ Instance| {
        let all = instance.addresses.iter().chain(&instance.excluded);
        all.map(|address| address.address).collect::<Vec<_>>()
    };
    model.instances.iter().flat_map(lists).collect()
}
