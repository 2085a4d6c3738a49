//! The state of the election as others see it: `pontoon status`, dumps.

mod gather;

use std::{net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

pub(super) use self::gather::{Facts, gather};

/// The whole election of one node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// `router_id`, or the machine's name.
    pub router_id: String,
    /// The election process.
    pub pid: u32,
    /// Seconds since it was started.
    pub running_for: f64,
    /// What it was started with, by their whole names.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// What is known of this node's own proxy; `None`: the node has none.
    pub proxy: Option<String>,
    /// In the order of the file.
    pub instances: Vec<InstanceStatus>,
    /// In the order of the file.
    pub groups: Vec<GroupStatus>,
    /// `vrrp_script`, in the order of the file.
    pub scripts: Vec<ScriptStatus>,
    /// The last ten, the latest first.
    pub transitions: Vec<TransitionStatus>,
    /// The last hundred lines about roles, priorities, peers and the proxy, the latest first.
    #[serde(default)]
    pub events: Vec<EventStatus>,
}

/// One `vrrp_instance`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// `VI_1`.
    pub name: String,
    /// Its interface.
    pub interface: String,
    /// `virtual_router_id`.
    pub vrid: u8,
    /// 2 or 3.
    pub version: u8,
    /// `INIT`, `BACKUP`, `MASTER` or `FAULT`.
    pub role: String,
    /// Seconds since it has that role.
    pub role_for: f64,
    /// Seconds since the epoch at which it took that role.
    pub since: f64,
    /// Why.
    pub reason: String,
    /// How its priority comes about.
    pub priority: PriorityStatus,
    /// Why it does not preempt a living master of lower priority.
    pub hold: Option<String>,
    /// Seconds until that ends by itself, as far as it is known.
    #[serde(default)]
    pub hold_for: Option<f64>,
    /// How far a switchover has come.
    #[serde(default)]
    pub switchover: Option<SwitchoverStatus>,
    /// The master it listens to.
    pub master: Option<IpAddr>,
    /// Seconds until it becomes master if nobody is heard.
    pub master_down_in: Option<f64>,
    /// Who has been heard, the latest first.
    pub peers: Vec<PeerStatus>,
    /// What it holds or would hold.
    pub addresses: Vec<AddressStatus>,
    /// Addresses of a cloud that follow it.
    #[serde(default)]
    pub floating_ips: Vec<FloatingIpStatus>,
    /// What has been counted since the start.
    pub counters: Counters,
}

/// How a priority comes about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriorityStatus {
    /// From the file.
    pub base: u8,
    /// What tracking adds and takes.
    pub trackers: Vec<TrackerStatus>,
    /// What is advertised.
    pub effective: u8,
}

/// What one tracker does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackerStatus {
    /// `script chk_haproxy`, `interface eth0`.
    pub name: String,
    /// `up`, `down`, a number, or `unknown`.
    pub reading: String,
    /// What it adds to the priority now.
    pub adds: i16,
    /// It keeps the instance in FAULT.
    pub faults: bool,
}

/// Somebody who was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Who.
    pub address: IpAddr,
    /// The priority it sent.
    pub priority: u8,
    /// Seconds since its last advertisement.
    pub heard_ago: f64,
    /// Seconds between its advertisements.
    pub interval: f64,
    /// What its checksum is computed over.
    pub checksum: String,
}

/// An address of a virtual router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressStatus {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// Where it is, or would be.
    pub interface: String,
    /// It is there because of us.
    pub held: bool,
}

/// One `vrrp_sync_group`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// `VG_1`.
    pub name: String,
    /// The role its members share, or that of the first if they are on their way.
    pub role: String,
    /// Their names.
    pub members: Vec<String>,
}

/// One `vrrp_script`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptStatus {
    /// `chk_haproxy`.
    pub name: String,
    /// `up`, `down`, `unknown`, `disabled` (it may not be run) or `not tracked`.
    pub state: String,
    /// How it ended last: `exited with status 1`.
    pub last: Option<String>,
    /// Seconds it took.
    pub took: Option<f64>,
    /// Seconds since it was started last.
    pub ran_ago: Option<f64>,
}

/// A change of a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransitionStatus {
    /// Seconds since the epoch.
    pub at: f64,
    /// The instance.
    pub instance: String,
    /// The old role.
    pub from: String,
    /// The new one.
    pub to: String,
    /// Why.
    pub reason: String,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventStatus {
    /// Seconds since the epoch.
    pub at: f64,
    /// As the log has it.
    pub text: String,
}

/// How far a switchover has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SwitchoverStatus {
    /// It has resigned and waits until another master is heard.
    UnderWay {
        /// Seconds until it stays master after all.
        stays_in: f64,
    },
    /// Another node is master by its operator's wish, and is left alone while it lives.
    HandedOver,
}

/// What is counted of an instance (keepalived's statistics).
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
    /// Dropped: version, TTL, password, interval, stranger; the sum.
    pub dropped: u64,
    /// Accepted with another address list.
    pub address_list_mismatches: u64,
}

/// A `floating_ip`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FloatingIpStatus {
    /// The address that clients use.
    pub address: IpAddr,
    /// `aws`, `hetzner` or `digitalocean`.
    pub provider: String,
    /// `idle` (not master), `looking`, `moving`, `here`, `waiting` (after a failure) or `yielded`.
    pub phase: String,
    /// Where the provider last said it is; `None`: it has not been asked, or not answered.
    pub seen: Option<SeenStatus>,
    /// What needs attention.
    pub alarm: Option<AlarmStatus>,
    /// The call under way.
    pub call: Option<CallStatus>,
    /// Seconds until the next call, if one is waited for.
    pub next_call_in: Option<f64>,
    /// The last call that failed, however long ago.
    pub last_failure: Option<FailureStatus>,
    /// Why this node could not take it, as far as it knows without asking the provider.
    pub not_ready: Option<FailureStatus>,
    /// Seconds since it last knew that it could: who it is, credentials, and the way to the provider
    /// are looked after while it is not master.
    pub ready_ago: Option<f64>,
    /// What has been counted since the start.
    pub counters: FloatingIpCounters,
    /// How long calls took, whatever came of them.
    #[serde(default)]
    pub calls: CallTimes,
}

/// How long calls to a provider took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CallTimes {
    /// Calls that have ended.
    pub ended: u64,
    /// Seconds they took altogether.
    pub seconds: f64,
}

/// Where an address was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenStatus {
    /// `here`, `nowhere` or `elsewhere`.
    pub place: String,
    /// Who has it, if it is elsewhere: the provider's name.
    pub holder: Option<String>,
    /// Which of the configured peers that is.
    pub peer: Option<IpAddr>,
    /// Seconds since.
    pub ago: f64,
}

/// What needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmStatus {
    /// `not_here`, `yielded` or `unverified`.
    pub kind: String,
    /// For people.
    pub text: String,
}

/// A call to a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallStatus {
    /// `describe` or `associate`.
    pub what: String,
    /// Seconds since it began.
    pub running_for: f64,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureStatus {
    /// Why, and what to do.
    pub text: String,
    /// Seconds since.
    pub ago: f64,
}

/// What is counted of a floating IP; the metrics tell it, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloatingIpCounters {
    /// Questions where it is.
    pub describes: u64,
    /// Requests to bring it here.
    pub associates: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Those of them that were refused for being too many.
    pub throttled: u64,
    /// How often it has come here.
    pub arrivals: u64,
    /// How often it was found elsewhere after it had been here.
    pub losses: u64,
    /// How often it was left to a peer.
    pub yields: u64,
}
