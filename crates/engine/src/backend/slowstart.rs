//! `slowstart`: a server that came back gets its share and its slots in steps
//! (HAProxy configuration manual, 5.2 `slowstart`).

use std::time::{Duration, Instant};

use super::{Backend, limits::FULL_SHARE, member::Face};
use crate::units::ServerId;

impl Backend {
    /// Begins or ends the slow start that a change of state calls for. It never applies to a
    /// server that only finished its sessions.
    pub(super) fn start_slowly(&mut self, id: ServerId, from: Face, to: Face, now: Instant) {
        let pace = self.servers[id.index()].slow_start;
        let member = &mut self.members[id.index()];
        let returns = to == Face::Up && matches!(from, Face::Down | Face::Maintenance);
        if returns && !pace.is_zero() {
            member.starting_since = Some(now);
            member.ramp = 1;
            self.starting.insert(id);
        } else if to != Face::Up {
            member.starting_since = None;
            member.ramp = FULL_SHARE;
            self.starting.remove(&id);
        }
    }

    pub(super) fn next_step(&self) -> Option<Instant> {
        self.starting
            .iter()
            .filter_map(|id| self.next_step_of(*id))
            .min()
    }

    fn next_step_of(&self, id: ServerId) -> Option<Instant> {
        let member = &self.members[id.index()];
        let pace = self.servers[id.index()].slow_start;
        Some(member.starting_since? + pace * (member.ramp + 1) / FULL_SHARE)
    }

    pub(super) fn take_steps(&mut self, now: Instant) {
        let mut stepped = false;
        for id in self.starting.clone() {
            if self.next_step_of(id).is_none_or(|due| due > now) {
                continue;
            }
            let pace = self.servers[id.index()].slow_start;
            let member = &mut self.members[id.index()];
            let since = member.starting_since.unwrap_or(now);
            member.ramp = ramp(now.saturating_duration_since(since), pace);
            if member.ramp == FULL_SHARE {
                member.starting_since = None;
                self.starting.remove(&id);
            }
            self.refresh(id);
            stepped = true;
        }
        if stepped {
            self.admit_all(now);
        }
    }
}

/// How much of the weight is in force after so much of the time.
fn ramp(elapsed: Duration, pace: Duration) -> u32 {
    let steps = elapsed.as_nanos() * u128::from(FULL_SHARE) / pace.as_nanos().max(1);
    u32::try_from(steps).map_or(FULL_SHARE, |steps| steps.clamp(1, FULL_SHARE))
}
