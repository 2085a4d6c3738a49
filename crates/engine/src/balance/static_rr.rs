//! `balance static-rr`: in turn by weight along a fixed table.

use super::{Chooser, Draw, Standing, Turn, map::spread};
use crate::units::ServerId;

/// The table and the place in it.
#[derive(Debug)]
pub(super) struct StaticRr {
    shares: Vec<u32>,
    open: Vec<bool>,
    /// How many can be chosen: spares a full walk that would find nobody.
    choosable: u32,
    table: Vec<u32>,
    stale: bool,
    /// Behind the last pick; a table that has become too short for it begins anew, as with HAProxy.
    place: usize,
}

impl StaticRr {
    pub(super) fn new(servers: usize) -> Self {
        Self {
            shares: vec![0; servers],
            open: vec![false; servers],
            choosable: 0,
            table: Vec::new(),
            stale: true,
            place: 0,
        }
    }
}

impl Chooser for StaticRr {
    fn update(&mut self, id: ServerId, standing: Standing) {
        let open = standing.open && standing.share > 0;
        let was = std::mem::replace(&mut self.open[id.index()], open);
        self.choosable = self.choosable + u32::from(open) - u32::from(was);
        if std::mem::replace(&mut self.shares[id.index()], standing.share) != standing.share {
            self.stale = true;
        }
    }

    fn pick(&mut self, draw: Draw) -> Option<ServerId> {
        let avoided = draw.avoid.is_some_and(|id| self.open[id.index()]);
        if self.choosable == u32::from(avoided) {
            return None;
        }
        if std::mem::take(&mut self.stale) {
            self.table = spread(&self.shares);
        }
        let table = &self.table;
        let start = if self.place < table.len() {
            self.place
        } else {
            0
        };
        let (before, after) = table.split_at(start);
        let (steps, id) = after
            .iter()
            .chain(before)
            .enumerate()
            .find_map(|(steps, id)| {
                let id = ServerId(*id);
                (self.open[id.index()] && draw.avoid != Some(id)).then_some((steps, id))
            })?;
        self.place = (start + steps) % table.len() + 1;
        Some(id)
    }

    fn clock(&self) -> u64 {
        u64::try_from(self.place).unwrap_or_default()
    }

    fn resume(&mut self, clock: u64, _turns: &[Option<Turn>]) {
        self.table = spread(&self.shares);
        self.stale = false;
        self.place = usize::try_from(clock).unwrap_or_default();
    }
}
