//! Carrying out what the machine orders.

use std::time::SystemTime;

use pontoon_engine::vrrp::{
    InstanceId, Priority, Role,
    action::{Action, NotifyState, Report, Subject},
    event::Advert,
};

use super::EventLoop;
use crate::{
    election::{history::Transition, log::Level, words::Words},
    node::message::FromElection,
};

impl EventLoop {
    /// Everything the machine has ordered, in its order.
    pub(super) fn carry_out(&mut self) {
        while let Some(action) = self.election.poll_action() {
            self.execute(action);
        }
    }

    /// One order.
    pub(super) fn execute(&mut self, action: Action) {
        match action {
            Action::SendAdvert { instance, priority } => self.send(instance, priority),
            Action::Acquire(instance) => self.acquire(instance),
            Action::Release(instance) => self.release(instance),
            Action::Announce { instance, repeat } => self.network.announce(instance, repeat),
            Action::Notify {
                subject,
                state,
                priority,
            } => self.notify(subject, state, priority),
            Action::Report(report) => self.report(&report),
        }
    }

    fn send(&mut self, instance: InstanceId, priority: Priority) {
        let Some(advert) = self.advert(instance, priority) else {
            return;
        };
        self.network.send(instance, &advert);
        if priority == Priority::RESIGN {
            self.detail(instance, "sent 0 priority");
        }
    }

    fn advert(&self, instance: InstanceId, priority: Priority) -> Option<Advert> {
        let settings = self.settings.instances.get(instance.0)?;
        Some(Advert {
            version: settings.version,
            vrid: settings.vrid,
            priority,
            interval: settings.interval,
            addresses: settings.addresses.clone(),
            password: settings.password,
        })
    }

    /// What the supervisor is to do if we die: it hears of it whenever that changes.
    pub(super) fn tell_farewells(&mut self) {
        if self.supervisor.is_none() || self.outgoing.is_some() {
            return;
        }
        let farewell = |instance| {
            let advert = self.advert(instance, Priority::RESIGN)?;
            Some(self.network.farewells(instance, &advert))
        };
        let masters = self.instances().filter(|id| self.is_master(*id));
        let farewells = masters.filter_map(farewell).flatten().collect();
        self.tell(&FromElection::Farewells(farewells));
    }

    fn is_master(&self, instance: InstanceId) -> bool {
        self.election.instance(instance).role == Role::Master
    }

    /// The supervisor hears of addresses before they are taken: if we die in between, it knows.
    fn acquire(&mut self, instance: InstanceId) {
        if self.supervisor.is_some() {
            let mut held = self.network.held();
            held.extend(self.network.would_hold(instance));
            self.tell(&FromElection::Holding(held));
            self.tell_farewells();
        }
        self.detail(instance, "setting VIPs.");
        self.network.acquire(instance);
    }

    fn release(&mut self, instance: InstanceId) {
        if self.stopping && self.options.keep_addresses {
            return self.detail(instance, "leaving VIPs where they are (-V).");
        }
        self.detail(instance, "removing VIPs.");
        self.network.release(instance);
        if self.supervisor.is_some() {
            let held = self.network.held();
            self.tell(&FromElection::Holding(held));
            self.tell_farewells();
        }
    }

    fn notify(&mut self, subject: Subject, state: NotifyState, priority: Priority) {
        match (subject, state) {
            (Subject::Instance(instance), NotifyState::Stop) if self.outgoing.is_some() => {
                self.notifier.removed(instance, priority);
            }
            _ => self.notifier.notify(subject, state, priority),
        }
    }

    fn report(&mut self, report: &Report) {
        let words = Words {
            settings: &self.settings,
        };
        let ours = |instance: InstanceId| self.priority(instance);
        for (level, text) in words.report(report, ours) {
            self.log.line(level, &text);
            if level <= Level::Notice {
                self.events.add(text);
            }
        }
        match *report {
            Report::Transition {
                instance,
                from,
                to,
                reason,
            } => self.history.add(Transition {
                at: SystemTime::now(),
                instance: words.instance(instance).to_owned(),
                from,
                to,
                reason: words.reason(reason),
            }),
            Report::Priority { instance, to, .. } if self.outgoing.is_none() => {
                self.notifier
                    .priority_changed(instance, self.election.instance(instance).role, to);
            }
            Report::Rival { instance, .. } => {
                let ours = self.priority(instance);
                self.notifier.lower_priority_heard(instance, ours);
            }
            Report::GroupTransition { .. }
            | Report::Priority { .. }
            | Report::PeerChecksum { .. }
            | Report::Holding { .. }
            | Report::HandingOver { .. }
            | Report::NotTakenOver { .. }
            | Report::Dropped { .. }
            | Report::Odd { .. } => {}
        }
    }

    fn detail(&self, instance: InstanceId, what: &str) {
        if self.log.shows(Level::Debug) {
            let words = Words {
                settings: &self.settings,
            };
            let name = words.instance(instance);
            self.log.line(Level::Debug, format!("({name}) {what}"));
        }
    }
}
