//! A process of ours: this program again, under another name.

use std::{
    ffi::OsString,
    io::{self, PipeReader, Read as _},
    os::{
        fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::Command,
    time::Duration,
};

use pontoon_sys::process::{
    Pid, Signal,
    child::{self, Bond, Handle},
    wait,
};

use super::{
    program::{Program, Which},
    resume, systemd,
};
use crate::{
    node::channel::{self, SupervisorEnd},
    proxy::process as proxy,
};

/// The two kinds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Proxy,
    Election,
}

impl Kind {
    /// For people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Election => "election",
        }
    }

    /// Whose twin it is: what `pidof` looks for.
    const fn program(self) -> &'static str {
        match self {
            Self::Proxy => proxy::NAME,
            Self::Election => "keepalived",
        }
    }

    /// Names the descriptor that it inherits.
    const fn variable(self) -> &'static str {
        match self {
            Self::Proxy => proxy::READY_VARIABLE,
            Self::Election => channel::VARIABLE,
        }
    }

    /// What becomes of it if we are killed: the election has addresses to give back first.
    const fn bond(self) -> Bond {
        match self {
            Self::Proxy => Bond::DiesWithUs,
            Self::Election => Bond::Notices,
        }
    }
}

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    handle: Handle,
    pub(super) line: Line,
}

/// How it speaks to us.
#[derive(Debug)]
pub(super) enum Line {
    /// The proxy sends one byte when it is ready, or says why it will not be.
    Ready(PipeReader),
    /// The election talks.
    Talk(SupervisorEnd),
    /// Nothing more will come.
    Closed,
}

/// What a starting proxy says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It serves.
    Ready,
    /// Nothing for now.
    Nothing,
    /// It is dying of this; empty if it does not know.
    Problem(String),
}

/// No last words are longer: what a pipe holds.
const LONGEST: usize = 64 << 10;

impl Process {
    /// Starts one with these arguments.
    ///
    /// # Errors
    /// Out of processes or descriptors, or what is on disk is no program.
    pub(super) fn start(
        kind: Kind,
        arguments: &[OsString],
        program: &Program,
        which: Which,
    ) -> io::Result<Self> {
        let (line, theirs) = Line::new(kind)?;
        let mut command = Command::new(program.file(which));
        command
            .arg0(kind.program())
            .args(arguments)
            .env_remove(Kind::Proxy.variable())
            .env_remove(Kind::Election.variable())
            .env_remove(resume::VARIABLE)
            .env(kind.variable(), theirs.as_raw_fd().to_string())
            // systemd hears from us.
            .env_remove(systemd::SOCKET);
        child::prepare(&mut command, theirs.as_fd(), kind.bond());
        let process = command.spawn()?;
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("a process without a number"))?;
        Ok(Self {
            handle: Handle::open(pid)?,
            line,
        })
    }

    /// One that the program before this one has started.
    ///
    /// # Errors
    /// It is no child of ours.
    pub(super) fn resumed(pid: u32, line: Line) -> io::Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        Ok(Self {
            handle: Handle::open(pid)?,
            line,
        })
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.handle.pid().as_raw_nonzero().get().unsigned_abs()
    }

    /// Whether it has this number.
    pub(super) fn is(&self, pid: Pid) -> bool {
        self.handle.pid() == pid
    }

    /// Becomes readable when it has ended.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.handle.descriptor().as_fd()
    }

    /// Sends a signal; one that has just ended needs none.
    pub(super) fn signal(&self, signal: Signal) {
        let _gone = self.handle.signal(signal);
    }
}

impl Line {
    /// Our end, and the one to be inherited.
    fn new(kind: Kind) -> io::Result<(Self, OwnedFd)> {
        Ok(match kind {
            Kind::Proxy => {
                let (ours, theirs) = io::pipe()?;
                (Self::Ready(ours), theirs.into())
            }
            Kind::Election => {
                let (ours, theirs) = channel::pair()?;
                (Self::Talk(ours), theirs)
            }
        })
    }

    /// What is to be waited for.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Ready(pipe) => Some(pipe.as_fd()),
            Self::Talk(end) => Some(end.as_fd()),
            Self::Closed => None,
        }
    }

    /// Whether there is something to send that had no room.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::Talk(end) if end.is_waiting())
    }

    /// What a proxy has said of its start. The end of the pipe without a word means that it is
    /// dying.
    pub(super) fn hear_start(&mut self) -> Said {
        let Self::Ready(pipe) = self else {
            return Said::Nothing;
        };
        // To read it would block us.
        let readable = wait::readable([Some(pipe.as_fd())], Some(Duration::ZERO));
        if !matches!(readable, Ok([true])) {
            return Said::Nothing;
        }
        let mut words = vec![0; LONGEST];
        let length = pipe.read(&mut words).unwrap_or(0);
        *self = Self::Closed;
        match &words[..length] {
            [proxy::READY] => Said::Ready,
            words => Said::Problem(String::from_utf8_lossy(words).trim_end().to_owned()),
        }
    }
}
