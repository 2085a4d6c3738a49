//! Who there is in the picture, and what can be done to it.

use std::fmt;

/// One of the two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeId {
    /// 10.0.1.207, of the higher priority.
    One,
    /// 10.0.1.190.
    Two,
}

impl NodeId {
    pub(super) const BOTH: [Self; 2] = [Self::One, Self::Two];

    pub(super) const fn index(self) -> usize {
        match self {
            Self::One => 0,
            Self::Two => 1,
        }
    }

    /// The other one.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.index() + 1)
    }
}

/// One of the three databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DatabaseId(pub(super) usize);

impl DatabaseId {
    pub(super) const ALL: [Self; 3] = [Self(0), Self(1), Self(2)];
}

impl fmt::Display for DatabaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database {}", super::place::database(*self))
    }
}

/// Something done to the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// SIGKILL to all processes of a node's proxy.
    KillProxy(NodeId),
    /// The power of a node fails: nothing on it says goodbye.
    KillNode(NodeId),
    /// A node is started.
    StartNode(NodeId),
    /// A database refuses connections.
    KillDatabase(DatabaseId),
    /// It accepts them again.
    StartDatabase(DatabaseId),
    /// The cloud's API refuses connections, or serves.
    Api(Power),
    /// The nodes cannot reach each other, or can.
    Link(Power),
}

/// Whether something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Power {
    /// It works.
    On,
    /// It does not.
    Off,
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillProxy(node) => write!(f, "kill the proxy of {node}"),
            Self::KillNode(node) => write!(f, "cut the power of {node}"),
            Self::StartNode(node) => write!(f, "start {node}"),
            Self::KillDatabase(database) => write!(f, "kill {database}"),
            Self::StartDatabase(database) => write!(f, "start {database}"),
            Self::Api(Power::Off) => f.write_str("take the cloud's API down"),
            Self::Api(Power::On) => f.write_str("bring the cloud's API back"),
            Self::Link(Power::Off) => f.write_str("cut the link between the nodes"),
            Self::Link(Power::On) => f.write_str("heal the link between the nodes"),
        }
    }
}
