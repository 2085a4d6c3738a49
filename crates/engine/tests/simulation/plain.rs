//! Another program: does what RFC 9568 says and keepalived does, and nothing else. It claims
//! nothing, lets go at once, says no last word, and knows nothing of proxies or groups.

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

use pontoon_engine::vrrp::{
    InstanceId, Priority, Role, Version,
    action::{Action, NotifyState, Reason, Report, Subject},
    event::{Event, Heard, Reading},
    settings::{Instance, Preempt, Settings},
};

/// A node of another kind.
pub(crate) struct Plain {
    settings: Settings,
    readings: Vec<Option<Reading>>,
    instances: Vec<State>,
    orders: VecDeque<Action>,
}

struct State {
    role: Role,
    source: Option<IpAddr>,
    /// Backup: when the master is dead. Master: when to advertise.
    due: Instant,
    /// Master: when to announce once more.
    again: Option<Instant>,
}

impl Plain {
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        let state = |file: &Instance| State {
            role: Role::Init,
            source: file.source,
            due: now,
            again: None,
        };
        Self {
            instances: settings.instances.iter().map(state).collect(),
            readings: settings.trackers.iter().map(|t| t.initially).collect(),
            orders: VecDeque::new(),
            settings,
        }
    }

    pub(crate) fn handle(&mut self, event: Event, now: Instant) {
        match event {
            Event::Heard { instance, heard } => self.hear(instance, &heard, now),
            Event::Tracked { tracker, reading } => self.readings[tracker.0] = Some(reading),
            Event::Source { instance, source } => self.instances[instance.0].source = source,
            Event::Proxy(_) | Event::Timeout | Event::HandOver { .. } | Event::TakeBack { .. } => {}
            Event::Stop => return self.each(|node, id| node.leave(id, Role::Init)),
        }
        self.each(|node, id| node.assess(id, now));
        self.each(|node, id| node.tick(id, now));
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let takes_part = |state: &&State| matches!(state.role, Role::Backup | Role::Master);
        let states = self.instances.iter().filter(takes_part);
        states
            .flat_map(|state| [Some(state.due), state.again])
            .flatten()
            .min()
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.orders.pop_front()
    }

    pub(crate) fn view(&self, id: InstanceId) -> (Role, Priority) {
        (
            self.instances[id.0].role,
            self.settings.instances[id.0].priority,
        )
    }

    fn each(&mut self, call: impl Fn(&mut Self, InstanceId)) {
        (0..self.instances.len()).for_each(|index| call(self, InstanceId(index)));
    }

    fn assess(&mut self, id: InstanceId, now: Instant) {
        let well = self
            .readings
            .iter()
            .all(|reading| *reading == Some(Reading::Up));
        let bad = self.readings.contains(&Some(Reading::Down));
        let State { role, source, .. } = self.instances[id.0];
        if bad || source.is_none() {
            if role != Role::Fault {
                self.leave(id, Role::Fault);
            }
        } else if well && matches!(role, Role::Init | Role::Fault) {
            self.instances[id.0].due = now + self.master_down(id, self.interval(id));
            self.enter(id, Role::Backup);
        }
    }

    fn tick(&mut self, id: InstanceId, now: Instant) {
        let state = &mut self.instances[id.0];
        if state.again.is_some_and(|again| again <= now) {
            state.again = None;
            self.announce(id);
        }
        let state = &self.instances[id.0];
        match state.role {
            Role::Backup if state.due <= now => self.lead(id, now),
            Role::Master if state.due <= now => self.advertise(id, now),
            _ => {}
        }
    }

    fn hear(&mut self, id: InstanceId, heard: &Heard, now: Instant) {
        let file = &self.settings.instances[id.0];
        let (theirs, ours) = (heard.advert.priority, file.priority);
        let interval = heard.advert.interval;
        let wins = (theirs, Some(heard.from)) > (ours, self.instances[id.0].source);
        match self.instances[id.0].role {
            Role::Backup if theirs == Priority::RESIGN => {
                self.instances[id.0].due = now + self.skew(id, interval);
            }
            Role::Backup if theirs >= ours || file.preempt == Preempt::Never => {
                self.instances[id.0].due = now + self.master_down(id, interval);
            }
            Role::Master if theirs == Priority::RESIGN => self.advertise(id, now),
            Role::Master if wins => {
                self.orders.push_back(Action::Release(id));
                self.instances[id.0].due = now + self.master_down(id, interval);
                self.enter(id, Role::Backup);
            }
            Role::Master => {
                self.advertise(id, now);
                self.announce(id);
            }
            _ => {}
        }
    }

    fn lead(&mut self, id: InstanceId, now: Instant) {
        self.advertise(id, now);
        self.orders.push_back(Action::Acquire(id));
        self.announce(id);
        let wait = self.settings.instances[id.0].announcements.again_after;
        self.instances[id.0].again = Some(now + wait);
        self.enter(id, Role::Master);
    }

    /// Takes part no longer.
    fn leave(&mut self, id: InstanceId, to: Role) {
        if self.instances[id.0].role == Role::Master {
            let priority = Priority::RESIGN;
            self.orders.push_back(Action::SendAdvert {
                instance: id,
                priority,
            });
            self.orders.push_back(Action::Release(id));
        }
        self.enter(id, to);
    }

    fn enter(&mut self, instance: InstanceId, to: Role) {
        let state = &mut self.instances[instance.0];
        let from = std::mem::replace(&mut state.role, to);
        if to != Role::Master {
            state.again = None;
        }
        let reason = Reason::Ready;
        let report = Report::Transition {
            instance,
            from,
            to,
            reason,
        };
        self.orders.push_back(Action::Report(report));
        self.orders.push_back(Action::Notify {
            subject: Subject::Instance(instance),
            state: match to {
                Role::Init => NotifyState::Stop,
                Role::Backup => NotifyState::Backup,
                Role::Master => NotifyState::Master,
                Role::Fault => NotifyState::Fault,
            },
            priority: self.settings.instances[instance.0].priority,
        });
    }

    fn advertise(&mut self, instance: InstanceId, now: Instant) {
        self.instances[instance.0].due = now + self.interval(instance);
        let priority = self.settings.instances[instance.0].priority;
        self.orders
            .push_back(Action::SendAdvert { instance, priority });
    }

    fn announce(&mut self, instance: InstanceId) {
        let repeat = self.settings.instances[instance.0].announcements.repeat;
        self.orders.push_back(Action::Announce { instance, repeat });
    }

    fn interval(&self, id: InstanceId) -> Duration {
        self.settings.instances[id.0].interval
    }

    fn master_down(&self, id: InstanceId, interval: Duration) -> Duration {
        interval * 3 + self.skew(id, interval)
    }

    fn skew(&self, id: InstanceId, interval: Duration) -> Duration {
        let file = &self.settings.instances[id.0];
        match file.version {
            Version::V2 => file.priority.skew(Duration::from_secs(1)),
            Version::V3 => file.priority.skew(interval),
        }
    }
}
