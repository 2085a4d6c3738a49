//! After a failed connection: again, elsewhere, or not at all
//! (HAProxy configuration manual, 4.2 `retries` and `option redispatch`).

use std::time::Duration;

/// How often and where a failed connection is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub retries: u32,
    /// `option redispatch`: every n-th retry goes elsewhere; negative: the n-th before the end,
    /// `-1` being the last one. `None`: never.
    pub redispatch: Option<i32>,
    /// The algorithm takes servers in turn (all but hashes): whoever failed is not asked again
    /// if there is another.
    pub takes_turns: bool,
    /// `timeout connect`: the pause before asking the same server again is never longer.
    pub connect: Option<Duration>,
}

/// What to do after a failed connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Ask the same server after this pause.
    Again(Duration),
    /// Pick another server.
    Elsewhere,
    /// The session has failed.
    GiveUp,
}

/// A server that restarts needs a moment.
const TURN_AROUND: Duration = Duration::from_secs(1);

impl RetryPolicy {
    /// `done` retries have been made before this failure; `others`: another server is usable.
    /// An attempt that `timed_out` has waited long enough: the next one follows at once.
    #[must_use]
    pub fn after_failure(&self, done: u32, others: bool, timed_out: bool) -> AfterFailure {
        if done >= self.retries {
            return AfterFailure::GiveUp;
        }
        let allowed = self.redispatch.is_some_and(|every| every != 0);
        if others && (self.redispatches(done + 1) || allowed && self.takes_turns) {
            return AfterFailure::Elsewhere;
        }
        let pause = if timed_out {
            Duration::ZERO
        } else {
            self.connect.unwrap_or(TURN_AROUND).min(TURN_AROUND)
        };
        AfterFailure::Again(pause)
    }

    /// Whether the n-th retry goes elsewhere.
    #[must_use]
    pub fn redispatches(&self, retry: u32) -> bool {
        match self.redispatch {
            None | Some(0) => false,
            Some(every) if every > 0 => retry.is_multiple_of(every.unsigned_abs()),
            Some(before_last) => retry + before_last.unsigned_abs() == self.retries + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(retries: u32, redispatch: Option<i32>) -> Vec<AfterFailure> {
        let policy = RetryPolicy {
            retries,
            redispatch,
            takes_turns: false,
            connect: Some(Duration::from_secs(5)),
        };
        (0..=retries)
            .map(|done| policy.after_failure(done, true, false))
            .collect()
    }

    const AGAIN: AfterFailure = AfterFailure::Again(TURN_AROUND);

    #[test]
    fn without_redispatch_the_same_server_is_asked_until_the_end() {
        assert_eq!(course(2, None), [AGAIN, AGAIN, AfterFailure::GiveUp]);
        assert_eq!(course(0, None), [AfterFailure::GiveUp]);
        assert_eq!(course(1, Some(0)), [AGAIN, AfterFailure::GiveUp]);
    }

    #[test]
    fn redispatch_takes_the_last_retry() {
        use AfterFailure::{Elsewhere, GiveUp};
        assert_eq!(course(3, Some(-1)), [AGAIN, AGAIN, Elsewhere, GiveUp]);
        assert_eq!(course(3, Some(-2)), [AGAIN, Elsewhere, AGAIN, GiveUp]);
        assert_eq!(course(1, Some(-3)), [AGAIN, GiveUp]);
    }

    #[test]
    fn redispatch_takes_every_nth_retry() {
        use AfterFailure::{Elsewhere, GiveUp};
        assert_eq!(course(2, Some(1)), [Elsewhere, Elsewhere, GiveUp]);
        assert_eq!(
            course(4, Some(2)),
            [AGAIN, Elsewhere, AGAIN, Elsewhere, GiveUp]
        );
    }

    #[test]
    fn the_pause_is_no_longer_than_the_connect_timeout() {
        let policy = RetryPolicy {
            retries: 1,
            redispatch: None,
            takes_turns: true,
            connect: Some(Duration::from_millis(300)),
        };
        let pause = Duration::from_millis(300);
        assert_eq!(
            policy.after_failure(0, true, false),
            AfterFailure::Again(pause)
        );
        assert_eq!(
            policy.after_failure(0, true, true),
            AfterFailure::Again(Duration::ZERO)
        );
    }

    #[test]
    fn with_turns_any_retry_may_go_elsewhere_if_there_is_another() {
        let policy = RetryPolicy {
            retries: 3,
            redispatch: Some(-1),
            takes_turns: true,
            connect: None,
        };
        assert_eq!(
            policy.after_failure(0, true, false),
            AfterFailure::Elsewhere
        );
        assert_eq!(policy.after_failure(0, false, false), AGAIN);
        assert_eq!(policy.after_failure(2, false, false), AGAIN);
        let none = RetryPolicy {
            redispatch: None,
            ..policy
        };
        assert_eq!(none.after_failure(0, true, false), AGAIN);
    }
}
