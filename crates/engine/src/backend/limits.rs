//! Who may get new sessions, and how many: pool membership, shares and slots.

use std::time::Instant;

use super::{Backend, Usable, queue::Line};
use crate::{
    balance::{Algorithm, Standing},
    units::ServerId,
};

/// A server's whole weight in force. Shares are counted in this unit, so that a server of weight 1
/// can come up in as many steps.
pub(super) const FULL_SHARE: u32 = 16;

impl Backend {
    /// Finds out who takes new sessions after a state or weight changed. True if nobody is left
    /// who did before.
    pub(super) fn repool(&mut self, now: Instant) -> bool {
        let before = std::mem::take(&mut self.usable);
        let mut first_backup = None;
        for id in self.ids() {
            match (
                self.members[id.index()].is_usable(),
                self.servers[id.index()].backup,
            ) {
                (false, _) => {}
                (true, false) => self.usable.active += 1,
                (true, true) => {
                    self.usable.backup += 1;
                    first_backup.get_or_insert(id);
                }
            }
        }
        for id in self.ids() {
            let chosen = match (self.usable.active > 0, self.servers[id.index()].backup) {
                (_, false) => true,
                (true, true) => false,
                (false, true) => self.settings.all_backups || first_backup == Some(id),
            };
            let member = &mut self.members[id.index()];
            member.in_pool = chosen && member.is_usable();
            self.refresh(id);
        }
        self.note_outage(now);
        self.usable == Usable::default() && before != Usable::default()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ServerId> + use<> {
        (0..).take(self.members.len()).map(ServerId)
    }

    fn note_outage(&mut self, now: Instant) {
        let nobody = self.usable == Usable::default();
        let outage = &mut self.outage;
        match (nobody, outage.since) {
            (true, None) => {
                outage.since = Some(now);
                outage.times += 1;
                outage.last_change = now;
            }
            (false, Some(since)) => {
                outage.since = None;
                outage.total += now - since;
                outage.last_change = now;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// How many sessions this server may have at once.
    pub(super) fn limit(&self, id: ServerId) -> Option<u32> {
        self.limit_at(id, self.load())
    }

    /// The same, when the backend has so many sessions.
    fn limit_at(&self, id: ServerId, load: u32) -> Option<u32> {
        let (settings, member) = (&self.servers[id.index()], &self.members[id.index()]);
        let most = self.most(id).or(settings.min_connections)?;
        let steady = match (settings.min_connections, self.settings.full_connections) {
            (Some(least), Some(full)) if load < full => {
                let slope = u64::from(load) * u64::from(most) / u64::from(full);
                u32::try_from(slope)
                    .unwrap_or(most)
                    .max(least)
                    .min(most.max(least))
            }
            (Some(least), _) => most.max(least),
            (None, _) => most,
        };
        let ramped = u64::from(steady) * u64::from(member.ramp) / u64::from(FULL_SHARE);
        Some(u32::try_from(ramped).unwrap_or(steady).max(1))
    }

    /// The sessions that the ramp from `minconn` to `maxconn` follows: those on servers and those
    /// that wait. Who is just coming or just leaving counts too, as in HAProxy.
    pub(super) fn load(&self) -> u32 {
        self.occupied.saturating_add(self.queue.total())
    }

    /// `maxconn` in force, before anything scales it.
    pub(super) fn most(&self, id: ServerId) -> Option<u32> {
        let set = self.members[id.index()].limit.map(|limit| limit.most);
        let most = set.or(self.servers[id.index()].max_connections);
        most.filter(|most| *most > 0)
    }

    /// Whether the server has a free slot when the backend has so many sessions.
    pub(super) fn has_slot_at(&self, id: ServerId, load: u32) -> bool {
        self.limit_at(id, load)
            .is_none_or(|limit| self.members[id.index()].sessions < limit)
    }

    /// Whether the server has a free slot for one more who comes.
    pub(super) fn has_slot(&self, id: ServerId) -> bool {
        self.has_slot_at(id, self.load().saturating_add(1))
    }

    /// Whether one more may wait for this very server.
    pub(super) fn has_queue_room(&self, id: ServerId) -> bool {
        match self.servers[id.index()].max_queue {
            None | Some(0) => true,
            Some(most) => self.queue.length(Line::Server(id)) < most,
        }
    }

    /// Tells the algorithm how a server stands now.
    pub(super) fn refresh(&mut self, id: ServerId) {
        let standing = self.standing(id);
        self.chooser.update(id, standing);
    }

    /// Follows the load of the backend where limits do.
    pub(super) fn refresh_dynamic(&mut self) {
        for index in 0..self.dynamic.len() {
            self.refresh(self.dynamic[index]);
        }
    }

    fn standing(&self, id: ServerId) -> Standing {
        let member = &self.members[id.index()];
        let queued = self.queue.length(Line::Server(id));
        Standing {
            share: self.share(id),
            open: self.has_slot(id) || self.is_worth_waiting(id),
            load: member.sessions.saturating_add(queued),
        }
    }

    /// `leastconn` lets sessions wait for the least loaded server where `maxqueue` is set
    /// (HAProxy configuration manual, 5.2 `maxqueue`).
    fn is_worth_waiting(&self, id: ServerId) -> bool {
        let bounded = self.servers[id.index()]
            .max_queue
            .is_some_and(|most| most > 0);
        self.settings.algorithm == Algorithm::LeastConn && bounded && self.has_queue_room(id)
    }

    /// The server's share in force, 0 outside of the pool.
    pub(super) fn share(&self, id: ServerId) -> u32 {
        let (settings, member) = (&self.servers[id.index()], &self.members[id.index()]);
        if !member.in_pool {
            return 0;
        }
        if self.settings.algorithm.is_dynamic() {
            return (u32::from(member.weight.get()) * member.ramp).max(1);
        }
        // Weights of static algorithms are those of the file; one of 0 was raised since.
        u32::from(settings.weight.get().max(1)) * FULL_SHARE
    }
}
