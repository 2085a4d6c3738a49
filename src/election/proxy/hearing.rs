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
    Connected(Connection),
    Waiting { until: Instant, wait: Duration },
}

/// The process itself, or, of a master-worker pair, a worker.
#[derive(Debug)]
struct Connection {
    pid: u32,
    pulse: Pulse,
    readiness: Readiness,
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

    /// Whether it has said that it stops, or nothing more comes from it.
    pub(super) fn leaves(&self) -> bool {
        self.is_stopping() || matches!(self.link, Link::Waiting { .. })
    }

    /// For how long it has been silent, if it is hung and this is due to be reported.
    pub(super) fn hung_report(&mut self, now: Instant) -> Option<Duration> {
        self.vital.as_mut()?.hung_report(now)
    }

    /// Waits until something may have changed. Nothing is lost if the future is dropped.
    pub(super) async fn changed(&mut self) {
        let silence = self.vital.as_ref().map(Vital::poll_timeout);
        match &self.link {
            Link::Connected(connection) => tokio::select! {
                biased;
                _ = connection.readiness.readable() => {}
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
            Link::Connected(_) => self.listen(now),
            Link::Waiting { until, wait } if now >= *until => {
                let wait = *wait;
                match connect(self.pid) {
                    Ok(connection) => {
                        self.link = Link::Connected(connection);
                        // A connection proves that it is there, not that it is awake: a hung
                        // process that is connected again is as silent as before.
                        self.vital.get_or_insert_with(|| Vital::new(now));
                        self.listen(now);
                    }
                    Err(_) => self.wait(now, wait),
                }
            }
            Link::Waiting { .. } => {}
        }
    }

    /// A worker that stops or ends is replaced by another one of its master's: after a reload that
    /// one is there before the old one says a word.
    fn listen(&mut self, now: Instant) {
        while let Link::Connected(connection) = &self.link {
            match (connection.pulse.feel(), &mut self.vital) {
                (Felt::Beat(beat), Some(vital)) => {
                    if beat.stopping
                        && let Some(successor) = another_worker(self.pid, connection.pid)
                    {
                        vital.replaced(now);
                        self.link = Link::Connected(successor);
                    } else {
                        vital.heard(beat, now);
                    }
                }
                (Felt::End, vital) => match (another_worker(self.pid, connection.pid), vital) {
                    (Some(successor), Some(vital)) => {
                        vital.replaced(now);
                        self.link = Link::Connected(successor);
                    }
                    _ => self.wait(now, FIRST_WAIT),
                },
                (Felt::Nothing | Felt::Beat(_), _) => return,
            }
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
fn connect(pid: u32) -> io::Result<Connection> {
    Connection::to(pid).or_else(|error| another_worker(pid, pid).ok_or(error))
}

/// A worker of this master that beats and is not this one; nobody if this one is no worker.
fn another_worker(master: u32, but: u32) -> Option<Connection> {
    let mut workers = children(master).into_iter();
    workers.find_map(|worker| (worker != but).then(|| Connection::to(worker).ok())?)
}

impl Connection {
    fn to(pid: u32) -> io::Result<Self> {
        let pulse = Pulse::of(pid)?;
        let readiness = Readiness::of(&pulse)?;
        Ok(Self {
            pid,
            pulse,
            readiness,
        })
    }
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
