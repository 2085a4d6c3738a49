//! `tune.pontoon.spin-us`: looking for events for a while before sleeping.
//!
//! Waking a thread costs more than relaying a message. Where messages follow each other faster than
//! that, a thread that looks again and again answers sooner, for the price of the processor.

use std::{
    io,
    time::{Duration, Instant},
};

/// How a data thread waits.
#[derive(Debug)]
pub(super) struct Spin {
    longest: Duration,
    /// Whether the last wait brought something. A thread without work goes to sleep at once.
    lively: bool,
}

impl Spin {
    /// Spins for at most this long before each sleep; zero: never.
    pub(super) const fn new(longest: Duration) -> Self {
        let lively = false;
        Self { longest, lively }
    }

    /// Waits until something happens, for at most `patience`, if there is one. `look` waits for as
    /// long as it is told to, and says whether something has happened.
    ///
    /// # Errors
    /// Those of `look`.
    pub(super) fn wait(
        &mut self,
        patience: Option<Duration>,
        mut look: impl FnMut(Option<Duration>) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut patience = patience;
        if self.lively && !self.longest.is_zero() {
            let begin = Instant::now();
            let spin = patience.map_or(self.longest, |patience| self.longest.min(patience));
            while begin.elapsed() < spin {
                if look(Some(Duration::ZERO))? {
                    return Ok(());
                }
            }
            patience = patience.map(|patience| patience - spin);
        }
        self.lively = look(patience)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Option<Duration> = Some(Duration::from_secs(1));
    const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
    const SPIN: Duration = Duration::from_millis(2);

    /// The looks of one wait. `comes` says at which look something happens; `None`: never.
    fn looks(spin: &mut Spin, comes: Option<usize>) -> Vec<Option<Duration>> {
        let mut looks = Vec::new();
        spin.wait(PATIENCE, |patience| {
            looks.push(patience);
            Ok(Some(looks.len()) == comes)
        })
        .unwrap();
        looks
    }

    #[test]
    fn nobody_spins_unasked() {
        let mut spin = Spin::new(Duration::ZERO);
        for _ in 0..3 {
            assert_eq!(looks(&mut spin, Some(1)), [PATIENCE]);
        }
    }

    #[test]
    fn a_thread_without_work_sleeps_at_once() {
        let mut spin = Spin::new(SPIN);
        for _ in 0..3 {
            assert_eq!(looks(&mut spin, None), [PATIENCE]);
        }
    }

    #[test]
    fn a_busy_thread_looks_before_it_sleeps_and_once_only() {
        let mut spin = Spin::new(SPIN);
        assert_eq!(looks(&mut spin, Some(1)), [PATIENCE]);
        // What comes while it spins is found without sleeping, and keeps it going.
        for _ in 0..3 {
            assert_eq!(looks(&mut spin, Some(2)), [AT_ONCE; 2]);
        }
        // Nothing more comes: it spins for as long as it may, then sleeps for the rest.
        let last = looks(&mut spin, None);
        assert_eq!(last.last(), Some(&PATIENCE.map(|all| all - SPIN)));
        assert!(last.len() > 1);
        assert_eq!(looks(&mut spin, None), [PATIENCE]);
    }

    #[test]
    fn a_timer_that_is_due_is_not_kept_waiting() {
        let mut spin = Spin::new(SPIN);
        spin.wait(PATIENCE, |_| Ok(true)).unwrap();
        let mut looks = Vec::new();
        spin.wait(AT_ONCE, |patience| {
            looks.push(patience);
            Ok(false)
        })
        .unwrap();
        assert_eq!(looks, [AT_ONCE]);
    }

    #[test]
    fn without_a_limit_it_sleeps_without_one() {
        let mut spin = Spin::new(SPIN);
        spin.wait(None, |_| Ok(true)).unwrap();
        let mut last = AT_ONCE;
        spin.wait(None, |patience| {
            last = patience;
            Ok(patience.is_none())
        })
        .unwrap();
        assert_eq!(last, None);
    }
}
