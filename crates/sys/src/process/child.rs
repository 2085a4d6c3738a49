//! Children of the process: started, watched, reaped.

use std::{
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::Command,
};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, pidfd_send_signal, wait,
};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It exited.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Killed(number) => match Signal::from_named_raw(*number) {
                Some(signal) => write!(f, "was ended by {}", name(signal)),
                None => write!(f, "was ended by signal {number}"),
            },
        }
    }
}

/// `SIGTERM` and so on.
fn name(signal: Signal) -> String {
    let debug = format!("{signal:?}");
    let short = debug.trim_matches('"').trim_start_matches("Signal::");
    format!("SIG{short}")
}

/// What becomes of a child when this process ends first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bond {
    /// The kernel kills it.
    DiesWithUs,
    /// It has a descriptor that tells it.
    Notices,
}

/// Prepares a child: it inherits `pass` besides the standard streams and whatever we inherited
/// ourselves, and has no signal blocked.
pub fn prepare(command: &mut Command, pass: BorrowedFd<'_>, bond: Bond) {
    let parent = getpid();
    let pass = pass.as_raw_fd();
    let before_exec = move || {
        unblock_signals()?;
        if bond == Bond::DiesWithUs {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        }
        if rustix::process::getppid() != Some(parent) && parent.as_raw_nonzero().get() != 1 {
            // It died before the line above: nobody would tell us.
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        keep_across_exec(pass)
    };
    // SAFETY: between fork and exec only system calls are made; nothing is allocated or locked.
    unsafe { command.pre_exec(before_exec) };
}

/// Who started this process.
#[must_use]
pub fn parent() -> Option<Pid> {
    rustix::process::getppid()
}

/// Lets this process die with its parent, whom it knows from [`parent`]. The kernel forgets what
/// [`prepare`] arranged when the process changes its user or group (prctl(2)).
///
/// # Errors
/// The parent is gone already, or the kernel refuses.
pub fn die_with(known: Option<Pid>) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if parent() == known {
        Ok(())
    } else {
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

fn unblock_signals() -> io::Result<()> {
    let mut none = std::mem::MaybeUninit::uninit();
    // SAFETY: `none` is a place for a set, and is initialised by this call.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: initialised above; no old set is asked for.
    let result =
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(result))
    }
}

fn keep_across_exec(number: libc::c_int) -> io::Result<()> {
    // SAFETY: this command touches no memory of ours.
    if unsafe { libc::fcntl(number, libc::F_SETFD, 0) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A handle on a process that stays its own even if the number is used again.
#[derive(Debug)]
pub struct Handle {
    pid: Pid,
    descriptor: OwnedFd,
}

impl Handle {
    /// A handle on a process: a child of ours that was not reaped yet, or one that is known to live.
    ///
    /// # Errors
    /// There is no such process, or no descriptors are left.
    pub fn open(pid: Pid) -> io::Result<Self> {
        let descriptor = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { pid, descriptor })
    }

    /// Its number.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Becomes readable when it has ended.
    #[must_use]
    pub const fn descriptor(&self) -> &OwnedFd {
        &self.descriptor
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// It is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.descriptor, signal)?)
    }
}

/// Takes note of one child that ended, or `None` if none has. As the first process of a
/// container we are also given children that others left behind.
#[must_use]
pub fn reap() -> Option<(Pid, End)> {
    let (pid, status) = wait(WaitOptions::NOHANG).ok().flatten()?;
    let end = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exited(code),
        (None, Some(number)) => End::Killed(number),
        (None, None) => return None,
    };
    Some((pid, end))
}

/// Sends a signal to a process known by its number only.
///
/// # Errors
/// There is no such process, or it is not ours.
pub fn signal_pid(pid: Pid, signal: Signal) -> io::Result<()> {
    Ok(rustix::process::kill_process(pid, signal)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_reads_well() {
        assert_eq!(End::Exited(1).to_string(), "exited with code 1");
        assert_eq!(End::Killed(9).to_string(), "was ended by SIGKILL");
    }
}
