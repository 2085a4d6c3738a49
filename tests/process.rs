//! The process: arguments, exit codes, daemons, privileges, signals, the supervisor.

mod arguments;
mod daemon;
mod master;
mod sandbox;
mod signals;
mod supervisor;

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use pontoon_lab::{
    balancer::{Kind, program_of},
    problem::Trying as _,
    temp::TempDir,
    wait,
};

pub(crate) use self::supervisor::child_of;
use crate::harness::{Failure, Test, pontoon};

/// How long a program may take to end when told to. On a busy machine HAProxy 2.6.12 was seen to take
/// more than 20 s.
const fn patience(kind: Kind) -> Duration {
    match kind {
        Kind::Pontoon => wait::PATIENCE,
        Kind::Haproxy => Duration::from_secs(70),
    }
}

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    arguments::register(tests);
    daemon::register(tests);
    master::register(tests);
    sandbox::register(tests);
    signals::register(tests);
    supervisor::register(tests);
}

/// A program under the name `haproxy`, and a folder for its files.
struct Bench {
    folder: TempDir,
    program: PathBuf,
}

impl Bench {
    fn new(kind: Kind) -> Result<Self, Failure> {
        let folder = TempDir::new("process")?;
        let program = program_of(kind, pontoon(), &folder)?;
        Ok(Self { folder, program })
    }

    /// Runs it to its end in its folder.
    fn run(&self, arguments: &str) -> Result<Output, Failure> {
        let output = Command::new(&self.program)
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .trying(format!("run haproxy {arguments}"))?;
        Ok(output)
    }
}

/// A proxy that listens here and has one server there.
fn relay(global: &str, listens: SocketAddr, server: SocketAddr) -> String {
    format!(
        "global\n {global}\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n \
         timeout server 60s\nlisten relay\n bind {listens}\n server s1 {server}\n"
    )
}

/// Both outputs of a program, for messages.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "exit {:?}\n{}{}",
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr)
    )
}
