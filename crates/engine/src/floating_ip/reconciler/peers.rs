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

    /// Whether a peer's last word counts more than ours. That of one who was never heard does, unless
    /// we are the preferred one: a backup is silent, and the preferred master rarely hears another.
    pub(super) fn outrank(&self, peer: IpAddr, ours: Priority, settings: &Settings) -> bool {
        match self.0.get(&peer) {
            Some(theirs) => outranks(*theirs, peer, ours, settings),
            None => !settings.preferred,
        }
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
