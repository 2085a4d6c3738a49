//! Other settings for a running election.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    Election, Gate, InstanceId,
    groups::{GroupState, groups_of},
    instance::{Instance, Signal},
    moment::Moment,
    state::{Lead, Listening, State},
};
use crate::vrrp::{
    GroupId, Role, TrackerId, Version,
    action::{Action, Reason},
    settings::{self, Settings},
};

impl Election {
    /// Goes on with other settings. An instance of the same name and VRID keeps its role, timers,
    /// peers and counters; what is new begins; what is gone resigns and lets go.
    ///
    /// The orders returned are the last of those that are gone, by their old indices: carry them
    /// out first. `poll_action` hands out the others, by their new indices.
    #[must_use = "what is gone has to let go of its addresses"]
    pub fn reload(&mut self, settings: Settings, now: Instant) -> Vec<Action> {
        self.now = now;
        let last = self.dismiss(&settings);
        if self.gate == Gate::Closed {
            return last;
        }
        let old = std::mem::replace(&mut self.settings, settings);
        let new = &self.settings;
        self.tracking = self.tracking.renewed(&old.trackers, &new.trackers);
        self.groups = renewed_groups(&self.groups, &old, new);
        self.group_of = groups_of(new);
        self.adopt(&old);
        self.assess();
        self.tell_groups();
        last
    }

    /// Stops those that the new settings no longer have.
    fn dismiss(&mut self, new: &Settings) -> Vec<Action> {
        let kept = std::mem::take(&mut self.orders);
        for id in self.ids() {
            if successor(&self.settings.instances[id.0], new).is_none() {
                self.with(id, None, |instance, at| instance.step(Signal::Stop, at));
            }
        }
        std::mem::replace(&mut self.orders, kept).into()
    }

    /// Puts those that stay, and new ones, into the places of the new settings.
    fn adopt(&mut self, old: &Settings) {
        let mut before: Vec<Option<Instance>> = self.instances.drain(..).map(Some).collect();
        let mut orders = VecDeque::new();
        for (index, file) in self.settings.instances.iter().enumerate() {
            let known = old.instances.iter().position(|known| same(known, file));
            let kept = known.and_then(|known| Some((before[known].take()?, &old.instances[known])));
            let instance = match kept {
                None => Instance::new(file, self.now),
                Some((mut instance, was)) => {
                    let mut at = Moment {
                        now: self.now,
                        id: InstanceId(index),
                        file,
                        proxy_hold: None,
                        deferring_until: None,
                        orders: &mut orders,
                    };
                    instance.renumber(|reason| renumbered(reason, old, &self.settings));
                    instance.adapt(was, &mut at);
                    instance
                }
            };
            self.instances.push(instance);
        }
        self.orders.append(&mut orders);
    }
}

impl Instance {
    /// Reasons by the new indices.
    fn renumber(&mut self, renumbered: impl Fn(Reason) -> Reason) {
        self.reason = renumbered(self.reason);
        if let State::Yielding { reason, .. } = &mut self.state {
            *reason = renumbered(*reason);
        }
    }

    /// Other settings for the same virtual router, without a change of role.
    fn adapt(&mut self, was: &settings::Instance, at: &mut Moment) {
        let file = at.file;
        self.source = file.source;
        // Whoever is about to let go would be master again at once.
        self.ceded &= self.state.role() == Role::Master;
        match &mut self.state {
            State::Master(reign) => {
                reign.adapt(at.now, file.interval, &file.announcements);
                if was.addresses != file.addresses {
                    at.announce(file.announcements.repeat);
                }
            }
            State::Backup(_) if pace(was) != pace(file) => self.begin_again(at),
            State::Init
            | State::Backup(_)
            | State::Claiming { .. }
            | State::Ceding { .. }
            | State::Yielding { .. }
            | State::Fault
            | State::Stopped => {}
        }
    }

    /// Waits at another pace.
    fn begin_again(&mut self, at: &Moment) {
        let State::Backup(listening) = self.state else {
            return;
        };
        let interval = match listening.lead {
            Lead::Heard(leader) if at.file.version == Version::V3 => leader.interval,
            _ => at.file.interval,
        };
        let master_down_at = at.now + self.master_down(interval, at.file);
        self.state = State::Backup(Listening {
            master_down_at,
            ..listening
        });
    }
}

/// Whether an instance goes on as another: a new VRID makes another virtual router of it.
fn same(old: &settings::Instance, new: &settings::Instance) -> bool {
    old.name == new.name && old.vrid == new.vrid
}

fn successor<'a>(old: &settings::Instance, new: &'a Settings) -> Option<&'a settings::Instance> {
    new.instances.iter().find(|instance| same(old, instance))
}

/// What has been told of groups that stay.
fn renewed_groups(told: &[GroupState], old: &Settings, new: &Settings) -> Vec<GroupState> {
    let state = |group: &settings::Group| {
        let known = old.groups.iter().position(|known| known.name == group.name);
        known.map_or(GroupState::NEW, |index| told[index])
    };
    new.groups.iter().map(state).collect()
}

/// A reason by the new indices.
fn renumbered(reason: Reason, old: &Settings, new: &Settings) -> Reason {
    match reason {
        Reason::TrackerDown(tracker) => {
            let name = &old.trackers[tracker.0].name;
            let found = new.trackers.iter().position(|known| known.name == *name);
            found.map_or(Reason::Reloaded, |index| {
                Reason::TrackerDown(TrackerId(index))
            })
        }
        Reason::Group(group) => {
            let name = &old.groups[group.0].name;
            let found = new.groups.iter().position(|known| known.name == *name);
            found.map_or(Reason::Reloaded, |index| Reason::Group(GroupId(index)))
        }
        other => other,
    }
}

/// What the master-down time is made of.
fn pace(file: &settings::Instance) -> (Version, Duration, u32) {
    (file.version, file.interval, file.down_timer_adverts)
}
