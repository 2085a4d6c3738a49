//! Children that are none of our own programs: they get nothing of us.

use std::{io, os::unix::process::CommandExt as _, process::Command};

use rustix::process::{Signal, getpid, getpriority_process, setpriority_process};

/// The first descriptor after the standard streams.
const FIRST_PRIVATE: libc::c_uint = 3;

/// As whom a child runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// All groups.
    pub groups: Vec<u32>,
}

/// Prepares a child: it leads a session and a process group of its own, has no descriptor but the
/// standard streams, no signal blocked or ignored, no preferred nice value, gets SIGTERM when the thread that started it
/// ends, and becomes `identity`, if one is given.
pub fn isolate(command: &mut Command, identity: Option<Identity>) {
    let parent = getpid();
    let before_exec = move || {
        rustix::process::setsid()?;
        if let Some(identity) = &identity {
            become_identity(identity)?;
        }
        default_signals()?;
        ordinary_priority()?;
        // After the change of user, which would undo it (prctl(2)).
        rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
        if rustix::process::getppid() != Some(parent) && parent.as_raw_nonzero().get() != 1 {
            // It died before the line above: nobody would tell us.
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        close_the_rest()
    };
    // SAFETY: between fork and exec only system calls are made; nothing is allocated or locked.
    unsafe { command.pre_exec(before_exec) };
}

fn become_identity(identity: &Identity) -> io::Result<()> {
    // SAFETY: the list is as long as it says.
    checked(unsafe { libc::setgroups(identity.groups.len(), identity.groups.as_ptr()) })?;
    // SAFETY: touches no memory of ours.
    checked(unsafe { libc::setgid(identity.gid) })?;
    // SAFETY: touches no memory of ours.
    checked(unsafe { libc::setuid(identity.uid) })
}

/// What was ignored or blocked stays so across exec(2), unlike handlers.
fn default_signals() -> io::Result<()> {
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: the default action needs no handler. It fails for those that cannot be changed
        // (SIGKILL, SIGSTOP, and two of the C library's own), which have it anyway.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
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

/// Whoever is preferred to others must not pass that on.
fn ordinary_priority() -> io::Result<()> {
    if getpriority_process(None)? < 0 {
        setpriority_process(None, 0)?;
    }
    Ok(())
}

/// Closes at exec(2) what was not meant to be inherited, whoever opened it. Not at once: one of
/// the descriptors tells our parent of a failing exec.
fn close_the_rest() -> io::Result<()> {
    let flag = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: marks descriptors; nobody in this process uses them after exec(2).
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST_PRIVATE,
            libc::c_uint::MAX,
            flag,
        )
    };
    match io::Error::last_os_error() {
        _ if result == 0 => Ok(()),
        // Linux before 5.11: our own descriptors are marked since they were opened.
        error if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => Ok(()),
        error => Err(error),
    }
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use std::{os::fd::AsRawFd as _, process::Stdio};

    use super::*;

    fn output(script: &str, identity: Option<Identity>) -> String {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null());
        isolate(&mut command, identity);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_child_leads_its_own_session() {
        let stat = output("cut -d' ' -f1,5,6 /proc/$$/stat", None);
        let fields: Vec<_> = stat.split_whitespace().collect();
        assert_eq!(fields, [fields[0]; 3], "process, group, session");
    }

    #[test]
    fn a_child_inherits_neither_descriptors_nor_signals() {
        let null = std::fs::File::open("/dev/null").unwrap();
        // Inherited, unless somebody sees to it; with a number that `ls` does not use itself.
        // SAFETY: duplicates a descriptor into a new one, which lives as long as this process.
        let leaked = unsafe { libc::fcntl(null.as_raw_fd(), libc::F_DUPFD, 50) };
        assert!(leaked >= 50);
        let held = super::super::signal::hold(&[Signal::WINCH]).unwrap();
        // Rust ignores SIGPIPE in every program.
        let text = output(
            "ls /proc/self/fd; grep -E 'SigBlk|SigIgn' /proc/self/status",
            None,
        );
        held.release().unwrap();
        let leaked = leaked.to_string();
        assert!(!text.lines().any(|line| line == leaked), "{text}");
        let masks: Vec<_> = text.lines().filter(|line| line.contains("Sig")).collect();
        assert_eq!(masks.len(), 2, "{text}");
        for mask in masks {
            // Signals 32 and 33 are the C library's own.
            const OWN: u64 = 0b11 << 31;
            let (_, mask) = mask.split_once(':').unwrap();
            let mask = u64::from_str_radix(mask.trim(), 16).unwrap() & !OWN;
            assert_eq!(mask, 0, "nothing is blocked or ignored: {text}");
        }
    }

    #[test]
    fn a_child_is_not_preferred() {
        let thread = std::thread::spawn(|| {
            if setpriority_process(None, -5).is_err() {
                eprintln!("skipped: not allowed to be preferred");
                return;
            }
            assert_eq!(output("nice", None), "0\n");
        });
        thread.join().unwrap();
        std::thread::spawn(|| {
            setpriority_process(None, 7).unwrap();
            assert_eq!(output("nice", None), "7\n");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_child_becomes_somebody_else_with_all_groups() {
        if !super::super::privilege::is_root() {
            eprintln!("skipped: not root");
            return;
        }
        let identity = Identity {
            uid: 65_534,
            gid: 65_533,
            groups: vec![65_533, 4242],
        };
        let text = output("id -u; id -g; id -G", Some(identity));
        assert_eq!(text, "65534\n65533\n65533 4242\n");
    }
}
