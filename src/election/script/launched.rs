//! The election's side of its launcher: the process that starts scripts, since the election itself
//! keeps none of the rights that this takes (`election::launcher` is the other side).

use std::{
    collections::{HashMap, VecDeque},
    env, io,
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd},
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    path::PathBuf,
    process::{Command, ExitStatus},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use pontoon_sys::{
    descriptor,
    packet::{self, passing},
    process::{Signal, child, script::isolate},
    readiness::Readiness,
};
use tokio::sync::{Notify, oneshot};

use super::{
    Script,
    wire::{LONGEST, News, Order, packed},
};
use crate::{
    election::{resume, sandbox},
    node::channel,
};

/// The name of the process.
pub const NAME: &str = "pontoon-scripts";
/// Names the launcher's descriptor; and the election's, in the program that follows it.
pub(in crate::election) const VARIABLE: &str = "PONTOON_SCRIPTS_FD";

/// There is one for a process, or none: then the process starts scripts itself.
static LAUNCHER: OnceLock<Launcher> = OnceLock::new();

/// The way to the launcher.
#[derive(Debug)]
pub(in crate::election) struct Launcher {
    socket: OwnedFd,
    state: Mutex<State>,
    /// Something waits to be sent.
    more: Notify,
    lost: Notify,
}

#[derive(Debug, Default)]
struct State {
    unsent: VecDeque<(Vec<u8>, Option<OwnedFd>)>,
    next: u64,
    starting: HashMap<u64, oneshot::Sender<io::Result<Launched>>>,
    running: HashMap<i32, oneshot::Sender<ExitStatus>>,
    lost: bool,
}

/// A process that the launcher has started for us.
#[derive(Debug)]
pub(super) struct Launched {
    pid: i32,
    end: oneshot::Receiver<ExitStatus>,
    ended: Option<ExitStatus>,
}

impl Launched {
    pub(super) const fn pid(&self) -> i32 {
        self.pid
    }

    /// Waits for its end; can be given up and called again.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let status = (&mut self.end).await.map_err(|_| gone())?;
        self.ended = Some(status);
        Ok(status)
    }
}

fn gone() -> io::Error {
    io::Error::other("the process that starts scripts has ended")
}

/// The launcher of this process, if it has one.
pub(super) fn in_use() -> Option<&'static Launcher> {
    LAUNCHER.get()
}

/// Starts the launcher, or takes over that of the program before. To be called before threads are
/// started, and before rights are given up.
///
/// # Errors
/// There are no descriptors or processes left.
pub(in crate::election) fn begin() -> io::Result<()> {
    let socket = match env::var(VARIABLE) {
        Ok(number) => descriptor::take_over(number.parse().map_err(io::Error::other)?)?,
        Err(_) => launch()?,
    };
    let launcher = Launcher {
        socket,
        state: Mutex::new(State {
            // Answers to the program before are for nobody.
            next: std::time::SystemTime::UNIX_EPOCH
                .elapsed()
                .map_or(0, |since| since.as_secs() << 20),
            ..State::default()
        }),
        more: Notify::new(),
        lost: Notify::new(),
    };
    LAUNCHER
        .set(launcher)
        .map_err(|_| io::Error::other("there is a launcher already"))
}

fn launch() -> io::Result<OwnedFd> {
    let (ours, theirs) = packet::pair()?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(NAME)
        .args(env::args_os().skip(1))
        .env(VARIABLE, theirs.as_raw_fd().to_string())
        .env_remove(channel::VARIABLE)
        .env_remove(resume::VARIABLE)
        .env_remove(sandbox::VARIABLE);
    isolate(&mut command, None);
    child::prepare(&mut command, theirs.as_fd(), child::Bond::Notices);
    // Not waited for: it ends after us, or its end is ours.
    drop(command.spawn()?);
    Ok(ours)
}

/// The descriptor for the program that follows this one.
pub(in crate::election) fn inheritance() -> Option<RawFd> {
    in_use().map(|launcher| launcher.socket.as_raw_fd())
}

/// Says that the files have been read again.
pub(in crate::election) fn reload() {
    if let Some(launcher) = in_use() {
        launcher.send(&Order::Reload);
    }
}

/// Has the launcher become the program that this process has become.
pub(in crate::election) fn renew(program: PathBuf) {
    if let Some(launcher) = in_use() {
        launcher.send(&Order::Renew { program });
    }
}

/// Waits until the launcher is gone. For ever, if there is none.
pub(in crate::election) async fn lost() {
    match in_use() {
        Some(launcher) => launcher.lost.notified().await,
        None => std::future::pending().await,
    }
}

/// Hears what the launcher says, until it is gone. To be called inside of the runtime, and once.
///
/// # Errors
/// There are no descriptors left.
pub(in crate::election) fn listen() -> io::Result<()> {
    if let Some(launcher) = in_use() {
        let readiness = Readiness::of(&launcher.socket)?;
        tokio::spawn(async move {
            // Whatever it is: without its launcher the election is not what it should be.
            let _gone = launcher.listen(readiness).await;
            launcher.lose();
        });
    }
    Ok(())
}

impl Launcher {
    /// Starts a script, whose output goes there.
    pub(super) async fn start(
        &self,
        script: &Script,
        more: &[String],
        output: OwnedFd,
    ) -> io::Result<Launched> {
        let (tell, told) = oneshot::channel();
        let run = {
            let mut state = self.state();
            if state.lost {
                return Err(gone());
            }
            state.next += 1;
            state.next
        };
        let order = Order::Start {
            run,
            script: script.wanted(),
            more: more.to_vec(),
        };
        let message = packed(&order)?;
        self.state().starting.insert(run, tell);
        self.push(message, Some(output));
        told.await.map_err(|_| gone())?
    }

    /// One that was started for the program before this one.
    pub(super) fn adopt(&self, pid: i32) -> Launched {
        let launched = self.state().enter(pid);
        self.send(&Order::Adopt { pid });
        launched
    }

    pub(super) fn signal(&self, group: i32, signal: Signal) {
        let hard = signal == Signal::KILL;
        self.send(&Order::Signal { group, hard });
    }

    fn send(&self, order: &Order) {
        // Only the start of a script can be too long.
        if let Ok(message) = packed(order) {
            self.push(message, None);
        }
    }

    fn push(&self, message: Vec<u8>, descriptor: Option<OwnedFd>) {
        self.state().unsent.push_back((message, descriptor));
        self.flush();
        self.more.notify_one();
    }

    /// Sends what waits, as far as there is room.
    fn flush(&self) {
        let mut state = self.state();
        while let Some((message, descriptor)) = state.unsent.front() {
            let descriptor: Vec<_> = descriptor.iter().map(|it| it.as_fd()).collect();
            match passing::send_with(&self.socket, message, &descriptor) {
                Ok(()) => drop(state.unsent.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => state.unsent.clear(),
            }
        }
    }

    async fn listen(&self, readiness: Readiness) -> io::Result<()> {
        let mut buffer = vec![0; LONGEST];
        loop {
            while let Some(news) = self.receive(&mut buffer)? {
                self.take(news);
            }
            self.flush();
            let waits = !self.state().unsent.is_empty();
            tokio::select! {
                ready = readiness.readable_or_writable(), if waits => ready?,
                ready = readiness.readable(), if !waits => ready?,
                () = self.more.notified() => {}
            }
        }
    }

    /// `None`: nothing is there.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<News>> {
        match packet::receive(&self.socket, buffer) {
            Ok(Some(length)) => Ok(Some(serde_json::from_slice(&buffer[..length])?)),
            Ok(None) => Err(gone()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn take(&self, news: News) {
        let mut state = self.state();
        match news {
            News::Started { run, pid } => {
                let launched = state.enter(pid);
                let told = state
                    .starting
                    .remove(&run)
                    .map(|tell| tell.send(Ok(launched)));
                if !matches!(told, Some(Ok(()))) {
                    // Nobody waits for it any more.
                    state.running.remove(&pid);
                    drop(state);
                    self.signal(pid, Signal::KILL);
                }
            }
            News::Refused { run, why } => {
                if let Some(tell) = state.starting.remove(&run) {
                    let _given_up = tell.send(Err(io::Error::other(why)));
                }
            }
            News::Ended { pid, status } => {
                if let Some(tell) = state.running.remove(&pid) {
                    let _given_up = tell.send(ExitStatus::from_raw(status));
                }
            }
        }
    }

    fn lose(&self) {
        let mut state = self.state();
        state.lost = true;
        state.unsent.clear();
        state.starting.clear();
        state.running.clear();
        self.lost.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, pid: i32) -> Launched {
        let (tell, end) = oneshot::channel();
        self.running.insert(pid, tell);
        Launched {
            pid,
            end,
            ended: None,
        }
    }
}
