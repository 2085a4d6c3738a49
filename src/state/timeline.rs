//! What has happened to the servers lately: bounded, kept for whoever asks why (`pontoon why`), and
//! written only when a check has ended or a state has changed.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use pontoon_engine::{
    backend::HealthReport,
    health::CheckResult,
    units::{ProxyId, ServerId},
};

/// How many changes of state are remembered, of all servers together.
const CHANGES: usize = 200;
/// How many checks of one server are remembered.
const CHECKS: usize = 5;

/// The last changes of the states of all servers.
#[derive(Debug, Default)]
pub struct Timeline(Mutex<VecDeque<Change>>);

/// A change of a server's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: SystemTime,
    /// The backend.
    pub backend: ProxyId,
    /// The server.
    pub server: ServerId,
    /// In the words of the log.
    pub text: String,
}

impl Timeline {
    /// Remembers a change, and forgets the oldest if there are too many.
    pub fn add(&self, backend: ProxyId, server: ServerId, text: String) {
        let at = SystemTime::now();
        let mut changes = lock(&self.0);
        changes.push_front(Change {
            at,
            backend,
            server,
            text,
        });
        changes.truncate(CHANGES);
    }

    /// Goes on from these, the latest first.
    pub fn resume(&self, earlier: impl Iterator<Item = Change>) {
        let mut changes = lock(&self.0);
        changes.extend(earlier);
        changes.truncate(CHANGES);
    }

    /// The latest first.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        lock(&self.0).iter().cloned().collect()
    }
}

/// The last checks of one server, its agent's included.
#[derive(Debug, Default)]
pub struct RecentChecks(Mutex<VecDeque<Check>>);

/// A finished check.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// When it ended.
    pub at: SystemTime,
    /// An agent was asked.
    pub agent: bool,
    /// What came of it.
    pub result: CheckResult,
}

impl RecentChecks {
    /// Remembers a check, and forgets the oldest if there are too many.
    pub fn add(&self, report: &HealthReport) {
        let mut checks = lock(&self.0);
        if checks.len() == CHECKS {
            checks.pop_back();
        }
        checks.push_front(Check {
            at: SystemTime::now(),
            agent: report.agent,
            result: report.result.clone(),
        });
    }

    /// Goes on from these, the latest first.
    pub fn resume(&self, earlier: impl Iterator<Item = Check>) {
        let mut checks = lock(&self.0);
        checks.extend(earlier);
        checks.truncate(CHECKS);
    }

    /// The latest first.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        lock(&self.0).iter().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic aborts the process, so a poisoned lock cannot be seen.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pontoon_engine::{health::CheckStatus, server::Status};

    use super::*;

    #[test]
    fn the_latest_are_kept() {
        let timeline = Timeline::default();
        for number in 0..CHANGES + 5 {
            timeline.add(ProxyId(0), ServerId(0), number.to_string());
        }
        let changes = timeline.changes();
        assert_eq!(changes.len(), CHANGES);
        assert_eq!(changes[0].text, (CHANGES + 4).to_string());
    }

    #[test]
    fn a_server_keeps_its_last_checks() {
        let recent = RecentChecks::default();
        for number in 0..9_u16 {
            recent.add(&HealthReport {
                server: ServerId(0),
                result: CheckResult {
                    status: CheckStatus::L7Ok,
                    code: Some(number),
                    info: None,
                    duration: Duration::ZERO,
                },
                agent: false,
                status: Status::Up,
                health: 1,
                weightless: false,
                changed: false,
            });
        }
        let codes: Vec<_> = recent.checks().iter().map(|it| it.result.code).collect();
        assert_eq!(codes, [8, 7, 6, 5, 4].map(Some));
    }
}
