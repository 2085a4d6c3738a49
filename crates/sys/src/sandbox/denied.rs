//! Which system calls fail from here on with `EPERM`; all others are left. For a process that
//! executes programs which nobody knows yet: they inherit it, and a list of what is allowed
//! ([`super::calls`]) would bind them.
//!
//! Like there, calls that are not in question cost nothing.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use libc::{c_int, c_long};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpOp, SeccompFilter, SeccompRule, apply_filter, sock_filter,
};

use super::calls::{CallsError, compare, error, masked};

pub mod lists;

/// The calls that fail. None at first.
#[derive(Debug, Clone, Default)]
pub struct Denied {
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    hides_clone3: bool,
}

impl Denied {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These too, whatever their arguments (`libc::SYS_…`; see [`lists`]).
    #[must_use]
    pub fn deny(mut self, calls: &[c_long]) -> Self {
        for call in calls {
            // No rule is no condition.
            self.rules.insert(*call, Vec::new());
        }
        self
    }

    /// Other name spaces too. `clone3` has its arguments in memory, where no filter can look: the
    /// library is told that there is none, and takes `clone`.
    ///
    /// # Errors
    /// Never, unless the rule is wrong.
    pub fn deny_name_spaces(self) -> Result<Self, CallsError> {
        let mut denied = self.deny(&[libc::SYS_unshare, libc::SYS_setns]);
        for space in SPACES {
            let rule = SeccompRule::new(vec![masked(0, space, space)?])?;
            denied.rules.entry(libc::SYS_clone).or_default().push(rule);
        }
        denied.hides_clone3 = true;
        Ok(denied)
    }

    /// Sockets too, but those of these families (`libc::AF_…`, at most six).
    ///
    /// # Errors
    /// There are more families than that.
    pub fn deny_sockets_but(mut self, families: &[c_int]) -> Result<Self, CallsError> {
        let others = families.iter();
        let others = others.map(|family| compare(0, SeccompCmpOp::Ne, *family));
        let rule = SeccompRule::new(others.collect::<Result<_, _>>()?)?;
        for call in [libc::SYS_socket, libc::SYS_socketpair] {
            self.rules.insert(call, vec![rule.clone()]);
        }
        Ok(self)
    }

    /// What is put up.
    ///
    /// # Errors
    /// There are no calls, or too many.
    pub fn filter(self) -> Result<Filter, CallsError> {
        let (others, these) = (SeccompAction::Allow, error(libc::EPERM));
        let architecture = std::env::consts::ARCH.try_into()?;
        let filter = SeccompFilter::new(self.rules, others, these, architecture)?;
        let rest: BpfProgram = filter.try_into()?;
        let mut program = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0)];
        // The same calls with other numbers; kernels that know these are rare.
        if cfg!(target_arch = "x86_64") {
            program.extend(refuse(libc::BPF_JGE, X32, libc::EPERM));
        }
        if self.hides_clone3 {
            let number = u32::try_from(libc::SYS_clone3).unwrap_or(u32::MAX);
            program.extend(refuse(libc::BPF_JEQ, number, libc::ENOSYS));
        }
        program.extend(rest);
        Ok(Filter { program })
    }
}

/// A filter of system calls that can be told from others.
#[derive(Debug, Clone)]
pub struct Filter {
    program: BpfProgram,
}

impl Filter {
    /// What two filters have in common only if they deny the same; not for ever the same text.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        for each in &self.program {
            (each.code, each.jt, each.jf, each.k).hash(&mut hasher);
        }
        format!("{:016x}", hasher.finish())
    }

    /// Has the calls fail on this thread, on those it starts later, and in programs that these
    /// execute. Sets no-new-privs.
    ///
    /// # Errors
    /// The kernel has no seccomp, or whoever started us allows no filter.
    pub fn put_up(&self) -> Result<(), CallsError> {
        Ok(apply_filter(&self.program)?)
    }
}

/// `CLONE_NEW…`, as far as `clone` takes them.
const SPACES: [c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Where the numbers of calls begin that programs with short pointers make.
const X32: u32 = 0x4000_0000;

fn statement(code: u32, k: u32) -> sock_filter {
    jump(code, k, 0)
}

/// If the condition is not met, so many instructions are left out.
fn jump(code: u32, k: u32, otherwise: u8) -> sock_filter {
    sock_filter {
        code: u16::try_from(code).unwrap_or_default(),
        jt: 0,
        jf: otherwise,
        k,
    }
}

/// With this error, if the number of the call compares so.
fn refuse(compares: u32, number: u32, with: c_int) -> [sock_filter; 2] {
    [
        jump(libc::BPF_JMP | compares | libc::BPF_K, number, 1),
        statement(libc::BPF_RET | libc::BPF_K, error(with).into()),
    ]
}

#[cfg(test)]
mod tests {
    use std::{io, process::Command, thread};

    use super::{
        lists::{KERNEL, KEYS, MACHINE, MOUNTS, OTHERS},
        *,
    };

    const FAMILIES: [c_int; 5] = [
        libc::AF_UNIX,
        libc::AF_INET,
        libc::AF_INET6,
        libc::AF_NETLINK,
        libc::AF_PACKET,
    ];

    fn all() -> impl Iterator<Item = c_long> {
        let lists = [OTHERS, MOUNTS, KERNEL, KEYS, MACHINE]
            .into_iter()
            .flatten();
        let spaces = [libc::SYS_unshare, libc::SYS_setns];
        lists.copied().chain(spaces)
    }

    fn filter() -> Filter {
        let lists = [OTHERS, MOUNTS, KERNEL, KEYS, MACHINE];
        let denied = lists.into_iter().fold(Denied::new(), Denied::deny);
        let denied = denied.deny_name_spaces().unwrap();
        denied
            .deny_sockets_but(&FAMILIES)
            .unwrap()
            .filter()
            .unwrap()
    }

    fn within<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let work = scope.spawn(|| {
                filter().put_up().unwrap();
                work()
            });
            work.join().unwrap()
        })
    }

    /// With arguments that no call can do anything with; the error.
    fn outcome(call: c_long) -> Option<i32> {
        // SAFETY: -1 is no address of anything, no descriptor, no process and no length.
        let result = unsafe { libc::syscall(call, -1_i64, -1_i64, -1_i64, -1_i64, -1_i64, -1_i64) };
        (result == -1).then(|| io::Error::last_os_error().raw_os_error().unwrap())
    }

    fn socket(family: c_int, kind: c_int) -> Option<i32> {
        // SAFETY: it has no pointers; what it returns is ours alone.
        let made = unsafe { libc::socket(family, kind, 0) };
        let error = io::Error::last_os_error().raw_os_error();
        // SAFETY: nobody else knows it.
        (made == -1 || unsafe { libc::close(made) } == -1).then_some(error.unwrap())
    }

    fn status() -> String {
        std::fs::read_to_string("/proc/thread-self/status").unwrap()
    }

    fn number(status: &str, name: &str) -> u32 {
        let mut lines = status.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)).unwrap();
        value.trim().parse().unwrap()
    }

    #[test]
    fn what_is_denied_fails() {
        within(|| {
            let status = status();
            assert_eq!(number(&status, "Seccomp:"), 2, "{status}");
            assert_eq!(number(&status, "NoNewPrivs:"), 1, "{status}");
            for call in all() {
                assert_eq!(outcome(call), Some(libc::EPERM), "call {call}");
            }
        });
    }

    /// Some need no right: their errors are the filter's.
    #[test]
    fn without_it_they_fail_otherwise() {
        for call in [
            libc::SYS_process_vm_readv,
            libc::SYS_kcmp,
            libc::SYS_pidfd_getfd,
            libc::SYS_setns,
            libc::SYS_unshare,
            libc::SYS_keyctl,
            libc::SYS_personality,
        ] {
            assert_ne!(outcome(call), Some(libc::EPERM), "call {call}");
        }
    }

    #[test]
    fn processes_and_threads_are_started_still_and_inherit_it() {
        let before = number(&status(), "Seccomp_filters:");
        within(|| {
            let inner = thread::spawn(|| outcome(libc::SYS_kcmp));
            assert_eq!(inner.join().unwrap(), Some(libc::EPERM));
            let mut child = Command::new("/bin/cat");
            let output = child.arg("/proc/self/status").output().unwrap();
            let status = String::from_utf8(output.stdout).unwrap();
            assert_eq!(number(&status, "Seccomp_filters:"), before + 1, "{status}");
        });
    }

    #[test]
    fn no_name_space_is_entered_by_a_new_process() {
        within(|| {
            assert_eq!(outcome(libc::SYS_clone3), Some(libc::ENOSYS));
            for space in SPACES {
                // A thread that shares nothing of what a thread must share: the kernel refuses that
                // as well, with another error.
                let flags = c_long::from(space | libc::CLONE_THREAD);
                // SAFETY: no process comes of it.
                let made = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
                let error = io::Error::last_os_error().raw_os_error();
                assert_eq!((made, error), (-1, Some(libc::EPERM)), "{space:x}");
            }
            let flags = c_long::from(libc::CLONE_THREAD);
            // SAFETY: no process comes of it.
            let made = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
            let error = io::Error::last_os_error().raw_os_error();
            assert_eq!((made, error), (-1, Some(libc::EINVAL)));
        });
    }

    #[test]
    fn sockets_are_of_the_families_that_were_named() {
        let kinds = [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW];
        let outcomes = move |families: &[c_int]| -> Vec<_> {
            let pairs = families.iter().flat_map(|it| kinds.map(|kind| (*it, kind)));
            pairs.map(|(family, kind)| socket(family, kind)).collect()
        };
        let before = outcomes(&FAMILIES);
        assert!(before.contains(&None));
        within(move || {
            assert_eq!(outcomes(&FAMILIES), before);
            let others = [
                libc::AF_KEY,
                libc::AF_ALG,
                libc::AF_VSOCK,
                libc::AF_BLUETOOTH,
                999,
            ];
            for error in outcomes(&others) {
                assert_eq!(error, Some(libc::EPERM));
            }
        });
    }

    /// The call for the time of the machine, and that for the number of a process.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn other_numbers_do_not_help() {
        let other = i64::from(X32);
        within(|| {
            for call in [libc::SYS_getpid, libc::SYS_unshare, libc::SYS_clock_gettime] {
                assert_eq!(outcome(call | other), Some(libc::EPERM));
            }
            assert_eq!(outcome(libc::SYS_getpid), None);
        });
    }

    #[test]
    fn filters_that_deny_the_same_have_the_same_fingerprint() {
        assert_eq!(filter().fingerprint(), filter().fingerprint());
        let other = Denied::new().deny(KEYS).filter().unwrap();
        assert_ne!(other.fingerprint(), filter().fingerprint());
    }
}
