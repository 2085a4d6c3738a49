//! How busy the process has been lately: processor time and bytes, between two looks.
//!
//! Nothing is measured while nobody looks. A look tells of the time since the one before, if that
//! was a second ago or more; looks in between tell the same again, so that two scrapers do not
//! take each other's time away.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A shorter time says nothing.
const SHORTEST: Duration = Duration::from_secs(1);

/// What was seen at a look.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// When.
    pub at: Instant,
    /// Processor time used so far, of all threads.
    pub used: Duration,
    /// Bytes sent so far.
    pub bytes_out: u64,
}

/// How busy the process was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// The share of its data threads' time that it did not use, in percent.
    pub idle_percent: u32,
    /// Bytes sent a second.
    pub bytes_out_rate: u64,
}

/// Compares a look with the one before.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<Option<Last>>);

#[derive(Debug, Clone, Copy)]
struct Last {
    reading: Reading,
    effort: Effort,
}

impl Pulse {
    /// How busy the process was since the last look; at the first one, since `start`.
    pub fn look(&self, now: Reading, start: Reading, threads: usize) -> Effort {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.map_or(start, |last| last.reading);
        let elapsed = now.at.saturating_duration_since(before.at);
        if let Some(last) = *last
            && elapsed < SHORTEST
        {
            return last.effort;
        }
        let effort = Effort::between(before, now, elapsed, threads);
        *last = Some(Last {
            reading: now,
            effort,
        });
        effort
    }
}

impl Effort {
    fn between(before: Reading, now: Reading, elapsed: Duration, threads: usize) -> Self {
        let millis = elapsed.as_millis().max(1);
        let used = now.used.saturating_sub(before.used).as_millis();
        let had = millis * threads.max(1) as u128;
        let busy = (used * 100 / had).min(100);
        let sent = u128::from(now.bytes_out.saturating_sub(before.bytes_out));
        Self {
            idle_percent: 100 - u32::try_from(busy).unwrap_or(100),
            bytes_out_rate: u64::try_from(sent * 1000 / millis).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_look_at_once_see_the_same() {
        let begin = Instant::now();
        let at = |millis, used, bytes_out| Reading {
            at: begin + Duration::from_millis(millis),
            used: Duration::from_millis(used),
            bytes_out,
        };
        let start = at(0, 0, 0);
        let pulse = Pulse::default();
        let first = pulse.look(at(2_000, 1_000, 4_000), start, 2);
        assert_eq!((first.idle_percent, first.bytes_out_rate), (75, 2_000));
        assert_eq!(pulse.look(at(2_500, 2_000, 9_000), start, 2), first);
        let later = pulse.look(at(4_000, 5_000, 4_000), start, 2);
        assert_eq!((later.idle_percent, later.bytes_out_rate), (0, 0));
    }
}
