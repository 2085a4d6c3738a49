//! What the election knows of this node's proxy.
//!
//! ```text
//! supervised:  the supervisor's word (starting, ready, ended) ─┐
//!                                       the proxy's beat ──────┼─► Starting │ Serving │ Down
//! by itself:   pid file ─► pidfd ─► its end ───────────────────┘
//! ```

mod hearing;
mod twin;
mod vital;

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    path::PathBuf,
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::event::{Proxy, ProxyFault};
use serde::{Deserialize, Serialize};

use self::{hearing::Hearing, twin::Twin};
use super::log::Log;
use crate::node::message::ToElection;

/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// For the machine.
    Proxy(Proxy),
    /// For the supervisor: the proxy does not answer. Told once a second while that lasts.
    Hung {
        /// Its process.
        pid: u32,
        /// For how long.
        silent_for: Duration,
    },
}

/// Who is followed, for the next program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Followed {
    /// The supervisor will tell.
    Nobody,
    /// The supervisor's proxy.
    Process(u32),
    /// Whoever somebody else starts.
    Twin,
}

/// Follows the proxy.
#[derive(Debug)]
pub struct ProxyWatch {
    source: Source,
    /// Where a proxy that somebody else started writes its number.
    pidfile: PathBuf,
    log: Log,
    /// The supervisor starts a successor: what looks like an end is none.
    replacing: bool,
    /// The machine's last news.
    said: Option<Proxy>,
    news: VecDeque<News>,
}

#[derive(Debug)]
enum Source {
    /// The supervisor tells of its proxy; while that serves, we listen to it.
    Supervisor(Option<Hearing>),
    /// Somebody else may have started one.
    Twin(Twin),
}

impl ProxyWatch {
    /// Waits for a supervisor's word. If that is `NoProxy`, a proxy that somebody else starts is
    /// found by this pid file.
    #[must_use]
    pub const fn supervised(pidfile: PathBuf, log: Log) -> Self {
        Self {
            source: Source::Supervisor(None),
            pidfile,
            log,
            replacing: false,
            said: None,
            news: VecDeque::new(),
        }
    }

    /// Finds a proxy that somebody else starts. To be called inside the event loop.
    #[must_use]
    pub fn twin(pidfile: PathBuf, log: Log) -> Self {
        let mut watch = Self::supervised(pidfile, log);
        watch.look_for_twin();
        watch
    }

    /// Who is followed; `None` while it is being replaced.
    #[must_use]
    pub fn followed(&self) -> Option<Followed> {
        match &self.source {
            _ if self.replacing || !self.news.is_empty() => None,
            Source::Supervisor(None) => Some(Followed::Nobody),
            Source::Supervisor(Some(hearing)) => Some(Followed::Process(hearing.pid())),
            Source::Twin(_) => Some(Followed::Twin),
        }
    }

    /// Goes on where the program before was, which has told the machine this. To be called inside the
    /// event loop.
    #[must_use]
    pub fn resumed(followed: Followed, said: Option<Proxy>, pidfile: PathBuf, log: Log) -> Self {
        let mut watch = Self::supervised(pidfile, log);
        watch.said = said;
        match followed {
            Followed::Nobody => {}
            Followed::Process(pid) => watch.told(&ToElection::ProxyReady { pid }),
            Followed::Twin => watch.look_for_twin(),
        }
        watch
    }

    /// The supervisor has spoken. What concerns no proxy is ignored. To be called inside the event
    /// loop.
    pub fn told(&mut self, message: &ToElection) {
        let now = Instant::now();
        match message {
            ToElection::NoProxy => self.look_for_twin(),
            ToElection::ProxyReplacing => self.replacing = true,
            ToElection::ProxyReady { pid } => {
                self.replacing = false;
                self.source = Source::Supervisor(Some(Hearing::of(*pid, now)));
                self.judge(now);
            }
            // That one that was down starts again is no news: it is down until it serves.
            ToElection::ProxyStarting if self.said.is_none() => self.say(Proxy::Starting),
            ToElection::ProxyStarting
            | ToElection::Prepare { .. }
            | ToElection::Abandon
            | ToElection::Renew { .. }
            | ToElection::Reload { .. }
            | ToElection::StatusWanted { .. }
            | ToElection::SwitchoverWanted { .. }
            | ToElection::FloatingIpWanted { .. } => {}
            ToElection::ProxyEnded { asked_for, .. } => self.ended(if *asked_for {
                ProxyFault::Stopped
            } else {
                ProxyFault::Died
            }),
            ToElection::ProxyCannotStart { .. } => self.ended(ProxyFault::CannotStart),
        }
    }

    /// Whether news of an end are to be ignored: its successor is being started.
    pub fn is_replaced(&self) -> bool {
        let leaves = |hearing: &Hearing| self.replacing && hearing.leaves();
        matches!(&self.source, Source::Supervisor(Some(hearing)) if leaves(hearing))
    }

    /// The next news. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> News {
        loop {
            if let Some(news) = self.news.pop_front() {
                return news;
            }
            match &mut self.source {
                Source::Supervisor(None) => std::future::pending().await,
                Source::Supervisor(Some(hearing)) => hearing.changed().await,
                Source::Twin(twin) => twin.changed().await,
            }
            self.judge(Instant::now());
        }
    }

    fn look_for_twin(&mut self) {
        self.source = Source::Twin(Twin::new(self.pidfile.clone(), self.log.clone()));
        self.judge(Instant::now());
    }

    fn ended(&mut self, fault: ProxyFault) {
        self.replacing = false;
        self.source = Source::Supervisor(None);
        self.say(Proxy::Down(fault));
    }

    fn judge(&mut self, now: Instant) {
        let (state, hearing) = match &mut self.source {
            Source::Supervisor(None) => return,
            Source::Supervisor(Some(hearing)) if self.replacing && hearing.leaves() => return,
            Source::Supervisor(Some(hearing)) => (hearing.state(now), Some(hearing)),
            Source::Twin(twin) => (twin.state(now), twin.hearing()),
        };
        let report = hearing.and_then(|hearing| {
            let silent_for = hearing.hung_report(now)?;
            let pid = hearing.pid();
            Some(News::Hung { pid, silent_for })
        });
        if let Some(state) = state {
            self.say(state);
        }
        self.news.extend(report);
    }

    fn say(&mut self, state: Proxy) {
        if self.said.replace(state) != Some(state) {
            self.news.push_back(News::Proxy(state));
        }
    }
}
