//! Proxies that a reload has replaced: they end by themselves once their last session has.

use std::time::Instant;

use pontoon_sys::process::{Signal, child::End};

use super::{Role, Supervisor, process::Process};

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
