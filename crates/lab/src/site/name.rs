//! The names of the nodes.

use std::net::Ipv4Addr;

/// One of the two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    /// The preferred one, of priority 101.
    Master,
    /// The other.
    Slave,
}

impl Name {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Master, Self::Slave];

    /// Its private address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        match self {
            Self::Master => Ipv4Addr::new(10, 0, 1, 207),
            Self::Slave => Ipv4Addr::new(10, 0, 1, 190),
        }
    }

    /// Whose private address it is.
    #[must_use]
    pub fn at(address: Ipv4Addr) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.address() == address)
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Master => Self::Slave,
            Self::Slave => Self::Master,
        }
    }

    /// 0 or 1.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Master => 0,
            Self::Slave => 1,
        }
    }

    /// Its host name.
    pub(super) const fn host(self) -> &'static str {
        match self {
            Self::Master => "ip-10-0-1-207",
            Self::Slave => "ip-10-0-1-190",
        }
    }
}
