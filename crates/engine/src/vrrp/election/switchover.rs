//! Mastership handed to another node on purpose.
//!
//! ```text
//!  Master ──HandOver──► Ceding ── another master is heard ──► Yielding ──► Backup, ceded
//!    ▲                    │ nobody is heard in time                          │
//!    └────────────────────┘                     the new master is lost, or TakeBack ──► Master
//! ```
//!
//! The addresses stay here until another master has spoken: they are never left to nobody. Whoever
//! has ceded leaves a living master alone, whatever its priority is.

use std::time::{Duration, Instant};

use super::{
    Election, InstanceId,
    instance::{Instance, Next, Signal, Takeover},
    moment::{CLAIM_WINDOW, GRACE, Moment},
    state::{Lead, Leader, Listening, Reign, State},
};
use crate::vrrp::{
    Priority, Role, Version,
    action::{Hold, Reason, Report},
    settings,
    view::{CannotHandOver, CannotTakeBack, Switchover},
};

impl Election {
    /// Those that a switchover of this instance moves: its whole group, or itself.
    #[must_use]
    pub fn moves_with(&self, id: InstanceId) -> Vec<InstanceId> {
        let group = self.group_of.get(id.0).copied().flatten();
        group.map_or_else(
            || vec![id],
            |group| self.settings.groups[group.0].members.clone(),
        )
    }

    /// Whether `Event::HandOver` would do anything.
    ///
    /// # Errors
    /// Why it would not.
    pub fn can_hand_over(&self, id: InstanceId) -> Result<(), CannotHandOver> {
        for member in self.moves_with(id) {
            let instance = self.instances.get(member.0);
            match instance.map(|instance| instance.state) {
                Some(State::Master(_)) => {}
                Some(State::Ceding { .. }) => return Err(CannotHandOver::UnderWay(member)),
                Some(state) => return Err(CannotHandOver::NotMaster(member, state.role())),
                None => return Err(CannotHandOver::NotMaster(member, Role::Init)),
            }
        }
        Ok(())
    }

    /// Whether `Event::TakeBack` would make this node master at once.
    ///
    /// # Errors
    /// Why it would not.
    pub fn can_take_back(&self, id: InstanceId) -> Result<(), CannotTakeBack> {
        let members = self.moves_with(id);
        let ceded = |id: &InstanceId| self.instances.get(id.0).is_some_and(|it| it.ceded);
        if !members.iter().any(ceded) {
            return Err(CannotTakeBack::NothingHandedOver);
        }
        for member in members {
            let instance = &self.instances[member.0];
            match &instance.state {
                State::Backup(_) if self.proxy_hold(member).is_some() => {
                    let hold = self.proxy_hold(member).unwrap_or(Hold::HandedOver);
                    return Err(CannotTakeBack::Held(member, hold));
                }
                State::Backup(Listening {
                    lead: Lead::Heard(leader),
                    ..
                }) if !instance.outranks(*leader) => {
                    return Err(CannotTakeBack::Outranked(member, leader.priority));
                }
                State::Fault | State::Init | State::Stopped => {
                    return Err(CannotTakeBack::Unfit(member, instance.state.role()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn hand_over(&mut self, id: InstanceId) {
        if self.can_hand_over(id).is_err() {
            return;
        }
        for member in self.moves_with(id) {
            self.with(member, None, |instance, at| instance.step(Signal::Cede, at));
        }
    }

    /// All members forget first: one that still left the master alone would keep the others back.
    pub(super) fn take_back(&mut self, id: InstanceId) {
        if self.can_take_back(id).is_err() {
            return;
        }
        let members = self.moves_with(id);
        for member in &members {
            self.instances[member.0].ceded = false;
        }
        for member in members {
            self.step(member, Signal::Reclaim);
        }
    }
}

impl Instance {
    /// Resigns, and keeps the addresses until another master is heard. Not on the heels of an
    /// advertisement: one that the resignation overtakes would make the new master give way.
    pub(super) fn cede(&mut self, reign: &Reign, at: &mut Moment) -> Next {
        self.ceded = true;
        at.report(Report::HandingOver { instance: at.id });
        let last = reign.advert_at.checked_sub(at.file.interval);
        let resign_at = last.map_or(at.now, |last| last + at.short(CLAIM_WINDOW));
        self.go_on_ceding(resign_at, at.now + patience(at.file), at)
    }

    /// A deadline of one that cedes: the resignation may have been lost, so it is said again; if
    /// nobody wants the addresses, they stay.
    pub(super) fn go_on_ceding(
        &mut self,
        resign_at: Instant,
        until: Instant,
        at: &mut Moment,
    ) -> Next {
        if at.now >= until {
            return self.remain(Some(patience(at.file)), at);
        }
        if at.now < resign_at {
            return State::Ceding { resign_at, until }.stay();
        }
        self.advertise(Priority::RESIGN, at);
        State::Ceding {
            resign_at: at.now + at.file.interval,
            until,
        }
        .stay()
    }

    /// The one that takes over has spoken. Its neighbours have heard so, too, or will in a moment.
    pub(super) fn cede_to(&self, heir: Leader, at: &Moment) -> Next {
        let reason = Reason::HandedOver {
            peer: heir.address,
            priority: heir.priority,
        };
        State::Yielding {
            until: at.now + at.short(GRACE),
            to: Lead::Heard(heir),
            reason,
        }
        .because(reason)
    }

    /// Master as before: nobody took over in so long, or the operator wants it so.
    pub(super) fn remain(&mut self, waited: Option<Duration>, at: &mut Moment) -> Next {
        self.ceded = false;
        self.advertise(self.priority, at);
        at.announce(at.file.announcements.repeat);
        let instance = at.id;
        at.report(Report::NotTakenOver { instance, waited });
        State::Master(Reign::begin(
            at.now,
            at.file.interval,
            &at.file.announcements,
        ))
        .stay()
    }

    /// The operator wants the mastership back, whatever the file says about preempting.
    pub(super) fn reclaim(&mut self, listening: Listening, at: &mut Moment) -> Next {
        match listening.lead {
            Lead::Heard(leader) if self.outranks(leader) && at.proxy_hold.is_none() => {
                self.lead(Takeover::Living, Reason::TakenBack, at)
            }
            _ => State::Backup(listening).stay(),
        }
    }

    fn outranks(&self, leader: Leader) -> bool {
        (self.priority, self.source) > (leader.priority, Some(leader.address))
    }

    /// How far a switchover has come.
    pub(super) fn switchover(&self) -> Option<Switchover> {
        match self.state {
            State::Ceding { until, .. } => Some(Switchover::UnderWay { until }),
            _ => self.ceded.then_some(Switchover::HandedOver),
        }
    }
}

/// How long whoever has heard no resignation at all takes to miss us, at most: the master-down time
/// of the lowest priority (RFC 9568, 6.1), and an interval for what is late.
fn patience(file: &settings::Instance) -> Duration {
    let skew = match file.version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => file.interval,
    };
    file.interval * (file.down_timer_adverts + 1) + skew
}
