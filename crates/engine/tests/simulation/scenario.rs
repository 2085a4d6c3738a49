//! What a run is made of: the nodes, the network between them, and what goes wrong when.

mod chaos;
mod crash_loop;
mod floating;
mod mixed;
mod split;
mod start;
mod switchover;

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use pontoon_engine::vrrp::{
    InstanceId, Priority, TrackerId, Version, Vrid,
    event::{Checksum, Proxy, Reading},
    settings::{
        Announcements, Effect, Group, Instance, Peers, Preempt, ProxyPolicy, Settings, Track,
        Tracker,
    },
};

use super::cloud::{self, Place, Weather};

pub(crate) use self::{
    chaos::chaos,
    crash_loop::crash_loop,
    floating::floating,
    mixed::mixed,
    split::split,
    start::simultaneous_start,
    switchover::{floating_switchovers, switchovers},
};

/// Everything about a run that its seed determines before it begins.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) version: Version,
    pub(crate) ipv6: bool,
    pub(crate) multicast: bool,
    /// The usual interval; other times are multiples of it.
    pub(crate) beat: Duration,
    pub(crate) nodes: Vec<Node>,
    /// Virtual routers, each with an instance on every node.
    pub(crate) routers: usize,
    /// Whether all routers form a group.
    pub(crate) grouped: bool,
    pub(crate) network: Quality,
    /// Hosts that have to know who holds the addresses; each is next to a node.
    pub(crate) neighbours: Vec<usize>,
    pub(crate) incidents: Vec<(Duration, Incident)>,
    /// The provider of the floating IP that goes with the first router, if there is one.
    pub(crate) cloud: Option<cloud::Plan>,
    /// From here on nothing goes wrong any more.
    pub(crate) heals_at: Duration,
    pub(crate) ends_at: Duration,
}

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// It runs another program.
    pub(crate) plain: bool,
    pub(crate) priority: Priority,
    pub(crate) preempt: Preempt,
    pub(crate) interval: Duration,
    pub(crate) startup_delay: Duration,
    /// Parts per million that its clock runs too fast.
    pub(crate) clock: i32,
    /// How late it may be to do what is due.
    pub(crate) lateness: Duration,
    /// How it computes the checksum of IPv4 in version 3.
    pub(crate) checksum: Checksum,
    pub(crate) refuse_strangers: bool,
    pub(crate) effects: Vec<Effect>,
    /// What is assumed of its trackers before they were read.
    pub(crate) initially: Option<Reading>,
    pub(crate) policy: ProxyPolicy,
    /// What its proxy is from the beginning.
    pub(crate) proxy: Proxy,
}

/// How well the network works.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quality {
    pub(crate) least_delay: Duration,
    /// Each packet takes up to so much longer, so that packets overtake each other.
    pub(crate) jitter: Duration,
    /// In percent.
    pub(crate) loss: usize,
    pub(crate) duplicates: usize,
}

/// Something that is done to the nodes or the network.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Incident {
    /// A node begins, with whatever it tracks as it is by now.
    Start(usize),
    /// It vanishes, and so do its addresses.
    Crash(usize),
    /// It is asked to stop, and ends.
    Stop(usize),
    /// It stands still, holding what it holds, and goes on later as if nothing had been.
    Freeze(usize),
    Thaw(usize),
    Track(usize, TrackerId, Reading),
    /// It has, or has not, an address to send from.
    Source(usize, bool),
    Proxy(usize, Proxy),
    /// Its operator wants the first router, or the group, to have another master.
    HandOver(usize),
    /// Its operator wants that back.
    TakeBack(usize),
    /// It reads the same file again.
    Reload(usize),
    /// Only nodes of the same side hear each other.
    Partition(Vec<bool>),
    /// The second does not hear the first.
    OneWay(usize, usize),
    /// All hear each other.
    Mend,
    Network(Quality),
    /// The provider works like this.
    Weather(Weather),
    /// Somebody else moves the floating IP.
    Meddle(Place),
}

impl Scenario {
    /// The address a node sends from.
    pub(crate) fn address(&self, node: usize) -> IpAddr {
        let host = u16::try_from(node + 1).expect("few nodes");
        self.network_address(host)
    }

    /// The address of a virtual router.
    pub(crate) fn shared(&self, router: usize) -> IpAddr {
        let host = u16::try_from(100 + router).expect("few routers");
        self.network_address(host)
    }

    fn network_address(&self, host: u16) -> IpAddr {
        if self.ipv6 {
            return [0xfe80, 0, 0, 0, 0, 0, 0, host].into();
        }
        let [_, host] = host.to_be_bytes();
        [10, 77, 0, host].into()
    }

    pub(crate) fn node_at(&self, address: IpAddr) -> Option<usize> {
        (0..self.nodes.len()).find(|node| self.address(*node) == address)
    }

    /// The node of the highest priority, or of the highest address among those.
    pub(crate) fn best(&self) -> Option<usize> {
        (0..self.nodes.len()).max_by_key(|node| (self.nodes[*node].priority, *node))
    }

    /// The longest that a packet takes.
    pub(crate) fn slowest(&self) -> Duration {
        self.network.least_delay + self.network.jitter
    }

    /// A node's settings.
    pub(crate) fn settings(&self, node: usize) -> Settings {
        let plan = &self.nodes[node];
        let trackers = (0..plan.effects.len()).map(|number| Tracker {
            name: format!("script check_{number}").into(),
            initially: plan.initially,
        });
        let group = Group {
            name: Arc::from("VG"),
            members: (0..self.routers).map(InstanceId).collect(),
            tracks: Vec::new(),
        };
        Settings {
            instances: (0..self.routers).map(|r| self.instance(node, r)).collect(),
            groups: if self.grouped {
                vec![group]
            } else {
                Vec::new()
            },
            trackers: trackers.collect(),
            startup_delay: plan.startup_delay,
            proxy: plan.policy,
        }
    }

    fn instance(&self, node: usize, router: usize) -> Instance {
        let plan = &self.nodes[node];
        let vrid = u8::try_from(51 + router).ok().and_then(Vrid::new);
        Instance {
            name: format!("VI_{}", router + 1).into(),
            vrid: vrid.expect("not 0"),
            version: self.version,
            priority: plan.priority,
            interval: plan.interval,
            preempt: plan.preempt,
            peers: self.peers(node),
            source: Some(self.address(node)),
            addresses: vec![self.shared(router)],
            password: (self.version == Version::V2).then_some(*b"secret\0\0"),
            announcements: self.announcements(),
            down_timer_adverts: 3,
            lower_prio_no_advert: false,
            refuse_strangers: plan.refuse_strangers,
            skip_address_check: false,
            tracks: tracks(&plan.effects),
            track_proxy: true,
        }
    }

    fn peers(&self, node: usize) -> Peers {
        if self.multicast {
            return Peers::Multicast;
        }
        let others = (0..self.nodes.len()).filter(|other| *other != node);
        Peers::Unicast(
            others
                .map(|other| self.address(other))
                .collect::<BTreeSet<_>>(),
        )
    }

    /// Keepalived's defaults, in beats.
    pub(crate) fn announcements(&self) -> Announcements {
        Announcements {
            repeat: 5,
            again_after: self.beat * 5,
            refresh: None,
            refresh_repeat: 1,
            lower_prio_repeat: 5,
            lower_prio_again_after: self.beat * 5,
        }
    }
}

fn tracks(effects: &[Effect]) -> Vec<Track> {
    let numbered = effects.iter().enumerate();
    let track = |(number, effect): (usize, &Effect)| Track {
        tracker: TrackerId(number),
        effect: *effect,
    };
    numbered.map(track).collect()
}

impl Node {
    /// A node like any other.
    pub(crate) fn plain(priority: u8, beat: Duration) -> Self {
        Self {
            plain: false,
            priority: Priority(priority),
            preempt: Preempt::AtOnce,
            interval: beat,
            startup_delay: Duration::ZERO,
            clock: 0,
            lateness: Duration::from_micros(500),
            checksum: Checksum::PseudoHeader,
            refuse_strangers: false,
            effects: Vec::new(),
            initially: None,
            policy: ProxyPolicy {
                stable_time: beat * 10,
                longest_stable_time: beat * 300,
                resign_without_servers: false,
            },
            proxy: Proxy::Absent,
        }
    }
}
