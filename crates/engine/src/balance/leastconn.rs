//! `balance leastconn`: the server with the least load for its share.
//!
//! An idle server has the key 0 whatever its share; a server with `n` sessions has `(n + 1) /
//! share`, what it would carry with one more. Servers with equal keys take turns: whoever got its
//! key last stands last. These are the sequences that HAProxy gives.

use std::cmp::Ordering;

use super::{Chooser, Draw, Standing, Turn, heap::Heap};
use crate::units::ServerId;

/// `load / share`, then the order of arrival at that value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Burden {
    load: u32,
    share: u32,
    since: u64,
}

impl Ord for Burden {
    fn cmp(&self, other: &Self) -> Ordering {
        let mine = u64::from(self.load) * u64::from(other.share);
        let theirs = u64::from(other.load) * u64::from(self.share);
        mine.cmp(&theirs).then(self.since.cmp(&other.since))
    }
}

impl PartialOrd for Burden {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The open servers by their burden.
#[derive(Debug)]
pub(super) struct LeastConn {
    standings: Vec<Standing>,
    heap: Heap<Burden>,
    changes: u64,
    /// The places of another process, while nothing happens but that its sessions take their slots
    /// here: that is no arrival.
    places: Vec<Option<u64>>,
}

impl LeastConn {
    pub(super) fn new(servers: usize) -> Self {
        Self {
            standings: vec![Standing::default(); servers],
            heap: Heap::new(servers),
            changes: 0,
            places: Vec::new(),
        }
    }

    fn since(&mut self, id: ServerId) -> u64 {
        if let Some(Some(place)) = self.places.get(id.index()) {
            return *place;
        }
        self.changes += 1;
        self.changes
    }
}

impl Chooser for LeastConn {
    fn update(&mut self, id: ServerId, standing: Standing) {
        let known = std::mem::replace(&mut self.standings[id.index()], standing);
        if known == standing {
            return;
        }
        if standing.share != known.share {
            self.places.clear();
        }
        if standing.share == 0 || !standing.open {
            self.heap.remove(id.0);
            return;
        }
        let since = self.since(id);
        let load = if standing.load == 0 {
            0
        } else {
            standing.load.saturating_add(1)
        };
        self.heap.set(
            id.0,
            Burden {
                load,
                share: standing.share,
                since,
            },
        );
    }

    fn pick(&mut self, draw: Draw) -> Option<ServerId> {
        let avoided = draw
            .avoid
            .and_then(|id| Some((id, self.heap.remove(id.0)?)));
        let first = self.heap.first();
        if let Some((id, key)) = avoided {
            self.heap.set(id.0, key);
        }
        first.map(|(_, id)| ServerId(id))
    }

    fn resumed(&mut self) {
        self.places.clear();
    }

    fn clock(&self) -> u64 {
        self.changes
    }

    fn turn(&self, id: ServerId) -> Option<Turn> {
        let place = self.heap.key(id.0)?.since;
        Some(Turn {
            due: place,
            ..Turn::default()
        })
    }

    fn resume(&mut self, clock: u64, turns: &[Option<Turn>]) {
        self.changes = clock;
        self.places = turns.iter().map(|turn| turn.map(|it| it.due)).collect();
        for id in (0..).take(self.standings.len()).map(ServerId) {
            let Some(key) = self.heap.key(id.0) else {
                continue;
            };
            let since = self.since(id);
            self.heap.set(id.0, Burden { since, ..key });
        }
    }
}
