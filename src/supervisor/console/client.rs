//! One client of the master socket.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use pontoon_sys::process::wait::Wish;

use super::command::{Command, Level, Target, take_line};
use crate::node::runtime;

/// No line and no payload is longer.
const LONGEST: usize = 1 << 20;
/// So much of an answer may wait for its reader; a process that has more to say waits, too.
const MOST_UNREAD: usize = 64 << 10;
/// How long a process may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who is connected.
#[derive(Debug)]
pub(super) struct Client {
    /// Reads and writes of a file are those of a socket.
    stream: File,
    pub(super) level: Level,
    /// Asked for each command.
    pub(super) interactive: bool,
    /// Whom commands are for that do not say so.
    pub(super) target: Target,
    /// The process that `target` has meant, for the prompt.
    pub(super) turned_to: Option<u32>,
    input: Vec<u8>,
    commands: VecDeque<String>,
    output: Vec<u8>,
    phase: Phase,
    /// It will say nothing more.
    ended: bool,
}

#[derive(Debug)]
enum Phase {
    /// Its next command is awaited.
    Listening,
    /// It is being thought about.
    Thinking,
    /// A process answers.
    Relaying {
        from: UnixStream,
        until: Instant,
        /// An empty line comes first: the answer to a lower level.
        lowered: bool,
    },
    /// It is left once it has read all.
    Leaving,
}

impl Client {
    pub(super) fn new(stream: OwnedFd, level: Level) -> Self {
        Self {
            stream: stream.into(),
            level,
            interactive: false,
            target: Target::Master,
            turned_to: None,
            input: Vec::new(),
            commands: VecDeque::new(),
            output: Vec::new(),
            phase: Phase::Listening,
            ended: false,
        }
    }

    /// Whether nobody would miss it.
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Listening)
    }

    /// Whether it waits for nothing.
    pub(super) const fn is_calm(&self) -> bool {
        matches!(self.phase, Phase::Listening | Phase::Leaving) && self.output.is_empty()
    }

    /// Reads and writes what can be; returns the next command. `Err`: it is gone, or all is said.
    pub(super) fn go_on(&mut self, now: Instant, prompt: &str) -> Result<Option<Command>, Gone> {
        self.relay(now, prompt);
        self.write()?;
        if !matches!(self.phase, Phase::Listening) || !self.output.is_empty() {
            return Ok(None);
        }
        self.read()?;
        while self.commands.is_empty() {
            match take_line(&mut self.input) {
                Some(commands) => self.commands.extend(commands),
                None if self.ended || self.input.len() > LONGEST => return Err(Gone),
                None => return Ok(None),
            }
        }
        let command = self.commands.pop_front().unwrap_or_default();
        self.phase = Phase::Thinking;
        Ok(Some(Command::parse(&command, &self.target)))
    }

    fn read(&mut self) -> Result<(), Gone> {
        let mut buffer = [0; 4096];
        while !self.ended && self.input.len() <= LONGEST {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => self.input.extend(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(Gone),
            }
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), Gone> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(0) => return Err(Gone),
                Ok(length) => drop(self.output.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(Gone),
            }
        }
        match self.phase {
            Phase::Leaving => Err(Gone),
            _ => Ok(()),
        }
    }

    /// Passes on what a process answers.
    fn relay(&mut self, now: Instant, prompt: &str) {
        let Phase::Relaying {
            from,
            until,
            lowered,
        } = &mut self.phase
        else {
            return;
        };
        let mut buffer = [0; 4096];
        while self.output.len() < MOST_UNREAD {
            match from.read(&mut buffer) {
                Ok(0) => return self.answered("", prompt),
                Ok(length) => {
                    let skipped = usize::from(std::mem::take(lowered) && buffer[0] == b'\n');
                    self.output.extend(&buffer[skipped..length]);
                    *until = now + PATIENCE;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return self.left("The process has ended.\n"),
            }
        }
        if now >= *until {
            self.left("The process does not answer.\n");
        }
    }

    /// Its command is answered so; then it may say the next.
    pub(super) fn answered(&mut self, text: &str, prompt: &str) {
        self.output.extend(text.as_bytes());
        if self.interactive {
            self.output.extend(prompt.as_bytes());
        }
        self.phase = Phase::Listening;
    }

    /// That is the last it is told: at once, if there is room. (Whoever waits until nobody waits for an
    /// answer, to become another program, is not told later.)
    pub(super) fn left(&mut self, text: &str) {
        self.output.extend(text.as_bytes());
        self.phase = Phase::Leaving;
        // It is let go at the next look.
        let _gone = self.write();
    }

    /// A process answers this command.
    pub(super) fn ask(&mut self, pid: u32, command: &str, now: Instant) -> io::Result<()> {
        let mut stream = runtime::connect(pid)?;
        // Whoever supervises waits for nobody: what a process that is stuck leaves no room for fails.
        stream.set_nonblocking(true)?;
        let lower = match self.level {
            Level::Admin => String::new(),
            level => format!("{};", level.name()),
        };
        stream.write_all(format!("{lower}{command}\n").as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        self.phase = Phase::Relaying {
            lowered: !lower.is_empty(),
            from: stream,
            until: now + PATIENCE,
        };
        Ok(())
    }

    pub(super) fn until(&self) -> Option<Instant> {
        match self.phase {
            Phase::Relaying { until, .. } => Some(until),
            _ => None,
        }
    }

    pub(super) fn wishes(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Wish)> {
        let own = match (&self.phase, self.output.is_empty()) {
            (_, false) => Some(Wish::Write),
            (Phase::Listening, true) => Some(Wish::Read),
            _ => None,
        };
        let process = match &self.phase {
            Phase::Relaying { from, .. } if self.output.len() < MOST_UNREAD => {
                Some((from.as_fd(), Wish::Read))
            }
            _ => None,
        };
        let own = own.map(|wish| (self.stream.as_fd(), wish));
        own.into_iter().chain(process)
    }
}

/// There is nobody to talk to any more.
#[derive(Debug)]
pub(super) struct Gone;
