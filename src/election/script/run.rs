//! A script that runs: its output, its end, its process group.

use std::{
    fmt,
    io::{self, PipeReader},
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use pontoon_sys::{
    clock, descriptor,
    process::{Pid, Signal},
};
use rustix::process::kill_process_group;
use serde::{Deserialize, Serialize};
use tokio::{net::unix::pipe, time::timeout};

use super::{
    Script,
    adopted::{Process, SavedRun, number},
    launched::{self, Launcher},
};

/// How much of the end of a script's output is kept.
const KEPT: usize = 1024;
/// How much a pipe holds (pipe(7)).
const PIPE: usize = 64 * 1024;
/// How much of its last line is shown, in characters.
const SHOWN: usize = 200;

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::election) enum End {
    /// It exited.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
    /// It took too long.
    TimedOut,
    /// It could not be started.
    NotStarted(String),
}

impl End {
    /// Exit code 0.
    pub(in crate::election) fn succeeded(&self) -> bool {
        *self == Self::Exited(0)
    }
}

/// As keepalived writes it.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with status {code}"),
            Self::Killed(signal) => write!(f, "due to signal {signal}"),
            Self::TimedOut => f.write_str("timed_out"),
            Self::NotStarted(cause) => write!(f, "could not be started: {cause}"),
        }
    }
}

/// One run of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::election) struct Ran {
    /// When it was started.
    pub(in crate::election) started: Instant,
    /// How long it took.
    pub(in crate::election) duration: Duration,
    /// How it ended.
    pub(in crate::election) end: End,
    /// The last line of its output.
    pub(in crate::election) last_line: Option<String>,
}

impl Ran {
    /// A run that never was.
    pub(in crate::election) fn not_started(error: &io::Error) -> Self {
        Self {
            started: Instant::now(),
            duration: Duration::ZERO,
            end: End::NotStarted(crate::files::without_number(&error.to_string())),
            last_line: None,
        }
    }
}

/// `exited with status 3 after 12 ms: cannot connect`
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.end)?;
        if !matches!(self.end, End::NotStarted(_)) {
            write!(f, " after {} ms", self.duration.as_millis())?;
        }
        match &self.last_line {
            Some(line) if !self.end.succeeded() => write!(f, ": {line}"),
            _ => Ok(()),
        }
    }
}

/// A running script. Dropping it kills its process group.
#[derive(Debug)]
pub(in crate::election) struct Running {
    pub(super) child: Process,
    group: Group,
    output: Output,
    started: Instant,
}

impl Running {
    /// Starts a command whose child leads its own process group.
    pub(super) fn start(mut command: std::process::Command) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let output = Output::new(reader)?;
        let started = Instant::now();
        // The command holds the writing end; it goes with it, or nobody would see its end.
        let child = Process::Own(tokio::process::Command::from(command).spawn()?);
        let group = Group(child.id());
        Ok(Self {
            child,
            group,
            output,
            started,
        })
    }

    /// The same, where somebody else starts it.
    pub(super) async fn launch(
        launcher: &Launcher,
        script: &Script,
        more: &[String],
    ) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let output = Output::new(reader)?;
        let child = Process::Launched(launcher.start(script, more, writer.into()).await?);
        Ok(Self {
            group: Group(child.id()),
            child,
            output,
            // What the launcher has taken for it is not the script's.
            started: Instant::now(),
        })
    }

    /// What the next program needs to go on with it; `None` once it has ended.
    pub(in crate::election) fn saved(&self) -> Option<SavedRun> {
        Some(SavedRun {
            pid: self.group.0?,
            started: clock::to_monotonic(self.started),
            output: self.output.receiver.as_ref().map(number),
        })
    }

    /// One that the program before has started.
    ///
    /// # Errors
    /// It is no child of ours.
    pub(in crate::election) fn resumed(saved: SavedRun) -> io::Result<Self> {
        let receiver = saved.output.map(descriptor::take_over).transpose()?;
        let receiver = receiver.map(pipe::Receiver::from_owned_fd).transpose()?;
        let child = Process::adopt(saved.pid)?;
        Ok(Self {
            group: Group(child.id()),
            child,
            output: Output {
                receiver,
                kept: Vec::new(),
            },
            started: clock::from_monotonic(saved.started),
        })
    }

    /// Its process group; `None` once it has ended.
    pub(in crate::election) const fn group(&self) -> Option<i32> {
        self.group.0
    }

    /// When it was started.
    pub(in crate::election) const fn started(&self) -> Instant {
        self.started
    }

    /// Waits for its end; can be given up and called again.
    pub(in crate::election) async fn ended(&mut self) -> End {
        let status = loop {
            tokio::select! {
                biased;
                status = self.child.wait() => break status,
                // Somebody who never stops writing must not keep the others from their turn.
                () = self.output.more() => tokio::task::yield_now().await,
            }
        };
        self.group.leave();
        match status {
            Ok(status) => end_of(status),
            Err(error) => End::NotStarted(error.to_string()),
        }
    }

    /// What is to be said of it, now that it has ended, or has had its time.
    pub(in crate::election) fn account(&mut self, end: End) -> Ran {
        self.output.rest();
        Ran {
            started: self.started,
            duration: self.started.elapsed(),
            end,
            last_line: self.output.last_line(),
        }
    }

    /// Ends it and whatever it started: SIGTERM, then SIGKILL to what is left when the script itself
    /// has ended, after `grace` at the latest.
    pub(in crate::election) async fn stop(mut self, grace: Duration) {
        let group = self.group.0;
        self.group.signal(Signal::TERM);
        let _may_hang = timeout(grace, self.ended()).await;
        Group(group).signal(Signal::KILL);
        // Killed: it cannot keep us waiting.
        let _reaped = self.child.wait().await;
    }

    /// Lets go of a script that has ended. What it left behind may go on and write: somebody has to
    /// read, or it would be killed by SIGPIPE.
    pub(in crate::election) fn let_go(mut self) {
        self.group.leave();
        let Some(receiver) = self.output.receiver.take() else {
            return;
        };
        tokio::spawn(async move {
            let mut output = Output {
                receiver: Some(receiver),
                kept: Vec::new(),
            };
            while output.receiver.is_some() {
                output.more().await;
                tokio::task::yield_now().await;
            }
        });
    }
}

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Killed(signal.unwrap_or_default()),
    }
}

/// The processes of a script: killed together, unless it ended by itself.
#[derive(Debug)]
struct Group(Option<i32>);

impl Group {
    fn leave(&mut self) {
        self.0 = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0.and_then(Pid::from_raw) {
            match launched::in_use() {
                Some(launcher) => launcher.signal(pid.as_raw_nonzero().get(), signal),
                // It may have ended in this very moment.
                None => drop(kill_process_group(pid, signal)),
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// The end of what a script writes.
#[derive(Debug)]
struct Output {
    /// `None`: everybody who could write has closed it.
    receiver: Option<pipe::Receiver>,
    kept: Vec<u8>,
}

impl Output {
    fn new(reader: PipeReader) -> io::Result<Self> {
        let descriptor = OwnedFd::from(reader);
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self {
            receiver: Some(pipe::Receiver::from_owned_fd(descriptor)?),
            kept: Vec::new(),
        })
    }

    /// Waits for more; for ever if there is nobody left to write. Can be given up.
    async fn more(&mut self) {
        let Some(receiver) = &self.receiver else {
            return std::future::pending().await;
        };
        match receiver.readable().await {
            Ok(()) => self.rest(),
            Err(_) => self.receiver = None,
        }
    }

    /// Takes what is there, up to what a pipe holds.
    fn rest(&mut self) {
        let mut buffer = [0; KEPT];
        for _ in 0..PIPE / KEPT {
            let Some(receiver) = &self.receiver else {
                return;
            };
            match receiver.try_read(&mut buffer) {
                Ok(0) => self.receiver = None,
                Ok(length) => self.keep(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.receiver = None,
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
    }

    fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.kept);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        let printable = line
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter });
        Some(printable.take(SHOWN).collect())
    }
}
