//! One thing to hold, as the kernel is told of it.

use pontoon_config::keepalived::model::{Address, Route};
use pontoon_sys::netlink::{Change, address::NewAddress, route::NewRoute};

use super::Place;
use crate::election::network::table::Table;

/// Something to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// An address.
    Address {
        /// Its interface.
        interface: String,
        /// It.
        address: Address,
    },
    /// A route.
    Route(Route),
}

impl Piece {
    pub(super) fn address(address: &Address, interface: &str) -> Self {
        let interface = address.interface.as_deref().unwrap_or(interface);
        Self::Address {
            interface: interface.to_owned(),
            address: address.clone(),
        }
    }

    /// Where an address belongs; routes have no place.
    pub(super) fn place(&self) -> Option<Place> {
        match self {
            Self::Address { interface, address } => Some(Place {
                interface: interface.clone(),
                address: address.address,
            }),
            Self::Route(_) => None,
        }
    }

    /// Whether removing one of them removes the other: the kernel tells addresses apart by
    /// interface, address and prefix length.
    pub(super) fn is_removed_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Address { address: one, .. }, Self::Address { address: two, .. }) => {
                self.place() == other.place() && one.prefix == two.prefix
            }
            (one, two) => one == two,
        }
    }

    /// `None`: its interface is not there.
    pub(super) fn addition(&self, table: &Table) -> Option<Change> {
        Some(match self {
            Self::Address { interface, address } => address_on(interface, address, table)?.add(),
            Self::Route(route) => route_through(route, table)?.add(),
        })
    }

    /// `None`: its interface is not there.
    pub(super) fn removal(&self, table: &Table) -> Option<Change> {
        Some(match self {
            Self::Address { interface, address } => address_on(interface, address, table)?.remove(),
            Self::Route(route) => route_through(route, table)?.remove(),
        })
    }
}

fn address_on(interface: &str, wanted: &Address, table: &Table) -> Option<NewAddress> {
    let index = table.link(interface)?.index;
    let mut new = NewAddress::new(index, wanted.address, wanted.prefix);
    new.peer = wanted.peer;
    new.broadcast = wanted.broadcast;
    new.label.clone_from(&wanted.label);
    new.scope = wanted.scope.unwrap_or_default();
    new.no_dad = wanted.address.is_ipv6() && !wanted.detect_duplicates;
    new.home = wanted.home;
    new.preferred_lifetime = wanted.preferred_lifetime;
    Some(new)
}

fn route_through(route: &Route, table: &Table) -> Option<NewRoute> {
    let interface = match &route.interface {
        Some(name) => Some(table.link(name)?.index),
        None => None,
    };
    Some(NewRoute {
        destination: route.destination.addr(),
        prefix: route.destination.prefix_len(),
        gateway: route.gateway,
        interface,
        source: route.source,
        metric: route.metric,
        table: route.table,
        scope: route.scope,
    })
}

impl std::fmt::Display for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address { interface, address } => {
                write!(f, "{}/{} on {interface}", address.address, address.prefix)
            }
            Self::Route(route) => write!(f, "the route to {}", route.destination),
        }
    }
}
