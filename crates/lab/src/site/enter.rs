//! Leaving the host: everything that needs a process with one thread.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

use pontoon_sys::{
    namespace::{self, Network, Space, map_own_user, mount::keep_private},
    netlink::{
        Requests, conntrack,
        device::{self, End},
        link::Link,
        nftables::{Mapping, map_one_to_one},
    },
    process::{
        background::{Side, fork},
        privilege::is_root,
    },
};

use super::{
    limit::Limit,
    nursery::{Nursery, Plan},
    refused::{Refused, Stage},
};

/// A process that has left the host and may build a site. Dropped, nothing remains but that.
#[derive(Debug)]
pub struct Entrance {
    pub(super) nursery: Nursery,
    /// In the host's network, one for each node.
    pub(super) doors: [TcpListener; 2],
    pub(super) program: PathBuf,
    pub(super) limits: Vec<Limit>,
}

impl Entrance {
    /// What will not be as it is on real machines.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }
}

/// Leaves the host, for namespaces in which a [`Site`](super::Site) can be built. Must be called
/// while the process has one thread. Afterwards the process is in an empty network; nodes will run
/// `program` (this one, if it is `pontoon`).
///
/// # Errors
/// Something is refused; the process is where it was.
pub fn enter(program: &Path) -> Result<Entrance, Refused> {
    rehearse(program)?;
    leave(program)
}

/// Does all of it in a child first, so that a refusal leaves this process where it is.
fn rehearse(program: &Path) -> Result<(), Refused> {
    let single = |error| Refused::new(Stage::Threads, error);
    let (mut heard, told) = io::pipe().map_err(single)?;
    match fork().map_err(|error| single(io::Error::other(error)))? {
        Side::Child => {
            drop(heard);
            let outcome = leave(program).and_then(|entrance| try_out(&entrance));
            let text = outcome
                .err()
                .map_or_else(String::new, |refused| refused.encode());
            let told = { told }.write_all(text.as_bytes());
            std::process::exit(i32::from(told.is_err()));
        }
        Side::Parent { child } => {
            drop(told);
            let mut text = String::new();
            let heard = heard.read_to_string(&mut text);
            let ended =
                rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty());
            heard.map_err(single)?;
            ended.map_err(|error| single(error.into()))?;
            Refused::decode(&text).map_or(Ok(()), Err)
        }
    }
}

fn leave(program: &Path) -> Result<Entrance, Refused> {
    let door = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let doors = door().and_then(|first| Ok([first, door()?]));
    let doors = doors.map_err(|error| Refused::new(Stage::Doors, error))?;
    let mut limits = Vec::new();
    if may_leave_as_root() {
        namespace::leave(Space::Mount).map_err(|error| Refused::new(Stage::Rights, error))?;
        if only_one_user_exists() {
            limits.push(Limit::OneUser);
        }
    } else {
        become_root_of_our_own()?;
        limits.push(Limit::OneUser);
    }
    for space in [Space::Network, Space::Ipc] {
        namespace::leave(space).map_err(|error| Refused::new(Stage::Rights, error))?;
    }
    keep_private().map_err(|error| Refused::new(Stage::Rights, error))?;
    if !super::root::SEARCH
        .split(':')
        .any(|folder| Path::new(folder).join("pidof").exists())
    {
        limits.push(Limit::NoPidof);
    }
    if conntrack::forget_all().is_err() {
        limits.push(Limit::KeepsFlows);
    }
    let nursery = Nursery::open().map_err(|error| Refused::new(Stage::Machines, error))?;
    Ok(Entrance {
        nursery,
        doors,
        program: program.to_owned(),
        limits,
    })
}

/// Root in a container often may not; as somebody else it still may.
fn may_leave_as_root() -> bool {
    const SYS_ADMIN: u64 = 1 << 21;
    const NET_ADMIN: u64 = 1 << 12;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    let wanted = SYS_ADMIN | NET_ADMIN;
    is_root() && effective.is_some_and(|effective| effective & wanted == wanted)
}

/// Root of somebody else's user namespace (`unshare -r`, some containers) is alone there, too.
fn only_one_user_exists() -> bool {
    let own = |name| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    is_alone(&own("setgroups"), &own("uid_map"))
}

/// Groups cannot be given up, or there is nobody to become (`user_namespaces(7)`).
fn is_alone(setgroups: &str, uid_map: &str) -> bool {
    let lengths = uid_map
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    let users = lengths
        .filter_map(|length| length.parse::<u64>().ok())
        .sum::<u64>();
    setgroups.trim() == "deny" || users == 1
}

fn become_root_of_our_own() -> Result<(), Refused> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    namespace::leave(Space::User).map_err(|error| Refused::new(Stage::Users, error))?;
    map_own_user(uid.as_raw(), gid.as_raw()).map_err(|error| Refused::new(Stage::Rights, error))?;
    namespace::leave(Space::Mount).map_err(|error| Refused::new(Stage::Rights, error))
}

/// Everything that a site will need of the kernel, once.
fn try_out(entrance: &Entrance) -> Result<(), Refused> {
    cables().map_err(|error| Refused::new(Stage::Cables, error))?;
    let mapping = Mapping {
        public: super::ADDRESS,
        private: Some(super::Name::Master.address()),
        outside: "internet",
    };
    map_one_to_one(mapping).map_err(|error| Refused::new(Stage::PacketFilter, error))?;
    let machines = |error: io::Error| Refused::new(Stage::Machines, error);
    let network = Network::here().map_err(machines)?;
    let plan = Plan {
        name: "rehearsal",
        program: &entrance.program,
        written: &[],
    };
    let booted = super::machine::Machine::boot(&entrance.nursery, &plan, &network);
    let booted = booted.and_then(super::machine::Machine::power_off);
    booted.map_err(|problem| machines(io::Error::other(problem.to_string())))
}

fn cables() -> io::Result<()> {
    let other = Network::new()?;
    let mut requests = Requests::open()?;
    let end = |name, namespace| End {
        name,
        namespace,
        mac: None,
    };
    let far = end("far", Some(std::os::fd::AsFd::as_fd(&other)));
    let made = [
        device::bridge("bridge", None),
        device::cable(end("near", None), far),
    ];
    for outcome in requests.apply(&made) {
        outcome?;
    }
    let links = requests.links()?;
    let index = |name| links.iter().find(|link: &&Link| link.name == name);
    let (Some(near), Some(bridge)) = (index("near"), index("bridge")) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let attached = [
        device::attach(near.index, Some(bridge.index)),
        device::isolate(near.index, true),
        device::delete(near.index),
        device::delete(bridge.index),
    ];
    requests.apply(&attached).into_iter().collect()
}

/// What the kernel says about a switch of its own; `None` if it has no such.
pub(super) fn setting(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_of_somebody_else_s_namespace_may_be_alone() {
        assert!(!is_alone("allow\n", "         0          0 4294967295\n"));
        assert!(!is_alone("allow\n", "0 1000 1\n1 100000 65536\n"));
        assert!(is_alone("deny\n", "         0          0          1\n"));
        assert!(is_alone("allow\n", "0 1000 1\n"));
        assert!(!is_alone("", ""), "a kernel that does not tell");
    }
}
