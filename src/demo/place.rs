//! The addresses of the picture: the seed's.

use std::net::Ipv4Addr;

use super::deed::{DatabaseId, NodeId};

/// Where clients connect.
pub(super) const FLOATING: Ipv4Addr = Ipv4Addr::new(34, 249, 49, 35);

/// A node's address.
pub(super) const fn node(node: NodeId) -> Ipv4Addr {
    match node {
        NodeId::One => Ipv4Addr::new(10, 0, 1, 207),
        NodeId::Two => Ipv4Addr::new(10, 0, 1, 190),
    }
}

/// A database's address.
pub(super) fn database(DatabaseId(index): DatabaseId) -> Ipv4Addr {
    let last = [11, 12, 13].get(index).copied().unwrap_or_default();
    Ipv4Addr::new(10, 0, 1, last)
}
