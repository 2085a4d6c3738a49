//! A balancer under test: Pontoon, or the real HAProxy on the same text.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use crate::{
    needs,
    problem::{Problem, Result, Trying},
    program::Program,
    temp::TempDir,
    wait,
};

/// Whose program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ours, started under the name `haproxy`.
    Pontoon,
    /// Debian's.
    Haproxy,
}

/// A running balancer.
#[derive(Debug)]
pub struct Balancer {
    /// The process.
    pub program: Program,
    folder: TempDir,
}

impl Balancer {
    /// Starts one in the foreground (`-db`) on this configuration and waits until the address
    /// accepts connections. `pontoon` is the path of our program.
    ///
    /// # Errors
    /// It cannot be started, ends at once, or never listens; the error shows its output.
    pub fn start(kind: Kind, pontoon: &Path, config: &str, listens: SocketAddr) -> Result<Self> {
        let mut balancer = Self::start_without_waiting(kind, pontoon, config)?;
        let up = wait::until("the balancer to listen", wait::PATIENCE, || {
            if balancer.program.ended().ok().flatten().is_some() {
                return Some(false);
            }
            TcpStream::connect_timeout(&listens, Duration::from_millis(200))
                .ok()
                .map(|_| true)
        });
        match up {
            Ok(true) => Ok(balancer),
            Ok(false) => {
                // The thread that listens may be behind; a program that says nothing is told so.
                let _silent = wait::until("its last words", Duration::from_secs(1), || {
                    (!balancer.program.output().is_empty()).then_some(())
                });
                Err(balancer.complain("it ended at once"))
            }
            Err(problem) => Err(balancer.complain(&problem.to_string())),
        }
    }

    /// Starts one in the foreground (`-db`) on this configuration.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_without_waiting(kind: Kind, pontoon: &Path, config: &str) -> Result<Self> {
        let folder = TempDir::new("balancer")?;
        let file = folder.write("haproxy.cfg", config)?;
        let program = program_of(kind, pontoon, &folder)?;
        let program = Program::start(Command::new(program).arg("-db").arg("-f").arg(file))?;
        Ok(Self { program, folder })
    }

    /// A place for files that live as long as the balancer.
    #[must_use]
    pub const fn folder(&self) -> &TempDir {
        &self.folder
    }

    fn complain(&self, what: &str) -> Problem {
        Problem::Unexpected(format!(
            "{what}; it said:\n{}",
            self.program.output().join("\n")
        ))
    }
}

/// The path to start: the real one's, or a link to ours under that name.
///
/// # Errors
/// HAProxy is not installed, or the link cannot be made.
pub fn program_of(kind: Kind, pontoon: &Path, folder: &TempDir) -> Result<PathBuf> {
    match kind {
        Kind::Haproxy => needs::find("haproxy")
            .ok_or_else(|| Problem::Unexpected("haproxy is not installed".into())),
        Kind::Pontoon => {
            let link = folder.path().join("haproxy");
            symlink(pontoon, &link).trying("link our program under the name haproxy")?;
            Ok(link)
        }
    }
}

/// An address of loopback that nothing listens on, and that nobody is given by chance: below the
/// range from which the kernel takes ports, and each only once in this process.
///
/// # Errors
/// There is none.
pub fn free_address() -> Result<SocketAddr> {
    const FIRST: u16 = 10_000;
    const COUNT: u32 = 22_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Two processes that test at once begin at different places.
    let begin = std::process::id().wrapping_mul(397);
    for _ in 0..COUNT {
        let offset = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = FIRST + u16::try_from(offset).unwrap_or(0);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(Problem::Unexpected("no port of loopback is free".into()))
}
