//! A child that the program before this one has started.

use std::{
    io,
    os::{
        fd::{AsFd as _, AsRawFd as _, RawFd},
        unix::process::ExitStatusExt as _,
    },
    process::ExitStatus,
    time::Duration,
};

use pontoon_sys::{
    process::{Pid, child::Handle},
    readiness::Readiness,
};
use rustix::process::{WaitOptions, waitpid};
use serde::{Deserialize, Serialize};
use tokio::process::Child;

use super::launched::{self, Launched};

/// What the next program needs of a script that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::election) struct SavedRun {
    pub(super) pid: i32,
    /// On the monotonic clock.
    pub(super) started: Duration,
    /// What it writes into.
    pub(super) output: Option<RawFd>,
}

impl SavedRun {
    /// One of which only the number is known.
    pub(in crate::election) const fn of(pid: i32) -> Self {
        Self {
            pid,
            started: Duration::ZERO,
            output: None,
        }
    }

    /// What has to stay open.
    pub(in crate::election) const fn descriptor(&self) -> Option<RawFd> {
        self.output
    }
}

/// A child of ours, whoever has started it.
#[derive(Debug)]
pub(super) enum Process {
    /// Started by this program.
    Own(Child),
    /// Started by the launcher.
    Launched(Launched),
    /// Started by the program before, which had no launcher.
    Adopted(Adopted),
}

#[derive(Debug)]
pub(super) struct Adopted {
    handle: Handle,
    readiness: Readiness,
    ended: Option<ExitStatus>,
}

impl Process {
    pub(super) fn adopt(pid: i32) -> io::Result<Self> {
        if let Some(launcher) = launched::in_use() {
            return Ok(Self::Launched(launcher.adopt(pid)));
        }
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::NotFound)?;
        let handle = Handle::open(pid)?;
        let readiness = Readiness::of(handle.descriptor().as_fd())?;
        Ok(Self::Adopted(Adopted {
            handle,
            readiness,
            ended: None,
        }))
    }

    /// Its number, until it was reaped.
    pub(super) fn id(&self) -> Option<i32> {
        match self {
            Self::Own(child) => child.id().and_then(|id| i32::try_from(id).ok()),
            Self::Launched(launched) => Some(launched.pid()),
            Self::Adopted(adopted) => Some(adopted.handle.pid().as_raw_nonzero().get()),
        }
    }

    /// Waits for its end; can be given up and called again.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match self {
            Self::Own(child) => child.wait().await,
            Self::Launched(launched) => launched.wait().await,
            Self::Adopted(adopted) => adopted.wait().await,
        }
    }
}

impl Adopted {
    async fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended {
                return Ok(status);
            }
            match waitpid(Some(self.handle.pid()), WaitOptions::NOHANG)? {
                Some((_, status)) => self.ended = Some(ExitStatus::from_raw(status.as_raw())),
                None => self.readiness.readable().await?,
            }
        }
    }
}

/// The number of a descriptor, for [`SavedRun`].
pub(super) fn number(descriptor: &impl std::os::fd::AsFd) -> RawFd {
    descriptor.as_fd().as_raw_fd()
}
