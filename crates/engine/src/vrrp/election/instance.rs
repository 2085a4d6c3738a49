//! One instance: all its transitions stand in [`Instance::next`].

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{
    acquaintances::Acquaintances,
    state::{Delay, Due, Lead, Leader, Listening, Reign, State},
};
use crate::vrrp::{
    InstanceId, Priority, Role, Version,
    action::{Action, Hold, NotifyState, Reason, Report, Subject},
    settings::{self, Peers, Preempt},
    view::Counters,
};

/// How long a node that nobody has answered yet listens between its claim and its mastership.
const CLAIM_WINDOW: Duration = Duration::from_millis(50);

/// How long a yielding master keeps the addresses.
const GRACE: Duration = Duration::from_millis(20);

/// When a rival has let go for certain, and the neighbours are told once more.
const SETTLED_AFTER: Duration = Duration::from_millis(100);

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
    /// Reasons not to preempt that have been told since it became backup.
    told: Vec<Hold>,
}

/// What an instance needs to know of the world around it, and where its orders go.
pub(super) struct Moment<'a> {
    pub(super) now: Instant,
    pub(super) id: InstanceId,
    pub(super) file: &'a settings::Instance,
    /// Why our own proxy keeps it from preempting.
    pub(super) proxy_hold: Option<Hold>,
    /// Another member of its group hears a living master that it must not contradict, or has just
    /// heard it; until then.
    pub(super) deferring_until: Option<Instant>,
    pub(super) orders: &'a mut VecDeque<Action>,
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
struct Next {
    state: State,
    reason: Option<Reason>,
}

impl State {
    const fn because(self, reason: Reason) -> Next {
        Next {
            state: self,
            reason: Some(reason),
        }
    }

    const fn stay(self) -> Next {
        Next {
            state: self,
            reason: None,
        }
    }
}

impl Moment<'_> {
    pub(super) fn order(&mut self, action: Action) {
        self.orders.push_back(action);
    }

    pub(super) fn report(&mut self, report: Report) {
        self.order(Action::Report(report));
    }

    fn announce(&mut self, repeat: u32) {
        if repeat > 0 {
            let instance = self.id;
            self.order(Action::Announce { instance, repeat });
        }
    }

    fn settled_after(&self) -> Duration {
        SETTLED_AFTER.min(self.file.interval)
    }

    /// Times that are short beside the interval.
    fn short(&self, longest: Duration) -> Duration {
        longest.min(self.file.interval / 10)
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
                State::Claiming { .. } | State::Master(_) | State::Yielding { .. },
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
            (State::Backup(_), Signal::Group(Move::Claim, _)) => self.claim(at),

            (State::Claiming { .. }, Signal::TieLost(rival) | Signal::Higher(rival)) => {
                self.follow(rival, at).stay()
            }
            (state @ State::Claiming { .. }, Signal::TieWon(_) | Signal::Lower(_)) => {
                self.advertise(self.priority, at);
                state.stay()
            }
            (State::Claiming { until }, Signal::Due) if at.now >= until => self.prevail(at),

            (
                State::Backup(_) | State::Claiming { .. },
                Signal::Group(Move::Lead(takeover), reason),
            ) => self.lead(takeover, reason, at),

            (State::Master(reign), Signal::Due) => self.keep(reign, at),
            (State::Master(reign), Signal::Lower(rival) | Signal::TieWon(rival)) => {
                self.contradict(reign, rival, at)
            }
            (State::Master(reign), Signal::Resigned(_)) => self.stand(reign, at),
            (State::Master(_), Signal::TieLost(rival) | Signal::Higher(rival)) => {
                self.yield_to(rival, at)
            }
            (State::Master(_), Signal::Group(Move::Yield, reason)) => self.give_way(reason, at),

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
            (State::Yielding { until, reason, .. }, Signal::Resigned(_)) => {
                let to = Lead::Resigned;
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
                | Signal::Group(..),
            ) => state.stay(),
            // What takes part goes on.
            (
                state @ (State::Backup(_)
                | State::Claiming { .. }
                | State::Master(_)
                | State::Yielding { .. }),
                Signal::Well,
            ) => state.stay(),
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
            (State::Master(_), State::Yielding { .. }) => Some(Move::Yield),
            (State::Backup(_) | State::Claiming { .. }, State::Master(_)) => {
                Some(Move::Lead(match self.reason {
                    Reason::Preempting => Takeover::Living,
                    _ => Takeover::Vacant,
                }))
            }
            _ => None,
        }
    }

    // ---- Backup ----

    /// Begins to take part: as backup, whatever `state` says, or as master if it owns the
    /// addresses.
    fn begin(&mut self, at: &mut Moment) -> Next {
        if self.priority == Priority::OWNER && at.proxy_hold.is_none() {
            return self.lead(Takeover::Vacant, Reason::Owner, at);
        }
        let reason = match (self.state, self.reason) {
            (State::Init, _) | (_, Reason::NoSourceAddress) => Reason::Ready,
            (_, Reason::ProxyDown(_) | Reason::NoUsableServer) => Reason::ProxyServes,
            (_, Reason::Group(group)) => Reason::Group(group),
            _ => Reason::TrackersUp,
        };
        let listening = Listening {
            master_down_at: at.now + self.master_down(at.file.interval, at.file),
            lead: Lead::Unheard,
            delay: Delay::Unasked,
        };
        State::Backup(listening).because(reason)
    }

    /// A master that is not to be contradicted.
    fn follow(&self, leader: Leader, at: &Moment) -> State {
        State::Backup(Listening {
            master_down_at: at.now + self.master_down(leader.interval, at.file),
            lead: Lead::Heard(leader),
            delay: Delay::Unasked,
        })
    }

    /// A master has resigned: the highest of those who wait takes over first. One that is alone
    /// with the master need not wait.
    fn vacate(&mut self, listening: Listening, rival: Leader, at: &mut Moment) -> Next {
        if is_only_peer(rival.address, at.file) && at.deferring_until.is_none() {
            return self.lead(Takeover::Vacant, Reason::MasterResigned, at);
        }
        let interval = match listening.lead {
            Lead::Heard(leader) => leader.interval,
            Lead::Unheard | Lead::Resigned | Lead::Unknown => at.file.interval,
        };
        let listening = Listening {
            master_down_at: at.now + self.skew(interval, at.file),
            lead: Lead::Resigned,
            delay: Delay::Unasked,
        };
        State::Backup(listening).stay()
    }

    /// A master of lower priority.
    fn tolerate(&mut self, mut listening: Listening, rival: Leader, at: &mut Moment) -> Next {
        if let Lead::Heard(leader) = listening.lead
            && leader.address != rival.address
            && leader.priority >= self.priority
            && self.lives(leader, at)
        {
            return State::Backup(listening).stay();
        }
        if let (Preempt::After(wait), Delay::Unasked) = (at.file.preempt, listening.delay) {
            listening.delay = Delay::Until(at.now + wait);
        }
        let first = listening.lead == Lead::Unheard;
        listening.lead = Lead::Heard(rival);
        if let Some(hold) = self.hold(&listening, at.file, at.proxy_hold, at.now) {
            self.tell(hold, at);
            listening.master_down_at = at.now + self.master_down(rival.interval, at.file);
        } else if first && at.deferring_until.is_none() {
            return self.challenge(listening, rival, at);
        }
        State::Backup(listening).stay()
    }

    /// In its first election a node does not wait until a master of lower priority is silent:
    /// that master may itself just have begun to claim. Where there are more than two, they
    /// go by priority.
    fn challenge(&mut self, mut listening: Listening, rival: Leader, at: &mut Moment) -> Next {
        if is_only_peer(rival.address, at.file) {
            return self.lead(Takeover::Living, Reason::Preempting, at);
        }
        let turn = at.now + self.priority.skew(at.short(CLAIM_WINDOW));
        listening.master_down_at = listening.master_down_at.min(turn);
        State::Backup(listening).stay()
    }

    /// A deadline of a backup. Who slept through it hears first what has been said meanwhile.
    fn wait(&mut self, mut listening: Listening, at: &mut Moment) -> Next {
        if let Delay::Until(end) = listening.delay
            && at.now >= end
        {
            listening.delay = Delay::Over;
            listening.master_down_at = listening.master_down_at.min(at.now);
        }
        if at.now < listening.master_down_at {
            return State::Backup(listening).stay();
        }
        if let Some(until) = at.deferring_until {
            listening.master_down_at = until;
            return State::Backup(listening).stay();
        }
        if at.now > listening.master_down_at + at.file.interval {
            listening.master_down_at = at.now + at.short(CLAIM_WINDOW);
            return State::Backup(listening).stay();
        }
        match listening.lead {
            Lead::Heard(leader) if self.lives(leader, at) => self.preempt(listening, leader, at),
            Lead::Heard(_) | Lead::Unknown => self.lead(Takeover::Vacant, Reason::MasterSilent, at),
            Lead::Resigned => self.lead(Takeover::Vacant, Reason::MasterResigned, at),
            Lead::Unheard => self.claim(at),
        }
    }

    /// The time for preempting has come, unless something has come between.
    fn preempt(&mut self, mut listening: Listening, leader: Leader, at: &mut Moment) -> Next {
        let better = leader.priority >= self.priority;
        let hold = self.hold(&listening, at.file, at.proxy_hold, at.now);
        if !better && hold.is_none() {
            return self.lead(Takeover::Living, Reason::Preempting, at);
        }
        if let Some(hold) = hold {
            self.tell(hold, at);
        }
        listening.master_down_at = leader.heard_at + self.master_down(leader.interval, at.file);
        State::Backup(listening).stay()
    }

    fn tell(&mut self, why: Hold, at: &mut Moment) {
        if !self.told.contains(&why) {
            self.told.push(why);
            let instance = at.id;
            at.report(Report::Holding { instance, why });
        }
    }

    // ---- Claiming ----

    /// Nobody has ever been heard: says first that it will be master.
    fn claim(&mut self, at: &mut Moment) -> Next {
        self.advertise(self.priority, at);
        let until = at.now + at.short(CLAIM_WINDOW);
        State::Claiming { until }.stay()
    }

    /// Nobody has objected to the claim.
    fn prevail(&mut self, at: &mut Moment) -> Next {
        match at.deferring_until {
            None => self.lead(Takeover::Vacant, Reason::MasterSilent, at),
            Some(until) => {
                let listening = Listening {
                    master_down_at: until,
                    lead: Lead::Unknown,
                    delay: Delay::Unasked,
                };
                State::Backup(listening).stay()
            }
        }
    }

    // ---- Master ----

    fn lead(&mut self, takeover: Takeover, reason: Reason, at: &mut Moment) -> Next {
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
    fn keep(&mut self, mut reign: Reign, at: &mut Moment) -> Next {
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
    fn contradict(&mut self, mut reign: Reign, rival: Leader, at: &mut Moment) -> Next {
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
    fn stand(&mut self, mut reign: Reign, at: &mut Moment) -> Next {
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

    // ---- Yielding ----

    /// One last advertisement, so that a rival that never heard of us announces itself again.
    fn yield_to(&mut self, rival: Leader, at: &mut Moment) -> Next {
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
    fn give_way(&mut self, reason: Reason, at: &mut Moment) -> Next {
        self.advertise(Priority::RESIGN, at);
        let until = at.now + at.short(GRACE);
        let to = Lead::Unknown;
        State::Yielding { until, to, reason }.because(reason)
    }

    fn let_go(&mut self, to: Lead, reason: Reason, at: &mut Moment) -> Next {
        at.order(Action::Release(at.id));
        let wait = match to {
            Lead::Heard(leader) => self.master_down(leader.interval, at.file),
            Lead::Resigned => self.skew(at.file.interval, at.file),
            Lead::Unheard | Lead::Unknown => self.master_down(at.file.interval, at.file),
        };
        let listening = Listening {
            master_down_at: at.now + wait,
            lead: to,
            delay: Delay::Unasked,
        };
        State::Backup(listening).because(reason)
    }

    // ---- The end ----

    fn stop(&mut self, state: State, at: &mut Moment) -> Next {
        match state {
            State::Claiming { .. } | State::Master(_) | State::Yielding { .. } => self.resign(at),
            State::Init | State::Backup(_) | State::Fault | State::Stopped => {}
        }
        State::Stopped.because(Reason::Stopping)
    }

    /// Gives up what it has or has claimed, at once.
    fn resign(&mut self, at: &mut Moment) {
        self.advertise(Priority::RESIGN, at);
        if self.state.role() == Role::Master {
            at.order(Action::Release(at.id));
        }
    }

    // ---- Reload ----

    /// Other settings for the same virtual router, without a change of role.
    pub(super) fn adapt(&mut self, was: &settings::Instance, at: &mut Moment) {
        let file = at.file;
        self.source = file.source;
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

    // ---- Helpers ----

    fn advertise(&mut self, priority: Priority, at: &mut Moment) {
        self.counters.adverts_sent += 1;
        self.counters.resignations_sent += u64::from(priority == Priority::RESIGN);
        let instance = at.id;
        at.order(Action::SendAdvert { instance, priority });
    }

    /// Why a living master of lower priority is left alone.
    pub(super) fn hold(
        &self,
        listening: &Listening,
        file: &settings::Instance,
        proxy: Option<Hold>,
        now: Instant,
    ) -> Option<Hold> {
        if proxy.is_some() || self.priority == Priority::OWNER {
            return proxy;
        }
        match (file.preempt, listening.delay) {
            (Preempt::Never, _) => Some(Hold::NoPreempt),
            (Preempt::After(wait), Delay::Unasked) => Some(Hold::PreemptDelay(wait)),
            (Preempt::After(wait), Delay::Until(end)) if now < end => {
                Some(Hold::PreemptDelay(wait))
            }
            (Preempt::After(_) | Preempt::AtOnce, _) => None,
        }
    }

    /// Until when this instance is sure of a master that it must not contradict: somebody heard
    /// less than two intervals ago.
    pub(super) fn sure_of_master_until(
        &self,
        file: &settings::Instance,
        proxy: Option<Hold>,
        now: Instant,
    ) -> Option<Instant> {
        let State::Backup(listening) = &self.state else {
            return None;
        };
        let Lead::Heard(leader) = listening.lead else {
            return None;
        };
        let defers =
            leader.priority >= self.priority || self.hold(listening, file, proxy, now).is_some();
        let until = leader.heard_at + leader.interval * 2;
        (defers && until > now).then_some(until)
    }

    fn lives(&self, leader: Leader, at: &Moment) -> bool {
        at.now < leader.heard_at + self.master_down(leader.interval, at.file)
    }

    /// RFC 9568, 6.1: `Active_Down_Interval`.
    pub(super) fn master_down(&self, interval: Duration, file: &settings::Instance) -> Duration {
        interval * file.down_timer_adverts + self.skew(interval, file)
    }

    /// RFC 3768, 6.1: of a second; RFC 9568, 6.1: of the master's interval.
    fn skew(&self, interval: Duration, file: &settings::Instance) -> Duration {
        match file.version {
            Version::V2 => self.priority.skew(Duration::from_secs(1)),
            Version::V3 => self.priority.skew(interval),
        }
    }
}

/// What the master-down time is made of.
fn pace(file: &settings::Instance) -> (Version, Duration, u32) {
    (file.version, file.interval, file.down_timer_adverts)
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
    reign.again = reign.again.or(Due::after(at.now, wait, repeat));
}

/// Whether nobody but this peer and us takes part.
fn is_only_peer(address: IpAddr, file: &settings::Instance) -> bool {
    match &file.peers {
        Peers::Multicast => false,
        Peers::Unicast(peers) => peers.len() == 1 && peers.contains(&address),
    }
}
