//! What the election gives up once it is set up: all capabilities but those for addresses, packets
//! and firewall rules, and the system calls that are nobody's business here. Scripts are started by
//! its launcher.
//!
//! A filter of system calls stays for the program that follows at an upgrade. So it says what is
//! denied, not what is allowed, and the program that follows is told that it is there: each would put
//! up one more otherwise.

use std::{env, ffi::OsString, io, sync::OnceLock};

use pontoon_config::keepalived::model::Model;
use pontoon_sys::{
    process::schedule,
    sandbox::{
        calls::CallsError,
        capability::{self, Capabilities},
        denied::{
            Denied, Filter,
            lists::{KERNEL, KEYS, MACHINE, MOUNTS, OTHERS},
        },
    },
};

use super::{
    log::{Level, Log},
    resume::HURRY,
    script::launched,
};
use crate::node::{SANDBOX, sandbox_is_wanted};

/// In the environment of the program that follows: the filters that are in force.
pub(super) const VARIABLE: &str = "PONTOON_ELECTION_FILTERS";
/// What sockets are for: the supervisor and the log, peers and clouds, addresses and rules, packets.
const FAMILIES: [i32; 5] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
    libc::AF_PACKET,
];

/// The fingerprints of this process's filters.
static IN_FORCE: OnceLock<String> = OnceLock::new();

/// Starts the launcher, or takes it over. To be called while we have all rights, and no threads.
///
/// # Errors
/// Out of processes or descriptors.
pub(super) fn prepare() -> io::Result<()> {
    if sandbox_is_wanted() {
        launched::begin()
    } else {
        Ok(())
    }
}

/// Gives it up, for this thread and those that it starts. `follows`: so did the program before.
pub(super) fn put_up(model: &Model, follows: bool, log: &Log) {
    if !sandbox_is_wanted() {
        let text = format!("This process runs without its sandbox: {SANDBOX}=off.");
        return log.line(Level::Notice, text);
    }
    let mut missing = Vec::new();
    let mut note = |what: &str, result: io::Result<()>| {
        missing.extend(result.err().map(|error| format!("{what}: {error}")));
    };
    // Whoever had no right to be preferred to others has none to lose.
    let realtime = model.global.realtime_priority.unwrap_or(HURRY);
    let _not_allowed = schedule::allow_realtime(realtime.max(HURRY));
    let kept = kept(model);
    // Threads that are there already keep what they have.
    let paused = log.pause();
    note(
        "capabilities",
        paused.then_some(()).ok_or(io::ErrorKind::TimedOut.into()),
    );
    note("capabilities", capability::limit_to(kept).map(|_| ()));
    note("capabilities", capability::keep_only(kept));
    note("no-new-privs", capability::gain_nothing());
    if let Err(error) = deny(follows) {
        missing.push(error.to_string());
    }
    if !missing.is_empty() {
        let missing = missing.join("; ");
        let text = format!("This process runs without a part of its sandbox: {missing}.");
        log.line(Level::Warning, text);
    }
}

/// Files that are tracked may be others' property.
fn kept(model: &Model) -> Capabilities {
    let kept = Capabilities::NET_ADMIN | Capabilities::NET_RAW;
    if model.files.is_empty() {
        return kept;
    }
    kept | Capabilities::DAC_READ_SEARCH
}

/// What neither this version nor a later one has any business with.
fn filter() -> Result<Filter, CallsError> {
    let lists = [OTHERS, MOUNTS, KERNEL, KEYS, MACHINE];
    let denied = lists.into_iter().fold(Denied::new(), Denied::deny);
    let denied = denied.deny_name_spaces()?;
    denied.deny_sockets_but(&FAMILIES)?.filter()
}

fn deny(follows: bool) -> Result<(), CallsError> {
    let before = env::var(VARIABLE).ok().filter(|_| follows);
    let before = before.unwrap_or_default();
    let filter = filter()?;
    let (in_force, result) = match with(&before, &filter.fingerprint()) {
        None => (before, Ok(())),
        Some(after) => match filter.put_up() {
            Ok(()) => (after, Ok(())),
            Err(error) => (before, Err(error)),
        },
    };
    // It is put up once.
    let _set = IN_FORCE.set(in_force);
    result
}

/// The filters with this one; `None` if it is among them.
fn with(filters: &str, one: &str) -> Option<String> {
    let mut all: Vec<_> = filters.split(',').filter(|it| !it.is_empty()).collect();
    if all.contains(&one) {
        return None;
    }
    all.push(one);
    Some(all.join(","))
}

/// What the program that follows is told.
pub(super) fn inheritance() -> Option<(OsString, OsString)> {
    let filters = IN_FORCE.get().filter(|filters| !filters.is_empty())?;
    Some((VARIABLE.into(), filters.into()))
}

/// Does what executes another program, which is to have our capabilities: also if we are not root,
/// whose programs get them anyway, as far as the bounding set goes.
pub(super) fn across<T>(execute: impl FnOnce() -> T) -> T {
    if !sandbox_is_wanted() {
        return execute();
    }
    let held = capability::held();
    // Where it is forbidden, only root's programs get them.
    let _forbidden = capability::pass_on();
    let result = execute();
    if let Ok(held) = held {
        // Less is always allowed.
        let _less = capability::keep_only(held);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_is_put_up_once() {
        let first = with("", "a").unwrap();
        assert_eq!(with(&first, "a"), None);
        let second = with(&first, "b").unwrap();
        // Back and forth between two versions.
        assert_eq!(with(&second, "a"), None);
        assert_eq!(with(&second, "b"), None);
    }
}
