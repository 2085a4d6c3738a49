//! One node's part in its elections.
//!
//! ```text
//!            well                 silence, first time             nobody objects
//!   Init ───────────► Backup ───────────────────────► Claiming ──────────────────► Master
//!     │               ▲  ▲ │  silence later, resignation, a lower master             ▲ │
//!     │               │  │ └─────────────────────────────────────────────────────────┘ │ a higher
//!     │               │  └───────────────────────────── Yielding ◄────────────────────┘ master
//!     └────► Fault ───┘   everything tracked is up        20 ms later: lets go
//!
//!   On purpose: Master ──► Ceding ──► Yielding; see `switchover`.
//! ```

mod acquaintances;
mod backup;
mod groups;
mod instance;
mod master;
mod memory;
mod moment;
mod proxy;
mod reception;
mod reload;
mod state;
mod switchover;
#[cfg(test)]
mod tests;
mod tracking;
mod view;

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

pub use self::memory::Memory;
pub(super) use self::reception::Sender;
use self::{
    groups::{GroupState, groups_of},
    instance::{Instance, Signal},
    moment::Moment,
    proxy::{Fitness, OwnProxy},
    state::State,
    tracking::{Tracking, Verdict},
};
use super::{
    GroupId, InstanceId, Role,
    action::{Action, Hold, Reason, Report},
    event::{Event, Heard},
    settings::Settings,
};

/// How long an instance that begins waits for an address to send from: an IPv6 one is not used
/// before the kernel has asked whether somebody else has it, which takes up to two seconds.
pub const SOURCE_PATIENCE: Duration = Duration::from_secs(5);

/// A node's whole part: its instances, their groups, what they track, its own proxy.
///
/// The order of calls: `new`, then every event that is already known (readings, the proxy), then
/// `Timeout` whenever `poll_timeout` has come, starting at once. Nothing begins before the first
/// `Timeout`. After each call, `poll_action` until it returns `None`.
#[derive(Debug)]
pub struct Election {
    settings: Settings,
    instances: Vec<Instance>,
    groups: Vec<GroupState>,
    /// The group of each instance.
    group_of: Vec<Option<GroupId>>,
    tracking: Tracking,
    proxy: OwnProxy,
    gate: Gate,
    now: Instant,
    orders: VecDeque<Action>,
}

/// Whether the instances may take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Not before then.
    Shut(Instant),
    Open,
    /// The node has stopped.
    Closed,
}

/// Whether an instance, on its own, may take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Well,
    Unknown,
    Unwell(Reason),
}

impl Election {
    /// An election that begins when `vrrp_startup_delay` has passed.
    #[must_use]
    pub fn new(settings: Settings, now: Instant) -> Self {
        let instance = |file| Instance::new(file, now);
        Self {
            instances: settings.instances.iter().map(instance).collect(),
            groups: vec![GroupState::NEW; settings.groups.len()],
            group_of: groups_of(&settings),
            tracking: Tracking::new(&settings.trackers),
            proxy: OwnProxy::new(),
            gate: Gate::Shut(now + settings.startup_delay),
            now,
            orders: VecDeque::new(),
            settings,
        }
    }

    /// Something has happened.
    pub fn handle(&mut self, event: Event, now: Instant) {
        self.now = now;
        match event {
            Event::Heard { instance, heard } => self.hear(instance, &heard),
            Event::Tracked { tracker, reading } => {
                self.tracking.read(tracker, reading);
                self.assess();
            }
            Event::Source { instance, source } => self.move_source(instance, source),
            Event::Proxy(proxy) => {
                self.proxy.told(proxy, &self.settings.proxy, now);
                self.assess();
            }
            Event::HandOver { instance } => self.hand_over(instance),
            Event::TakeBack { instance } => self.take_back(instance),
            Event::Timeout => self.tick(),
            Event::Stop => self.stop(),
        }
        self.tell_groups();
    }

    /// When it wants to hear a `Timeout`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let begins = match self.gate {
            Gate::Shut(until) => Some(until),
            Gate::Open => self
                .proxy
                .deadline()
                .into_iter()
                .chain(self.sources_due())
                .min(),
            Gate::Closed => None,
        };
        let states = self.instances.iter().map(|instance| &instance.state);
        states.filter_map(State::deadline).chain(begins).min()
    }

    /// The next order.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.orders.pop_front()
    }

    /// What it was told to do.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    fn hear(&mut self, id: InstanceId, heard: &Heard) {
        if id.0 >= self.instances.len() {
            return;
        }
        let signal = self.with(id, None, |instance, at| instance.receive(heard, at));
        if let Some(signal) = signal {
            self.step(id, signal);
        }
    }

    fn move_source(&mut self, id: InstanceId, source: Option<IpAddr>) {
        if let Some(instance) = self.instances.get_mut(id.0) {
            instance.source = source;
            self.assess();
        }
    }

    fn tick(&mut self) {
        self.proxy.tick(self.now);
        if matches!(self.gate, Gate::Shut(until) if until <= self.now) {
            self.gate = Gate::Open;
            self.assess();
        }
        if self.sources_due().is_some_and(|due| due <= self.now) {
            self.assess();
        }
        for id in self.ids() {
            let deadline = self.instances[id.0].state.deadline();
            if deadline.is_some_and(|due| due <= self.now) {
                self.step(id, Signal::Due);
            }
        }
    }

    fn stop(&mut self) {
        self.gate = Gate::Closed;
        for id in self.ids() {
            self.step(id, Signal::Stop);
        }
    }

    /// Tells every instance whether it may take part, and what its priority is.
    fn assess(&mut self) {
        let standings: Vec<Standing> = self.ids().map(|id| self.weigh(id)).collect();
        if self.gate != Gate::Open {
            return;
        }
        let groups = self.group_standings(&standings);
        for id in self.ids() {
            let own = standings[id.0];
            let shared = self.group_of[id.0].map(|group| groups[group.0]);
            match (own, shared) {
                (Standing::Unwell(reason), _) | (_, Some(Standing::Unwell(reason))) => {
                    self.step(id, Signal::Unwell(reason));
                }
                (Standing::Unknown, _) | (_, Some(Standing::Unknown)) => {}
                (Standing::Well, None | Some(Standing::Well)) => self.step(id, Signal::Well),
            }
        }
        self.join_groups();
    }

    /// What tracking makes of the priority, and of the standing.
    fn weigh(&mut self, id: InstanceId) -> Standing {
        let group = self.group_of[id.0];
        let verdict = self.tracking.verdict(&self.settings, id, group);
        let to = verdict.priority;
        let instance = &mut self.instances[id.0];
        let from = std::mem::replace(&mut instance.priority, to);
        let begun = !matches!(instance.state, State::Init | State::Stopped);
        if from != to && begun {
            let instance = id;
            let report = Report::Priority { instance, from, to };
            self.orders.push_back(Action::Report(report));
        }
        self.standing(id, verdict)
    }

    fn standing(&self, id: InstanceId, verdict: Verdict) -> Standing {
        if let Some(tracker) = verdict.fault {
            return Standing::Unwell(Reason::TrackerDown(tracker));
        }
        if self.instances[id.0].source.is_none() {
            return match self.source_due(id) {
                Some(due) if self.now < due => Standing::Unknown,
                _ => Standing::Unwell(Reason::NoSourceAddress),
            };
        }
        match self.fitness(id) {
            Fitness::Down(fault) => Standing::Unwell(Reason::ProxyDown(fault)),
            Fitness::NoUsableServer => Standing::Unwell(Reason::NoUsableServer),
            Fitness::Unknown => Standing::Unknown,
            Fitness::Fit if verdict.unknown => Standing::Unknown,
            Fitness::Fit => Standing::Well,
        }
    }

    /// When an instance that has just begun is without an address to send from for good.
    fn source_due(&self, id: InstanceId) -> Option<Instant> {
        let instance = &self.instances[id.0];
        let waits = instance.state == State::Init && instance.source.is_none();
        waits.then(|| instance.since + SOURCE_PATIENCE)
    }

    /// The first time at which one is.
    fn sources_due(&self) -> Option<Instant> {
        self.ids().filter_map(|id| self.source_due(id)).min()
    }

    fn fitness(&self, id: InstanceId) -> Fitness {
        if self.settings.instances[id.0].track_proxy {
            self.proxy.fitness(&self.settings.proxy)
        } else {
            Fitness::Fit
        }
    }

    /// Tells an instance something; the other members of its group move with it.
    fn step(&mut self, id: InstanceId, signal: Signal) {
        let group = self.group_of[id.0];
        let waits = self.instances[id.0].state.role() == Role::Backup;
        let asked = group.filter(|_| waits);
        let deferring_until = asked.and_then(|group| self.deferring_until(group, Some(id)));
        let together = self.with(id, deferring_until, |instance, at| {
            instance.step(signal, at)
        });
        if let (Some(group), Some(mv)) = (group, together) {
            self.move_group(group, id, mv);
        }
    }

    /// Calls an instance in its surroundings.
    fn with<T>(
        &mut self,
        id: InstanceId,
        deferring_until: Option<Instant>,
        call: impl FnOnce(&mut Instance, &mut Moment) -> T,
    ) -> T {
        let proxy_hold = self.proxy_hold(id);
        let mut at = Moment {
            now: self.now,
            id,
            file: &self.settings.instances[id.0],
            proxy_hold,
            deferring_until,
            orders: &mut self.orders,
        };
        call(&mut self.instances[id.0], &mut at)
    }

    pub(super) fn proxy_hold(&self, id: InstanceId) -> Option<Hold> {
        let tracked = self.settings.instances[id.0].track_proxy;
        tracked.then(|| self.proxy.hold(self.now)).flatten()
    }

    fn ids(&self) -> impl Iterator<Item = InstanceId> + use<> {
        (0..self.instances.len()).map(InstanceId)
    }
}
