//! What an election is told.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{InstanceId, Priority, TrackerId, Version, Vrid};

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An advertisement arrived for an instance: on its interface, for its VRID, intact.
    Heard {
        /// The instance.
        instance: InstanceId,
        /// What was heard.
        heard: Heard,
    },
    /// A tracker was read.
    Tracked {
        /// The tracker.
        tracker: TrackerId,
        /// What it says.
        reading: Reading,
    },
    /// The address our advertisements come from is known, has changed, or is gone.
    Source {
        /// The instance.
        instance: InstanceId,
        /// The address.
        source: Option<IpAddr>,
    },
    /// This node's own proxy has changed.
    Proxy(Proxy),
    /// Its operator wants another node to be master instead of this one: of this instance, and of
    /// all others of its group. Nothing happens unless all of them are master.
    HandOver {
        /// The instance.
        instance: InstanceId,
    },
    /// Its operator wants back what was handed over.
    TakeBack {
        /// The instance.
        instance: InstanceId,
    },
    /// A time that `poll_timeout` named has come.
    Timeout,
    /// The node stops: masters resign, everything is released.
    Stop,
}

/// An advertisement as it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Who sent it.
    pub from: IpAddr,
    /// TTL or hop limit, if the kernel told.
    pub hop_limit: Option<u8>,
    /// What it says.
    pub advert: Advert,
    /// Which of the known ways of computing the checksum fits.
    pub checksum: Checksum,
}

/// An advertisement (RFC 3768, 5.1; RFC 9568, 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advert {
    /// The version.
    pub version: Version,
    /// The virtual router.
    pub vrid: Vrid,
    /// The sender's priority.
    pub priority: Priority,
    /// Between two of the sender's advertisements: whole seconds in version 2, centiseconds in 3.
    pub interval: Duration,
    /// The addresses of the virtual router.
    pub addresses: Vec<IpAddr>,
    /// The eight bytes of simple authentication; version 2 only.
    pub password: Option<[u8; 8]>,
}

/// Ways of computing the checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Checksum {
    /// Over the message only: version 2, and IPv4 in version 3 after RFC 9568, 5.2.8.
    Message,
    /// Over a pseudo-header and the message: IPv6, and IPv4 in version 3 as keepalived sends it.
    PseudoHeader,
    /// As `PseudoHeader`, with the multicast group as destination of a unicast message: old
    /// keepalived.
    MulticastPseudoHeader,
}

/// What a tracker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// All is well.
    Up,
    /// It is not.
    Down,
    /// A file's number times its weight, already within -254 to 254; -254 means Fault, 254 that
    /// the instance is as good as an owner (keepalived.conf(5), `vrrp_track_file`).
    Value(i16),
}

/// This node's own proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proxy {
    /// This node has none: it never counts.
    Absent,
    /// It starts and is not bound yet.
    Starting,
    /// It serves.
    Serving(Servers),
    /// It does not serve.
    Down(ProxyFault),
}

/// Why a proxy does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProxyFault {
    /// It ended unasked.
    Died,
    /// It could not start: an address is taken, a file is faulty.
    CannotStart,
    /// It does not answer.
    Hung,
    /// It was stopped on purpose; coming back needs no stable time.
    Stopped,
}

/// What a serving proxy knows of its servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Servers {
    /// None is checked, so nothing is known; it never vetoes.
    Unchecked,
    /// Checks have begun and none has passed yet.
    Pending,
    /// At least one has passed a check and is up.
    Usable,
    /// All are down.
    AllDown,
}
