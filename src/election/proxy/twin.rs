//! A proxy that somebody else started: found by its pid file, watched by its pidfd.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::event::{Proxy, ProxyFault};
use pontoon_sys::{
    process::{Pid, child::Handle, wait::readable},
    readiness::Readiness,
    watch::{Change, Watch},
};

use super::hearing::Hearing;
use crate::{
    election::log::{Level, Log},
    proxy::process::NAME,
};

/// How often a directory is looked for that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The proxy of a pid file.
#[derive(Debug)]
pub(super) struct Twin {
    pidfile: PathBuf,
    log: Log,
    directory: Directory,
    process: Option<Process>,
    /// What is to be said while there is no process.
    without: Proxy,
}

/// Where the pid file is, or will be.
#[derive(Debug)]
enum Directory {
    /// Tells when the file changes.
    Watched { watch: Watch, readiness: Readiness },
    /// It is not there. A time, not a wait: whoever waits for changes may give up any time.
    Missing { look_again: Instant },
}

#[derive(Debug)]
struct Process {
    handle: Handle,
    ended: Readiness,
    hearing: Hearing,
}

impl Twin {
    /// Looks for it. To be called inside the event loop.
    pub(super) fn new(pidfile: PathBuf, log: Log) -> Self {
        let mut twin = Self {
            pidfile,
            log,
            directory: Directory::Missing {
                look_again: Instant::now(),
            },
            process: None,
            without: Proxy::Absent,
        };
        twin.look(Instant::now());
        twin
    }

    /// What is known of it; `None`: nothing yet.
    pub(super) fn state(&self, now: Instant) -> Option<Proxy> {
        match &self.process {
            Some(process) => process.hearing.state(now),
            None => Some(self.without),
        }
    }

    /// Whom we listen to.
    pub(super) fn hearing(&mut self) -> Option<&mut Hearing> {
        Some(&mut self.process.as_mut()?.hearing)
    }

    /// Waits until something may have changed. Nothing is lost if the future is dropped.
    pub(super) async fn changed(&mut self) {
        let Self {
            directory, process, ..
        } = self;
        tokio::select! {
            biased;
            () = of_process(process.as_mut()) => {}
            () = directory.changed() => {}
        }
        self.look(Instant::now());
    }

    /// Takes in what has happened. The file is read before the end of a process is believed: after
    /// a reload its successor is there already.
    fn look(&mut self, now: Instant) {
        if let Some(process) = &mut self.process {
            process.hearing.look(now);
        }
        let leaves = self.process.as_ref().is_some_and(Process::leaves);
        if self.file_may_have_changed(now) || leaves {
            self.read_file(now);
        }
        if let Some(process) = self.process.take_if(|process| process.has_ended()) {
            let fault = if process.hearing.is_stopping() {
                ProxyFault::Stopped
            } else {
                ProxyFault::Died
            };
            self.without = Proxy::Down(fault);
        }
    }

    fn file_may_have_changed(&mut self, now: Instant) -> bool {
        match &self.directory {
            Directory::Watched { watch, .. } => match watch.changes() {
                Ok(changes) if changes.is_empty() => return false,
                Ok(changes) if !changes.contains(&Change::Gone) => return true,
                Ok(_) | Err(_) => {}
            },
            Directory::Missing { look_again } if now < *look_again => return false,
            Directory::Missing { .. } => {}
        }
        self.directory = Directory::of(&self.pidfile, now);
        // Whatever was written before we watched.
        matches!(self.directory, Directory::Watched { .. })
    }

    /// Whoever the file names now is the proxy, if it is one.
    fn read_file(&mut self, now: Instant) {
        let Some(pid) = pid_in(&self.pidfile) else {
            return;
        };
        if self.process.as_ref().is_some_and(|process| process.is(pid)) {
            return;
        }
        if let Ok(process) = Process::open(pid, now) {
            let line = format!("Proxy: process {pid}, named by {}", self.pidfile.display());
            self.log.line(Level::Info, line);
            self.process = Some(process);
        }
    }
}

async fn of_process(process: Option<&mut Process>) {
    match process {
        Some(process) => tokio::select! {
            biased;
            () = process.hearing.changed() => {}
            _ = process.ended.readable() => {}
        },
        None => std::future::pending().await,
    }
}

impl Directory {
    fn of(file: &Path, now: Instant) -> Self {
        Self::watch(file).unwrap_or(Self::Missing {
            look_again: now + LOOK_AGAIN,
        })
    }

    fn watch(file: &Path) -> io::Result<Self> {
        let parent = file.parent().filter(|path| !path.as_os_str().is_empty());
        let watch = Watch::directory(parent.unwrap_or(Path::new(".")))?;
        let readiness = Readiness::of(&watch)?;
        Ok(Self::Watched { watch, readiness })
    }

    async fn changed(&self) {
        match self {
            Self::Watched { readiness, .. } => {
                // It fails only while the event loop is taken down.
                let _changed = readiness.readable().await;
            }
            Self::Missing { look_again } => tokio::time::sleep_until((*look_again).into()).await,
        }
    }
}

impl Process {
    /// The process of this number, if it is a proxy.
    fn open(pid: Pid, now: Instant) -> io::Result<Self> {
        let handle = Handle::open(pid)?;
        let number = number(pid);
        let name = fs::read_to_string(format!("/proc/{number}/comm"))?;
        // The number may have been given to another process before we held the handle. If that
        // one is alive now, it was its name that we read.
        if name.trim_end() != NAME || has_ended(&handle) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self {
            ended: Readiness::of(handle.descriptor())?,
            handle,
            hearing: Hearing::of(number, now),
        })
    }

    fn is(&self, pid: Pid) -> bool {
        // The number of one that has ended may be another's by now.
        self.handle.pid() == pid && !self.has_ended()
    }

    fn has_ended(&self) -> bool {
        has_ended(&self.handle)
    }

    fn leaves(&self) -> bool {
        self.hearing.is_stopping() || self.has_ended()
    }
}

fn has_ended(handle: &Handle) -> bool {
    use std::os::fd::AsFd as _;
    let descriptor = handle.descriptor().as_fd();
    let [ended] = readable([Some(descriptor)], Some(Duration::ZERO)).unwrap_or([false]);
    ended
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// The number in a pid file; `None` if it is not there or no number, perhaps being written.
fn pid_in(path: &Path) -> Option<Pid> {
    const LONGEST: u64 = 64;
    let mut text = String::new();
    File::open(path)
        .ok()?
        .take(LONGEST)
        .read_to_string(&mut text)
        .ok()?;
    let number: u32 = text.lines().next()?.trim().parse().ok()?;
    // rustix accepts no negative number at all.
    Pid::from_raw(i32::try_from(number).ok()?)
}
