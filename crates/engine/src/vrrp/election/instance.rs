//! One instance: all its transitions stand in [`Instance::next`].

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{
    acquaintances::Acquaintances,
    moment::Moment,
    state::{Lead, Leader, State},
};
use crate::vrrp::{
    Priority, Role, Version,
    action::{Action, Hold, NotifyState, Reason, Report, Subject},
    settings,
    view::Counters,
};

/// One instance of the virtual router protocol.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) state: State,
    pub(super) since: Instant,
    pub(super) reason: Reason,
    /// After tracking.
    pub(super) priority: Priority,
    pub(super) source: Option<IpAddr>,
    pub(super) acquaintances: Acquaintances,
    pub(super) counters: Counters,
    /// Its mastership was handed over on purpose and has not come back since.
    pub(super) ceded: bool,
    /// Reasons not to preempt that have been told since it became backup.
    pub(super) told: Vec<Hold>,
}

/// What an instance is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// All that could forbid it to take part is known, and nothing does.
    Well,
    /// Something forbids it.
    Unwell(Reason),
    /// Priority 0 was heard.
    Resigned(Leader),
    /// A lower priority was heard.
    Lower(Leader),
    /// Our priority was heard, from a lower address.
    TieWon(Leader),
    /// Our priority was heard, from a higher address.
    TieLost(Leader),
    /// A higher priority was heard.
    Higher(Leader),
    /// A deadline has come.
    Due,
    /// Its operator wants another master.
    Cede,
    /// Its operator wants it to be master again.
    Reclaim,
    /// A member of its group does this.
    Group(Move, Reason),
    /// The node stops.
    Stop,
}

/// What the members of a group do together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// They announce that they will be master.
    Claim,
    /// They become master.
    Lead(Takeover),
    /// They give way.
    Yield,
}

/// What kind of master is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takeover {
    /// None: dead, or gone. Say so first, the others are waiting to hear it.
    Vacant,
    /// A living one: take the addresses first and say so then, because it lets go when it hears
    /// of it.
    Living,
}

/// Where a transition leads, and why if it leads elsewhere.
pub(super) struct Next {
    state: State,
    reason: Option<Reason>,
}

impl State {
    pub(super) const fn because(self, reason: Reason) -> Next {
        Next {
            state: self,
            reason: Some(reason),
        }
    }

    pub(super) const fn stay(self) -> Next {
        Next {
            state: self,
            reason: None,
        }
    }
}

impl Instance {
    pub(super) fn new(file: &settings::Instance, now: Instant) -> Self {
        Self {
            state: State::Init,
            since: now,
            reason: Reason::Ready,
            priority: file.priority,
            source: file.source,
            acquaintances: Acquaintances::default(),
            counters: Counters::default(),
            ceded: false,
            told: Vec::new(),
        }
    }

    /// Carries out a transition. What it returns, the other members of its group must do, too.
    pub(super) fn step(&mut self, signal: Signal, at: &mut Moment) -> Option<Move> {
        let before = self.state;
        let next = self.next(signal, at);
        self.enter(next, at);
        self.together(before)
    }

    /// Every transition there is.
    #[expect(
        clippy::too_many_lines,
        reason = "one table of states and signals; split, it would no longer show what is missing"
    )]
    fn next(&mut self, signal: Signal, at: &mut Moment) -> Next {
        match (self.state, signal) {
            (State::Stopped, _) => State::Stopped.stay(),
            (state, Signal::Stop) => self.stop(state, at),

            (State::Init | State::Fault, Signal::Well) => self.begin(at),
            (State::Init | State::Backup(_), Signal::Unwell(reason)) => {
                State::Fault.because(reason)
            }
            (
                State::Claiming { .. }
                | State::Master(_)
                | State::Ceding { .. }
                | State::Yielding { .. },
                Signal::Unwell(reason),
            ) => {
                self.resign(at);
                State::Fault.because(reason)
            }
            (State::Fault, Signal::Unwell(reason)) => State::Fault.because(reason),

            (State::Backup(listening), Signal::Resigned(rival)) => {
                self.vacate(listening, rival, at)
            }
            (State::Backup(listening), Signal::Lower(rival)) => self.tolerate(listening, rival, at),
            (
                State::Backup(_),
                Signal::TieWon(rival) | Signal::TieLost(rival) | Signal::Higher(rival),
            ) => self.follow(rival, at).stay(),
            (State::Backup(listening), Signal::Due) => self.wait(listening, at),
            (State::Backup(listening), Signal::Group(Move::Claim, _)) => {
                self.claim_with_group(listening, at)
            }
            (State::Backup(listening), Signal::Group(Move::Lead(takeover), reason)) => {
                self.lead_with_group(listening, takeover, reason, at)
            }

            (State::Backup(listening), Signal::Reclaim) => self.reclaim(listening, at),

            (State::Claiming { .. }, Signal::TieLost(rival) | Signal::Higher(rival)) => {
                self.follow(rival, at).stay()
            }
            (State::Claiming { over, .. }, Signal::Lower(rival)) if over == Some(rival.address) => {
                self.lead(Takeover::Living, Reason::Preempting, at)
            }
            (State::Claiming { over, .. }, Signal::Resigned(rival))
                if over == Some(rival.address) =>
            {
                self.lead(Takeover::Vacant, Reason::MasterResigned, at)
            }
            (state @ State::Claiming { until, .. }, Signal::TieWon(_) | Signal::Lower(_)) => {
                self.object(until, at);
                state.stay()
            }
            (State::Claiming { until, over }, Signal::Due) if at.now >= until => {
                self.prevail(over, at)
            }

            (State::Claiming { .. }, Signal::Group(Move::Lead(takeover), reason)) => {
                self.lead(takeover, reason, at)
            }

            (State::Master(reign), Signal::Due) => self.keep(reign, at),
            (State::Master(reign), Signal::Lower(rival) | Signal::TieWon(rival)) => {
                self.contradict(reign, rival, at)
            }
            (State::Master(reign), Signal::Resigned(_)) => self.stand(reign, at),
            (State::Master(_), Signal::TieLost(rival) | Signal::Higher(rival)) => {
                self.yield_to(rival, at)
            }
            (State::Master(_), Signal::Group(Move::Yield, reason)) => self.give_way(reason, at),

            (State::Master(reign), Signal::Cede) => self.cede(&reign, at),

            (State::Ceding { resign_at, until }, Signal::Due) => {
                self.go_on_ceding(resign_at, until, at)
            }
            (
                State::Ceding { .. },
                Signal::Lower(heir)
                | Signal::TieWon(heir)
                | Signal::TieLost(heir)
                | Signal::Higher(heir),
            ) => self.cede_to(heir, at),
            (State::Ceding { .. }, Signal::Group(Move::Yield, reason)) => self.give_way(reason, at),
            (State::Ceding { .. }, Signal::Group(Move::Lead(_), _) | Signal::Reclaim) => {
                self.remain(None, at)
            }

            (State::Yielding { until, to, reason }, Signal::Due) if at.now >= until => {
                self.let_go(to, reason, at)
            }
            (
                State::Yielding { until, reason, .. },
                Signal::TieLost(rival) | Signal::Higher(rival),
            ) => {
                let to = Lead::Heard(rival);
                State::Yielding { until, to, reason }.stay()
            }
            (State::Yielding { until, to, reason }, Signal::Resigned(rival)) => {
                let to = to.without(rival.address);
                State::Yielding { until, to, reason }.stay()
            }

            // Those that have not begun, or may not take part, only remember who is there.
            (
                state @ (State::Init | State::Fault),
                Signal::Resigned(_)
                | Signal::Lower(_)
                | Signal::TieWon(_)
                | Signal::TieLost(_)
                | Signal::Higher(_)
                | Signal::Due
                | Signal::Cede
                | Signal::Reclaim
                | Signal::Group(..),
            ) => state.stay(),
            // What takes part goes on.
            (
                state @ (State::Backup(_)
                | State::Claiming { .. }
                | State::Master(_)
                | State::Ceding { .. }
                | State::Yielding { .. }),
                Signal::Well,
            ) => state.stay(),
            // Only a master has something to hand over, only who has handed over something to
            // take back.
            (
                state @ (State::Backup(_)
                | State::Claiming { .. }
                | State::Ceding { .. }
                | State::Yielding { .. }),
                Signal::Cede,
            )
            | (
                state @ (State::Claiming { .. } | State::Master(_) | State::Yielding { .. }),
                Signal::Reclaim,
            ) => state.stay(),
            // Somebody else resigned as well; the group claims what we have.
            (state @ State::Ceding { .. }, Signal::Resigned(_) | Signal::Group(Move::Claim, _)) => {
                state.stay()
            }
            // Somebody gives up what is about to be ours; not yet due; already so.
            (
                state @ State::Claiming { .. },
                Signal::Resigned(_) | Signal::Due | Signal::Group(Move::Claim | Move::Yield, _),
            ) => state.stay(),
            (state @ State::Backup(_), Signal::Group(Move::Yield, _)) => state.stay(),
            (state @ State::Master(_), Signal::Group(Move::Claim | Move::Lead(_), _)) => {
                state.stay()
            }
            // It goes to somebody better; those who are worse hear that one.
            (
                state @ State::Yielding { .. },
                Signal::Lower(_) | Signal::TieWon(_) | Signal::Due | Signal::Group(..),
            ) => state.stay(),
        }
    }

    /// Enters a state. A change of role is told to the log and to the scripts.
    fn enter(&mut self, next: Next, at: &mut Moment) {
        let (from, to) = (self.state.role(), next.state.role());
        let stops = next.state == State::Stopped && self.state != State::Stopped;
        self.state = next.state;
        self.reason = match next.reason {
            Some(reason) if from != to || to == Role::Fault => reason,
            _ => self.reason,
        };
        if from == to && !stops {
            return;
        }
        self.since = at.now;
        self.ceded &= to != Role::Master;
        self.told.clear();
        self.counters.became_master += u64::from(to == Role::Master);
        self.counters.released_master += u64::from(from == Role::Master);
        at.report(Report::Transition {
            instance: at.id,
            from,
            to,
            reason: self.reason,
        });
        let state = match to {
            Role::Init => NotifyState::Stop,
            Role::Backup => NotifyState::Backup,
            Role::Master => NotifyState::Master,
            Role::Fault => NotifyState::Fault,
        };
        at.order(Action::Notify {
            subject: Subject::Instance(at.id),
            state,
            priority: self.priority,
        });
    }

    /// What the group has to do after this instance has left a state.
    fn together(&self, before: State) -> Option<Move> {
        match (before, self.state) {
            (State::Backup(_), State::Claiming { .. }) => Some(Move::Claim),
            (State::Master(_) | State::Ceding { .. }, State::Yielding { .. }) => Some(Move::Yield),
            (State::Ceding { .. }, State::Master(_)) => Some(Move::Lead(Takeover::Vacant)),
            (State::Backup(_) | State::Claiming { .. }, State::Master(_)) => {
                Some(Move::Lead(match self.reason {
                    Reason::Preempting | Reason::TakenBack => Takeover::Living,
                    _ => Takeover::Vacant,
                }))
            }
            _ => None,
        }
    }

    pub(super) fn advertise(&mut self, priority: Priority, at: &mut Moment) {
        self.counters.adverts_sent += 1;
        self.counters.resignations_sent += u64::from(priority == Priority::RESIGN);
        let instance = at.id;
        at.order(Action::SendAdvert { instance, priority });
    }

    /// RFC 9568, 6.1: `Active_Down_Interval`.
    pub(super) fn master_down(&self, interval: Duration, file: &settings::Instance) -> Duration {
        interval * file.down_timer_adverts + self.skew(interval, file)
    }

    /// RFC 3768, 6.1: of a second; RFC 9568, 6.1: of the master's interval.
    pub(super) fn skew(&self, interval: Duration, file: &settings::Instance) -> Duration {
        match file.version {
            Version::V2 => self.priority.skew(Duration::from_secs(1)),
            Version::V3 => self.priority.skew(interval),
        }
    }
}
