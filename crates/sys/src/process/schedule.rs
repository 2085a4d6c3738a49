//! How eagerly the kernel runs this process.

use std::io;

use rustix::process::{Resource, Rlimit, getpriority_process, setpriority_process, setrlimit};

/// Sets the nice value, -20 (first) to 19 (last), of the calling thread and those it starts.
///
/// # Errors
/// Lower than before without `CAP_SYS_NICE`.
pub fn set_nice(value: i8) -> io::Result<()> {
    Ok(setpriority_process(None, i32::from(value))?)
}

/// The nice value of the calling thread.
///
/// # Errors
/// Nothing that a correct program meets.
pub fn nice() -> io::Result<i32> {
    Ok(getpriority_process(None)?)
}

/// Runs the calling thread before every ordinary one (`SCHED_RR`), with a priority from 1 to 99.
/// Programs it starts are ordinary again.
///
/// # Errors
/// The priority is out of range, or `CAP_SYS_NICE` is missing.
pub fn set_realtime(priority: u8) -> io::Result<()> {
    let parameters = libc::sched_param {
        sched_priority: libc::c_int::from(priority),
    };
    set_policy(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, parameters)
}

/// Runs the calling thread in its turn again (`SCHED_OTHER`), with the nice value that it had.
///
/// # Errors
/// `CAP_SYS_NICE` is missing, if it had been run before others.
pub fn set_ordinary() -> io::Result<()> {
    // Whoever may not prefer itself to others may not take the second word back, either; children
    // are ordinary anyway.
    let policy = libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK;
    set_policy(policy, libc::sched_param { sched_priority: 0 })
}

/// Lets this process call [`set_realtime`] up to that priority also when it has no capability any more.
///
/// # Errors
/// `CAP_SYS_RESOURCE` is missing.
pub fn allow_realtime(priority: u8) -> io::Result<()> {
    let most = Some(u64::from(priority));
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    Ok(setrlimit(Resource::Rtprio, limit)?)
}

fn set_policy(policy: libc::c_int, parameters: libc::sched_param) -> io::Result<()> {
    // SAFETY: 0 is the calling thread, and the parameters live until the call returns.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields of `/proc/thread-self/stat` after the name; see proc(5).
    fn statistics() -> Vec<String> {
        let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = text.rsplit_once(')').unwrap();
        fields.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_kernel_shows_the_nice_value() {
        std::thread::spawn(|| {
            set_nice(7).unwrap();
            assert_eq!(nice().unwrap(), 7);
            assert_eq!(statistics()[16], "7");
        })
        .join()
        .unwrap();
    }

    #[test]
    fn the_kernel_shows_the_realtime_priority() {
        std::thread::spawn(|| {
            match set_realtime(3) {
                Ok(()) => {
                    assert_eq!(statistics()[37..39], ["3", "2"]);
                    set_ordinary().unwrap();
                    assert_eq!(statistics()[37..39], ["0", "0"]);
                }
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
            }
            assert!(set_realtime(100).is_err());
        })
        .join()
        .unwrap();
    }
}
