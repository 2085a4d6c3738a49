//! Counters: one shard per thread, summed when somebody looks.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::histogram::{Connects, Sessions};

/// Only ever grows. One thread counts, that of its shard; anybody may look.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `n` more.
    #[inline]
    pub fn add(&self, n: u64) {
        // Nobody else writes, so this needs no locked instruction: a message counts in eight
        // places.
        let count = self.0.load(Ordering::Relaxed).wrapping_add(n);
        self.0.store(count, Ordering::Relaxed);
    }

    /// Counts one more.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// The count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins anew. For the thread that counts.
    pub fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// How many there are now, and the most there ever were at once.
#[derive(Debug, Default)]
pub struct Level {
    now: AtomicU32,
    most: AtomicU32,
}

impl Level {
    /// One more; returns how many there are with it.
    #[inline]
    pub fn enter(&self) -> u32 {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        raise(&self.most, now);
        now
    }

    /// One more, unless there are `limit` already; the highest is told by [`Level::confirm`], in
    /// case it comes to nothing.
    #[inline]
    pub fn reserve(&self, limit: u32) -> bool {
        let below = |now| (now < limit).then_some(now + 1);
        self.now
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, below)
            .is_ok()
    }

    /// What was reserved has come to something.
    #[inline]
    pub fn confirm(&self) {
        raise(&self.most, self.get());
    }

    /// One less; returns how many are left.
    #[inline]
    pub fn leave(&self) -> u32 {
        self.now.fetch_sub(1, Ordering::Relaxed) - 1
    }

    /// There were so many once, in another process.
    pub fn remember(&self, most: u32) {
        raise(&self.most, most);
    }

    /// How many there are.
    #[must_use]
    #[inline]
    pub fn get(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// The most there were.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.most.load(Ordering::Relaxed)
    }

    /// The maximum begins anew.
    pub fn clear(&self) {
        self.most.store(self.get(), Ordering::Relaxed);
    }
}

/// A new maximum is rare; that it is none costs a look only.
fn raise(most: &AtomicU32, value: u32) {
    if value > most.load(Ordering::Relaxed) {
        most.fetch_max(value, Ordering::Relaxed);
    }
}

/// A sliding average over about 1,024 values.
#[derive(Debug, Default)]
pub struct Average {
    /// The sum over the window: the average times [`Average::WINDOW`].
    sum: AtomicU64,
    most: AtomicU64,
}

impl Average {
    /// How many values it remembers.
    pub const WINDOW: u64 = 1024;

    /// One more value.
    #[inline]
    pub fn add(&self, value: u64) {
        let slide = |sum: u64| Some(sum - sum.div_ceil(Self::WINDOW) + value);
        // The closure always returns a value, so this cannot fail.
        let _always = self
            .sum
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, slide);
        if value > self.most.load(Ordering::Relaxed) {
            self.most.fetch_max(value, Ordering::Relaxed);
        }
    }

    /// The average, rounded up, given how many values were ever added.
    #[must_use]
    pub fn get(&self, added: u64) -> u64 {
        let window = added.clamp(1, Self::WINDOW);
        self.sum.load(Ordering::Relaxed).div_ceil(window)
    }

    /// The largest value ever.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }

    /// What another process goes on from.
    #[must_use]
    pub fn carry(&self) -> CarriedAverage {
        CarriedAverage {
            sum: self.sum.load(Ordering::Relaxed),
            most: self.most(),
        }
    }

    /// Goes on from there.
    pub fn resume(&self, carried: CarriedAverage) {
        self.sum.store(carried.sum, Ordering::Relaxed);
        self.most.store(carried.most, Ordering::Relaxed);
    }

    /// The maximum begins anew.
    pub fn clear_most(&self) {
        self.most.store(0, Ordering::Relaxed);
    }

    /// All begins anew.
    pub fn clear(&self) {
        self.sum.store(0, Ordering::Relaxed);
        self.clear_most();
    }
}

/// An [`Average`] on its way to another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CarriedAverage {
    sum: u64,
    most: u64,
}

/// One `C` per thread, each on cache lines of its own.
#[derive(Debug)]
pub struct Shards<C>(Box<[Shard<C>]>);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard<C>(C);

impl<C: Default> Shards<C> {
    /// `n` zeroed shards.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self((0..n).map(|_| Shard::default()).collect())
    }
}

impl<C> Shards<C> {
    /// The shard of a thread, for that thread alone to count in.
    #[must_use]
    #[inline]
    pub fn of(&self, thread: usize) -> &C {
        &self.0[thread].0
    }

    /// Every shard, to look at.
    pub fn all(&self) -> impl Iterator<Item = &C> {
        self.0.iter().map(|shard| &shard.0)
    }

    /// Sums one counter over all shards.
    pub fn sum(&self, counter: impl Fn(&C) -> &Counter) -> u64 {
        self.0.iter().map(|shard| counter(&shard.0).get()).sum()
    }
}

/// What a frontend counts.
#[derive(Debug, Default)]
pub struct FrontendCounters {
    /// Connections accepted (`conn_tot`).
    pub connections: Counter,
    /// Sessions begun (`stot`).
    pub sessions: Counter,
    /// Bytes from clients (`bin`).
    pub bytes_in: Counter,
    /// Bytes to clients (`bout`).
    pub bytes_out: Counter,
    /// Refused by `tcp-request connection` (`dcon`).
    pub denied_connections: Counter,
    /// Refused by `tcp-request session` (`dses`).
    pub denied_sessions: Counter,
    /// Refused by `tcp-request content` (`dreq`).
    pub denied_requests: Counter,
    /// Ended by the client before or during the request (`ereq`).
    pub request_errors: Counter,
    /// HTTP requests (`req_tot`).
    pub requests: Counter,
    /// HTTP requests answered by ourselves (`intercepted`).
    pub intercepted: Counter,
    /// HTTP answers 1xx to 5xx, then others.
    pub responses: [Counter; 6],
    /// Errors inside the proxy (`eint`).
    pub internal_errors: Counter,
}

/// What a listener counts.
#[derive(Debug, Default)]
pub struct ListenerCounters {
    /// Sessions begun.
    pub sessions: Counter,
    /// Bytes from clients.
    pub bytes_in: Counter,
    /// Bytes to clients.
    pub bytes_out: Counter,
    /// Refused by `tcp-request connection`.
    pub denied_connections: Counter,
    /// Refused by `tcp-request session`.
    pub denied_sessions: Counter,
    /// Refused by `tcp-request content`.
    pub denied_requests: Counter,
    /// Ended by the client before or during the request.
    pub request_errors: Counter,
    /// Errors inside the proxy.
    pub internal_errors: Counter,
}

/// What a backend counts.
#[derive(Debug, Default)]
pub struct BackendCounters {
    /// Sessions begun (`stot`).
    pub sessions: Counter,
    /// Bytes from clients (`bin`).
    pub bytes_in: Counter,
    /// Bytes to clients (`bout`).
    pub bytes_out: Counter,
    /// Refused by rules of the backend (`dreq`).
    pub denied_requests: Counter,
    /// Sessions that reached no server (`econ`).
    pub connection_errors: Counter,
    /// Sessions that a server ended wrongly (`eresp`).
    pub response_errors: Counter,
    /// Connections tried again (`wretr`).
    pub retries: Counter,
    /// Sessions sent to another server (`wredis`).
    pub redispatches: Counter,
    /// Ended by the client (`cli_abrt`).
    pub client_aborts: Counter,
    /// Ended by the server (`srv_abrt`).
    pub server_aborts: Counter,
    /// Times the balancer picked (`lbtot`).
    pub picked: Counter,
    /// Connections made (`connect`).
    pub connects: Counter,
    /// HTTP requests (`req_tot`).
    pub requests: Counter,
    /// HTTP answers 1xx to 5xx, then others.
    pub responses: [Counter; 6],
    /// Errors inside the proxy (`eint`).
    pub internal_errors: Counter,
    /// Lengths of sessions.
    pub session_times: Sessions,
    /// Times to connect, of sessions that were connected.
    pub connect_times: Connects,
}

/// What a server counts.
#[derive(Debug, Default)]
pub struct ServerCounters {
    /// Sessions sent to it (`stot`).
    pub sessions: Counter,
    /// Bytes from clients (`bin`).
    pub bytes_in: Counter,
    /// Bytes to clients (`bout`).
    pub bytes_out: Counter,
    /// Connections that failed for good (`econ`).
    pub connection_errors: Counter,
    /// Sessions that it ended wrongly (`eresp`).
    pub response_errors: Counter,
    /// Connections tried again (`wretr`).
    pub retries: Counter,
    /// Sessions sent elsewhere (`wredis`).
    pub redispatches: Counter,
    /// Ended by the client (`cli_abrt`).
    pub client_aborts: Counter,
    /// Ended by the server (`srv_abrt`).
    pub server_aborts: Counter,
    /// Connections made (`connect`).
    pub connects: Counter,
    /// Errors inside the proxy (`eint`).
    pub internal_errors: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_remembers_its_highest() {
        let level = Level::default();
        level.enter();
        level.enter();
        level.leave();
        assert_eq!((level.get(), level.most()), (1, 2));
    }

    #[test]
    fn a_full_level_lets_nobody_in() {
        let level = Level::default();
        assert!(level.reserve(1));
        assert!(!level.reserve(1));
        assert_eq!(level.get(), 1);
    }

    #[test]
    fn an_average_of_few_values_is_theirs() {
        let average = Average::default();
        average.add(10);
        average.add(20);
        assert_eq!(average.get(2), 15);
        assert_eq!(average.most(), 20);
    }

    #[test]
    fn shards_sum_up() {
        let shards = Shards::<ListenerCounters>::new(2);
        shards.of(0).sessions.add(2);
        shards.of(1).sessions.increment();
        assert_eq!(shards.sum(|c| &c.sessions), 3);
    }
}
