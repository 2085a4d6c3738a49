//! What a supervisor waits for.

use std::{
    io::Read as _,
    os::fd::{AsFd as _, BorrowedFd},
    time::{Duration, Instant},
};

use pontoon_sys::process::{
    Signal,
    child::{End, reap},
    signal::Signals,
    wait::readable,
};

use super::{Proxy, worker::Worker};

/// The signals it handles; all but SIGCHLD are passed on.
pub(super) const SIGNALS: &[Signal] = &[
    Signal::CHILD,
    Signal::TERM,
    Signal::INT,
    Signal::USR1,
    Signal::USR2,
    Signal::HUP,
    Signal::QUIT,
    Signal::TTOU,
    Signal::TTIN,
];

/// Something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The proxy serves.
    Ready,
    /// The proxy ended.
    Ended(End),
    /// A signal for the proxy.
    Signal(Signal),
    /// The wait is over.
    TimeToRestart,
}

/// Everything that can make something happen.
pub(super) struct Watch<'a> {
    pub(super) signals: &'a Signals,
    pub(super) proxy: &'a Proxy,
}

impl Watch<'_> {
    /// Waits for the next event.
    pub(super) fn next(&self) -> Event {
        loop {
            if let Some(event) = self.wait() {
                return event;
            }
        }
    }

    fn wait(&self) -> Option<Event> {
        let (worker, ready, until) = match self.proxy {
            Proxy::Starting(worker) => (Some(worker), Some(worker.ready().as_fd()), None),
            Proxy::Up { worker, .. } => (Some(worker), None, None),
            Proxy::Waiting { until } => (None, None, Some(*until)),
        };
        let process: Option<BorrowedFd<'_>> =
            worker.map(|worker| worker.process().descriptor().as_fd());
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let descriptors = [Some(self.signals.as_fd()), process, ready];
        let Ok([.., is_ready]) = readable(descriptors, timeout) else {
            // Out of memory, at worst: try again, but do not spin.
            std::thread::sleep(Duration::from_millis(100));
            return None;
        };
        // In the order in which things happen to a process. A signal goes before an end: whoever
        // signals the whole group (a terminal, systemd) has asked for the end that follows.
        let ready = worker.filter(|worker| is_ready && says_ready(worker));
        ready
            .map(|_| Event::Ready)
            .or_else(|| self.signal())
            .or_else(|| ended(worker))
            .or_else(|| {
                until
                    .filter(|until| Instant::now() >= *until)
                    .map(|_| Event::TimeToRestart)
            })
    }

    fn signal(&self) -> Option<Event> {
        // SIGCHLD has done its work by waking us: the dead are reaped next.
        let mut signals = std::iter::from_fn(|| self.signals.next());
        signals
            .find(|signal| *signal != Signal::CHILD)
            .map(Event::Signal)
    }
}

fn says_ready(worker: &Worker) -> bool {
    // The end of the pipe without a byte: it is dying.
    matches!(worker.ready().read(&mut [0]), Ok(1))
}

/// Reaps whoever ended: the proxy, or orphans that were left to us.
fn ended(worker: Option<&Worker>) -> Option<Event> {
    while let Some((pid, end)) = reap() {
        if worker.is_some_and(|worker| worker.process().pid() == pid) {
            return Some(Event::Ended(end));
        }
    }
    None
}
