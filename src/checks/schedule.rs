//! When servers are probed, and when the backends' own timers run.
//!
//! One sleeping task for each checked server, agent and backend: a server's next probe begins
//! an interval after its last one ended, so two never overlap.

use std::{future::Future, sync::Arc, time::Duration};

use pontoon_config::haproxy::model::Global;
use pontoon_engine::{
    health::CheckResult,
    units::{ProxyId, ServerId},
};
use tokio::time::{Instant, sleep_until};

use self::jitter::{Factor, Jitter};
use super::{probe::Probe, subject::Subject};
use crate::state::{BackendState, Running, histogram::CHECK_BOUNDS};

pub(super) mod jitter;

/// What is probed again and again.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) proxy: ProxyId,
    pub(super) server: ServerId,
    pub(super) role: Role,
    pub(super) probe: Probe,
    /// How long after the start the first probe waits, so that not all begin at once.
    pub(super) offset: Duration,
}

/// Whose word a probe brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A health check.
    Health,
    /// An agent, asked every so often.
    Agent {
        /// `agent-inter`.
        interval: Duration,
    },
}

/// The first probe of the job number `index` of `count`: spread over the job's own interval,
/// or over `max-spread-checks` if that is shorter.
pub(super) fn offset(interval: Duration, global: &Global, index: usize, count: usize) -> Duration {
    let window = global
        .max_spread_checks
        .map_or(interval, |most| most.min(interval));
    let part = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let nanos = window.as_nanos() * u128::from(part(index)) / u128::from(part(count).max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl Job {
    /// Probes as long as the server is there.
    pub(super) async fn run(self, running: Arc<Running>, started: Instant) {
        let Some(subject) = Subject::new(&running, self.proxy, self.server) else {
            return;
        };
        let mut jitter = Jitter::new(running.model.global.spread_checks);
        let mut ended = self.goes_on_from(subject, started);
        if ended.is_none() {
            sleep_until(started + self.offset).await;
        }
        loop {
            if !self.wait(subject, ended, jitter.next()).await {
                return;
            }
            // Boxed: what a conversation needs is had while it lasts, not by every sleeping task.
            let result = Box::pin(self.probe.run(subject)).await;
            self.report(&running, result);
            ended = Some(Instant::now());
        }
    }

    /// When another process ended its last probe, from whom we took over: the next one is an interval
    /// after that. Not if it is overdue, since then many may be.
    fn goes_on_from(&self, subject: Subject<'_>, started: Instant) -> Option<Instant> {
        let (checked, asked) = subject.state.balancer().last_probes(self.server);
        let last = match self.role {
            Role::Health => checked,
            Role::Agent { .. } => asked,
        };
        let last = Instant::from_std(last?);
        (last + self.interval(subject)? > started).then_some(last)
    }

    /// Sleeps until a probe is due, counted from the end of the last one. The interval is asked
    /// for again whenever the server's state changes: it may have become shorter. False if the server
    /// was deleted.
    async fn wait(&self, subject: Subject<'_>, ended: Option<Instant>, factor: Factor) -> bool {
        loop {
            if subject.counters().is_gone() {
                return false;
            }
            let changed = match self.role {
                Role::Health => &subject.counters().state_changed,
                Role::Agent { .. } => &subject.counters().agent_changed,
            };
            let Some(interval) = self.interval(subject) else {
                changed.notified().await;
                continue;
            };
            let due = ended.map(|ended| ended + factor.apply(interval));
            let Some(due) = due.filter(|due| *due > Instant::now()) else {
                return true;
            };
            either(sleep_until(due), changed.notified()).await;
        }
    }

    /// The pause that is right now; `None` while the server should be left alone.
    fn interval(&self, subject: Subject<'_>) -> Option<Duration> {
        match self.role {
            Role::Health => subject.state.balancer().check_interval(self.server),
            Role::Agent { interval } => {
                let asked = subject.state.balancer().asks_agent(self.server);
                asked.then_some(interval)
            }
        }
    }

    /// Agents tell of themselves, not of the service.
    fn count(&self, running: &Running, result: &CheckResult) {
        if let (Role::Health, Some(backend)) = (&self.role, running.backend(self.proxy)) {
            let [passed, failed] = &backend.checks;
            let checks = if result.status.passed() {
                passed
            } else {
                failed
            };
            let micros = u64::try_from(result.duration.as_micros()).unwrap_or(u64::MAX);
            checks.of(0).count(micros, &CHECK_BOUNDS);
        }
    }

    fn report(&self, running: &Running, result: CheckResult) {
        let now = std::time::Instant::now();
        self.count(running, &result);
        running.with_backend(self.proxy, now, |backend| match self.role {
            Role::Health => backend.check_finished(self.server, result, now),
            Role::Agent { .. } => {
                let text = result.info.as_deref().unwrap_or_default();
                backend.agent_finished(self.server, result.status, text, result.duration, now);
            }
        });
    }
}

/// Runs a backend's timers (slowstart) for ever.
pub(super) async fn drive_timers(running: Arc<Running>, proxy: ProxyId) {
    let Some(state) = running.backend(proxy) else {
        return;
    };
    loop {
        wait_for_timer(state).await;
        let now = std::time::Instant::now();
        running.with_backend(proxy, now, |backend| {
            if backend.poll_timeout().is_some_and(|due| due <= now) {
                backend.handle_timeout(now);
            }
        });
    }
}

async fn wait_for_timer(state: &BackendState) {
    let due = state.balancer().poll_timeout();
    let changed = state.timers_changed.notified();
    match due {
        None => changed.await,
        Some(due) => either(sleep_until(due.into()), changed).await,
    }
}

/// Waits for whichever comes first.
async fn either(a: impl Future<Output = ()>, b: impl Future<Output = ()>) {
    tokio::select! {
        () = a => {}
        () = b => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(intervals: &[u64], most: Option<u64>) -> Vec<u128> {
        let global = Global {
            max_spread_checks: most.map(Duration::from_millis),
            ..Global::default()
        };
        let offset = |(index, ms): (usize, &u64)| {
            offset(Duration::from_millis(*ms), &global, index, intervals.len()).as_millis()
        };
        intervals.iter().enumerate().map(offset).collect()
    }

    #[test]
    fn first_checks_are_spread_over_each_servers_interval() {
        assert_eq!(offsets(&[4000; 4], None), [0, 1000, 2000, 3000]);
        let mixed = [4000, 4000, 4000, 4000, 4000, 1000, 1000, 1000, 1000, 1000];
        let expected = [0, 400, 800, 1200, 1600, 500, 600, 700, 800, 900];
        assert_eq!(offsets(&mixed, None), expected);
    }

    #[test]
    fn max_spread_checks_narrows_the_window() {
        assert_eq!(offsets(&[4000; 4], Some(400)), [0, 100, 200, 300]);
        assert_eq!(
            offsets(&[4000, 4000, 1000, 1000], Some(2000)),
            [0, 500, 500, 750]
        );
    }
}
