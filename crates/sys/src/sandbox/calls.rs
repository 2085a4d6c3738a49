//! Which system calls may be made from here on: seccomp. All others fail with `EPERM`.
//! ([`super::denied`] is the other way round.)
//!
//! Calls that are allowed whatever their arguments cost nothing: the kernel knows them by their
//! number (Linux 5.11) and does not run the filter.

use std::collections::BTreeMap;

use libc::{c_int, c_long};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, apply_filter,
};

/// What kind of sockets a process may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes in order.
    Stream,
    /// Datagrams.
    Datagram,
    /// Packets as they are on the wire, and netlink's messages.
    Raw,
}

/// The calls that are allowed. Empty at first.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    /// `clone3` has its arguments in memory, where no filter can look: the library is told that
    /// there is none, and takes `clone`.
    hides_clone3: bool,
}

/// Why calls could not be restricted.
#[derive(Debug, thiserror::Error)]
pub enum CallsError {
    /// The rules make no filter.
    #[error("seccomp: {0}")]
    Rules(#[from] BackendError),
    /// The kernel refuses it, or has no seccomp.
    #[error("seccomp: {0}")]
    Refused(#[from] seccompiler::Error),
}

impl Calls {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These too, whatever their arguments (`libc::SYS_…`; see [`super::families`]).
    #[must_use]
    pub fn allow(mut self, calls: &[c_long]) -> Self {
        for call in calls {
            // No rule is no condition.
            self.rules.insert(*call, Vec::new());
        }
        self
    }

    /// Threads too, but no processes.
    ///
    /// # Errors
    /// Never, unless the rule is wrong.
    pub fn allow_threads(mut self) -> Result<Self, CallsError> {
        let rule = SeccompRule::new(vec![masked(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?])?;
        self.rules.insert(libc::SYS_clone, vec![rule]);
        self.hides_clone3 = true;
        Ok(self)
    }

    /// Sockets of this family (`libc::AF_…`) and these kinds too.
    ///
    /// # Errors
    /// Never, unless the rule is wrong.
    pub fn allow_sockets(mut self, family: c_int, kinds: &[Kind]) -> Result<Self, CallsError> {
        for kind in kinds {
            let conditions = vec![
                compare(0, SeccompCmpOp::Eq, family)?,
                masked(1, KIND, kind.number())?,
            ];
            for call in [libc::SYS_socket, libc::SYS_socketpair] {
                let rule = SeccompRule::new(conditions.clone())?;
                self.rules.entry(call).or_default().push(rule);
            }
        }
        Ok(self)
    }

    /// Allows no others on this thread and those it starts later. Sets no-new-privs.
    ///
    /// # Errors
    /// The kernel has no seccomp, or whoever started us allows no filter.
    pub fn restrict(self) -> Result<(), CallsError> {
        let Self {
            mut rules,
            hides_clone3,
        } = self;
        if hides_clone3 {
            let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
            install(clone3.clone(), SeccompAction::Allow, error(libc::ENOSYS))?;
            // Both filters are asked, and the last word on a call that both refuse is the newer one's.
            rules.extend(clone3);
        }
        install(rules, error(libc::EPERM), SeccompAction::Allow)
    }
}

fn install(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<(), CallsError> {
    let architecture = std::env::consts::ARCH.try_into()?;
    let program: BpfProgram = SeccompFilter::new(rules, others, these, architecture)?.try_into()?;
    Ok(apply_filter(&program)?)
}

/// Without `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
const KIND: c_int = 0xf;

impl Kind {
    fn number(self) -> c_int {
        match self {
            Self::Stream => libc::SOCK_STREAM,
            Self::Datagram => libc::SOCK_DGRAM,
            Self::Raw => libc::SOCK_RAW,
        }
    }
}

pub(super) fn error(number: c_int) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}

pub(super) fn compare(
    argument: u8,
    how: SeccompCmpOp,
    value: c_int,
) -> Result<SeccompCondition, BackendError> {
    let value = u64::from(value.unsigned_abs());
    SeccompCondition::new(argument, Dword, how, value)
}

pub(super) fn masked(
    argument: u8,
    mask: c_int,
    value: c_int,
) -> Result<SeccompCondition, BackendError> {
    let mask = u64::from(mask.unsigned_abs());
    compare(argument, SeccompCmpOp::MaskedEq(mask), value)
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, process::Command, thread};

    use rustix::{
        net::{AddressFamily, SocketFlags, SocketType, socket_with},
        thread::UnshareFlags,
    };

    use super::*;
    use crate::sandbox::families::{DESCRIPTORS, LIFE, MEMORY, READING, SOCKETS};

    fn usual() -> Calls {
        let calls = [LIFE, MEMORY, DESCRIPTORS, SOCKETS, READING];
        let calls = calls.into_iter().fold(Calls::new(), Calls::allow);
        let calls = calls.allow_threads().unwrap();
        let kinds = [Kind::Stream, Kind::Datagram];
        calls.allow_sockets(libc::AF_INET, &kinds).unwrap()
    }

    fn within(calls: Calls, work: impl FnOnce() + Send) {
        thread::scope(|scope| {
            let work = scope.spawn(|| {
                calls.restrict().unwrap();
                work();
            });
            work.join().unwrap();
        });
    }

    fn socket_of(family: AddressFamily, kind: SocketType) -> rustix::io::Result<()> {
        socket_with(family, kind, SocketFlags::CLOEXEC, None).map(drop)
    }

    #[test]
    fn what_is_not_allowed_fails() {
        within(usual(), || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            assert!(status.contains("Seccomp:\t2"), "{status}");
            assert!(status.contains("NoNewPrivs:\t1"), "{status}");
            // SAFETY: only this thread would get another name space.
            let unshared = unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUTS) };
            assert_eq!(unshared, Err(rustix::io::Errno::PERM));
            let child = Command::new("/bin/true").spawn();
            assert_eq!(child.unwrap_err().kind(), ErrorKind::PermissionDenied);
            // SAFETY: a null pointer is refused as well, with another error.
            let keys = unsafe { libc::syscall(libc::SYS_add_key, 0, 0, 0, 0, 0) };
            assert_eq!(keys, -1);
            let error = std::io::Error::last_os_error();
            assert_eq!(error.raw_os_error(), Some(libc::EPERM));
        });
    }

    #[test]
    fn threads_are_started_still_and_are_bound_by_it() {
        within(usual(), || {
            let inner = thread::spawn(|| Command::new("/bin/true").spawn().unwrap_err().kind());
            assert_eq!(inner.join().unwrap(), ErrorKind::PermissionDenied);
        });
    }

    #[test]
    fn sockets_are_of_the_families_and_kinds_that_were_named() {
        within(usual(), || {
            assert_eq!(socket_of(AddressFamily::INET, SocketType::STREAM), Ok(()));
            assert_eq!(socket_of(AddressFamily::INET, SocketType::DGRAM), Ok(()));
            for (family, kind) in [
                (AddressFamily::INET, SocketType::RAW),
                (AddressFamily::INET6, SocketType::STREAM),
                (AddressFamily::NETLINK, SocketType::RAW),
                (AddressFamily::PACKET, SocketType::DGRAM),
            ] {
                assert_eq!(socket_of(family, kind), Err(rustix::io::Errno::PERM));
            }
        });
    }
}
