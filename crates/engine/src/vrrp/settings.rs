//! What an election is told to do. Valid by construction: whoever reads the files has checked.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use super::{GroupId, InstanceId, Priority, TrackerId, Version, Vrid};

/// One node's part in its elections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The virtual routers this node takes part in.
    pub instances: Vec<Instance>,
    /// Which of them stand and fall together.
    pub groups: Vec<Group>,
    /// What they track.
    pub trackers: Vec<Tracker>,
    /// After a start, how long this node only listens (`vrrp_startup_delay`).
    pub startup_delay: Duration,
    /// How this node's own proxy counts.
    pub proxy: ProxyPolicy,
}

/// One virtual router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `VI_1`; unique.
    pub name: Arc<str>,
    /// Its number.
    pub vrid: Vrid,
    /// How it speaks.
    pub version: Version,
    /// Before tracking. [`Priority::OWNER`] is immune to tracking weights.
    pub priority: Priority,
    /// Between two advertisements of ours.
    pub interval: Duration,
    /// Whether and when it takes over from a living master of lower priority.
    pub preempt: Preempt,
    /// Who else takes part.
    pub peers: Peers,
    /// The address our advertisements come from; `None` until the interface has one.
    pub source: Option<IpAddr>,
    /// What the advertisements list, in the order of the file.
    pub addresses: Vec<IpAddr>,
    /// The eight bytes of `auth_type PASS`; version 2 only.
    pub password: Option<[u8; 8]>,
    /// How neighbours are told who holds the addresses.
    pub announcements: Announcements,
    /// How many intervals without a word make a master dead (3).
    pub down_timer_adverts: u32,
    /// On hearing a lower priority as master, send no advertisement (`vrrp_lower_prio_no_advert`).
    pub lower_prio_no_advert: bool,
    /// Unicast: whoever is not one of the peers is not heard (`vrrp_check_unicast_src`).
    pub refuse_strangers: bool,
    /// Advertisements that list other addresses than ours are accepted without a word
    /// (`vrrp_skip_check_adv_addr`). Otherwise they are reported once, and accepted all the same.
    pub skip_address_check: bool,
    /// What it tracks.
    pub tracks: Vec<Track>,
    /// Whether this node's proxy counts for this instance (`dont_track_proxy` says no).
    pub track_proxy: bool,
}

/// What a master of lower priority is in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preempt {
    /// It is replaced at once.
    AtOnce,
    /// It is replaced after this wait (`preempt_delay`).
    After(Duration),
    /// It stays (`nopreempt`).
    Never,
}

/// Who else takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peers {
    /// Whoever listens to the group.
    Multicast,
    /// These are told. Whether others are heard as well, [`Instance::refuse_strangers`] says.
    Unicast(BTreeSet<IpAddr>),
}

/// Gratuitous ARP and unsolicited neighbour advertisements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announcements {
    /// How often each address is announced on becoming master (`garp_master_repeat`, 5).
    pub repeat: u32,
    /// When that is done once more (`garp_master_delay`, 5 s); zero: never.
    pub again_after: Duration,
    /// How often a master announces them for as long as it is one (`garp_master_refresh`).
    pub refresh: Option<Duration>,
    /// How often each address is announced then (`garp_master_refresh_repeat`, 1).
    pub refresh_repeat: u32,
    /// Like `repeat`, after a lower priority was heard as master (`garp_lower_prio_repeat`).
    pub lower_prio_repeat: u32,
    /// Like `again_after`, after a lower priority was heard (`garp_lower_prio_delay`).
    pub lower_prio_again_after: Duration,
}

/// An instance's or a group's interest in a tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    /// What is tracked.
    pub tracker: TrackerId,
    /// What its readings do to the priority.
    pub effect: Effect,
}

/// What a tracker's readings do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Down means Fault (weight 0).
    Fault,
    /// Down means healthy and up means Fault (weight 0 with `reverse`).
    FaultReversed,
    /// Positive: added while up; negative: subtracted while down (-253 to 253).
    Weight(i16),
    /// As `Weight`, with up and down exchanged.
    WeightReversed(i16),
}

/// Something tracked: a script, an interface, a file, a process, an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracker {
    /// For messages: `script chk_haproxy`, `interface eth0`.
    pub name: Arc<str>,
    /// What is assumed before the first reading. `None`: instances that it could fault wait in
    /// Init until it is known.
    pub initially: Option<super::event::Reading>,
}

/// Instances that stand and fall together (`vrrp_sync_group`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `VG_1`; unique.
    pub name: Arc<str>,
    /// Its members; an instance is in one group at most.
    pub members: Vec<InstanceId>,
    /// What it tracks, for all its members.
    pub tracks: Vec<Track>,
}

/// How this node's own proxy counts (Pontoon's own rules).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyPolicy {
    /// How long a proxy that crashed must run again before this node takes the addresses back
    /// from a living master (10 s); doubled for each crash that follows within twice that time,
    /// up to `longest_stable_time`.
    pub stable_time: Duration,
    /// The longest such time (5 min).
    pub longest_stable_time: Duration,
    /// Whether a proxy without a single usable server is as good as dead (default: no).
    pub resign_without_servers: bool,
}

impl Default for ProxyPolicy {
    fn default() -> Self {
        Self {
            stable_time: Duration::from_secs(10),
            longest_stable_time: Duration::from_secs(300),
            resign_without_servers: false,
        }
    }
}

impl Settings {
    /// The group an instance is in.
    #[must_use]
    pub fn group_of(&self, instance: InstanceId) -> Option<GroupId> {
        let found = self
            .groups
            .iter()
            .position(|group| group.members.contains(&instance));
        found.map(GroupId)
    }
}
