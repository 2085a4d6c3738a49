//! Becoming the program on the disk: after a reload that has found another one there, this process
//! executes it. It stays the same process with the same children; what it knows of them passes over
//! as a file in memory, together with the line to the election and the listening sockets.
//!
//! The new program is asked first whether it can go on with what this one leaves. If it cannot, or
//! something is under way, this one goes on.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd},
        unix::process::CommandExt as _,
    },
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use pontoon_sys::{
    clock, descriptor,
    process::{Pid, child::Handle, replace::replace, wait},
};
use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::{
    Children, Role, Supervisor,
    child::{Child, SavedChild},
    console::{Console, SavedListener},
    door::{Door, SavedDoor},
    files::Files,
    leaving::{Leaving, SavedLeaving},
    notes::Noted,
    process::{Kind, Line},
    program::Program,
    reload::Reloads,
    start,
    voice::Voice,
};
use crate::node::{
    channel::SupervisorEnd,
    message::{Farewell, Held, ToElection},
};

/// Names the descriptor of what the program before has left.
pub(super) const VARIABLE: &str = "PONTOON_RESUME_FD";
/// Of what one program leaves to the next. Whoever changes that in a way that others cannot read changes this.
pub const VERSION: u32 = 1;
/// The command that asks a program whether it can go on from a version.
pub const QUESTION: &str = "can-resume";
/// How long it may think.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one program leaves to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    /// Under which name it was started.
    program: Program,
    /// On the monotonic clock.
    started: Duration,
    proxy: Option<SavedChild>,
    election: Option<SavedChild>,
    /// The line to the election.
    line: Option<RawFd>,
    leaving: Vec<SavedLeaving>,
    proxy_word: ToElection,
    held: Vec<Held>,
    farewells: Vec<Farewell>,
    scripts: Vec<i32>,
    noted: Option<Noted>,
    reloads: Reloads,
    /// A child that dies is started again.
    #[serde(default = "yes")]
    respawn: bool,
    door: Option<SavedDoor>,
    console: Vec<SavedListener>,
}

const fn yes() -> bool {
    true
}

/// Whether a program before this one has left its children to it.
#[must_use]
pub fn is_due() -> bool {
    env::var_os(VARIABLE).is_some()
}

impl Supervisor {
    /// Executes the program on the disk, if it is another one and nothing is under way. Returns if
    /// not; what was under way is looked at again after the next event.
    pub(super) fn renew_if_due(&mut self) {
        if !self.renewal || !self.is_calm() {
            return;
        }
        self.renewal = false;
        let Some(path) = self.program.successor().map(Path::to_owned) else {
            return;
        };
        if !can_resume(&path, &self.saved()) {
            return self.voice.warning(format!(
                "{} cannot go on where this supervisor is: the supervisor stays what it is until a \
                 restart",
                path.display()
            ));
        }
        // It does so when it suits it, and tells whoever we are by then.
        self.tell_election(&ToElection::Renew {
            program: path.clone(),
        });
        self.voice.flush();
        let error = self.renew(&path);
        self.voice.warning(format!(
            "cannot become {}: {error}; the supervisor stays what it is",
            path.display()
        ));
    }

    /// The election has become another program, or has not.
    pub(super) fn election_renewed(&self, result: Result<String, String>) {
        match result {
            // The log has told.
            _ if self.role == Role::Keepalived => {}
            Ok(version) => self
                .voice
                .notice(format!("the election is pontoon {version} now")),
            Err(why) => self.voice.warning(format!(
                "the election stays what it is until a restart: {why}"
            )),
        }
    }

    /// Nobody waits for us, and all children are simply up.
    fn is_calm(&self) -> bool {
        let quiet = |child: &Child| match child.process().map(|process| &process.line) {
            Some(Line::Talk(end)) => end.is_quiet(),
            Some(Line::Ready(_)) => false,
            Some(Line::Closed) | None => child.kind == Kind::Proxy,
        };
        self.stop.is_none()
            && self.reload.is_none()
            && self.children.successor.is_none()
            && self.inquiries.is_empty()
            && self.requests.is_empty()
            && self.door.as_ref().is_none_or(Door::is_calm)
            && self.console.is_calm()
            && self
                .children
                .all()
                .all(|child| child.saved().is_some() && quiet(child))
    }

    /// Returns only if it cannot.
    fn renew(&mut self, path: &Path) -> io::Error {
        let (memory, kept) = match self.leave_all() {
            Ok(left) => left,
            Err(error) => return error,
        };
        let ours = env::vars_os().filter(|(name, _)| name != VARIABLE);
        let left = (VARIABLE.into(), memory.as_raw_fd().to_string().into());
        // Signals that come meanwhile wait for the new program.
        let error = replace(path, env::args_os(), ours.chain([left]));
        for number in kept {
            // They were open a moment ago.
            let _open = descriptor::close_on_exec(number);
        }
        error
    }

    /// The file in memory, and all descriptors that stay open.
    fn leave_all(&self) -> io::Result<(OwnedFd, Vec<RawFd>)> {
        let saved = self.saved();
        let mut memory = File::from(memfd_create("pontoon-resume", MemfdFlags::CLOEXEC)?);
        memory.write_all(&serde_json::to_vec(&saved)?)?;
        let console = saved.console.iter().map(|listener| listener.descriptor);
        let mut kept: Vec<_> = console.chain(saved.line).collect();
        kept.extend(saved.door.iter().map(|door| door.descriptor));
        kept.push(memory.as_raw_fd());
        for number in &kept {
            descriptor::keep_on_exec(*number)?;
        }
        Ok((memory.into(), kept))
    }

    fn saved(&self) -> Saved {
        let election = self.children.election.as_ref();
        let line = election
            .and_then(Child::process)
            .map(|process| &process.line);
        Saved {
            program: self.program.clone(),
            started: clock::to_monotonic(self.started),
            proxy: self.children.proxy.as_ref().and_then(Child::saved),
            election: election.and_then(Child::saved),
            line: match line {
                Some(Line::Talk(end)) => Some(end.as_fd().as_raw_fd()),
                _ => None,
            },
            leaving: self.children.leaving.iter().map(Leaving::saved).collect(),
            proxy_word: self.proxy_word.clone(),
            held: self.held.clone(),
            farewells: self.farewells.clone(),
            scripts: self.scripts.clone(),
            noted: self.files.applied().cloned(),
            reloads: self.reloads.saved(),
            respawn: self.respawn,
            door: self.door.as_ref().and_then(Door::saved),
            console: self.console.saved(),
        }
    }
}

/// Whether a program of this version can go on from what another of that one would leave: it reads
/// that on its standard input, as a rehearsal.
#[must_use]
pub fn is_readable(version: u32, input: impl io::Read) -> bool {
    version == VERSION && serde_json::from_reader::<_, Saved>(input).is_ok()
}

fn rehearsal(saved: &Saved) -> io::Result<File> {
    let mut memory = File::from(memfd_create("pontoon-rehearsal", MemfdFlags::CLOEXEC)?);
    memory.write_all(&serde_json::to_vec(saved)?)?;
    memory.rewind()?;
    Ok(memory)
}

/// Whether that program knows what we would leave.
fn can_resume(path: &Path, saved: &Saved) -> bool {
    let Ok(input) = rehearsal(saved) else {
        return false;
    };
    let mut command = Command::new(path);
    command
        .arg0("pontoon")
        .args([OsStr::new(QUESTION), OsStr::new(&VERSION.to_string())])
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(Ok(handle)) = pid.map(Handle::open) {
        let ended = wait::readable([Some(handle.descriptor().as_fd())], Some(PATIENCE));
        if !matches!(ended, Ok([true])) {
            // It is reaped below.
            let _gone = child.kill();
        }
    }
    child.wait().is_ok_and(|status| status.success())
}

/// What the program before this one has left.
pub(super) fn left() -> io::Result<Saved> {
    let number = env::var(VARIABLE).map_err(io::Error::other)?;
    let number = number.parse().map_err(io::Error::other)?;
    let mut memory = File::from(descriptor::take_over(number)?);
    memory.rewind()?;
    let mut text = Vec::new();
    memory.read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

/// Goes on as that one.
pub(super) fn go_on(
    role: Role,
    files: impl FnOnce(Option<Noted>) -> Files,
    voice: Voice,
) -> ExitCode {
    let resumed = left().and_then(|saved| resumed(role, saved, files));
    match resumed {
        Ok((parts, saved)) => start::resumed(parts, saved, voice),
        Err(error) => {
            voice.alert(format!(
                "cannot go on where the supervisor before was: {error}"
            ));
            ExitCode::FAILURE
        }
    }
}

/// What a supervisor needs that goes on.
pub(super) struct Parts {
    pub(super) role: Role,
    pub(super) program: Program,
    pub(super) children: Children,
    pub(super) files: Files,
    pub(super) door: Option<Door>,
    pub(super) console: Console,
}

/// What it knows.
pub(super) struct Known {
    pub(super) started: Instant,
    pub(super) proxy_word: ToElection,
    pub(super) held: Vec<Held>,
    pub(super) farewells: Vec<Farewell>,
    pub(super) scripts: Vec<i32>,
    pub(super) reloads: Reloads,
    pub(super) respawn: bool,
}

fn resumed(
    role: Role,
    saved: Saved,
    files: impl FnOnce(Option<Noted>) -> Files,
) -> io::Result<(Parts, Known)> {
    let program = saved.program;
    let child = |kind, saved: Option<SavedChild>, line| {
        saved
            .map(|saved| Child::resumed(kind, program.clone(), saved, line))
            .transpose()
    };
    let line = saved.line.map(descriptor::take_over).transpose()?;
    let line = line.map_or(Line::Closed, |line| {
        Line::Talk(SupervisorEnd::resumed(line))
    });
    // One that somebody else has reaped (a script around the program) has left.
    let leaving = saved.leaving.into_iter().map(Leaving::resumed);
    let parts = Parts {
        role,
        children: Children {
            proxy: child(Kind::Proxy, saved.proxy, Line::Closed)?,
            election: child(Kind::Election, saved.election, line)?,
            successor: None,
            leaving: leaving.filter_map(Result::ok).collect(),
        },
        files: files(saved.noted),
        door: saved.door.map(Door::resumed).transpose()?,
        console: Console::resumed(saved.console)?,
        program,
    };
    let known = Known {
        started: clock::from_monotonic(saved.started),
        proxy_word: saved.proxy_word,
        held: saved.held,
        farewells: saved.farewells,
        scripts: saved.scripts,
        reloads: saved.reloads,
        respawn: saved.respawn,
    };
    Ok((parts, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_no_place_to_go_on_from() {
        assert!(!is_readable(VERSION, &b"{}"[..]));
        assert!(!is_readable(VERSION, &b""[..]));
        assert!(!is_readable(VERSION + 1, &b""[..]));
    }
}
