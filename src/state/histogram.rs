//! How many values there were of each size, in fixed buckets.

use std::{array, time::Duration};

use super::counters::{Counter, Shards};

/// Bounds of [`Sessions`], in milliseconds: a query, a request, a pool's connection, a day's.
pub const SESSION_BOUNDS: [u64; 11] = [
    10, 100, 1_000, 10_000, 60_000, 300_000, 1_800_000, 3_600_000, 14_400_000, 43_200_000,
    86_400_000,
];
/// Bounds of [`Connects`], in milliseconds; the kernel tries again after one second.
pub const CONNECT_BOUNDS: [u64; 10] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000];
/// Bounds of [`Checks`], in milliseconds.
pub const CHECK_BOUNDS: [u64; 10] = [1, 2, 5, 10, 25, 100, 250, 1_000, 2_500, 10_000];

/// Lengths of sessions.
pub type Sessions = Histogram<11>;
/// Times to connect.
pub type Connects = Histogram<10>;
/// Durations of checks.
pub type Checks = Histogram<10>;

/// One shard of a histogram: one thread counts, anybody may look.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    /// How many values were above the bound before and not above this one.
    buckets: [Counter; N],
    above: Counter,
    micros: Counter,
}

/// The sum of all shards of a histogram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// Bounds with how many values are not above each.
    pub buckets: Vec<(Duration, u64)>,
    /// All values there were.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self {
            buckets: array::from_fn(|_| Counter::default()),
            above: Counter::default(),
            micros: Counter::default(),
        }
    }
}

impl<const N: usize> Histogram<N> {
    /// Counts a value in microseconds among these bounds in milliseconds.
    #[inline]
    pub fn count(&self, micros: u64, bounds: &[u64; N]) {
        let place = bounds.partition_point(|bound| bound * 1000 < micros);
        self.buckets.get(place).unwrap_or(&self.above).increment();
        self.micros.add(micros);
    }

    /// Its counters, by names that say where a bucket ends.
    pub(super) fn named(&self, bounds: &[u64; N]) -> Vec<(String, &Counter)> {
        let buckets = bounds.iter().zip(&self.buckets);
        let buckets = buckets.map(|(bound, counter)| (format!("to_{bound}_ms"), counter));
        let rest = [("above", &self.above), ("micros", &self.micros)];
        let rest = rest.map(|(name, counter)| (name.to_owned(), counter));
        buckets.chain(rest).collect()
    }

    /// Sums up the shards of a histogram.
    pub fn sum<C>(shards: &Shards<C>, of: impl Fn(&C) -> &Self, bounds: &[u64; N]) -> Distribution {
        let mut count = 0;
        let cumulated = bounds.iter().enumerate().map(|(place, bound)| {
            count += shards.sum(|c| &of(c).buckets[place]);
            (Duration::from_millis(*bound), count)
        });
        let buckets: Vec<_> = cumulated.collect();
        Distribution {
            buckets,
            count: count + shards.sum(|c| &of(c).above),
            sum: Duration::from_micros(shards.sum(|c| &of(c).micros)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_count_in_their_bucket_and_in_all_above() {
        let shards = Shards::<Histogram<2>>::new(2);
        let bounds = [10, 1000];
        for (shard, millis) in [(0, 0), (0, 10), (1, 11), (1, 1_000), (1, 60_000)] {
            shards.of(shard).count(millis * 1000, &bounds);
        }
        let sum = Histogram::sum(&shards, |it| it, &bounds);
        let counts: Vec<_> = sum.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!((counts, sum.count), (vec![2, 4], 5));
        assert_eq!(sum.sum, Duration::from_millis(61_021));
    }
}
