//! One timer for each session of a thread: a hierarchical wheel of milliseconds.
//!
//! A session's deadline mostly moves later (every byte moves it), and that costs nothing here:
//! the session looks at its real deadline when the timer it set long ago fires, and sets it
//! again. Setting, clearing and firing take constant time.

const BITS: u32 = 6;
const BUCKETS: usize = 1 << BITS;
const LEVELS: usize = 6;
const NONE: u32 = u32::MAX;
/// Of a timer that is not set.
const UNSET: u64 = 0xFFFF;

/// Timers of the slots of a session table, in milliseconds since some start.
pub(super) struct Wheel {
    now: u64,
    /// The first slot in each bucket, level by level.
    heads: Box<[u32]>,
    /// Which buckets of a level hold anything.
    occupied: [u64; LEVELS],
    /// By slot.
    links: Vec<Link>,
}

/// A timer that fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fired {
    /// Whose.
    pub(super) slot: u32,
    /// What it was set for.
    pub(super) when: u64,
}

#[derive(Clone, Copy)]
struct Link {
    /// When it fires, above 16 bits that tell the bucket.
    place: u64,
    previous: u32,
    next: u32,
}

/// What the timer of a slot costs, in bytes.
#[cfg(test)]
pub(super) const SLOT_SIZE: usize = size_of::<Link>();

const UNLINKED: Link = Link {
    place: UNSET,
    previous: NONE,
    next: NONE,
};

impl Link {
    const fn when(self) -> u64 {
        self.place >> 16
    }

    fn bucket(self) -> Option<usize> {
        let bucket = self.place & UNSET;
        usize::try_from(bucket).ok().filter(|_| bucket != UNSET)
    }
}

impl Wheel {
    /// No timers; the time is now `now`.
    pub(super) fn new(now: u64) -> Self {
        Self {
            now,
            heads: vec![NONE; LEVELS * BUCKETS].into_boxed_slice(),
            occupied: [0; LEVELS],
            links: Vec::new(),
        }
    }

    /// Sets the timer of a slot, in place of the one it had. A time already past fires at the
    /// next millisecond.
    pub(super) fn set(&mut self, slot: u32, when: u64) {
        self.clear(slot);
        let index = slot as usize;
        if index >= self.links.len() {
            self.links.resize(index + 1, UNLINKED);
        }
        let farthest = self.now + (1 << (BITS * 6 - 1));
        self.link(slot, when.clamp(self.now + 1, farthest));
    }

    /// Forgets the timer of a slot.
    pub(super) fn clear(&mut self, slot: u32) {
        let Some(&link) = self.links.get(slot as usize) else {
            return;
        };
        let Some(bucket) = link.bucket() else {
            return;
        };
        if link.next != NONE {
            self.links[link.next as usize].previous = link.previous;
        }
        if link.previous == NONE {
            self.set_head(bucket, link.next);
        } else {
            self.links[link.previous as usize].next = link.next;
        }
        self.links[slot as usize] = UNLINKED;
    }

    /// When the timer of a slot fires, if it is set.
    pub(super) fn armed(&self, slot: u32) -> Option<u64> {
        let link = self.links.get(slot as usize)?;
        link.bucket().map(|_| link.when())
    }

    /// No timer fires before this; a timer may fire then.
    pub(super) fn next(&self) -> Option<u64> {
        self.next_bucket().map(|(_, when)| when)
    }

    /// The time is now `now`: appends the timers that fire.
    pub(super) fn advance(&mut self, now: u64, fired: &mut Vec<Fired>) {
        while let Some((bucket, when)) = self.next_bucket() {
            if when > now {
                break;
            }
            self.now = when;
            let mut slot = self.heads[bucket];
            self.set_head(bucket, NONE);
            while slot != NONE {
                let link = self.links[slot as usize];
                if link.when() <= when {
                    self.links[slot as usize] = UNLINKED;
                    let when = link.when();
                    fired.push(Fired { slot, when });
                } else {
                    self.link(slot, link.when());
                }
                slot = link.next;
            }
        }
        self.now = self.now.max(now);
    }

    /// The bucket that comes first, and when.
    fn next_bucket(&self) -> Option<(usize, u64)> {
        let level = self.occupied.iter().position(|&buckets| buckets != 0)?;
        let shift = BITS * u32::try_from(level).unwrap_or(0);
        let current = self.now >> shift;
        // Buckets in front of the current one belong to the next turn of this level.
        let turned = u32::try_from(current % BUCKETS as u64).unwrap_or(0);
        let ahead = self.occupied[level].rotate_right(turned).trailing_zeros();
        let position = current + u64::from(ahead);
        let bucket = usize::try_from(position % BUCKETS as u64).unwrap_or(0);
        Some((level * BUCKETS + bucket, position << shift))
    }

    /// Puts a slot where it belongs: the level is that of the highest bit in which its time
    /// differs from now.
    fn link(&mut self, slot: u32, when: u64) {
        let highest = 63 - ((when ^ self.now) | 1).leading_zeros();
        let level = ((highest / BITS) as usize).min(LEVELS - 1);
        let shift = BITS * u32::try_from(level).unwrap_or(0);
        let bucket = usize::try_from((when >> shift) % BUCKETS as u64).unwrap_or(0);
        let bucket = level * BUCKETS + bucket;
        let head = self.heads[bucket];
        if head != NONE {
            self.links[head as usize].previous = slot;
        }
        self.links[slot as usize] = Link {
            place: when << 16 | bucket as u64,
            previous: NONE,
            next: head,
        };
        self.set_head(bucket, slot);
    }

    fn set_head(&mut self, bucket: usize, slot: u32) {
        self.heads[bucket] = slot;
        let bit = 1 << (bucket % BUCKETS);
        if slot == NONE {
            self.occupied[bucket / BUCKETS] &= !bit;
        } else {
            self.occupied[bucket / BUCKETS] |= bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(wheel: &mut Wheel, now: u64) -> Vec<u32> {
        let mut fired = Vec::new();
        wheel.advance(now, &mut fired);
        assert!(fired.iter().all(|timer| timer.when <= now));
        let mut slots: Vec<_> = fired.iter().map(|timer| timer.slot).collect();
        slots.sort_unstable();
        slots
    }

    #[test]
    fn timers_fire_at_their_time_and_not_before() {
        let mut wheel = Wheel::new(0);
        wheel.set(0, 5);
        wheel.set(1, 70);
        wheel.set(2, 5_000_000);
        assert_eq!(wheel.next(), Some(5));
        assert!(fired(&mut wheel, 4).is_empty());
        assert_eq!(fired(&mut wheel, 5), [0]);
        assert!(fired(&mut wheel, 69).is_empty());
        assert_eq!(fired(&mut wheel, 70), [1]);
        assert!(fired(&mut wheel, 4_999_999).is_empty());
        assert_eq!(wheel.armed(2), Some(5_000_000));
        assert_eq!(fired(&mut wheel, 6_000_000), [2]);
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn a_cleared_or_replaced_timer_does_not_fire() {
        let mut wheel = Wheel::new(0);
        wheel.set(0, 10);
        wheel.set(1, 10);
        wheel.set(2, 10);
        wheel.clear(1);
        wheel.set(2, 20);
        assert_eq!(fired(&mut wheel, 15), [0]);
        assert_eq!(fired(&mut wheel, 20), [2]);
    }

    /// Against a plain list, over a long pseudo-random life.
    #[test]
    fn behaves_like_a_sorted_list() {
        let mut wheel = Wheel::new(0);
        let mut model: Vec<Option<u64>> = vec![None; 64];
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut draw = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut now = 0;
        for round in 0..20_000_u64 {
            let slot = u32::try_from(draw(64)).unwrap();
            match draw(4) {
                0 => {
                    wheel.clear(slot);
                    model[slot as usize] = None;
                }
                1 | 2 => {
                    let span =
                        [3, 100, 5_000, 300_000, 90_000_000][usize::try_from(draw(5)).unwrap()];
                    let when = now + 1 + draw(span);
                    wheel.set(slot, when);
                    model[slot as usize] = Some(when);
                }
                _ => {
                    let steps = [1, 50, 3_000, 100_000][usize::try_from(draw(4)).unwrap()];
                    now += draw(steps);
                    let mut expected = Vec::new();
                    for (slot, when) in model.iter_mut().enumerate() {
                        if when.is_some_and(|when| when <= now) {
                            *when = None;
                            expected.push(u32::try_from(slot).unwrap());
                        }
                    }
                    assert_eq!(fired(&mut wheel, now), expected, "round {round}");
                }
            }
            let first = model.iter().flatten().min().copied();
            assert!(wheel.next() <= first || first.is_none(), "round {round}");
            assert_eq!(wheel.next().is_some(), first.is_some());
        }
    }
}
