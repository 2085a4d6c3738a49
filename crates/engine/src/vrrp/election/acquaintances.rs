//! Who has been heard, and what has been told of them. Bounded: a flood of forged senders neither
//! grows it nor fills the log.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use super::memory::{AcceptedMemory, Epoch, PeerMemory};
use crate::vrrp::{
    action::{Oddity, Offence},
    view::Peer,
};

/// How many senders are remembered.
const CAPACITY: usize = 32;

/// How long somebody must be silent to be forgotten for another one; longer than the longest
/// interval of version 2.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// Those who were heard for one instance.
#[derive(Debug, Default)]
pub(super) struct Acquaintances(Vec<Acquaintance>);

#[derive(Debug)]
struct Acquaintance {
    address: IpAddr,
    last_at: Instant,
    /// Its last accepted advertisement.
    accepted: Option<Peer>,
    offences: Vec<Offence>,
    oddities: Vec<Oddity>,
}

impl Acquaintances {
    pub(super) fn memory(&self, epoch: Epoch) -> Vec<PeerMemory> {
        let memory = |known: &Acquaintance| PeerMemory {
            address: known.address,
            last_at: epoch.tell(known.last_at),
            accepted: known.accepted.map(|peer| AcceptedMemory {
                heard_at: epoch.tell(peer.heard_at),
                priority: peer.priority,
                interval: peer.interval,
                checksum: peer.checksum,
            }),
            offences: known.offences.clone(),
            oddities: known.oddities.clone(),
        };
        self.0.iter().map(memory).collect()
    }

    pub(super) fn resume(&mut self, memory: &[PeerMemory], epoch: Epoch) {
        let known = |memory: &PeerMemory| Acquaintance {
            address: memory.address,
            last_at: epoch.read(memory.last_at),
            accepted: memory.accepted.map(|accepted| Peer {
                address: memory.address,
                heard_at: epoch.read(accepted.heard_at),
                priority: accepted.priority,
                interval: accepted.interval,
                checksum: accepted.checksum,
            }),
            offences: memory.offences.clone(),
            oddities: memory.oddities.clone(),
        };
        self.0 = memory.iter().take(CAPACITY).map(known).collect();
    }

    /// An advertisement was accepted. Whether its sender's way of computing checksums is news.
    pub(super) fn accepted(&mut self, peer: Peer) -> bool {
        let Some(known) = self.meet(peer.address, true, peer.heard_at) else {
            return false;
        };
        let before = known.accepted.replace(peer);
        before.is_none_or(|before| before.checksum != peer.checksum)
    }

    /// An advertisement was dropped. Whether that is news.
    pub(super) fn offended(&mut self, address: IpAddr, offence: Offence, now: Instant) -> bool {
        let known = self.meet(address, false, now);
        known.is_some_and(|known| note(&mut known.offences, offence))
    }

    /// An accepted advertisement is odd. Whether that is news.
    pub(super) fn surprised(&mut self, address: IpAddr, oddity: Oddity, now: Instant) -> bool {
        let known = self.meet(address, true, now);
        known.is_some_and(|known| note(&mut known.oddities, oddity))
    }

    /// Those whose advertisements were accepted, the latest first.
    pub(super) fn peers(&self) -> Vec<Peer> {
        let mut peers: Vec<Peer> = self.0.iter().filter_map(|known| known.accepted).collect();
        peers.sort_by_key(|peer| std::cmp::Reverse(peer.heard_at));
        peers
    }

    fn meet(&mut self, address: IpAddr, accepted: bool, now: Instant) -> Option<&mut Acquaintance> {
        let index = match self.0.iter().position(|known| known.address == address) {
            Some(index) => index,
            None => self.room(address, accepted, now)?,
        };
        let known = &mut self.0[index];
        known.last_at = now;
        Some(known)
    }

    /// A place for a newcomer: a free one, or that of somebody long silent; one whose
    /// advertisements count may also take that of one whose never did.
    fn room(&mut self, address: IpAddr, accepted: bool, now: Instant) -> Option<usize> {
        let newcomer = Acquaintance {
            address,
            last_at: now,
            accepted: None,
            offences: Vec::new(),
            oddities: Vec::new(),
        };
        if self.0.len() < CAPACITY {
            self.0.push(newcomer);
            return Some(self.0.len() - 1);
        }
        let silent =
            |known: &Acquaintance| now.saturating_duration_since(known.last_at) > FORGET_AFTER;
        let useless = |known: &Acquaintance| accepted && known.accepted.is_none();
        let index = self
            .0
            .iter()
            .position(|known| silent(known) || useless(known))?;
        self.0[index] = newcomer;
        Some(index)
    }
}

/// Notes something once.
fn note<T: PartialEq>(noted: &mut Vec<T>, what: T) -> bool {
    let news = !noted.contains(&what);
    if news {
        noted.push(what);
    }
    news
}
