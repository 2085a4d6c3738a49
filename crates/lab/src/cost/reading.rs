//! What reading a file costs: `pontoon check` of it, and starting on it.

use std::{net::SocketAddr, os::unix::fs::symlink, path::Path, process::Command};

use super::{
    Cost, callgrind,
    stage::{PATIENCE, SANDBOX, complaint, end, wait_for},
};
use crate::{
    problem::{Result, Trying},
    program::Program,
    temp::TempDir,
};

/// `pontoon check` of this text from its begin to its end.
///
/// # Errors
/// `valgrind` is missing, or the check does not end.
pub fn check(program: &Path, name: &str, text: &str) -> Result<Cost> {
    let folder = TempDir::new("cost")?;
    let file = folder.write(name, text)?;
    let mut command = valgrind(&folder);
    command.arg(program).arg("check").arg(file);
    let mut program = Program::start(&mut command)?;
    let ended = program.wait(PATIENCE);
    ended.map_err(|problem| complaint(&program, &problem.to_string()))?;
    callgrind::read(folder.path())
}

/// A proxy on this configuration from its start until `listens` does, and its end.
///
/// # Errors
/// `valgrind` is missing, or the program does not start.
pub fn start(program: &Path, text: &str, listens: SocketAddr) -> Result<Cost> {
    let folder = TempDir::new("cost")?;
    let file = folder.write("haproxy.cfg", text)?;
    let link = folder.path().join("haproxy");
    let program = program.canonicalize().trying("find our program")?;
    symlink(program, &link).trying("link our program under the name haproxy")?;
    let mut command = valgrind(&folder);
    command.arg(link).arg("-db").arg("-f").arg(file);
    let mut program = Program::start(&mut command)?;
    wait_for(&mut program, listens)?;
    end(&mut program)?;
    callgrind::read(folder.path())
}

fn valgrind(folder: &TempDir) -> Command {
    let mut command = Command::new(callgrind::INSTRUMENT.program);
    command.args((callgrind::INSTRUMENT.arguments)(folder.path()));
    command.env(SANDBOX, "off");
    command
}
