//! Proxies that a reload has replaced: they end by themselves once their last session has.

use std::{
    io,
    time::{Duration, Instant},
};

use pontoon_sys::{
    clock,
    process::{Signal, child::End},
};
use serde::{Deserialize, Serialize};

use super::{
    Role, Supervisor,
    process::{Line, Process},
};

/// A proxy that was replaced.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) process: Process,
    pub(super) since: Instant,
    /// When it was ready.
    pub(super) up_since: Instant,
    /// How many reloads there had been when it was started.
    pub(super) born: u32,
}

/// What one program tells the next of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedLeaving {
    pid: u32,
    /// On the monotonic clock, as the next.
    since: Duration,
    up_since: Duration,
    born: u32,
}

impl Leaving {
    pub(super) fn saved(&self) -> SavedLeaving {
        SavedLeaving {
            pid: self.process.pid(),
            since: clock::to_monotonic(self.since),
            up_since: clock::to_monotonic(self.up_since),
            born: self.born,
        }
    }

    /// # Errors
    /// It is no child of ours.
    pub(super) fn resumed(saved: SavedLeaving) -> io::Result<Self> {
        Ok(Self {
            process: Process::resumed(saved.pid, Line::Closed)?,
            since: clock::from_monotonic(saved.since),
            up_since: clock::from_monotonic(saved.up_since),
            born: saved.born,
        })
    }
}

impl Supervisor {
    pub(super) fn leaver_ended(&mut self, pid: u32, end: End) {
        self.children
            .leaving
            .retain(|leaving| leaving.process.pid() != pid);
        if self.role == Role::Master {
            return self.former_worker_ended(pid, end);
        }
        match end {
            End::Exited(0) => self
                .voice
                .notice(format!("the proxy before (process {pid}) has ended")),
            End::Exited(_) | End::Killed(_) if self.stop.is_some() => {}
            End::Exited(_) | End::Killed(_) => self
                .voice
                .warning(format!("the proxy before (process {pid}) {end}")),
        }
    }

    /// A soft stop tells them nothing new.
    pub(super) fn signal_leaving(&self, signal: Signal) {
        for leaving in &self.children.leaving {
            leaving.process.signal(signal);
        }
    }
}
