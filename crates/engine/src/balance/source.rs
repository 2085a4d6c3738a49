//! `balance source`: the same client goes to the same server.
//!
//! The key is the client's address as a number, its bits mixed with `avalanche`. Which server it
//! maps to depends only on the servers in use, their weights and their places in the file. On the
//! map it is HAProxy's choice; on the ring it is not, whose points are nowhere specified. Without
//! an address the session goes wherever the key 0 leads.
//!
//! A choice may be full: the caller then waits for it. Only when its queue is full too, or the
//! connection failed, does the caller avoid it and get the next of the table or ring.

use std::net::IpAddr;

use super::{Chooser, Draw, Hash, HashMethod, Standing, hash, map::spread, ring::Ring};
use crate::units::ServerId;

/// The machinery of either `hash-type`.
#[derive(Debug)]
pub(super) struct Source {
    hash: Hash,
    lookup: Lookup,
}

#[derive(Debug)]
enum Lookup {
    Map {
        shares: Vec<u32>,
        table: Vec<u32>,
        stale: bool,
    },
    Ring(Ring),
}

impl Source {
    pub(super) fn new(hash: Hash, servers: usize) -> Self {
        let lookup = match hash.method {
            HashMethod::MapBased => Lookup::Map {
                shares: vec![0; servers],
                table: Vec::new(),
                stale: true,
            },
            HashMethod::Consistent => Lookup::Ring(Ring::new(servers)),
        };
        Self { hash, lookup }
    }

    fn key(&self, client: Option<IpAddr>) -> u32 {
        let number = client.map_or(0, hash::number);
        // Neighbouring addresses would share a point of the ring otherwise.
        if self.hash.avalanche || self.hash.method == HashMethod::Consistent {
            hash::avalanche(number)
        } else {
            number
        }
    }
}

impl Chooser for Source {
    fn update(&mut self, id: ServerId, standing: Standing) {
        match &mut self.lookup {
            Lookup::Map { shares, stale, .. } => {
                let known = std::mem::replace(&mut shares[id.index()], standing.share);
                *stale |= known != standing.share;
            }
            Lookup::Ring(ring) => ring.set(id.0, standing.share),
        }
    }

    fn pick(&mut self, draw: Draw) -> Option<ServerId> {
        let key = self.key(draw.client);
        let other = |id: &u32| draw.avoid != Some(ServerId(*id));
        let found = match &mut self.lookup {
            Lookup::Map {
                shares,
                table,
                stale,
            } => {
                if std::mem::take(stale) {
                    *table = spread(shares);
                }
                let start = key as usize % table.len().max(1);
                table[start..]
                    .iter()
                    .chain(&table[..start])
                    .copied()
                    .find(other)
            }
            Lookup::Ring(ring) => ring.from(key).find(other),
        };
        found.map(ServerId)
    }
}
