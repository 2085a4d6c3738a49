//! Placing: a session gets a slot, waits for one, or is turned away.

use std::time::Instant;

use super::{Action, Backend, Placement, Request, queue::Line};
use crate::{balance::Draw, units::ServerId};

impl Backend {
    pub(super) fn place_session(&mut self, request: Request, now: Instant) -> Placement {
        self.chooser.resumed();
        let placement = self.find_place(&request, now);
        self.admit_dynamic(now);
        placement
    }

    fn find_place(&mut self, request: &Request, now: Instant) -> Placement {
        if let Some(placement) = self.place_forced(request, now) {
            return placement;
        }
        match self.choose(request) {
            Some(id) => {
                self.members[id.index()].counts.picked += 1;
                self.settle_on(id, request, now)
            }
            None if self.usable_servers() == 0 => Placement::NoServer,
            None => self.wait(Line::Backend, request),
        }
    }

    /// `use-server`: that one if it can, whatever the algorithm says.
    fn place_forced(&mut self, request: &Request, now: Instant) -> Option<Placement> {
        let id = request.forced.filter(|id| request.avoid != Some(*id))?;
        if !self.members[id.index()].takes_forced() {
            return None;
        }
        let full = !self.has_slot(id) && !self.has_queue_room(id);
        if full && self.settings.redispatch {
            return None;
        }
        Some(self.settle_on(id, request, now))
    }

    /// Whom the algorithm wants: not the one to be avoided, unless there is no other.
    fn choose(&mut self, request: &Request) -> Option<ServerId> {
        let draw = Draw {
            client: request.client,
            random: request.random,
            avoid: request.avoid,
        };
        let chosen = self.chooser.pick(draw);
        if chosen.is_none() && draw.avoid.is_some() {
            return self.chooser.pick(Draw {
                avoid: None,
                ..draw
            });
        }
        chosen
    }

    /// The server is chosen: take a slot there, or wait for one.
    fn settle_on(&mut self, id: ServerId, request: &Request, now: Instant) -> Placement {
        if self.has_slot(id) {
            self.take_slot(id, now);
            Placement::Server(id)
        } else if self.has_queue_room(id) {
            self.wait(Line::Server(id), request)
        } else {
            Placement::QueueFull(id)
        }
    }

    fn wait(&mut self, line: Line, request: &Request) -> Placement {
        let place = self.queue.join(request.session, line).saturating_add(1);
        self.refresh_dynamic();
        match line {
            Line::Backend => {
                self.queued_max = self.queued_max.max(place);
                Placement::Queued {
                    place_in_server: 0,
                    place_in_backend: place,
                }
            }
            Line::Server(id) => {
                let counts = &mut self.members[id.index()].counts;
                counts.queued_max = counts.queued_max.max(place);
                self.refresh(id);
                Placement::Queued {
                    place_in_server: place,
                    place_in_backend: 0,
                }
            }
        }
    }

    pub(super) fn take_slot(&mut self, id: ServerId, now: Instant) {
        self.occupied += 1;
        let member = &mut self.members[id.index()];
        member.sessions += 1;
        member.counts.sessions_max = member.counts.sessions_max.max(member.sessions);
        member.last_session = Some(now);
        self.refresh(id);
        self.refresh_dynamic();
    }

    pub(super) fn free_slot(&mut self, id: ServerId) {
        let member = &mut self.members[id.index()];
        debug_assert!(member.sessions > 0, "a slot is released once");
        if member.sessions == 0 {
            return;
        }
        member.sessions -= 1;
        self.occupied -= 1;
        self.chooser.resumed();
        self.refresh(id);
        self.refresh_dynamic();
    }

    /// Lets in those who wait, as long as there are slots for them.
    pub(super) fn admit_all(&mut self, now: Instant) {
        for id in self.ids() {
            self.admit_on(id, now);
        }
    }

    /// After the load of the backend changed: limits that follow it may have risen.
    pub(super) fn admit_dynamic(&mut self, now: Instant) {
        loop {
            let before = self.occupied;
            for index in 0..self.dynamic.len() {
                self.admit_on(self.dynamic[index], now);
            }
            if self.occupied == before {
                return;
            }
        }
    }

    /// Gives this server's free slots to those who wait for it, or for any; how many got one.
    pub(super) fn admit_on(&mut self, id: ServerId, now: Instant) -> u32 {
        self.admit_at(id, self.load(), now)
    }

    /// The same, when the backend has so many sessions; letting in does not change that.
    pub(super) fn admit_at(&mut self, id: ServerId, load: u32, now: Instant) -> u32 {
        let mut admitted = 0;
        while self.queue.total() > 0
            && self.members[id.index()].takes_forced()
            && self.has_slot_at(id, load)
        {
            let shared = self.members[id.index()].in_pool;
            let Some(session) = self.queue.next_for(id, shared) else {
                break;
            };
            self.chooser.resumed();
            self.take_slot(id, now);
            self.actions.push_back(Action::Admit {
                session,
                server: id,
            });
            admitted += 1;
        }
        admitted
    }
}
