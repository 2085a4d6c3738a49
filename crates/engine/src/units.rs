//! Small typed quantities: bare integers are converted once, where text is read.

use std::fmt;

/// Index of a proxy in the model, unique in one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProxyId(pub u32);

/// Index of a server within its backend, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub u32);

impl ProxyId {
    /// The position in a vector of proxies.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl ServerId {
    /// The position in a vector of servers.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A server's share of its backend's load, 0 to 256; 0 takes no new sessions
/// (HAProxy configuration manual, 5.2 `weight`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Weight(u16);

impl Weight {
    /// The largest weight.
    pub const MAX: Self = Self(256);
    /// What a server gets when nothing is said.
    pub const ONE: Self = Self(1);
    /// No new sessions.
    pub const ZERO: Self = Self(0);

    /// A weight, or `None` above 256.
    #[must_use]
    pub const fn new(value: u16) -> Option<Self> {
        if value <= Self::MAX.0 {
            Some(Self(value))
        } else {
            None
        }
    }

    /// The number, 0 to 256.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a session for as long as it lives: the data thread it runs on, its slot there, and a
/// generation so that a late message cannot reach the slot's next tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey {
    /// The data thread.
    pub thread: u16,
    /// The slot in that thread's session table.
    pub slot: u32,
    /// Counts the tenants of the slot.
    pub generation: u32,
}
