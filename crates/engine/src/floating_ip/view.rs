//! What can be seen of a reconciler from outside: status, metrics.

use std::time::Instant;

use super::{action::Alarm, event::Whereabouts};

/// One floating IP on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What it does.
    pub phase: Phase,
    /// Where the provider last said the address is, and when; kept when mastership ends.
    pub seen: Option<(Whereabouts, Instant)>,
    /// What needs attention.
    pub alarm: Option<Alarm>,
    /// When it next wants to call, if it waits for that.
    pub next_call: Option<Instant>,
    /// What has been counted.
    pub counters: Counters,
}

/// What a reconciler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not master: it makes no calls.
    Idle,
    /// Asks where the address is.
    Looking,
    /// Brings it here.
    Moving,
    /// It is here; looks again and again.
    Here,
    /// Waits after a failure.
    Waiting,
    /// A peer whose word counts more has it.
    Yielded,
}

/// What has been counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Questions asked.
    pub describes: u64,
    /// Requests to bring it here.
    pub associates: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Those of them that were refused for being too many.
    pub throttled: u64,
    /// How often the address has come here.
    pub arrivals: u64,
    /// How often it was found elsewhere after it had been here.
    pub losses: u64,
    /// How often it was left to a peer.
    pub yields: u64,
}
