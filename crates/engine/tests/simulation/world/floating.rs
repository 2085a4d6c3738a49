//! The floating IP: each node's part in it, and the provider that all of them call.

use std::time::{Duration, Instant};

use pontoon_engine::{
    floating_ip::{
        CallId,
        action::Action,
        event::{Event, Failure, FailureKind, Holder, Whereabouts},
        settings::Settings,
    },
    vrrp::{self, Priority, Role},
};

use super::{Next, PATIENCE, World, note};
use crate::simulation::{
    claimant::Claimant,
    cloud::{Fate, Place, Weather},
    fact::Fact,
};

/// A node's part.
pub(super) struct Floating {
    claimant: Claimant,
    /// As it was told.
    master: Option<Priority>,
    /// Counts its alarms; only the newest one rings.
    generation: u32,
    spins: u32,
    /// What came while the node was frozen.
    inbox: Vec<Event>,
}

/// What is going to happen between a node and the provider.
#[derive(Debug)]
pub(super) enum Upcoming {
    Wake {
        node: usize,
        life: u32,
        generation: u32,
    },
    /// The provider carries a call out, whatever has become of the caller.
    Lands {
        call: Call,
        answered_after: Option<Duration>,
    },
    /// The caller learns of it.
    Answered { call: Call, event: Event },
}

/// A call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    node: usize,
    life: u32,
    id: CallId,
    /// It is to bring the address to the node.
    moves: bool,
}

impl Call {
    fn fails(self, kind: FailureKind) -> Event {
        let text = String::new();
        let failure = Failure { kind, text };
        let call = self.id;
        if self.moves {
            let result = Err(failure);
            Event::Associated { call, result }
        } else {
            let result = Err(failure);
            Event::Described { call, result }
        }
    }
}

/// The nodes.
impl World {
    pub(super) fn begin_floating(&mut self, node: usize) {
        let Some(plan) = &self.scenario.cloud else {
            return;
        };
        if self.scenario.nodes[node].plain {
            return;
        }
        let settings = Settings {
            source: Some(self.scenario.address(node)),
            preferred: self.scenario.best() == Some(node),
            ..plan.settings.clone()
        };
        let seed = self.scenario.seed.wrapping_mul(31)
            + u64::try_from(node).expect("small")
            + u64::from(self.hosts[node].life) * 8;
        self.hosts[node].floating = Some(Floating {
            claimant: Claimant::new(settings, seed, self.defect),
            master: None,
            generation: 0,
            spins: 0,
            inbox: Vec::new(),
        });
    }

    /// What one of the others advertises concerns the floating IP, too.
    pub(super) fn overhear(&mut self, node: usize, event: &vrrp::event::Event) {
        if let vrrp::event::Event::Heard { instance, heard } = event
            && instance.0 == 0
        {
            let (address, priority) = (heard.from, heard.advert.priority);
            self.reconcile(node, Event::Peer { address, priority });
        }
    }

    /// Tells what the election has made of the node.
    pub(super) fn follow(&mut self, node: usize) {
        let shown = self.picture.nodes[node].instances[0];
        let master = (shown.role == Role::Master).then_some(shown.priority);
        let Some(floating) = &mut self.hosts[node].floating else {
            return;
        };
        let before = std::mem::replace(&mut floating.master, master);
        let event = match (before, master) {
            (None, Some(priority)) => Event::Master { priority },
            (Some(_), None) => Event::NotMaster,
            (Some(before), Some(now)) if before != now => Event::Priority(now),
            _ => return,
        };
        self.reconcile(node, event);
    }

    pub(super) fn thaw_floating(&mut self, node: usize) {
        let Some(floating) = &mut self.hosts[node].floating else {
            return;
        };
        for event in std::mem::take(&mut floating.inbox) {
            self.reconcile(node, event);
        }
        self.reconcile(node, Event::Timeout);
    }

    fn reconcile(&mut self, node: usize, event: Event) {
        let now = self.local(node);
        let host = &mut self.hosts[node];
        let Some(floating) = &mut host.floating else {
            return;
        };
        if host.frozen {
            if event != Event::Timeout {
                floating.inbox.push(event);
            }
            return;
        }
        floating.claimant.handle(event.clone(), now);
        floating.spins = match floating.claimant.poll_timeout() {
            Some(deadline) if deadline <= now && event == Event::Timeout => floating.spins + 1,
            _ => 0,
        };
        self.record(Fact::News { node, event });
        while let Some(action) = self.poll_floating(node) {
            self.grant(node, &action);
            self.record(Fact::Wished { node, action });
        }
        self.show_floating(node, now);
    }

    fn poll_floating(&mut self, node: usize) -> Option<Action> {
        let floating = self.hosts[node].floating.as_mut()?;
        floating.claimant.poll_action()
    }

    /// Shows how it stands, and sets the alarm.
    fn show_floating(&mut self, node: usize, now: Instant) {
        let host = &mut self.hosts[node];
        let Some(floating) = &mut host.floating else {
            return;
        };
        self.picture.nodes[node].floating = Some(floating.claimant.view());
        floating.generation += 1;
        let (life, generation) = (host.life, floating.generation);
        let deadline = floating.claimant.poll_timeout();
        if floating.spins > PATIENCE {
            let what = format!("node {node} wants to be called again at once, at {now:?}");
            note(&mut self.violations, "it rests", &self.picture, what);
        } else if let Some(deadline) = deadline {
            let due = host.clock.reaches(deadline).max(self.picture.at);
            let late = self.random.up_to(self.scenario.nodes[node].lateness);
            self.queue.plan(
                due + late,
                Next::Cloud(Upcoming::Wake {
                    node,
                    life,
                    generation,
                }),
            );
        }
        self.record(Fact::Reconciled { node });
    }
}

/// The provider.
impl World {
    pub(super) fn cloud(&mut self, upcoming: Upcoming) {
        match upcoming {
            Upcoming::Wake {
                node,
                life,
                generation,
            } => {
                let host = &self.hosts[node];
                let newest = host.floating.as_ref().map(|floating| floating.generation);
                if host.life == life && newest == Some(generation) {
                    self.reconcile(node, Event::Timeout);
                }
            }
            Upcoming::Lands {
                call,
                answered_after,
            } => self.land(call, answered_after),
            Upcoming::Answered { call, event } => {
                if self.hosts[call.node].life == call.life {
                    self.reconcile(call.node, event);
                }
            }
        }
    }

    pub(super) fn weather(&mut self, weather: Weather) {
        if let Some(provider) = &mut self.provider {
            provider.weather = weather;
        }
    }

    pub(super) fn put(&mut self, place: Place) {
        let Some(provider) = &mut self.provider else {
            return;
        };
        provider.put(self.picture.at, place);
        if std::mem::replace(&mut self.picture.place, place) != place {
            self.record(Fact::Moved(place));
        }
    }

    /// A node's call leaves. Whatever becomes of it, the caller waits for no longer than its
    /// timeout.
    fn grant(&mut self, node: usize, action: &Action) {
        let (id, moves) = match action {
            Action::Describe(id) => (*id, false),
            Action::Associate(id) => (*id, true),
            Action::Abandon(_) | Action::Report(_) => return,
        };
        let (Some(provider), Some(plan)) = (&self.provider, &self.scenario.cloud) else {
            return;
        };
        let limit = plan.settings.call_timeout;
        let life = self.hosts[node].life;
        let call = Call {
            node,
            life,
            id,
            moves,
        };
        let fate = provider.fate(node, limit, &mut self.random);
        if !fate.is_known_within(limit) {
            let event = call.fails(FailureKind::Unanswered);
            self.plan_in(limit, Next::Cloud(Upcoming::Answered { call, event }));
        }
        match fate {
            Fate::Vanishes => {}
            Fate::Fails { after, kind } => {
                let event = call.fails(kind);
                self.plan_in(after, Next::Cloud(Upcoming::Answered { call, event }));
            }
            Fate::Lands {
                after,
                answered_after,
            } => {
                let lands = Upcoming::Lands {
                    call,
                    answered_after,
                };
                self.plan_in(after, Next::Cloud(lands));
            }
        }
    }

    fn land(&mut self, call: Call, answered_after: Option<Duration>) {
        let Call { node, id, .. } = call;
        let event = if call.moves {
            self.put(Place::Node(node));
            let result = Ok(());
            Event::Associated { call: id, result }
        } else {
            let at = self.picture.at;
            let Some(provider) = &self.provider else {
                return;
            };
            let place = provider.says(at, &mut self.random);
            let result = Ok(self.seen_from(node, place));
            Event::Described { call: id, result }
        };
        if let Some(after) = answered_after {
            self.plan_in(after, Next::Cloud(Upcoming::Answered { call, event }));
        }
    }

    fn seen_from(&self, node: usize, place: Place) -> Whereabouts {
        match place {
            Place::Nowhere => Whereabouts::Nowhere,
            Place::Node(holder) if holder == node => Whereabouts::Here,
            Place::Node(holder) => Whereabouts::With(Holder {
                name: format!("node {holder}"),
                peer: Some(self.scenario.address(holder)),
            }),
            Place::Stranger => Whereabouts::With(Holder {
                name: "a stranger".into(),
                peer: None,
            }),
        }
    }
}
