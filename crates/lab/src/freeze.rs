//! Stopping one thread of a process, while the others run on: what no signal can do.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    problem::{Problem, Result, Trying},
    program::Program,
};

/// A tracer that stops a thread and waits. The kernel lets go of the thread when it ends. It takes
/// the number of the system call and that of the thread; `PTRACE_SEIZE`, `PTRACE_INTERRUPT`, then
/// `__WALL`, so that a thread that is killed while it stands still can be reaped.
const TRACER: &str = "$| = 1; my ($call, $thread) = map { $_ + 0 } @ARGV; \
    syscall($call, 0x4206, $thread, 0, 0) == 0 or die \"seize: $!\"; \
    syscall($call, 0x4207, $thread, 0, 0) == 0 or die \"interrupt: $!\"; \
    waitpid($thread, 0x40000000) == $thread or die \"wait: $!\"; \
    print \"stopped\\n\"; 1 while waitpid(-1, 0x40000000) > 0; sleep 1 while 1;";

/// A thread that stands still until this is dropped. Needs the program `perl`.
#[derive(Debug)]
pub struct Frozen(#[expect(dead_code, reason = "it acts when it is dropped")] Program);

impl Frozen {
    /// Stops a thread, by its number.
    ///
    /// # Errors
    /// There is no such thread, or it may not be traced.
    pub fn thread(number: u32) -> Result<Self> {
        let mut command = Command::new("perl");
        command.args(["-e", TRACER, "--"]);
        command.arg(libc::SYS_ptrace.to_string());
        let tracer = Program::start(command.arg(number.to_string()))?;
        tracer.wait_for_line("the thread to stop", |line| line == "stopped")?;
        Ok(Self(tracer))
    }
}

/// The threads of a process: their numbers and names, the oldest first.
///
/// # Errors
/// There is no such process.
pub fn threads(pid: u32) -> Result<Vec<(u32, String)>> {
    let folder = PathBuf::from(format!("/proc/{pid}/task"));
    let entries = fs::read_dir(&folder).trying(format!("list {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let number = entry.file_name().to_string_lossy().parse();
        let number =
            number.map_err(|_| Problem::Unexpected(format!("a thread called {entry:?}")))?;
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        found.push((number, name.trim_end().to_owned()));
    }
    found.sort();
    Ok(found)
}
