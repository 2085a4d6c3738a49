//! Addresses with their roles: two bare socket addresses side by side are a bug to come.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc};

/// Where a stream socket can be bound or reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// TCP over IPv4 or IPv6.
    Ip(SocketAddr),
    /// A UNIX socket in the file system.
    Unix(Arc<PathBuf>),
    /// A UNIX socket in the abstract namespace, without the leading NUL.
    Abstract(Arc<[u8]>),
}

impl Endpoint {
    /// The IP address and port, if this is TCP.
    #[must_use]
    pub const fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Unix(_) | Self::Abstract(_) => None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix@{}", path.display()),
            Self::Abstract(name) => write!(f, "abns@{}", String::from_utf8_lossy(name)),
        }
    }
}

/// The address of the one who connected to us (after PROXY protocol, if accepted).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientAddr(pub Endpoint);

/// The address of ours that the client connected to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalAddr(pub Endpoint);

/// The address of a server that we connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerAddr(pub Endpoint);
