//! Pipes to splice bulk through: pooled, and never more than the budget allows.

use std::time::{Duration, Instant};

use pontoon_config::haproxy::model::Global;
use pontoon_sys::pipe::Pipe;

/// A pipe and what is in it.
pub(super) struct Filled {
    /// The pipe.
    pub(super) pipe: Pipe,
    /// Bytes in it.
    pub(super) bytes: usize,
}

/// What the pipes of one thread may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// How many there may be.
    most: usize,
    /// How many bytes they may hold, all together.
    bytes: usize,
    /// How many bytes one of them should hold.
    size: usize,
}

/// The pipes of one thread.
pub(super) struct Pool {
    #[expect(
        clippy::vec_box,
        reason = "they come and go as boxes: nothing is allocated anew"
    )]
    spare: Vec<Box<Filled>>,
    /// Pipes there are, lent and spare, and the bytes that they hold at most.
    pipes: usize,
    bytes: usize,
    budget: Budget,
    /// The last attempt to make a pipe failed; no other before this.
    wait_until: Option<Instant>,
}

/// Pipes of a thread, unless `maxpipes` says otherwise.
pub(super) const PIPES: usize = 192;
/// What they may hold, and what the first ones do, unless `tune.pipesize` says otherwise.
const BYTES: usize = 64 << 20;
const SIZE: usize = 1 << 20;
/// A new pipe takes at most this part of the bytes that are left: the fewer are left, the smaller
/// the pipes, so that many sessions have one, and few a large one.
const SHARE: usize = 32;
/// Spare pipes kept for the next bulk transfer.
const MOST_SPARE: usize = 16;
/// Smaller pipes cost more calls than copying does.
const SMALLEST_USEFUL: usize = 64 << 10;
/// After the limits have refused a pipe.
const PAUSE: Duration = Duration::from_secs(1);

impl Budget {
    /// The fair share of thread `number` of so many. `allowance`: the bytes that the user's pipes
    /// may hold, if the kernel sets a limit.
    pub(super) fn of_thread(
        global: &Global,
        allowance: Option<u64>,
        number: u16,
        threads: usize,
    ) -> Self {
        let threads = threads.max(1);
        let size = global.tune.pipe_size.map_or(SIZE, |size| size as usize);
        let most = match global.max_pipes {
            _ if global.no_splice => 0,
            Some(most) => {
                let most = most as usize;
                most / threads + usize::from(usize::from(number) < most % threads)
            }
            None => PIPES,
        };
        let asked = match global.max_pipes {
            Some(_) => most.saturating_mul(size),
            None => BYTES,
        };
        let allowed = allowance.map_or(usize::MAX, |bytes| {
            usize::try_from(bytes).unwrap_or(usize::MAX) / threads
        });
        Self {
            most,
            bytes: asked.min(allowed),
            size,
        }
    }

    /// The bytes that the next pipe should hold when those that there are hold so many already;
    /// `None` if too few are left.
    fn next_size(&self, taken: usize) -> Option<usize> {
        let left = self.bytes.saturating_sub(taken);
        let smallest = SMALLEST_USEFUL.min(self.size);
        let share = left / SHARE;
        // The kernel rounds up to a power of two.
        let share = if share == 0 { 0 } else { 1 << share.ilog2() };
        (left >= smallest).then(|| share.clamp(smallest, self.size))
    }
}

impl Pool {
    /// No pipe yet.
    pub(super) const fn new(budget: Budget) -> Self {
        Self {
            spare: Vec::new(),
            pipes: 0,
            bytes: 0,
            budget,
            wait_until: None,
        }
    }

    /// An empty pipe, unless the budget or the system's limits say no; then bytes are copied.
    pub(super) fn take(&mut self, now: Instant) -> Option<Box<Filled>> {
        self.spare.pop().or_else(|| self.make(now))
    }

    fn make(&mut self, now: Instant) -> Option<Box<Filled>> {
        let waits = self.wait_until.is_some_and(|until| now < until);
        if self.pipes >= self.budget.most || waits {
            return None;
        }
        let size = self.budget.next_size(self.bytes)?;
        match Pipe::new(size) {
            Ok(pipe) if pipe.capacity() >= SMALLEST_USEFUL.min(size) => {
                self.pipes += 1;
                self.bytes += pipe.capacity();
                Some(Box::new(Filled { pipe, bytes: 0 }))
            }
            // Others of the same user have pipes, too, or descriptors are short.
            _ => {
                self.wait_until = Some(now + PAUSE);
                None
            }
        }
    }

    /// A pipe of another process is lent out here, whatever the budget says.
    pub(super) const fn adopt(&mut self, filled: &Filled) {
        self.pipes += 1;
        self.bytes += filled.pipe.capacity();
    }

    /// Takes a pipe back. One with bytes left in it is closed, and one that is smaller than a new
    /// one would be.
    pub(super) fn give_back(&mut self, filled: Option<Box<Filled>>) {
        let Some(filled) = filled else { return };
        let capacity = filled.pipe.capacity();
        let without = self.bytes - capacity;
        let outgrown = self
            .budget
            .next_size(without)
            .is_some_and(|size| capacity < size);
        if filled.bytes == 0 && self.spare.len() < MOST_SPARE && !outgrown {
            self.spare.push(filled);
        } else {
            self.pipes -= 1;
            self.bytes = without;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn budget(most: usize, bytes: usize, size: usize) -> Budget {
        Budget { most, bytes, size }
    }

    #[test]
    fn pipes_come_back_and_the_budget_holds() {
        let now = Instant::now();
        let mut pool = Pool::new(budget(1, 1 << 20, 64 << 10));
        let first = pool.take(now).unwrap();
        assert!(pool.take(now).is_none());
        pool.give_back(Some(first));
        let mut again = pool.take(now).unwrap();
        again.bytes = 5;
        pool.give_back(Some(again));
        assert!(
            pool.spare.is_empty(),
            "a pipe with bytes in it is not used again"
        );
        assert!(pool.take(now).is_some(), "its place is free");
    }

    #[test]
    fn the_fewer_bytes_are_left_the_smaller_the_pipes() {
        let budget = budget(PIPES, 64 << 20, 1 << 20);
        let mut taken = 0;
        let mut sizes = Vec::new();
        while let Some(size) = budget.next_size(taken) {
            taken += size;
            sizes.push(size);
        }
        assert_eq!(taken, 64 << 20);
        assert!(sizes.is_sorted_by(|a, b| a >= b));
        assert_eq!(sizes.first(), Some(&(1 << 20)));
        assert_eq!(sizes.last(), Some(&(64 << 10)));
        assert!(sizes.len() >= 150, "{}", sizes.len());
    }

    #[test]
    fn small_pipes_do_not_stay_when_there_is_room_for_large_ones() {
        let now = Instant::now();
        let mut pool = Pool::new(budget(PIPES, 4 << 20, 1 << 20));
        let lent: Vec<_> = std::iter::from_fn(|| pool.take(now)).collect();
        assert!(lent.len() > 20, "{}", lent.len());
        assert!(pool.bytes <= 4 << 20);
        for pipe in lent {
            pool.give_back(Some(pipe));
        }
        let largest = pool.budget.next_size(0).unwrap();
        assert!(
            pool.spare
                .iter()
                .all(|spare| spare.pipe.capacity() >= largest / 2)
        );
        assert_eq!(pool.pipes, pool.spare.len());
    }

    #[test]
    fn threads_share_what_there_is() {
        let mut global = pontoon_config::haproxy::model::Global::default();
        let share = |global: &Global, number| Budget::of_thread(global, Some(64 << 20), number, 2);
        assert_eq!(share(&global, 0), budget(PIPES, 32 << 20, SIZE));
        global.max_pipes = Some(3);
        assert_eq!(share(&global, 0), budget(2, 2 << 20, SIZE));
        assert_eq!(share(&global, 1), budget(1, 1 << 20, SIZE));
        global.tune.pipe_size = Some(128 << 10);
        assert_eq!(share(&global, 1), budget(1, 128 << 10, 128 << 10));
        global.no_splice = true;
        assert_eq!(share(&global, 0).most, 0);
    }
}
