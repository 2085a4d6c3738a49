//! Events per second over a sliding second.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use pontoon_engine::moment::Moment;
use serde::{Deserialize, Serialize};

/// Counts events of the current and the previous second, for all threads and without a lock.
///
/// The rate is the current second's count plus the share of the previous second's that still
/// lies within the last 1,000 ms. Where a second begins, threads that count at the very same time
/// may miss one another by an event; nothing is decided by that.
#[derive(Debug, Default)]
pub struct Rate {
    /// The current second since the process started, and above it what it has counted.
    current: AtomicU64,
    /// What the second before that has counted.
    previous: AtomicU32,
    most: AtomicU32,
}

/// A [`Rate`] on its way to another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CarriedRate {
    current: u64,
    previous: u32,
    most: u32,
}

/// What [`Rate::current`] holds, taken apart.
#[derive(Clone, Copy)]
struct Second {
    number: u32,
    events: u32,
}

const MILLIS: u64 = 1000;

impl Second {
    const fn unpack(packed: u64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the halves are what is wanted"
        )]
        Self {
            number: packed as u32,
            events: (packed >> 32) as u32,
        }
    }

    const fn pack(self) -> u64 {
        (self.events as u64) << 32 | self.number as u64
    }

    /// What it counted, as seen from the second after it.
    fn left_for(self, next: u32) -> u32 {
        if self.number.wrapping_add(1) == next {
            self.events
        } else {
            0
        }
    }
}

impl Rate {
    /// One more event; returns the rate with it.
    #[inline]
    pub fn count(&self, now: Moment) -> u32 {
        let number = second_of(now);
        let seen = Second::unpack(self.current.load(Ordering::Relaxed));
        // A thread whose time is a little behind counts in the second of the others.
        if number.wrapping_sub(seen.number).cast_signed() > 0 {
            self.turn(seen, number);
        }
        let packed = self.current.fetch_add(1 << 32, Ordering::Relaxed);
        let events = Second::unpack(packed).events.wrapping_add(1);
        let rate = events.saturating_add(self.share_of_previous(now));
        if rate > self.most.load(Ordering::Relaxed) {
            self.most.fetch_max(rate, Ordering::Relaxed);
        }
        rate
    }

    /// A new second: whoever comes first opens it.
    fn turn(&self, seen: Second, number: u32) {
        let fresh = Second { number, events: 0 };
        let turned = self.current.compare_exchange(
            seen.pack(),
            fresh.pack(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        match turned {
            Ok(_) => self
                .previous
                .store(seen.left_for(number), Ordering::Relaxed),
            // Another has counted in between, or has opened it.
            Err(packed) if Second::unpack(packed).number == seen.number => {
                self.turn(Second::unpack(packed), number);
            }
            Err(_) => {}
        }
    }

    /// Events within the last second.
    #[must_use]
    pub fn get(&self, now: Moment) -> u32 {
        let seen = Second::unpack(self.current.load(Ordering::Relaxed));
        let number = second_of(now);
        if number == seen.number {
            return seen.events.saturating_add(self.share_of_previous(now));
        }
        share(seen.left_for(number), now)
    }

    /// The highest rate there ever was.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.most.load(Ordering::Relaxed)
    }

    /// What another process goes on from, whose time has the same zero.
    #[must_use]
    pub fn carry(&self) -> CarriedRate {
        CarriedRate {
            current: self.current.load(Ordering::Relaxed),
            previous: self.previous.load(Ordering::Relaxed),
            most: self.most(),
        }
    }

    /// Goes on from there.
    pub fn resume(&self, carried: CarriedRate) {
        self.current.store(carried.current, Ordering::Relaxed);
        self.previous.store(carried.previous, Ordering::Relaxed);
        self.most.store(carried.most, Ordering::Relaxed);
    }

    /// The maximum begins anew.
    pub fn clear(&self) {
        self.most.store(0, Ordering::Relaxed);
    }

    fn share_of_previous(&self, now: Moment) -> u32 {
        share(self.previous.load(Ordering::Relaxed), now)
    }
}

/// The second since the start; in 136 years it begins anew.
const fn second_of(now: Moment) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the difference counts")]
    let second = (now.millis() / MILLIS) as u32;
    second
}

/// How many of the previous second's events lie within the last 1,000 ms.
fn share(previous: u32, now: Moment) -> u32 {
    if previous == 0 {
        return 0;
    }
    let left = MILLIS - now.millis() % MILLIS;
    u32::try_from(u64::from(previous) * left / MILLIS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_fades_over_one_second() {
        let rate = Rate::default();
        let at = |millis: u64| Moment::from_millis(5000 + millis);
        for _ in 0..10 {
            rate.count(at(0));
        }
        assert_eq!(rate.get(at(0)), 10);
        assert_eq!(rate.get(at(1500)), 5);
        assert_eq!(rate.get(at(2500)), 0);
        assert_eq!(rate.count(at(1750)), 3);
        assert_eq!(rate.get(at(2000)), 1);
        assert_eq!(rate.most(), 10);
    }

    #[test]
    fn whose_time_is_behind_counts_with_the_others() {
        let rate = Rate::default();
        rate.count(Moment::from_millis(1000));
        assert_eq!(rate.count(Moment::from_millis(999)), 2);
        assert_eq!(rate.get(Moment::from_millis(1000)), 2);
    }

    #[test]
    fn threads_lose_no_event_within_a_second() {
        let rate = Rate::default();
        let now = Moment::from_millis(3_000);
        rate.count(now);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        rate.count(now);
                    }
                });
            }
        });
        assert_eq!(rate.get(now), 4001);
    }
}
