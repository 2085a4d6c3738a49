//! What an election orders, and what it reports.

use std::{fmt, net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    GroupId, InstanceId, Priority, Role, TrackerId,
    event::{Checksum, ProxyFault},
};

/// An order. The shell carries them out one after the other, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send an advertisement to the group, or to each unicast peer.
    SendAdvert {
        /// The instance.
        instance: InstanceId,
        /// [`Priority::RESIGN`], or what it has now.
        priority: Priority,
    },
    /// Put the addresses on their interfaces.
    Acquire(InstanceId),
    /// Take them away.
    Release(InstanceId),
    /// Tell the neighbours: each address so many times.
    Announce {
        /// The instance.
        instance: InstanceId,
        /// How often.
        repeat: u32,
    },
    /// Run what the user wants to be run.
    Notify {
        /// Whose state.
        subject: Subject,
        /// The new state.
        state: NotifyState,
        /// The priority at that moment (a group's is that of its first member).
        priority: Priority,
    },
    /// Tell the user.
    Report(Report),
}

/// Whose state a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An instance.
    Instance(InstanceId),
    /// A sync group.
    Group(GroupId),
}

/// States that scripts hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotifyState {
    /// Holds the addresses.
    Master,
    /// Listens.
    Backup,
    /// Cannot hold them.
    Fault,
    /// The node stops.
    Stop,
}

impl NotifyState {
    /// As scripts see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
        }
    }
}

/// Something worth a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// An instance has changed its role.
    Transition {
        /// The instance.
        instance: InstanceId,
        /// Its old role.
        from: Role,
        /// Its new role.
        to: Role,
        /// Why.
        reason: Reason,
    },
    /// A group has changed its role.
    GroupTransition {
        /// The group.
        group: GroupId,
        /// Its new role.
        to: Role,
    },
    /// Tracking has changed the priority.
    Priority {
        /// The instance.
        instance: InstanceId,
        /// It was.
        from: Priority,
        /// It is.
        to: Priority,
    },
    /// A peer has been heard for the first time, or computes its checksum another way than before.
    PeerChecksum {
        /// The instance.
        instance: InstanceId,
        /// The peer.
        peer: IpAddr,
        /// Its way.
        checksum: Checksum,
    },
    /// A master hears a rival of lower priority and announces itself again.
    Rival {
        /// The instance.
        instance: InstanceId,
        /// The rival.
        peer: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// Resigned on purpose; the addresses stay until another master is heard.
    HandingOver {
        /// The instance.
        instance: InstanceId,
    },
    /// Stays master although it was to be handed over.
    NotTakenOver {
        /// The instance.
        instance: InstanceId,
        /// Nobody wanted it for so long; `None`: its operator thought better of it.
        waited: Option<Duration>,
    },
    /// Not preempting, though the priority is higher; told once per reason.
    Holding {
        /// The instance.
        instance: InstanceId,
        /// Why not.
        why: Hold,
    },
    /// An advertisement was dropped; told once per peer and offence, and counted.
    Dropped {
        /// The instance.
        instance: InstanceId,
        /// The sender.
        peer: IpAddr,
        /// Why.
        offence: Offence,
    },
    /// An advertisement is odd and was accepted; told once per peer and oddity.
    Odd {
        /// The instance.
        instance: InstanceId,
        /// The sender.
        peer: IpAddr,
        /// What is odd.
        oddity: Oddity,
    },
}

/// Why a role changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// All that had to be known is known.
    Ready,
    /// Nobody has been heard for the master-down time.
    MasterSilent,
    /// The master resigned.
    MasterResigned,
    /// The master's priority is lower.
    Preempting,
    /// A master of higher priority, or of the same and a higher address.
    HigherPriority {
        /// The rival.
        peer: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// Something tracked is down.
    TrackerDown(TrackerId),
    /// Everything tracked is up again.
    TrackersUp,
    /// The proxy does not serve.
    ProxyDown(ProxyFault),
    /// The proxy has no usable server, and that counts here.
    NoUsableServer,
    /// The proxy serves again.
    ProxyServes,
    /// There is no address to send from.
    NoSourceAddress,
    /// Another member of the group has changed.
    Group(GroupId),
    /// Handed over on purpose.
    HandedOver {
        /// The new master.
        peer: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// Taken back on purpose.
    TakenBack,
    /// The node stops.
    Stopping,
    /// The owner of the addresses does not wait.
    Owner,
    /// The file says otherwise now.
    Reloaded,
}

/// Why a living master of lower priority is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Hold {
    /// The file says so.
    NoPreempt,
    /// `preempt_delay` runs.
    PreemptDelay(Duration),
    /// Our proxy has no usable server yet.
    NoUsableServer,
    /// It was handed over on purpose.
    HandedOver,
    /// Our proxy crashed and has not been stable for so long.
    Unstable(Duration),
}

/// Why an advertisement was dropped (RFC 9568, 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Offence {
    /// Of another version.
    Version,
    /// Its TTL or hop limit is not 255, and it was not unicast.
    HopLimit,
    /// Wrong or missing password.
    Password,
    /// Version 2: another interval than ours.
    Interval,
    /// Unicast, not one of our peers, and strangers are refused.
    Stranger,
    /// It comes from our own address.
    Ourselves,
}

/// What is odd about an accepted advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Oddity {
    /// It lists other addresses than ours.
    Addresses,
    /// Version 3: another interval than ours, which we adopt while it is master.
    Interval,
    /// Somebody else claims to own the addresses, too.
    SecondOwner,
}

impl fmt::Display for NotifyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
