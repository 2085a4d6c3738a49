//! A table of servers, each as often as its weight, evenly spread.

use std::cmp::Reverse;

use super::heap::Heap;

/// Spreads servers `0..weights.len()` over a table whose length is the sum of the weights divided
/// by what they have in common.
///
/// At each place the server wins that lags most behind its share, in whole turns; the first of
/// the file among equals. That is the order that HAProxy's `static-rr` shows.
pub(super) fn spread(weights: &[u32]) -> Vec<u32> {
    let common = weights.iter().fold(0, |a, b| gcd(a, *b));
    if common == 0 {
        return Vec::new();
    }
    let mut shares = Shares::new(weights, common);
    (0..shares.total)
        .filter_map(|place| shares.next(place))
        .collect()
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Who lags how far behind.
struct Shares {
    weights: Vec<u64>,
    total: u64,
    /// Whole turns due by now, less those given.
    lag: Vec<i64>,
    by_lag: Heap<Reverse<i64>>,
    /// How many whole turns each will have been due after its next rise.
    turns: Vec<u64>,
    /// At which place each lags one turn more.
    rises: Heap<u64>,
}

impl Shares {
    fn new(weights: &[u32], common: u32) -> Self {
        let weights: Vec<u64> = weights
            .iter()
            .map(|weight| (weight / common).into())
            .collect();
        let mut shares = Self {
            total: weights.iter().sum(),
            lag: vec![0; weights.len()],
            by_lag: Heap::new(weights.len()),
            turns: vec![1; weights.len()],
            rises: Heap::new(weights.len()),
            weights,
        };
        for (id, weight) in (0..).zip(shares.weights.clone()) {
            if weight > 0 {
                shares.by_lag.set(id, Reverse(0));
                shares.rises.set(id, shares.place_of_turn(id));
            }
        }
        shares
    }

    /// Where the server's next whole turn is due.
    fn place_of_turn(&self, id: u32) -> u64 {
        let id = id as usize;
        (self.turns[id] * self.total).div_ceil(self.weights[id]) - 1
    }

    fn next(&mut self, place: u64) -> Option<u32> {
        while let Some((at, id)) = self.rises.first().filter(|(at, _)| *at <= place) {
            debug_assert_eq!(at, place, "every place is visited");
            self.turns[id as usize] += 1;
            self.shift(id, 1);
            self.rises.set(id, self.place_of_turn(id));
        }
        let (_, id) = self.by_lag.first()?;
        self.shift(id, -1);
        Some(id)
    }

    fn shift(&mut self, id: u32, turns: i64) {
        let lag = &mut self.lag[id as usize];
        *lag += turns;
        self.by_lag.set(id, Reverse(*lag));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nobody_gives_an_empty_table() {
        assert!(spread(&[]).is_empty());
        assert!(spread(&[0, 0]).is_empty());
    }

    #[test]
    fn a_thousand_uneven_servers_are_spread_quickly() {
        let weights: Vec<u32> = (0..1000).map(|id| 1 + id % 256).collect();
        let table = spread(&weights);
        assert_eq!(table.len(), weights.iter().sum::<u32>() as usize);
    }

    proptest! {
        #[test]
        fn everyone_stands_as_often_as_its_weight(weights in prop::collection::vec(0u32..40, 1..9)) {
            let table = spread(&weights);
            let common = weights.iter().fold(0, |a, b| gcd(a, *b)).max(1);
            for (id, weight) in (0u32..).zip(&weights) {
                let times = table.iter().filter(|at| **at == id).count();
                prop_assert_eq!(times, (weight / common) as usize);
            }
        }
    }
}
