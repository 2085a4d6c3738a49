//! Capabilities: all are laid down but those that are named.

use std::io;

use rustix::thread::{self, CapabilitySets};

pub use rustix::thread::CapabilitySet as Capabilities;

/// Has no program that is executed from here on ever get more than this process has: no set-user-ID
/// bit counts, nor a capability of a file (`PR_SET_NO_NEW_PRIVS`).
///
/// # Errors
/// The kernel is older than Linux 3.5.
pub fn gain_nothing() -> io::Result<()> {
    Ok(thread::set_no_new_privs(true)?)
}

/// Whether [`gain_nothing`] was called, here or by whoever started us.
#[must_use]
pub fn gains_nothing() -> bool {
    thread::no_new_privs().unwrap_or(false)
}

/// Limits what programs that are executed later can get to these. To be done while we still may
/// (`CAP_SETPCAP`): before the user changes, and before [`keep_only`]. What is not in the set of a
/// process that may not is left as it is, and `false` says so: [`gain_nothing`] then does the same.
///
/// # Errors
/// The system's reason, if it is another than that we may not.
pub fn limit_to(kept: Capabilities) -> io::Result<bool> {
    for each in (Capabilities::all() - kept).iter() {
        match thread::remove_capability_from_bounding_set(each) {
            // One that the kernel does not know cannot be had either.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(rustix::io::Errno::PERM) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Whether the permitted capabilities outlast a change of the user. [`keep_only`] ends it, and makes
/// those it keeps effective again.
///
/// # Errors
/// Securebits are locked.
pub fn outlast_user(yes: bool) -> io::Result<()> {
    Ok(thread::set_keep_capabilities(yes)?)
}

/// Lays down all capabilities but those of `kept` that we have; programs that are executed later
/// inherit none.
///
/// # Errors
/// The system's reason; nothing keeps a process from having less.
pub fn keep_only(kept: Capabilities) -> io::Result<()> {
    // Without ambient capabilities (before Linux 4.3) there is nothing to clear.
    match thread::clear_ambient_capability_set() {
        Ok(()) | Err(rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    let permitted = held()? & kept;
    let sets = CapabilitySets {
        effective: permitted,
        permitted,
        inheritable: Capabilities::empty(),
    };
    thread::set_capabilities(None, sets)?;
    Ok(thread::set_keep_capabilities(false)?)
}

/// Has the program that is executed next inherit what we have, also if we are not root. It ends with
/// [`keep_only`].
///
/// # Errors
/// Securebits forbid it, or the kernel is older than Linux 4.3.
pub fn pass_on() -> io::Result<()> {
    let permitted = held()?;
    let sets = CapabilitySets {
        effective: permitted,
        permitted,
        inheritable: permitted,
    };
    thread::set_capabilities(None, sets)?;
    for each in permitted.iter() {
        thread::configure_capability_in_ambient_set(each, true)?;
    }
    Ok(())
}

/// What this thread is permitted to use.
///
/// # Errors
/// The system's reason.
pub fn held() -> io::Result<Capabilities> {
    Ok(thread::capabilities(None)?.permitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> String {
        std::fs::read_to_string("/proc/thread-self/status").unwrap()
    }

    fn set_of(status: &str, name: &str) -> u64 {
        let mut lines = status.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(value.trim(), 16).unwrap()
    }

    #[test]
    fn what_is_laid_down_is_gone_from_all_sets() {
        let kept = Capabilities::NET_RAW | Capabilities::NET_ADMIN;
        let work = move || {
            let had = held().unwrap() & kept;
            let limited = limit_to(kept).unwrap();
            keep_only(kept).unwrap();
            gain_nothing().unwrap();
            let status = status();
            for name in ["CapPrm:", "CapEff:"] {
                assert_eq!(set_of(&status, name), had.bits(), "{status}");
            }
            for name in ["CapInh:", "CapAmb:"] {
                assert_eq!(set_of(&status, name), 0, "{status}");
            }
            if limited {
                assert_eq!(set_of(&status, "CapBnd:") & !kept.bits(), 0, "{status}");
            }
            assert!(status.contains("NoNewPrivs:\t1"), "{status}");
            assert!(gains_nothing());
        };
        std::thread::spawn(work).join().unwrap();
    }

    #[test]
    fn nothing_kept_is_nothing_left() {
        let work = || {
            keep_only(Capabilities::empty()).unwrap();
            assert_eq!(held().unwrap(), Capabilities::empty());
            let still = std::net::TcpListener::bind("127.0.0.1:0");
            assert!(still.is_ok());
            assert!(
                !limit_to(Capabilities::empty()).unwrap(),
                "without CAP_SETPCAP"
            );
        };
        std::thread::spawn(work).join().unwrap();
    }
}
