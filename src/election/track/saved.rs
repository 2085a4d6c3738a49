//! What the next program needs to know of scripts: what they have come to, and which of them run.

use std::time::Duration;

use pontoon_sys::clock;
use serde::{Deserialize, Serialize};

use super::Trackers;
use crate::election::script::{End, Ran, Running, SavedRun};

/// Between SIGTERM and SIGKILL, for a script whose result nobody waits for any more.
const GRACE: Duration = Duration::from_secs(1);

/// All of it. Files and processes are simply looked at again.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SavedTrackers {
    scripts: Vec<SavedScript>,
    /// These run: they are ended, and run again.
    running: Vec<i32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedScript {
    name: String,
    judgement: Judgement,
}

/// What a script has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Judgement {
    pub(super) up: Option<bool>,
    /// Results in a row that are equal, and whether they are successes.
    pub(super) row: (u32, bool),
    pub(super) last: Option<SavedRan>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedRan {
    /// On the monotonic clock.
    started: Duration,
    duration: Duration,
    end: End,
    last_line: Option<String>,
}

impl From<&Ran> for SavedRan {
    fn from(ran: &Ran) -> Self {
        Self {
            started: clock::to_monotonic(ran.started),
            duration: ran.duration,
            end: ran.end.clone(),
            last_line: ran.last_line.clone(),
        }
    }
}

impl From<&SavedRan> for Ran {
    fn from(saved: &SavedRan) -> Self {
        Self {
            started: clock::from_monotonic(saved.started),
            duration: saved.duration,
            end: saved.end.clone(),
            last_line: saved.last_line.clone(),
        }
    }
}

impl Trackers {
    /// Whether no script runs now.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running.now().is_empty()
    }

    /// What the next program needs.
    #[must_use]
    pub fn saved(&self) -> SavedTrackers {
        let scripts = self.scripts.iter().map(|slot| SavedScript {
            name: slot.definition.name.to_string(),
            judgement: slot.judge.judgement(),
        });
        SavedTrackers {
            scripts: scripts.collect(),
            running: self.running.now(),
        }
    }

    /// Knows what the program before knew, and ends what that has left running. To be called inside
    /// the event loop, before anything was heard.
    pub fn resume(&mut self, saved: &SavedTrackers) {
        for slot in &mut self.scripts {
            let mut known = saved.scripts.iter();
            if let Some(known) = known.find(|it| *it.name == *slot.definition.name) {
                slot.judge.resume(&known.judgement);
            }
        }
        for pid in &saved.running {
            // One that has ended in between has been told to nobody, and is no loss.
            if let Ok(running) = Running::resumed(SavedRun::of(*pid)) {
                tokio::spawn(running.stop(GRACE));
            }
        }
    }
}
