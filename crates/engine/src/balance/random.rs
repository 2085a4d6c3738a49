//! `balance random(n)`: draw `n` servers by weight, take the least loaded of them.

use super::{Chooser, Draw, Standing};
use crate::{splitmix::SplitMix, units::ServerId};

/// Shares as a Fenwick tree, so that drawing by weight takes logarithmic time.
#[derive(Debug)]
pub(super) struct Random {
    draws: u16,
    standings: Vec<Standing>,
    /// `sums[i]` adds up the shares of the servers that the lowest bit of `i` spans.
    sums: Vec<u64>,
    total: u64,
}

impl Random {
    pub(super) fn new(draws: u16, servers: usize) -> Self {
        Self {
            draws: draws.max(1),
            standings: vec![Standing::default(); servers],
            sums: vec![0; servers + 1],
            total: 0,
        }
    }

    /// What a server weighs in a draw.
    fn chance(&self, id: usize) -> u64 {
        let standing = self.standings[id];
        if standing.open {
            standing.share.into()
        } else {
            0
        }
    }

    fn set_chance(&mut self, id: usize, from: u64, to: u64) {
        self.total = self.total - from + to;
        let mut at = id + 1;
        while at < self.sums.len() {
            self.sums[at] = self.sums[at] - from + to;
            at += at & at.wrapping_neg();
        }
    }

    /// The server whose share covers this point of `0..total`.
    fn at(&self, mut point: u64) -> u32 {
        let mut found = 0;
        let mut step = self.sums.len().next_power_of_two() / 2;
        while step > 0 {
            let next = found + step;
            if next < self.sums.len() && self.sums[next] <= point {
                point -= self.sums[next];
                found = next;
            }
            step /= 2;
        }
        u32::try_from(found).unwrap_or(u32::MAX)
    }

    /// Whether `a` carries less for its share than `b`.
    fn lighter(&self, a: u32, b: u32) -> bool {
        let (a, b) = (self.standings[a as usize], self.standings[b as usize]);
        u64::from(a.load) * u64::from(b.share) < u64::from(b.load) * u64::from(a.share)
    }

    fn draw(&self, seed: u64) -> Option<u32> {
        let mut numbers = SplitMix::new(seed);
        let mut best: Option<u32> = None;
        for _ in 0..self.draws {
            let drawn = self.at(numbers.next().checked_rem(self.total)?);
            if best.is_none_or(|best| self.lighter(drawn, best)) {
                best = Some(drawn);
            }
        }
        best
    }
}

impl Chooser for Random {
    fn update(&mut self, id: ServerId, standing: Standing) {
        let before = self.chance(id.index());
        self.standings[id.index()] = standing;
        let after = self.chance(id.index());
        if before != after {
            self.set_chance(id.index(), before, after);
        }
    }

    fn pick(&mut self, draw: Draw) -> Option<ServerId> {
        let avoided = draw.avoid.map(|id| (id.index(), self.chance(id.index())));
        if let Some((id, chance)) = avoided {
            self.set_chance(id, chance, 0);
        }
        let drawn = self.draw(draw.random);
        if let Some((id, chance)) = avoided {
            self.set_chance(id, 0, chance);
        }
        drawn.map(ServerId)
    }
}
