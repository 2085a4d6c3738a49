//! What the configured peers have said last.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{floating_ip::settings::Settings, vrrp::Priority};

/// Of more peers nothing is kept.
const MOST: usize = 64;

/// By address: the priority heard last.
#[derive(Debug)]
pub(super) struct Peers(BTreeMap<IpAddr, Priority>);

impl Peers {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn hear(&mut self, address: IpAddr, priority: Priority) {
        if self.0.len() < MOST || self.0.contains_key(&address) {
            self.0.insert(address, priority);
        }
    }

    /// Whether a peer's last word counts more than ours: nobody's who was never heard.
    pub(super) fn outrank(&self, peer: IpAddr, ours: Priority, settings: &Settings) -> bool {
        let last = self.0.get(&peer);
        last.is_some_and(|theirs| outranks(*theirs, peer, ours, settings))
    }
}

/// Whether such an advertisement ends our mastership (RFC 9568, 6.4.3): a higher priority does,
/// or the same one from a higher address.
pub(super) fn outranks(
    theirs: Priority,
    peer: IpAddr,
    ours: Priority,
    settings: &Settings,
) -> bool {
    (theirs, Some(peer)) > (ours, settings.source)
}
