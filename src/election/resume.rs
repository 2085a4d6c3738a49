//! Becoming another program: what the election leaves to it, as a file in memory, and what it finds.
//!
//! The process stays the same, so that its supervisor, its pid file and its scripts need not know;
//! sockets stay open with what has arrived in them, and addresses are not touched. The file has two
//! parts. The core is read by every version there will be: with it alone a master stays master. The
//! rest is read by those of the same version.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    os::fd::{AsRawFd as _, OwnedFd, RawFd},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::{election::Memory, view::Counters};
use pontoon_sys::{
    clock, descriptor,
    process::{replace::replace, schedule},
};
use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::{
    history::{Events, History},
    network::SavedNetwork,
    notify::SavedFifo,
    process::signals,
    proxy::Followed,
    sandbox,
    script::launched,
    track::SavedTrackers,
};
use crate::node::{channel::ElectionEnd, message::Held};

/// Names the descriptor of what the program before has left.
pub(super) const VARIABLE: &str = "PONTOON_ELECTION_RESUME_FD";
/// Of the rest. Whoever changes that in a way that others cannot read changes this.
const VERSION: u32 = 1;
/// The command that asks a program whether it could go on from here.
pub const QUESTION: &str = "can-resume-election";
/// The lowest priority of those that are run before all ordinary processes.
pub(super) const HURRY: u8 = 1;
/// How long it may think.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every version reads: nothing of it may ever change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Core {
    /// Of the rest.
    version: u32,
    /// The instances that are master.
    pub(super) masters: Vec<String>,
    /// What is on the interfaces because of them.
    pub(super) held: Vec<Held>,
    /// Who is followed as this node's proxy.
    pub(super) proxy: Followed,
    /// All that was left open.
    descriptors: Vec<RawFd>,
}

/// What those of the same version read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rest {
    /// On the monotonic clock, as all times.
    pub(super) started: Duration,
    pub(super) machine: Memory,
    pub(super) network: SavedNetwork,
    pub(super) trackers: SavedTrackers,
    pub(super) fifos: Vec<SavedFifo>,
    pub(super) history: History,
    pub(super) events: Events,
    /// What the counters of instances were when statistics were cleared.
    pub(super) cleared: Vec<(String, Counters)>,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    core: Core,
    rest: serde_json::Value,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) core: Core,
    /// `None`: it cannot be read; why is told.
    pub(super) rest: Result<Rest, String>,
}

/// What times are told from.
pub(super) fn epoch() -> Instant {
    clock::from_monotonic(Duration::ZERO)
}

impl Rest {
    fn descriptors(&self) -> Vec<RawFd> {
        let fifos = self.fifos.iter().flat_map(SavedFifo::descriptors);
        self.network.descriptors().chain(fifos).collect()
    }
}

/// Executes this program, which finds all of that; returns only if it cannot.
pub(super) fn execute(
    program: &Path,
    masters: Vec<String>,
    held: Vec<Held>,
    proxy: Followed,
    rest: &Rest,
    realtime: Option<u8>,
) -> io::Error {
    // What comes meanwhile waits for the new program.
    let held_signals = match signals::hold() {
        Ok(held) => held,
        Err(error) => return error,
    };
    hurry();
    let core = Core {
        version: VERSION,
        masters,
        held,
        proxy,
        descriptors: rest.descriptors(),
    };
    let (error, kept) = match leave(core, rest) {
        Ok((memory, kept)) => {
            let others = [VARIABLE, launched::VARIABLE, sandbox::VARIABLE];
            let ours = env::vars_os().filter(|(name, _)| !others.iter().any(|it| name == it));
            let number = |number: RawFd| OsString::from(number.to_string());
            let launcher = launched::inheritance();
            let launcher = launcher.map(|it| (launched::VARIABLE.into(), number(it)));
            let left = (VARIABLE.into(), number(memory.as_raw_fd()));
            let left = [left].into_iter().chain(launcher);
            let left = left.chain(sandbox::inheritance());
            let words = [own_name()].into_iter().chain(own_arguments());
            let error = sandbox::across(|| replace(program, words, ours.chain(left)));
            (error, kept)
        }
        Err(error) => (error, rest.descriptors()),
    };
    hurry_no_more(realtime);
    for number in kept {
        // They were open a moment ago.
        let _open = descriptor::close_on_exec(number);
    }
    // It cannot fail with a set that was just taken.
    let _released = held_signals.release();
    error
}

/// Nobody says that a master lives while one program follows the other: on a machine that is busy, that
/// must not take long.
fn hurry() {
    // Without the right to it, it takes its turn like all others.
    let _not_allowed = schedule::set_realtime(HURRY);
}

/// It is run as the file says again.
pub(super) fn hurry_no_more(realtime: Option<u8>) {
    // Whoever was allowed to hurry may take its time; to others nothing has changed.
    let _not_allowed = match realtime {
        Some(priority) => schedule::set_realtime(priority),
        None => schedule::set_ordinary(),
    };
}

/// The file in memory, and all descriptors that stay open.
fn leave(core: Core, rest: &Rest) -> io::Result<(OwnedFd, Vec<RawFd>)> {
    let mut kept = core.descriptors.clone();
    let saved = Saved {
        core,
        rest: serde_json::to_value(rest)?,
    };
    let mut memory = File::from(memfd_create("pontoon-election", MemfdFlags::CLOEXEC)?);
    memory.write_all(&serde_json::to_vec(&saved)?)?;
    kept.push(memory.as_raw_fd());
    kept.extend(ElectionEnd::inheritance());
    kept.extend(launched::inheritance());
    for number in &kept {
        descriptor::keep_on_exec(*number)?;
    }
    Ok((memory.into(), kept))
}

/// What the program before this one has left, if there was one.
///
/// # Errors
/// Not even the core can be read.
pub(super) fn left() -> io::Result<Option<Left>> {
    let Some(number) = env::var_os(VARIABLE) else {
        return Ok(None);
    };
    let number = number.to_string_lossy().parse();
    let mut memory = File::from(descriptor::take_over(number.map_err(io::Error::other)?)?);
    memory.rewind()?;
    let mut text = Vec::new();
    memory.read_to_end(&mut text)?;
    let Saved { core, rest } = serde_json::from_slice(&text)?;
    let rest = match core.version {
        VERSION => serde_json::from_value::<Rest>(rest).map_err(|error| error.to_string()),
        other => Err(format!("it is of version {other}, ours is {VERSION}")),
    };
    if rest.is_err() {
        for number in &core.descriptors {
            // Nobody knows what they are for.
            let _gone = descriptor::take_over(*number).map(drop);
        }
    }
    Ok(Some(Left { core, rest }))
}

/// Whether that program could go on from here: it knows how, and it reads the files.
pub(super) async fn can_resume(program: &Path) -> bool {
    let mut command = tokio::process::Command::new(program);
    command
        .arg0("pontoon")
        .arg(QUESTION)
        .arg("--")
        .args(own_arguments())
        .env_remove(crate::node::channel::VARIABLE)
        .env_remove(VARIABLE)
        .env_remove(launched::VARIABLE)
        .env_remove(sandbox::VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let answer = async move { command.status().await.is_ok_and(|status| status.success()) };
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    answer.unwrap_or(false)
}

fn own_name() -> OsString {
    env::args_os().next().unwrap_or_default()
}

fn own_arguments() -> impl Iterator<Item = OsString> {
    env::args_os().skip(1)
}
