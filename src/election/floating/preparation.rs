//! Before it is needed: who this node is at the provider, credentials, and the way there, so that a
//! new master's first call does not wait for them, and an operator hears of what is missing before
//! the failover does. The provider is asked nothing about the address.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use pontoon_config::keepalived::model::FloatingIp;
use pontoon_engine::floating_ip::event::Failure;

use super::address::{Gate, open};
use crate::cloud::fence::Permit;

/// How often it is done while all is well, at most: what has become missing is told within that time.
const INTERVAL: Duration = Duration::from_secs(300);
/// Issuers that have no new credentials yet are not asked more often than that.
const SHORTEST: Duration = Duration::from_secs(30);
/// After a failure, doubled with each further one, up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// How long the credentials are fresh, if they end; or why this node could make no call.
pub(super) type Readiness = Result<Option<Duration>, Failure>;

/// Of one address, while this node is not its master: a master's calls do it all themselves.
pub(super) struct Preparation {
    state: State,
    failures: u32,
    /// Why it fails, and when it last did.
    trouble: Option<(String, Instant)>,
    succeeded: Option<Instant>,
}

enum State {
    Due(Instant),
    Running(Pin<Box<dyn Future<Output = Readiness>>>),
    /// This node is master.
    Suspended,
}

/// What is worth a line in the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    NotReady(String),
    Ready,
}

impl Preparation {
    /// It is due at once.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            state: State::Due(now),
            failures: 0,
            trouble: None,
            succeeded: None,
        }
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Due(at) => Some(at),
            State::Running(_) | State::Suspended => None,
        }
    }

    /// Why this node could make no call, and since when that is known.
    pub(super) const fn trouble(&self) -> Option<&(String, Instant)> {
        self.trouble.as_ref()
    }

    /// When all was last well.
    pub(super) const fn succeeded(&self) -> Option<Instant> {
        self.succeeded
    }

    /// Its time has come.
    pub(super) fn begin(&mut self, gate: Gate, file: FloatingIp, permit: Permit) {
        self.state = State::Running(Box::pin(prepare(gate, file, permit)));
    }

    /// This node becomes master: the calls must not wait for it.
    pub(super) fn suspend(&mut self) {
        self.state = State::Suspended;
    }

    /// This node is master no longer; what its calls used is fresh for a while.
    pub(super) fn resume(&mut self, now: Instant) {
        let (_, after) = BACKOFF;
        self.state = State::Due(now + after);
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Readiness> {
        match &mut self.state {
            State::Running(future) => future.as_mut().poll(context),
            State::Due(_) | State::Suspended => Poll::Pending,
        }
    }

    /// It has ended like this.
    pub(super) fn ended(&mut self, readiness: Readiness, now: Instant) -> Option<Change> {
        let (change, wait) = match readiness {
            Ok(fresh_for) => {
                let wait = fresh_for.map_or(INTERVAL, |time| time.clamp(SHORTEST, INTERVAL));
                (self.works(now), wait)
            }
            Err(failure) => (self.fails(failure.text, now), self.backoff()),
        };
        self.state = State::Due(now + wait);
        change
    }

    /// A call has been answered, so nothing is missing.
    pub(super) fn works(&mut self, now: Instant) -> Option<Change> {
        self.failures = 0;
        self.succeeded = Some(now);
        self.trouble.take().map(|_| Change::Ready)
    }

    /// Told once, whatever else turns out to be missing: the status has the latest.
    pub(super) fn fails(&mut self, reason: String, now: Instant) -> Option<Change> {
        self.failures = self.failures.saturating_add(1);
        let before = self.trouble.replace((reason.clone(), now));
        before.is_none().then_some(Change::NotReady(reason))
    }

    fn backoff(&self) -> Duration {
        let (first, longest) = BACKOFF;
        let doubled = 2_u32.saturating_pow(self.failures.saturating_sub(1));
        first.saturating_mul(doubled).min(longest)
    }
}

async fn prepare(gate: Gate, file: FloatingIp, permit: Permit) -> Readiness {
    let mut gate = gate.lock().await;
    open(&mut gate, &file)?.prepare(&permit).await
}

#[cfg(test)]
mod tests {
    use pontoon_engine::floating_ip::event::FailureKind;

    use super::*;

    fn failure(text: &str) -> Readiness {
        Err(Failure {
            kind: FailureKind::Refused,
            text: text.into(),
        })
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_done_at_once_and_then_before_the_credentials_end() {
        let now = Instant::now();
        let mut it = Preparation::new(now);
        assert_eq!(it.poll_timeout(), Some(now));
        for (fresh_for, wait) in [
            (None, 300),
            (Some(20_000), 300),
            (Some(120), 120),
            (Some(0), 30),
        ] {
            assert_eq!(it.ended(Ok(fresh_for.map(seconds)), now), None);
            assert_eq!(it.poll_timeout(), Some(now + seconds(wait)));
        }
        assert_eq!(it.succeeded(), Some(now));
    }

    #[test]
    fn trouble_is_told_once_and_tried_ever_more_seldom() {
        let now = Instant::now();
        let mut it = Preparation::new(now);
        let told = it.ended(failure("no role"), now);
        assert_eq!(told, Some(Change::NotReady("no role".into())));
        assert_eq!(it.poll_timeout(), Some(now + seconds(5)));
        for wait in [10, 20, 40, 60, 60] {
            assert_eq!(it.ended(failure("no metadata"), now), None);
            assert_eq!(it.poll_timeout(), Some(now + seconds(wait)));
        }
        assert_eq!(it.trouble(), Some(&("no metadata".to_owned(), now)));
        assert_eq!(it.ended(Ok(None), now), Some(Change::Ready));
        assert_eq!(it.trouble(), None);
        assert!(it.ended(failure("no role"), now).is_some(), "told anew");
        assert_eq!(it.poll_timeout(), Some(now + seconds(5)));
    }

    #[test]
    fn a_master_has_its_calls_for_it() {
        let now = Instant::now();
        let mut it = Preparation::new(now);
        it.suspend();
        assert_eq!(it.poll_timeout(), None);
        it.resume(now);
        assert_eq!(it.poll_timeout(), Some(now + seconds(60)));
    }
}
