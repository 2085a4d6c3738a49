//! What an election remembers beyond the life of its program: another one goes on from there, as if
//! nothing had been.
//!
//! Instances, groups and trackers are found again by their names. Nothing that is restored is told
//! or ordered: it is no change. Times are those since an epoch that both programs agree on.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    Election, Gate,
    instance::Instance,
    proxy::OwnProxy,
    state::{Delay, Due, Lead, Leader, Listening, Reign, State},
};
use crate::vrrp::{
    GroupId, Priority, Role, TrackerId,
    action::{Hold, Oddity, Offence, Reason},
    event::{Checksum, Proxy, ProxyFault, Reading, Servers},
    settings::{self, Settings},
    view::Counters,
};

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Nothing begins before then, if nothing has begun.
    begins_at: Option<Duration>,
    instances: Vec<InstanceMemory>,
    groups: Vec<GroupMemory>,
    /// By their old numbers.
    trackers: Vec<(String, Option<Reading>)>,
    proxy: ProxyMemory,
}

/// Of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct InstanceMemory {
    name: String,
    vrid: u8,
    state: StateMemory,
    since: Duration,
    reason: Reason,
    priority: Priority,
    peers: Vec<PeerMemory>,
    counters: Counters,
    ceded: bool,
    told: Vec<Hold>,
}

/// Of its state. Those that last for milliseconds are waited for ([`Election::memory`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum StateMemory {
    Init,
    Backup {
        master_down_at: Duration,
        lead: LeadMemory,
        delay: DelayMemory,
    },
    Master {
        advert_at: Duration,
        again: Option<DueMemory>,
        settle: Option<DueMemory>,
        refresh: Option<DueMemory>,
        rival_at: Option<Duration>,
    },
    Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum LeadMemory {
    Unheard {
        starting: bool,
    },
    Resigned,
    Unknown,
    Heard {
        address: IpAddr,
        priority: Priority,
        interval: Duration,
        heard_at: Duration,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum DelayMemory {
    Unasked,
    Until(Duration),
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct DueMemory {
    at: Duration,
    repeat: u32,
}

/// Of somebody who was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PeerMemory {
    pub(super) address: IpAddr,
    pub(super) last_at: Duration,
    pub(super) accepted: Option<AcceptedMemory>,
    pub(super) offences: Vec<Offence>,
    pub(super) oddities: Vec<Oddity>,
}

/// Of its last advertisement that counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AcceptedMemory {
    pub(super) heard_at: Duration,
    pub(super) priority: Priority,
    pub(super) interval: Duration,
    pub(super) checksum: Checksum,
}

/// Of what has been told of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct GroupMemory {
    name: String,
    role: Role,
    stopped: bool,
}

/// Of this node's own proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProxyMemory {
    pub(super) condition: ConditionMemory,
    pub(super) penalty: Option<PenaltyMemory>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ConditionMemory {
    Absent,
    Starting,
    Serving(Servers),
    Down(ProxyFault),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PenaltyMemory {
    pub(super) stable_time: Duration,
    pub(super) running_since: Option<Duration>,
    pub(super) served: bool,
}

/// What times are told from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(Instant);

impl Epoch {
    pub(super) fn tell(self, at: Instant) -> Duration {
        at.saturating_duration_since(self.0)
    }

    pub(super) fn read(self, time: Duration) -> Instant {
        self.0.checked_add(time).unwrap_or(self.0)
    }
}

impl Election {
    /// What another program needs to go on from here; `None` while an instance is between two
    /// roles, or orders have not been carried out: ask again after the next event.
    #[must_use]
    pub fn memory(&self, epoch: Instant) -> Option<Memory> {
        let epoch = Epoch(epoch);
        let begins_at = match self.gate {
            Gate::Shut(until) => Some(epoch.tell(until)),
            Gate::Open => None,
            Gate::Closed => return None,
        };
        if !self.orders.is_empty() {
            return None;
        }
        let instances = self.settings.instances.iter().zip(&self.instances);
        let instances = instances.map(|(file, instance)| instance.memory(file, epoch));
        let groups = self.settings.groups.iter().zip(&self.groups);
        let trackers = self.settings.trackers.iter().enumerate();
        Some(Memory {
            begins_at,
            instances: instances.collect::<Option<_>>()?,
            groups: groups
                .map(|(file, told)| GroupMemory {
                    name: file.name.to_string(),
                    role: told.role,
                    stopped: told.stopped,
                })
                .collect(),
            trackers: trackers
                .map(|(index, file)| (file.name.to_string(), self.tracking.last(TrackerId(index))))
                .collect(),
            proxy: self.proxy.memory(epoch),
        })
    }

    /// When the next master's advertisement is due, if there is a master.
    #[must_use]
    pub fn next_advert(&self) -> Option<Instant> {
        let adverts = self.instances.iter().filter_map(|it| match &it.state {
            State::Master(reign) => Some(reign.advert_at),
            _ => None,
        });
        adverts.min()
    }

    /// Goes on where another program was. What is new in these settings begins as after a start.
    #[must_use]
    pub fn resumed(settings: Settings, memory: &Memory, epoch: Instant, now: Instant) -> Self {
        let epoch = Epoch(epoch);
        let mut election = Self::new(settings, now);
        election.gate = memory
            .begins_at
            .map_or(Gate::Open, |at| Gate::Shut(epoch.read(at)));
        for (file, instance) in election
            .settings
            .instances
            .iter()
            .zip(&mut election.instances)
        {
            let mut known = memory.instances.iter();
            if let Some(memory_of_it) = known.find(|known| known.is_of(file)) {
                instance.resume(memory_of_it, epoch);
                instance.reason = renamed(memory_of_it.reason, memory, &election.settings);
            }
        }
        for (file, told) in election.settings.groups.iter().zip(&mut election.groups) {
            if let Some(known) = memory.groups.iter().find(|it| *it.name == *file.name) {
                (told.role, told.stopped) = (known.role, known.stopped);
            }
        }
        for (name, reading) in &memory.trackers {
            let mut files = election.settings.trackers.iter();
            let found = files.position(|file| *file.name == **name);
            if let Some((index, reading)) = found.zip(*reading) {
                election.tracking.read(TrackerId(index), reading);
            }
        }
        election.proxy = OwnProxy::resumed(memory.proxy, epoch);
        election
    }

    /// Goes on where a program was of which is known only who was master: those stay masters, and say
    /// so at once; everything else begins as after a start.
    #[must_use]
    pub fn reigning(settings: Settings, masters: &[String], now: Instant) -> Self {
        let mut election = Self::new(settings, now);
        let mut any = false;
        for (file, instance) in election
            .settings
            .instances
            .iter()
            .zip(&mut election.instances)
        {
            if masters.iter().any(|name| **name == *file.name) {
                any = true;
                let mut reign = Reign::begin(now, file.interval, &file.announcements);
                reign.advert_at = now;
                instance.state = State::Master(reign);
                instance.reason = Reason::Reloaded;
            }
        }
        if any {
            election.gate = Gate::Shut(now);
        }
        election
    }
}

impl Memory {
    /// What was known of the proxy.
    #[must_use]
    pub const fn proxy(&self) -> Proxy {
        match self.proxy.condition {
            ConditionMemory::Absent => Proxy::Absent,
            ConditionMemory::Starting => Proxy::Starting,
            ConditionMemory::Serving(servers) => Proxy::Serving(servers),
            ConditionMemory::Down(fault) => Proxy::Down(fault),
        }
    }
}

impl InstanceMemory {
    fn is_of(&self, file: &settings::Instance) -> bool {
        *self.name == *file.name && self.vrid == file.vrid.get()
    }
}

impl Instance {
    fn memory(&self, file: &settings::Instance, epoch: Epoch) -> Option<InstanceMemory> {
        Some(InstanceMemory {
            name: file.name.to_string(),
            vrid: file.vrid.get(),
            state: StateMemory::of(&self.state, epoch)?,
            since: epoch.tell(self.since),
            reason: self.reason,
            priority: self.priority,
            peers: self.acquaintances.memory(epoch),
            counters: self.counters,
            ceded: self.ceded,
            told: self.told.clone(),
        })
    }

    fn resume(&mut self, memory: &InstanceMemory, epoch: Epoch) {
        self.state = memory.state.restored(epoch);
        self.since = epoch.read(memory.since);
        self.priority = memory.priority;
        self.acquaintances.resume(&memory.peers, epoch);
        self.counters = memory.counters;
        self.ceded = memory.ceded;
        self.told.clone_from(&memory.told);
    }
}

impl StateMemory {
    fn of(state: &State, epoch: Epoch) -> Option<Self> {
        let due = |due: Option<Due>| {
            due.map(|due| DueMemory {
                at: epoch.tell(due.at),
                repeat: due.repeat,
            })
        };
        Some(match *state {
            State::Init => Self::Init,
            State::Fault => Self::Fault,
            State::Backup(listening) => Self::Backup {
                master_down_at: epoch.tell(listening.master_down_at),
                lead: LeadMemory::of(listening.lead, epoch),
                delay: match listening.delay {
                    Delay::Unasked => DelayMemory::Unasked,
                    Delay::Until(at) => DelayMemory::Until(epoch.tell(at)),
                    Delay::Over => DelayMemory::Over,
                },
            },
            State::Master(reign) => Self::Master {
                advert_at: epoch.tell(reign.advert_at),
                again: due(reign.again),
                settle: due(reign.settle),
                refresh: due(reign.refresh),
                rival_at: reign.rival_at.map(|at| epoch.tell(at)),
            },
            State::Claiming { .. }
            | State::Ceding { .. }
            | State::Yielding { .. }
            | State::Stopped => return None,
        })
    }

    fn restored(&self, epoch: Epoch) -> State {
        let due = |due: Option<DueMemory>| {
            due.map(|due| Due {
                at: epoch.read(due.at),
                repeat: due.repeat,
            })
        };
        match *self {
            Self::Init => State::Init,
            Self::Fault => State::Fault,
            Self::Backup {
                master_down_at,
                lead,
                delay,
            } => State::Backup(Listening {
                master_down_at: epoch.read(master_down_at),
                lead: lead.restored(epoch),
                delay: match delay {
                    DelayMemory::Unasked => Delay::Unasked,
                    DelayMemory::Until(at) => Delay::Until(epoch.read(at)),
                    DelayMemory::Over => Delay::Over,
                },
            }),
            Self::Master {
                advert_at,
                again,
                settle,
                refresh,
                rival_at,
            } => State::Master(Reign {
                advert_at: epoch.read(advert_at),
                again: due(again),
                settle: due(settle),
                refresh: due(refresh),
                rival_at: rival_at.map(|at| epoch.read(at)),
            }),
        }
    }
}

impl LeadMemory {
    fn of(lead: Lead, epoch: Epoch) -> Self {
        match lead {
            Lead::Unheard { starting } => Self::Unheard { starting },
            Lead::Resigned => Self::Resigned,
            Lead::Unknown => Self::Unknown,
            Lead::Heard(leader) => Self::Heard {
                address: leader.address,
                priority: leader.priority,
                interval: leader.interval,
                heard_at: epoch.tell(leader.heard_at),
            },
        }
    }

    fn restored(self, epoch: Epoch) -> Lead {
        match self {
            Self::Unheard { starting } => Lead::Unheard { starting },
            Self::Resigned => Lead::Resigned,
            Self::Unknown => Lead::Unknown,
            Self::Heard {
                address,
                priority,
                interval,
                heard_at,
            } => Lead::Heard(Leader {
                address,
                priority,
                interval,
                heard_at: epoch.read(heard_at),
            }),
        }
    }
}

/// A reason by the new numbers.
fn renamed(reason: Reason, memory: &Memory, new: &Settings) -> Reason {
    let renamed = match reason {
        Reason::TrackerDown(old) => memory.trackers.get(old.0).and_then(|(name, _)| {
            let found = new.trackers.iter().position(|it| *it.name == **name)?;
            Some(Reason::TrackerDown(TrackerId(found)))
        }),
        Reason::Group(old) => memory.groups.get(old.0).and_then(|known| {
            let found = new.groups.iter().position(|it| *it.name == *known.name)?;
            Some(Reason::Group(GroupId(found)))
        }),
        other => Some(other),
    };
    renamed.unwrap_or(Reason::Reloaded)
}
