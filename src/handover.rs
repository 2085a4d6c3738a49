//! RELOAD: an old proxy process hands its listeners, its state and its sessions to a new one.
//!
//! ```text
//!   new process                                             old process
//!   reads its files, then        ── Hello ──────────────►   serves on
//!                                ◄───────────── Welcome ──  its listeners, time zero, its proxies
//!   binds, opens, drops rights   ── Ready ──────────────►   stops accepting, freezes its sessions
//!                                ◄─────────────── State ──  health, weights, counters
//!                                ◄──────────── Sessions ──  a batch of sessions
//!                                ── Received ───────────►   … until
//!                                ◄──────────────── Done ──
//!   adopts them, accepts         ── Taken ──────────────►   forgets them; drains what is left; ends
//! ```
//!
//! Until [`wire::FromNew::Taken`] the old process keeps everything: if the new one dies before, it
//! goes on as if nothing had been asked. If the new one is silent for too long, the old one says
//! `Refused` and hears nothing more: the new one, if it ever wakes up, must not go on with the same
//! sessions, and ends. What cannot move (a session of a proxy or server that is
//! in the files no longer) runs on in the old process, to its end.
//!
//! The door is a socket in the abstract namespace, named after the process: it needs no file and
//! works from inside a chroot. `offer` is the old side, `take` the new one, `wire` what they say,
//! `line` how.

pub(crate) mod fuzzing;
pub(crate) mod line;
pub(crate) mod names;
pub mod offer;
pub mod take;
#[cfg(test)]
mod tests;
pub mod wire;

/// Where a proxy process of this number hands over.
fn door(pid: u32) -> String {
    format!("pontoon-handover-{pid}")
}
