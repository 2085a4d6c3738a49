//! Stopping: the election first, which resigns and gives its addresses back, then the proxy.

use std::time::{Duration, Instant};

use pontoon_sys::process::Signal;

use super::{Role, Supervisor, child::Child, process::Kind, systemd};

/// How long the election may take: its scripts may have something to say.
const PATIENCE_WITH_ELECTION: Duration = Duration::from_secs(7);
/// How long a proxy may take that was told to end at once. A soft stop takes as long as it takes.
const PATIENCE_WITH_PROXY: Duration = Duration::from_secs(5);

/// A stop that was asked for.
#[derive(Debug)]
pub(super) struct Stop {
    /// What the proxy is told when its turn comes.
    signal: Signal,
    /// Whose turn it is.
    turn: Kind,
    /// When whoever's turn it is has had its time.
    patience: Option<Instant>,
}

impl Stop {
    pub(super) const fn patience(&self) -> Option<Instant> {
        self.patience
    }
}

impl Supervisor {
    /// The same signal again does not change anything but the mind of who is in no hurry: TERM
    /// and INT end a soft stop, and whoever asks twice does not want to wait for the election.
    pub(super) fn begin_stop(&mut self, signal: Signal) {
        if let Some(stop) = &mut self.stop {
            stop.signal = signal;
            return match stop.turn {
                Kind::Election => self.stop_proxy(signal),
                Kind::Proxy => self.signal_proxy(signal),
            };
        }
        systemd::notify("STOPPING=1");
        if self.role == Role::Master {
            self.voice.warning("Exiting Master process...");
        }
        self.abandon_reload();
        // Who waits for its restart needs none.
        let waiting = self.children.all_mut();
        let waiting = waiting.filter(|child| child.process().is_none());
        waiting.for_each(Child::finish);
        self.stop = Some(Stop {
            signal,
            turn: Kind::Election,
            patience: Some(Instant::now() + PATIENCE_WITH_ELECTION),
        });
        self.pass(Kind::Election, Signal::TERM);
        self.go_on_stopping();
    }

    /// Once the election has ended, it is the proxy's turn.
    pub(super) fn go_on_stopping(&mut self) {
        let election = self.children.election.as_ref();
        if election.is_none_or(Child::has_ended)
            && let Some(stop) = &self.stop
            && stop.turn == Kind::Election
        {
            self.stop_proxy(stop.signal);
        }
    }

    fn stop_proxy(&mut self, signal: Signal) {
        if let Some(stop) = &mut self.stop {
            stop.turn = Kind::Proxy;
        }
        self.signal_proxy(signal);
    }

    fn signal_proxy(&mut self, signal: Signal) {
        self.pass(Kind::Proxy, signal);
        self.signal_leaving(signal);
        if let Some(stop) = &mut self.stop {
            let soft = signal == Signal::USR1;
            stop.patience = (!soft).then(|| Instant::now() + PATIENCE_WITH_PROXY);
        }
    }

    pub(super) fn stop_is_overdue(&mut self) {
        if let Some(stop) = &mut self.stop {
            stop.patience = None;
        }
        for child in self.children.all().filter(|child| !child.has_ended()) {
            let name = child.kind.name();
            let is_proxy_in_wait = child.kind == Kind::Proxy
                && self
                    .stop
                    .as_ref()
                    .is_some_and(|stop| stop.turn == Kind::Election);
            if !is_proxy_in_wait {
                self.voice
                    .warning(format!("the {name} takes too long to stop; it is killed"));
                child.signal(Signal::KILL);
            }
        }
        let turn = self.stop.as_ref().map(|stop| stop.turn);
        if turn == Some(Kind::Proxy) {
            self.signal_leaving(Signal::KILL);
        }
    }
}
