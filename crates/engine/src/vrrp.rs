//! VRRP (RFC 3768 version 2, RFC 9568 version 3): who holds the addresses of a virtual router.
//!
//! [`election::Election`] is one node's whole part in it: every instance, the groups that stand
//! and fall together, and what they track. It has three verbs: `handle(event, now)` tells it what
//! happened, `poll_timeout()` says when it wants to be called again, `poll_action()` hands out
//! the orders that the shell carries out.

pub mod action;
pub mod election;
pub mod event;
pub mod neighbour;
pub mod packet;
pub mod readiness;
pub mod settings;
pub mod view;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Index of an instance in [`settings::Settings::instances`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub usize);

/// Index of a sync group in [`settings::Settings::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupId(pub usize);

/// Index of something tracked in [`settings::Settings::trackers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrackerId(pub usize);

/// Virtual router identifier, 1 to 255 (RFC 9568, 5.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vrid(u8);

impl Vrid {
    /// An identifier; `None` for 0.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        if value == 0 { None } else { Some(Self(value)) }
    }

    /// The number, 1 to 255.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Priority on the wire (RFC 9568, 5.2.4): 1 to 254, or one of the two with a meaning of their
/// own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Priority(pub u8);

impl Priority {
    /// The master gives up the role.
    pub const RESIGN: Self = Self(0);
    /// What an instance has when nothing is said.
    pub const DEFAULT: Self = Self(100);
    /// The owner of the addresses; no tracking changes it.
    pub const OWNER: Self = Self(255);

    /// How much sooner than the lowest priority this one takes over: (256 − priority) / 256 of
    /// the interval (RFC 9568, 6.1; RFC 3768 takes 1 s for the interval).
    #[must_use]
    pub fn skew(self, interval: Duration) -> Duration {
        interval * (256 - u32::from(self.0)) / 256
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// RFC 3768: IPv4 only, whole seconds.
    V2,
    /// RFC 9568: IPv4 and IPv6, centiseconds.
    V3,
}

/// An instance's part (RFC 9568, 6.4), as logs and scripts name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Not started, or stopped.
    Init,
    /// Listens to a master.
    Backup,
    /// Holds the addresses.
    Master,
    /// Cannot hold them: something tracked is down.
    Fault,
}

impl Role {
    /// As keepalived writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_priorities_differ_by_four_milliseconds_of_skew() {
        let second = Duration::from_secs(1);
        let skew = |priority| Priority(priority).skew(second);
        assert_eq!(skew(101).as_micros(), 605_468);
        assert_eq!(skew(100).as_micros(), 609_375);
        assert_eq!(Priority::OWNER.skew(second).as_micros(), 3_906);
    }
}
