//! Pipes to splice bulk through: pooled, and never more than the budget allows.

use std::time::{Duration, Instant};

use pontoon_sys::pipe::Pipe;

/// A pipe and what is in it.
pub(super) struct Filled {
    /// The pipe.
    pub(super) pipe: Pipe,
    /// Bytes in it.
    pub(super) bytes: usize,
}

/// The pipes of one thread.
pub(super) struct Pool {
    spare: Vec<Pipe>,
    lent: usize,
    most: usize,
    capacity: usize,
    /// The last attempt to make a pipe failed; no other before this.
    wait_until: Option<Instant>,
}

/// Spare pipes kept for the next bulk transfer.
const MOST_SPARE: usize = 16;
/// Smaller pipes cost more calls than copying does.
const SMALLEST_USEFUL: usize = 64 << 10;
/// After the limits have refused a pipe.
const PAUSE: Duration = Duration::from_secs(1);

impl Pool {
    /// At most `most` pipes of `capacity` bytes.
    pub(super) const fn new(most: usize, capacity: usize) -> Self {
        Self {
            spare: Vec::new(),
            lent: 0,
            most,
            capacity,
            wait_until: None,
        }
    }

    /// An empty pipe, unless the budget or the system's limits say no; then bytes are copied.
    pub(super) fn take(&mut self, now: Instant) -> Option<Box<Filled>> {
        let pipe = match self.spare.pop() {
            Some(pipe) => pipe,
            None => self.make(now)?,
        };
        self.lent += 1;
        Some(Box::new(Filled { pipe, bytes: 0 }))
    }

    fn make(&mut self, now: Instant) -> Option<Pipe> {
        let waits = self.wait_until.is_some_and(|until| now < until);
        if self.lent >= self.most || waits {
            return None;
        }
        match Pipe::new(self.capacity) {
            Ok(pipe) if pipe.capacity() >= SMALLEST_USEFUL.min(self.capacity) => Some(pipe),
            _ => {
                self.wait_until = Some(now + PAUSE);
                None
            }
        }
    }

    /// Takes a pipe back; one with bytes left in it is closed.
    pub(super) fn give_back(&mut self, filled: Option<Box<Filled>>) {
        let Some(filled) = filled else { return };
        self.lent -= 1;
        if filled.bytes == 0 && self.spare.len() < MOST_SPARE {
            self.spare.push(filled.pipe);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_come_back_and_the_budget_holds() {
        let now = Instant::now();
        let mut pool = Pool::new(1, 64 << 10);
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
    }
}
