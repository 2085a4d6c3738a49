//! The proxy process: our own program again, under the name `haproxy`.

use std::{
    ffi::OsString,
    io::{self, PipeReader},
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::process::CommandExt as _,
    },
    process::Command,
};

use pontoon_sys::process::{
    Pid, Signal,
    child::{self, Handle},
};

use super::systemd;
use crate::proxy::process::{NAME, READY};

/// A running proxy process.
#[derive(Debug)]
pub(super) struct Worker {
    process: Handle,
    /// Brings one byte when it is ready.
    ready: PipeReader,
}

impl Worker {
    /// Starts one with these arguments.
    ///
    /// # Errors
    /// Out of processes or descriptors.
    pub(super) fn start(arguments: &[OsString]) -> io::Result<Self> {
        let (ready, theirs) = io::pipe()?;
        // The file itself, even if another one has taken its name since.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(NAME)
            .args(arguments)
            .env(READY, theirs.as_raw_fd().to_string())
            // systemd hears from us.
            .env_remove(systemd::SOCKET);
        child::prepare(&mut command, theirs.as_fd());
        let process = command.spawn()?;
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("a process without a number"))?;
        Ok(Self {
            process: Handle::open(pid)?,
            ready,
        })
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.process.pid().as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal; one that has just ended needs none.
    pub(super) fn signal(&self, signal: Signal) {
        let _gone = self.process.signal(signal);
    }

    /// The handle that tells when it ends.
    pub(super) const fn process(&self) -> &Handle {
        &self.process
    }

    /// Where it says that it is ready.
    pub(super) const fn ready(&self) -> &PipeReader {
        &self.ready
    }
}
