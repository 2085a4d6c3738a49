//! A ring of hashed points: a key belongs to the server of the next point, so that a server that
//! comes or goes moves only its own share.

use std::collections::BTreeSet;

use super::hash::avalanche;

/// Points of many servers, each with as many as its share.
#[derive(Debug, Default)]
pub(super) struct Ring {
    points: BTreeSet<(u32, u32)>,
    shares: Vec<u32>,
}

impl Ring {
    pub(super) fn new(servers: usize) -> Self {
        Self {
            points: BTreeSet::new(),
            shares: vec![0; servers],
        }
    }

    /// Gives a server so many points; the first ones always stay where they are.
    pub(super) fn set(&mut self, server: u32, share: u32) {
        let known = std::mem::replace(&mut self.shares[server as usize], share);
        for replica in known..share {
            self.points.insert((point(server, replica), server));
        }
        for replica in share..known {
            self.points.remove(&(point(server, replica), server));
        }
    }

    /// The servers from the key's place onwards, once around; each as often as it has points.
    pub(super) fn from(&self, key: u32) -> impl Iterator<Item = u32> {
        let after = self.points.range((key, 0)..);
        let before = self.points.range(..(key, 0));
        after.chain(before).map(|(_, server)| *server)
    }
}

/// Where a server's replica stands. Depends on nothing but the two numbers, so that the same
/// file gives the same ring everywhere.
const fn point(server: u32, replica: u32) -> u32 {
    avalanche(avalanche(server.wrapping_add(1)).wrapping_add(replica))
}
