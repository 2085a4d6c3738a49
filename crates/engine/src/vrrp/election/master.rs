//! A master: what it says, whom it contradicts, to whom it yields.

use super::{
    instance::{Instance, Next, Takeover},
    moment::{GRACE, Moment},
    state::{Delay, Due, Lead, Leader, Listening, Reign, State},
};
use crate::vrrp::{
    Priority, Role,
    action::{Action, Reason, Report},
};

impl Instance {
    pub(super) fn lead(&mut self, takeover: Takeover, reason: Reason, at: &mut Moment) -> Next {
        let mut reign = Reign::begin(at.now, at.file.interval, &at.file.announcements);
        let repeat = at.file.announcements.repeat;
        match takeover {
            Takeover::Vacant => {
                self.advertise(self.priority, at);
                at.order(Action::Acquire(at.id));
                at.announce(repeat);
            }
            Takeover::Living => {
                at.order(Action::Acquire(at.id));
                at.announce(repeat);
                self.advertise(self.priority, at);
                reign.settle = Due::after(at.now, at.settled_after(), repeat);
            }
        }
        State::Master(reign).because(reason)
    }

    /// The deadlines of a master.
    pub(super) fn keep(&mut self, mut reign: Reign, at: &mut Moment) -> Next {
        if reign.advert_due(at.now, at.file.interval) {
            self.advertise(self.priority, at);
        }
        if let Some(repeat) = reign.announcements_due(at.now, &at.file.announcements) {
            at.announce(repeat);
        }
        State::Master(reign).stay()
    }

    /// Somebody who should not be master is: it hears so, and the neighbours hear where the
    /// addresses are, now and when the rival has let go. Until then it gets no more than that.
    pub(super) fn contradict(&mut self, mut reign: Reign, rival: Leader, at: &mut Moment) -> Next {
        if reign.settle.is_none() {
            if !at.file.lower_prio_no_advert {
                self.assert(&mut reign, at);
            }
            announce_again(&mut reign, at);
        }
        if reign.rival(at.now, at.file.interval) {
            at.report(Report::Rival {
                instance: at.id,
                peer: rival.address,
                priority: rival.priority,
            });
        }
        State::Master(reign).stay()
    }

    /// Somebody else was master, too, and has resigned: those who wait hear that we are here, and
    /// the neighbours where the addresses are.
    pub(super) fn stand(&mut self, mut reign: Reign, at: &mut Moment) -> Next {
        self.assert(&mut reign, at);
        if reign.settle.is_none() {
            announce_again(&mut reign, at);
        }
        State::Master(reign).stay()
    }

    fn assert(&mut self, reign: &mut Reign, at: &mut Moment) {
        self.advertise(self.priority, at);
        reign.advert_at = at.now + at.file.interval;
    }

    /// One last advertisement, so that a rival that never heard of us announces itself again.
    pub(super) fn yield_to(&mut self, rival: Leader, at: &mut Moment) -> Next {
        self.advertise(self.priority, at);
        let reason = Reason::HigherPriority {
            peer: rival.address,
            priority: rival.priority,
        };
        let until = at.now + at.short(GRACE);
        let to = Lead::Heard(rival);
        State::Yielding { until, to, reason }.because(reason)
    }

    /// The group has lost its mastership elsewhere. Whoever takes part here may not know.
    pub(super) fn give_way(&mut self, reason: Reason, at: &mut Moment) -> Next {
        self.advertise(Priority::RESIGN, at);
        let until = at.now + at.short(GRACE);
        let to = Lead::Unknown;
        State::Yielding { until, to, reason }.because(reason)
    }

    pub(super) fn let_go(&mut self, to: Lead, reason: Reason, at: &mut Moment) -> Next {
        at.order(Action::Release(at.id));
        let wait = match to {
            Lead::Heard(leader) => self.master_down(leader.interval, at.file),
            Lead::Resigned => self.skew(at.file.interval, at.file),
            Lead::Unheard { .. } | Lead::Unknown => self.master_down(at.file.interval, at.file),
        };
        let listening = Listening {
            master_down_at: at.now + wait,
            lead: to,
            delay: Delay::Unasked,
        };
        State::Backup(listening).because(reason)
    }

    pub(super) fn stop(&mut self, state: State, at: &mut Moment) -> Next {
        match state {
            State::Claiming { .. }
            | State::Master(_)
            | State::Ceding { .. }
            | State::Yielding { .. } => self.resign(at),
            State::Init | State::Backup(_) | State::Fault | State::Stopped => {}
        }
        State::Stopped.because(Reason::Stopping)
    }

    /// Gives up what it has or has claimed, at once.
    pub(super) fn resign(&mut self, at: &mut Moment) {
        self.advertise(Priority::RESIGN, at);
        if self.state.role() == Role::Master {
            at.order(Action::Release(at.id));
        }
    }
}

/// `garp_lower_prio_repeat` and `garp_lower_prio_delay`, and once more as soon as the rival has let
/// go for certain.
fn announce_again(reign: &mut Reign, at: &mut Moment) {
    let (repeat, wait) = {
        let how = &at.file.announcements;
        (how.lower_prio_repeat, how.lower_prio_again_after)
    };
    at.announce(repeat);
    reign.settle = Due::after(at.now, at.settled_after(), repeat);
    reign.again = Due::after(at.now, wait, repeat);
}
