//! Going into the background.

use std::{fs, io};

use rustix::{
    fs::{Mode, OFlags},
    process::Pid,
};

/// On which side of a fork we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that forked.
    Parent {
        /// The other one.
        child: Pid,
    },
    /// The new process.
    Child,
}

/// Why a process could not be split.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// A fork keeps one thread only; what the others held would stay locked for ever.
    #[error("cannot fork: there are {0} threads already; this is a mistake in the program")]
    Threads(usize),
    /// The threads could not be counted.
    #[error("cannot fork: cannot count the threads in /proc/self/task: {0}")]
    Count(io::Error),
    /// The system refused.
    #[error("cannot fork: {0}")]
    System(io::Error),
}

/// Splits the process in two. Only possible while it has a single thread.
///
/// # Errors
/// There are more threads, or the system refused.
pub fn fork() -> Result<Side, ForkError> {
    let threads = fs::read_dir("/proc/self/task")
        .map_err(ForkError::Count)?
        .count();
    if threads != 1 {
        return Err(ForkError::Threads(threads));
    }
    // SAFETY: there is only this thread, so no lock can be held by one that the child lacks.
    match unsafe { libc::fork() } {
        0 => Ok(Side::Child),
        number => Pid::from_raw(number)
            .filter(|_| number > 0)
            .map(|child| Side::Parent { child })
            .ok_or_else(|| ForkError::System(io::Error::last_os_error())),
    }
}

/// Leaves the terminal and the session of the parent.
///
/// # Errors
/// We lead a process group already.
pub fn new_session() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

/// Replaces standard input, output and error by `/dev/null`: whoever reads a daemon's output
/// sees its end.
///
/// # Errors
/// `/dev/null` cannot be opened (in a chroot it may be missing: open it before).
pub fn silence(null: &Null) -> io::Result<()> {
    rustix::stdio::dup2_stdin(&null.0)?;
    rustix::stdio::dup2_stdout(&null.0)?;
    rustix::stdio::dup2_stderr(&null.0)?;
    Ok(())
}

/// An open `/dev/null`.
#[derive(Debug)]
pub struct Null(rustix::fd::OwnedFd);

impl Null {
    /// Opens it.
    ///
    /// # Errors
    /// There is none.
    pub fn open() -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open("/dev/null", flags, Mode::empty())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_does_not_fork() {
        let (stay, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || wait.recv());
        assert!(matches!(fork(), Err(ForkError::Threads(n)) if n >= 2));
        drop(stay);
        assert!(thread.join().unwrap().is_err(), "nobody sent anything");
    }
}
