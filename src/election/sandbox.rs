//! What the election gives up once it is set up: all capabilities but those for addresses, packets
//! and firewall rules. Scripts are started by its launcher.

use std::io;

use pontoon_config::keepalived::model::Model;
use pontoon_sys::{
    process::schedule,
    sandbox::capability::{self, Capabilities},
};

use super::{
    log::{Level, Log},
    resume::HURRY,
    script::launched,
};
use crate::node::{SANDBOX, sandbox_is_wanted};

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

/// Gives it up, for this thread and those that it starts.
pub(super) fn put_up(model: &Model, log: &Log) {
    if !sandbox_is_wanted() {
        let text = format!("This process runs without its sandbox: {SANDBOX}=off.");
        return log.line(Level::Notice, text);
    }
    let mut missing = Vec::new();
    let mut note = |what: &str, result: io::Result<()>| {
        if let Err(error) = result {
            missing.push(format!("{what}: {error}"));
        }
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
