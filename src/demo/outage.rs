//! From a client's attempts, one after the other: for how long nobody was served, and how many
//! connections a second are served now. The rule is that of [`pontoon_lab::probe::Outage`], for a
//! client that does not stop.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use pontoon_lab::probe::Attempt;

/// Over what time connections are counted.
const WINDOW: Duration = Duration::from_secs(1);

/// For how long all must have been served before an interruption counts as over.
pub(super) const STEADY: Duration = Duration::from_millis(300);

/// A time in which attempts failed, all of them or some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interruption {
    /// When its first attempt began.
    pub(super) first_failure: Instant,
    /// The longest outage in it: from the last attempt that was served to the next one that was.
    pub(super) outage: Duration,
    /// Attempts that failed.
    pub(super) failed: usize,
}

/// What a client has met so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Service {
    /// The last attempt that was served.
    last_served: Option<Instant>,
    /// The first attempt of the present run of served ones.
    served_since: Option<Instant>,
    /// The last decided attempt.
    latest: Option<Instant>,
    /// What is not over.
    present: Option<Interruption>,
    /// All attempts that failed.
    failed: usize,
    /// Served attempts of the last second, the latest last.
    recent: VecDeque<Instant>,
}

impl Service {
    /// Takes the next attempt, in the order in which they began; an interruption that it ends is
    /// returned. Nobody has missed anything before the first one that was served.
    pub(super) fn attempt(&mut self, attempt: Attempt) -> Option<Interruption> {
        let Attempt { began, served } = attempt;
        self.latest = Some(began);
        self.forget(began);
        if served == Some(true) {
            return self.success(began);
        }
        if self.last_served.is_some() {
            self.failure(began);
        }
        None
    }

    fn success(&mut self, began: Instant) -> Option<Interruption> {
        let before = self.last_served.replace(began);
        self.recent.push_back(began);
        let after_failure = self.served_since.is_none();
        let since = *self.served_since.get_or_insert(began);
        let present = self.present.as_mut()?;
        if let (true, Some(before)) = (after_failure, before) {
            present.outage = present.outage.max(began.duration_since(before));
        }
        if began.duration_since(since) < STEADY {
            return None;
        }
        self.present.take()
    }

    fn failure(&mut self, began: Instant) {
        self.served_since = None;
        self.failed += 1;
        let present = self.present.get_or_insert(Interruption {
            first_failure: began,
            outage: Duration::ZERO,
            failed: 0,
        });
        present.failed += 1;
    }

    fn forget(&mut self, now: Instant) {
        let old = |one: &Instant| now.duration_since(*one) > WINDOW;
        while self.recent.front().is_some_and(old) {
            self.recent.pop_front();
        }
    }

    /// Connections served in the last second that is known.
    pub(super) fn rate(&self) -> usize {
        self.recent.len()
    }

    /// Attempts that failed, from the beginning.
    pub(super) const fn failed(&self) -> usize {
        self.failed
    }

    /// For how long nobody has been served, if the last attempt failed.
    pub(super) fn out_for(&self) -> Option<Duration> {
        let (last, latest) = (self.last_served?, self.latest?);
        let failing = self.served_since.is_none();
        failing.then(|| latest.duration_since(last))
    }

    /// What is not over, with the outage that goes on.
    pub(super) fn interruption(&self) -> Option<Interruption> {
        let present = self.present?;
        let outage = present.outage.max(self.out_for().unwrap_or_default());
        Some(Interruption { outage, ..present })
    }

    /// Whether all attempts have been served for a while, all of them later than `since`.
    pub(super) fn is_steady(&self, since: Instant) -> bool {
        let (Some(from), Some(to)) = (self.served_since, self.latest) else {
            return false;
        };
        to.saturating_duration_since(from.max(since)) >= STEADY
    }
}

#[cfg(test)]
mod tests {
    use pontoon_lab::probe::{self, INTERVAL};

    use super::*;

    /// So many successes are steady.
    const ENOUGH: usize = 61;

    fn attempts(pattern: &str) -> Vec<Attempt> {
        let start = Instant::now();
        let at = |(mark, at)| Attempt {
            began: start + INTERVAL * at,
            served: Some(mark == '+'),
        };
        pattern.chars().zip(0..).map(at).collect()
    }

    /// What is told of this, once all is steady again; and what is not over then.
    fn told(pattern: &str) -> (Vec<Interruption>, Service) {
        let mut service = Service::default();
        let attempts = attempts(pattern).into_iter();
        let told = attempts.filter_map(|one| service.attempt(one)).collect();
        (told, service)
    }

    #[test]
    fn an_interruption_is_told_when_it_has_ended() {
        let (early, service) = told(&format!("+++--{}", "+".repeat(ENOUGH - 1)));
        assert_eq!(early, []);
        assert_eq!(service.interruption().map(|it| it.failed), Some(2));
        let (told, service) = told(&format!("+++--{}", "+".repeat(ENOUGH)));
        let [one] = told[..] else { panic!("{told:?}") };
        assert_eq!((one.outage, one.failed), (INTERVAL * 3, 2));
        assert_eq!((service.interruption(), service.failed()), (None, 2));
    }

    #[test]
    fn failures_that_follow_each_other_are_one_interruption() {
        let steady = "+".repeat(ENOUGH);
        let (told, _) = told(&format!("+--++---+-+{steady}-{steady}"));
        let told: Vec<_> = told.iter().map(|it| (it.outage, it.failed)).collect();
        assert_eq!(told, [(INTERVAL * 4, 6), (INTERVAL * 2, 1)]);
    }

    #[test]
    fn the_outage_is_what_the_measurements_would_tell() {
        let pattern = format!("+--++---+-+++----+{}", "+".repeat(ENOUGH));
        let expected = probe::Outage::longest(&attempts(&pattern));
        let (told, _) = told(&pattern);
        assert_eq!(told[0].outage, expected.length);
        assert_eq!(told[0].failed, expected.failed);
    }

    #[test]
    fn failures_before_the_first_success_are_nobodys_outage() {
        let (told, service) = told(&format!("---+{}", "+".repeat(ENOUGH)));
        assert_eq!((told, service.failed()), (Vec::new(), 0));
    }

    #[test]
    fn an_outage_that_goes_on_is_seen() {
        let (_, service) = told("++---");
        assert_eq!(service.out_for(), Some(INTERVAL * 3));
        assert_eq!(service.interruption().unwrap().outage, INTERVAL * 3);
    }

    #[test]
    fn service_is_steady_only_with_attempts_after_the_moment_asked_for() {
        let mut service = Service::default();
        let attempts = attempts(&format!("+-{}", "+".repeat(ENOUGH + 1)));
        for attempt in &attempts {
            service.attempt(*attempt);
        }
        assert!(service.is_steady(attempts[0].began));
        assert!(service.is_steady(attempts[3].began));
        assert!(!service.is_steady(attempts[4].began));
    }

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let (_, service) = told(&"+".repeat(500));
        assert_eq!(service.rate(), 201);
    }
}
