//! What can be seen of an election from outside: status, dumps, statistics.

use std::{net::IpAddr, time::Duration, time::Instant};

use serde::{Deserialize, Serialize};

use super::{
    InstanceId, Priority, Role, TrackerId,
    action::{Hold, Reason},
    event::{Checksum, Reading},
};

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceView {
    /// Its role.
    pub role: Role,
    /// Since when.
    pub since: Instant,
    /// Why.
    pub reason: Reason,
    /// From the file.
    pub base_priority: Priority,
    /// What tracking adds and takes, in the order of the file.
    pub contributions: Vec<Contribution>,
    /// What comes of it, 1 to 254, or 255.
    pub priority: Priority,
    /// Why it does not preempt a living master, if it does not.
    pub hold: Option<Hold>,
    /// When that ends by itself, as far as it is known.
    pub hold_ends: Option<Instant>,
    /// How far its operator's wish to hand it over has come; `None`: there is none.
    pub switchover: Option<Switchover>,
    /// When nobody's word makes it master.
    pub master_down_at: Option<Instant>,
    /// The master it listens to.
    pub master: Option<IpAddr>,
    /// Who has been heard; bounded, the latest first.
    pub peers: Vec<Peer>,
    /// What has been counted.
    pub counters: Counters,
}

/// How far a switchover has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switchover {
    /// It has resigned, and keeps the addresses until another master is heard, or until then.
    UnderWay {
        /// When it stays master after all.
        until: Instant,
    },
    /// Another node is master by its operator's wish, and is left alone for as long as it lives.
    HandedOver,
}

/// Why mastership cannot be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotHandOver {
    /// This instance is none.
    NotMaster(InstanceId, Role),
    /// It is being handed over.
    UnderWay(InstanceId),
}

/// Why mastership cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotTakeBack {
    /// It was not handed over, or has come back since.
    NothingHandedOver,
    /// The master's priority is as high as ours, or higher.
    Outranked(InstanceId, Priority),
    /// This instance takes no part.
    Unfit(InstanceId, Role),
    /// Our own proxy forbids it.
    Held(InstanceId, Hold),
}

/// What one tracker does to the priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution {
    /// The tracker.
    pub tracker: TrackerId,
    /// Its last reading.
    pub reading: Option<Reading>,
    /// Added to the priority.
    pub weight: i16,
    /// Whether it faults the instance.
    pub faults: bool,
}

/// Somebody heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Who.
    pub address: IpAddr,
    /// When last.
    pub heard_at: Instant,
    /// The priority it sent.
    pub priority: Priority,
    /// Its interval.
    pub interval: Duration,
    /// How it computes its checksum.
    pub checksum: Checksum,
}

/// What has been counted since the start (keepalived's statistics).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Advertisements received and accepted.
    pub adverts_received: u64,
    /// Advertisements sent.
    pub adverts_sent: u64,
    /// Became master.
    pub became_master: u64,
    /// Ceased to be master.
    pub released_master: u64,
    /// Priority 0 received.
    pub resignations_received: u64,
    /// Priority 0 sent.
    pub resignations_sent: u64,
    /// Dropped: another version.
    pub version_errors: u64,
    /// Dropped: TTL or hop limit.
    pub hop_limit_errors: u64,
    /// Dropped: password.
    pub authentication_errors: u64,
    /// Dropped: interval.
    pub interval_errors: u64,
    /// Dropped: not one of our peers.
    pub strangers: u64,
    /// Accepted with another address list.
    pub address_list_mismatches: u64,
}
