//! What becomes of one of the two processes: started, up, waiting to be started again, ended.

use std::{
    ffi::OsString,
    io,
    time::{Duration, Instant},
};

use pontoon_sys::{clock, process::Signal};
use serde::{Deserialize, Serialize};

use super::{
    leaving::Leaving,
    process::{Kind, Line, Process},
    program::{Program, Which},
};

/// The first wait before a restart; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait before a restart.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A process that ran this long has earned a fresh start.
const STABLE: Duration = Duration::from_secs(60);

/// One of the two.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) kind: Kind,
    program: Program,
    /// Of the next start.
    arguments: Vec<OsString>,
    state: State,
    /// Was ready at least once: from now on, a failure is a crash and no mistake of the user's.
    pub(super) proven: bool,
    /// The wait before the next restart.
    wait: Duration,
    /// How many reloads there had been when its process was started.
    pub(super) born: u32,
    /// How often it was started again.
    pub(super) restarts: u32,
    /// How it ended last.
    pub(super) last_end: Option<String>,
}

/// What one program tells the next of a child that is up.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedChild {
    arguments: Vec<String>,
    pub(super) pid: u32,
    /// On the monotonic clock.
    since: Duration,
    wait: Duration,
    born: u32,
    restarts: u32,
    last_end: Option<String>,
}

#[derive(Debug)]
pub(super) enum State {
    /// Not ready yet.
    Starting(Process),
    /// At work.
    Up { process: Process, since: Instant },
    /// Died; to be started again.
    Waiting { until: Instant },
    /// Has handed over to its successor, which is not ready yet.
    HandedOver,
    /// Will not be started again.
    Ended,
}

impl Child {
    /// Starts it; these come before the arguments, this time only.
    ///
    /// # Errors
    /// Out of processes or descriptors.
    pub(super) fn start(
        kind: Kind,
        program: Program,
        once: &[OsString],
        arguments: Vec<OsString>,
    ) -> io::Result<Self> {
        let all = [once, &arguments].concat();
        Ok(Self {
            kind,
            state: State::Starting(Process::start(kind, &all, &program, Which::Ours)?),
            program,
            arguments,
            proven: false,
            wait: FIRST_WAIT,
            born: 0,
            restarts: 0,
            last_end: None,
        })
    }

    /// What the program after this one has to know of it; `None` while it is not simply up.
    pub(super) fn saved(&self) -> Option<SavedChild> {
        let State::Up { process, since } = &self.state else {
            return None;
        };
        let text = |it: &OsString| it.clone().into_string().ok();
        Some(SavedChild {
            arguments: self.arguments.iter().map(text).collect::<Option<_>>()?,
            pid: process.pid(),
            since: clock::to_monotonic(*since),
            wait: self.wait,
            born: self.born,
            restarts: self.restarts,
            last_end: self.last_end.clone(),
        })
    }

    /// One that the program before this one has started.
    ///
    /// # Errors
    /// It is no child of ours.
    pub(super) fn resumed(
        kind: Kind,
        program: Program,
        saved: SavedChild,
        line: Line,
    ) -> io::Result<Self> {
        Ok(Self {
            kind,
            program,
            arguments: saved.arguments.into_iter().map(OsString::from).collect(),
            state: State::Up {
                process: Process::resumed(saved.pid, line)?,
                since: clock::from_monotonic(saved.since),
            },
            proven: true,
            wait: saved.wait,
            born: saved.born,
            restarts: saved.restarts,
            last_end: saved.last_end,
        })
    }

    pub(super) const fn state(&self) -> &State {
        &self.state
    }

    /// Those of its next start.
    pub(super) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// The process, if there is one.
    pub(super) const fn process(&self) -> Option<&Process> {
        match &self.state {
            State::Starting(process) | State::Up { process, .. } => Some(process),
            State::Waiting { .. } | State::HandedOver | State::Ended => None,
        }
    }

    pub(super) const fn process_mut(&mut self) -> Option<&mut Process> {
        match &mut self.state {
            State::Starting(process) | State::Up { process, .. } => Some(process),
            State::Waiting { .. } | State::HandedOver | State::Ended => None,
        }
    }

    /// When it is to be started again.
    pub(super) const fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until } => Some(until),
            _ => None,
        }
    }

    pub(super) const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// It is at work; returns its number if it had been before, in another process.
    pub(super) fn ready(&mut self) -> Option<u32> {
        let again = std::mem::replace(&mut self.proven, true);
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Starting(process) => {
                let pid = process.pid();
                let since = Instant::now();
                self.state = State::Up { process, since };
                again.then_some(pid)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// It died, or could not be started; returns how long it has to wait.
    pub(super) fn fell(&mut self) -> Duration {
        if matches!(self.state, State::Up { since, .. } if since.elapsed() >= STABLE) {
            self.wait = FIRST_WAIT;
        }
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST_WAIT);
        self.state = State::Waiting {
            until: Instant::now() + wait,
        };
        wait
    }

    /// It will not be started again.
    pub(super) fn finish(&mut self) {
        self.state = State::Ended;
    }

    /// Starts it again.
    ///
    /// # Errors
    /// Out of processes or descriptors.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        let process = Process::start(self.kind, &self.arguments, &self.program, Which::Ours)?;
        self.state = State::Starting(process);
        self.restarts += 1;
        Ok(())
    }

    /// Starts its successor, from the disk, with arguments of its own before the usual ones.
    ///
    /// # Errors
    /// Out of processes or descriptors, or what is on disk is no program.
    pub(super) fn start_successor(
        &self,
        once: &[OsString],
        arguments: &[OsString],
    ) -> io::Result<Process> {
        let all = [once, arguments].concat();
        Process::start(self.kind, &all, &self.program, Which::OnDisk)
    }

    /// It has ended because its successor has taken over all that it had.
    pub(super) fn hand_over(&mut self) {
        self.state = State::HandedOver;
    }

    /// The successor serves; returns the process before it, unless it has ended.
    pub(super) fn replace(
        &mut self,
        successor: Process,
        arguments: Vec<OsString>,
        born: u32,
    ) -> Option<Leaving> {
        let before = std::mem::replace(&mut self.born, born);
        self.arguments = arguments;
        self.proven = true;
        self.wait = FIRST_WAIT;
        let now = Instant::now();
        let up = State::Up {
            process: successor,
            since: now,
        };
        let (process, up_since) = match std::mem::replace(&mut self.state, up) {
            State::Up { process, since } => (process, since),
            State::Starting(process) => (process, now),
            State::Waiting { .. } | State::HandedOver | State::Ended => return None,
        };
        Some(Leaving {
            process,
            since: now,
            up_since,
            born: before,
        })
    }

    /// Sends a signal; while it waits for its restart there is nobody to be told.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(process) = self.process() {
            process.signal(signal);
        }
    }
}
