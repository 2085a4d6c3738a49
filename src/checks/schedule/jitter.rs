//! `spread-checks`: a little randomness, so that checks of one machine do not stay in step.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

/// Makes factors around 1.
#[derive(Debug)]
pub(crate) struct Jitter {
    percent: i8,
    state: u64,
}

/// Stretches or shortens a pause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Factor(f64);

impl Jitter {
    /// At most `percent` of the interval, more or less.
    pub(crate) fn new(percent: i8) -> Self {
        // Each hasher of the standard library has keys of its own.
        let state = RandomState::new().build_hasher().finish() | 1;
        Self { percent, state }
    }

    /// The next factor.
    pub(crate) fn next(&mut self) -> Factor {
        if self.percent == 0 {
            return Factor(1.0);
        }
        // xorshift64 (Marsaglia 2003): nobody gains by guessing it.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let upper = u32::try_from(self.state >> 32).unwrap_or(u32::MAX);
        let unit = f64::from(upper) / f64::from(u32::MAX);
        Factor(1.0 + (unit * 2.0 - 1.0) * f64::from(self.percent) / 100.0)
    }
}

impl Factor {
    /// The pause, changed.
    pub(crate) fn apply(self, pause: Duration) -> Duration {
        pause.mul_f64(self.0.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_spread_changes_nothing() {
        assert_eq!(Jitter::new(0).next().apply(SECOND), SECOND);
    }

    #[test]
    fn half_spread_stays_between_half_and_one_and_a_half() {
        let mut jitter = Jitter::new(50);
        let pauses: Vec<_> = (0..1000).map(|_| jitter.next().apply(SECOND)).collect();
        let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(
            *least >= SECOND / 2 && *least < SECOND * 6 / 10,
            "{least:?}"
        );
        assert!(
            *most <= SECOND * 3 / 2 && *most > SECOND * 14 / 10,
            "{most:?}"
        );
    }
}
