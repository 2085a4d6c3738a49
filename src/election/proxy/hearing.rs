//! Listening to one proxy process.

use std::{
    fs, io,
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::event::{Proxy, Servers};
use pontoon_sys::readiness::Readiness;
use tokio::time::sleep_until;

use super::vital::Vital;
use crate::node::beat::{Felt, Pulse};

/// The first wait before another attempt to listen; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// The longest one.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Listens to a process, or to the worker of a master process.
///
/// One that was never heard is taken for a real HAProxy, which has no beat: it serves for as long
/// as it lives.
#[derive(Debug)]
pub(super) struct Hearing {
    pid: u32,
    link: Link,
    /// Once it was heard.
    vital: Option<Vital>,
}

#[derive(Debug)]
enum Link {
    Connected { pulse: Pulse, readiness: Readiness },
    Waiting { until: Instant, wait: Duration },
}

impl Hearing {
    /// Begins to listen. To be called inside the event loop.
    pub(super) fn of(pid: u32, now: Instant) -> Self {
        let mut hearing = Self {
            pid,
            link: Link::Waiting {
                until: now,
                wait: FIRST_WAIT,
            },
            vital: None,
        };
        hearing.look(now);
        hearing
    }

    /// Whom we listen to.
    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// What is known of it; `None`: nothing yet.
    pub(super) fn state(&self, now: Instant) -> Option<Proxy> {
        match &self.vital {
            Some(vital) => vital.state(now),
            None => Some(Proxy::Serving(Servers::Unchecked)),
        }
    }

    /// Whether it has said that its end was asked for.
    pub(super) fn is_stopping(&self) -> bool {
        self.vital.as_ref().is_some_and(Vital::is_stopping)
    }

    /// For how long it has been silent, if it is hung and this is due to be reported.
    pub(super) fn hung_report(&mut self, now: Instant) -> Option<Duration> {
        self.vital.as_mut()?.hung_report(now)
    }

    /// Waits until something may have changed. Nothing is lost if the future is dropped.
    pub(super) async fn changed(&mut self) {
        let silence = self.vital.as_ref().map(Vital::poll_timeout);
        match &self.link {
            Link::Connected { readiness, .. } => tokio::select! {
                biased;
                _ = readiness.readable() => {}
                () = until(silence) => {}
            },
            Link::Waiting { until: retry, .. } => {
                let next = silence.map_or(*retry, |silence| silence.min(*retry));
                until(Some(next)).await;
            }
        }
        self.look(Instant::now());
    }

    /// Takes in what has come.
    pub(super) fn look(&mut self, now: Instant) {
        match &self.link {
            Link::Connected { pulse, .. } => loop {
                match (pulse.feel(), &mut self.vital) {
                    (Felt::Beat(beat), Some(vital)) => vital.heard(beat, now),
                    (Felt::End, _) => {
                        self.wait(now, FIRST_WAIT);
                        return;
                    }
                    (Felt::Nothing | Felt::Beat(_), _) => return,
                }
            },
            Link::Waiting { until, wait } if now >= *until => {
                let wait = *wait;
                match connect(self.pid) {
                    Ok((pulse, readiness)) => {
                        self.link = Link::Connected { pulse, readiness };
                        // A connection proves that it is there, not that it is awake: a hung
                        // process that is connected again is as silent as before.
                        self.vital.get_or_insert_with(|| Vital::new(now));
                        self.look(now);
                    }
                    Err(_) => self.wait(now, wait),
                }
            }
            Link::Waiting { .. } => {}
        }
    }

    fn wait(&mut self, now: Instant, wait: Duration) {
        self.link = Link::Waiting {
            until: now + wait,
            wait: (wait * 2).min(LONGEST_WAIT),
        };
    }
}

/// Listens to the process itself, or to a child: in a master-worker pair, the worker beats.
fn connect(pid: u32) -> io::Result<(Pulse, Readiness)> {
    let pulse = Pulse::of(pid).or_else(|error| {
        let mut workers = children(pid).into_iter();
        let heard = workers.find_map(|worker| Pulse::of(worker).ok());
        heard.ok_or(error)
    })?;
    let readiness = Readiness::of(&pulse)?;
    Ok((pulse, readiness))
}

/// The children of a process, as far as the kernel tells.
fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    let numbers = list.split_whitespace();
    numbers.filter_map(|number| number.parse().ok()).collect()
}

/// Waits until then; for ever without a time.
async fn until(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}
