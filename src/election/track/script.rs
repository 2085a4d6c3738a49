//! `vrrp_script`: run again and again; so many equal results in a row make it up or down.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_config::keepalived::model::TrackScript;
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval, sleep_until},
};

use super::{Key, Report, saved::Judgement};
use crate::election::{
    log::{Level, Log},
    script::{End, Groups, Ran, Running, Script},
    stop::Stop,
};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// A shorter interval would do nothing but keep the machine busy.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// What a script looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptView {
    /// Its name.
    pub name: Arc<str>,
    /// How it is.
    pub state: ScriptState,
    /// `exited with status 0`, of its last run.
    pub status: Option<String>,
    /// How long its last run took.
    pub duration: Option<Duration>,
    /// When its last run began.
    pub run_at: Option<Instant>,
    /// So many equal results in a row, up to `rise` or `fall`.
    pub in_a_row: u32,
    /// Successes that make it up.
    pub rise: u32,
    /// Failures that make it down.
    pub fall: u32,
}

/// How a script is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptState {
    /// It has not been run yet.
    Unknown,
    /// Its successes count.
    Up,
    /// Its failures count.
    Down,
    /// It cannot be run, and has no effect.
    Disabled,
    /// Nobody tracks it, so it is not run.
    Untracked,
}

/// Runs a script until it is asked to stop.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) key: Key,
    pub(super) name: Arc<str>,
    pub(super) script: Script,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) running: Groups,
    pub(super) log: Log,
    pub(super) stop: Stop,
}

/// Whether to go on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Again,
    End,
}

impl Watcher {
    pub(super) async fn run(mut self) {
        let mut ticks = interval(self.interval.max(SHORTEST_INTERVAL));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                () = self.stop.asked() => return,
                _ = ticks.tick() => {}
            }
            let next = match self.script.start(&[]).await {
                Ok(running) => self.follow(running, &mut ticks).await,
                Err(error) => self.tell(Ran::not_started(&error)).await,
            };
            if next == Next::End {
                return;
            }
        }
    }

    /// Until it has ended; there is never more than one run at a time.
    async fn follow(&mut self, mut running: Running, ticks: &mut Interval) -> Next {
        let _member = running.group().map(|group| self.running.enter(group));
        let deadline = sleep_until((running.started() + self.timeout).into());
        tokio::pin!(deadline);
        let mut told = false;
        loop {
            tokio::select! {
                biased;
                () = self.stop.asked() => {
                    running.stop(GRACE).await;
                    return Next::End;
                }
                end = running.ended() => {
                    let ran = running.account(end);
                    running.let_go();
                    return self.tell(ran).await;
                }
                () = &mut deadline => {
                    let next = self.tell(running.account(End::TimedOut)).await;
                    running.stop(GRACE).await;
                    return next;
                }
                _ = ticks.tick() => {
                    if !std::mem::replace(&mut told, true) {
                        self.log.line(Level::Info, format_args!(
                            "Track script {} is already running, expect idle - skipping run",
                            self.name
                        ));
                    }
                }
            }
        }
    }

    async fn tell(&mut self, ran: Ran) -> Next {
        let key = self.key;
        tokio::select! {
            biased;
            () = self.stop.asked() => Next::End,
            sent = self.reports.send(Report::Ran { key, ran }) => {
                if sent.is_ok() { Next::Again } else { Next::End }
            }
        }
    }
}

/// What a script's results say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judge {
    name: Arc<str>,
    rise: u32,
    fall: u32,
    up: Option<bool>,
    /// Results in a row that are equal, and whether they are successes.
    row: (u32, bool),
    last: Option<Ran>,
}

impl Judge {
    pub(super) fn new(script: &TrackScript) -> Self {
        Self {
            name: Arc::clone(&script.name),
            rise: script.rise,
            fall: script.fall,
            up: script.init_fail.then_some(false),
            row: (0, false),
            last: None,
        }
    }

    /// Up or down; `None`: it has not been run yet.
    pub(super) const fn up(&self) -> Option<bool> {
        self.up
    }

    /// Takes over what another definition of the script has come to.
    pub(super) fn begin_with(&mut self, up: Option<bool>) {
        self.up = up.or(self.up);
    }

    /// For the next program.
    pub(super) fn judgement(&self) -> Judgement {
        Judgement {
            up: self.up,
            row: self.row,
            last: self.last.as_ref().map(Into::into),
        }
    }

    /// What the program before has come to.
    pub(super) fn resume(&mut self, before: &Judgement) {
        self.up = before.up;
        self.row = before.row;
        self.last = before.last.as_ref().map(Into::into);
    }

    /// Takes one result; tells whether it is up, if that is news. The first result counts at once,
    /// as there.
    pub(super) fn take(&mut self, ran: Ran, log: &Log) -> Option<bool> {
        let success = ran.end.succeeded();
        let first = self.last.is_none();
        let wanted = if success { self.rise } else { self.fall };
        let count = if self.row.1 == success { self.row.0 } else { 0 };
        self.row = (count.saturating_add(1).min(wanted.max(1)), success);
        let changed = self.up != Some(success) && (first || self.row.0 >= wanted);
        self.tell(&ran, changed, log);
        self.last = Some(ran);
        if !changed {
            return None;
        }
        self.up = Some(success);
        self.up
    }

    fn tell(&self, ran: &Ran, changed: bool, log: &Log) {
        let name = &self.name;
        if changed {
            if ran.end.succeeded() {
                log.line(Level::Info, format_args!("VRRP_Script({name}) succeeded"));
            } else {
                log.line(Level::Warning, failure(name, ran));
            }
            return;
        }
        let before = self.last.as_ref().map(|last| &last.end);
        if before != Some(&ran.end) {
            log.line(Level::Info, other_result(name, ran));
        }
    }

    pub(super) fn view(&self) -> ScriptView {
        let last = self.last.as_ref();
        ScriptView {
            name: Arc::clone(&self.name),
            state: match self.up {
                None => ScriptState::Unknown,
                Some(true) => ScriptState::Up,
                Some(false) => ScriptState::Down,
            },
            status: last.map(|ran| ran.end.to_string()),
            duration: last.map(|ran| ran.duration),
            run_at: last.map(|ran| ran.started),
            in_a_row: self.row.0,
            rise: self.rise,
            fall: self.fall,
        }
    }
}

/// Another result than before, which changes nothing yet. As keepalived writes it, and more.
fn other_result(name: &str, ran: &Ran) -> String {
    match ran.end {
        End::Exited(code) => format!("Script `{name}` now returning {code} ({ran})"),
        End::Killed(_) | End::TimedOut | End::NotStarted(_) => {
            format!("Script `{name}` now failing ({ran})")
        }
    }
}

/// As keepalived writes it, and how long it took, and what the script said.
fn failure(name: &str, ran: &Ran) -> String {
    match &ran.end {
        End::TimedOut => format!("VRRP_Script({name}) {ran}"),
        End::Exited(_) | End::Killed(_) | End::NotStarted(_) => {
            format!("VRRP_Script({name}) failed ({ran})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(rise: u32, fall: u32) -> Judge {
        Judge {
            name: "chk".into(),
            rise,
            fall,
            up: None,
            row: (0, false),
            last: None,
        }
    }

    fn ran(code: i32) -> Ran {
        Ran {
            started: Instant::now(),
            duration: Duration::from_millis(12),
            end: End::Exited(code),
            last_line: Some("cannot connect".into()),
        }
    }

    fn news(judge: &mut Judge, codes: &[i32]) -> Vec<Option<bool>> {
        let log = Log::to_standard_error();
        codes
            .iter()
            .map(|code| judge.take(ran(*code), &log))
            .collect()
    }

    #[test]
    fn the_first_result_counts_at_once() {
        assert_eq!(news(&mut judge(3, 3), &[0]), [Some(true)]);
        assert_eq!(news(&mut judge(3, 3), &[1]), [Some(false)]);
    }

    #[test]
    fn later_it_takes_so_many_in_a_row() {
        let mut judge = judge(3, 2);
        let (up, down) = (Some(true), Some(false));
        assert_eq!(
            news(&mut judge, &[0, 1, 0, 1, 1]),
            [up, None, None, None, down]
        );
        assert_eq!(
            news(&mut judge, &[1, 0, 0, 2, 0, 0, 0]),
            [None, None, None, None, None, None, up]
        );
        assert_eq!(judge.view().in_a_row, 3);
    }

    #[test]
    fn a_script_that_begins_as_failed_is_no_news_when_it_fails() {
        let mut judge = Judge {
            up: Some(false),
            ..judge(1, 1)
        };
        assert_eq!(news(&mut judge, &[1, 0]), [None, Some(true)]);
    }

    #[test]
    fn a_failure_says_what_happened() {
        assert_eq!(
            failure("chk", &ran(3)),
            "VRRP_Script(chk) failed (exited with status 3 after 12 ms: cannot connect)"
        );
        assert_eq!(
            other_result("chk", &ran(3)),
            "Script `chk` now returning 3 (exited with status 3 after 12 ms: cannot connect)"
        );
        let late = Ran {
            end: End::TimedOut,
            ..ran(0)
        };
        assert_eq!(
            failure("chk", &late),
            "VRRP_Script(chk) timed_out after 12 ms: cannot connect"
        );
    }
}
