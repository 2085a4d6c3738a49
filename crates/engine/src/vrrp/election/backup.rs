//! A backup: whom it follows, whom it replaces, and when.

use std::{net::IpAddr, time::Instant};

use super::{
    instance::{Instance, Next, Takeover},
    moment::{CLAIM_WINDOW, Moment},
    state::{Delay, Lead, Leader, Listening, State},
};
use crate::vrrp::{
    Priority,
    action::{Hold, Reason, Report},
    settings::{self, Peers, Preempt},
    view::Peer,
};

impl Instance {
    /// Begins to take part: as backup, whatever `state` says, or as master if it owns the
    /// addresses.
    pub(super) fn begin(&mut self, at: &mut Moment) -> Next {
        if self.priority == Priority::OWNER && at.proxy_hold.is_none() && !self.ceded {
            return self.lead(Takeover::Vacant, Reason::Owner, at);
        }
        let reason = match (self.state, self.reason) {
            (State::Init, _) | (_, Reason::NoSourceAddress) => Reason::Ready,
            (_, Reason::ProxyDown(_) | Reason::NoUsableServer) => Reason::ProxyServes,
            (_, Reason::Group(group)) => Reason::Group(group),
            _ => Reason::TrackersUp,
        };
        let starting = self.state == State::Init;
        let listening = Listening {
            master_down_at: at.now + self.master_down(at.file.interval, at.file),
            lead: Lead::Unheard { starting },
            delay: Delay::Unasked,
        };
        State::Backup(listening).because(reason)
    }

    /// A master that is not to be contradicted.
    pub(super) fn follow(&self, leader: Leader, at: &Moment) -> State {
        State::Backup(Listening {
            master_down_at: at.now + self.master_down(leader.interval, at.file),
            lead: Lead::Heard(leader),
            delay: Delay::Unasked,
        })
    }

    /// A master has resigned: the highest of those who wait takes over first. One that is alone
    /// with the master need not wait. If it was not the one that we hear, that one goes on.
    pub(super) fn vacate(&mut self, listening: Listening, rival: Leader, at: &mut Moment) -> Next {
        let interval = match listening.lead {
            Lead::Heard(leader) if leader.address != rival.address && is_fresh(leader, at.now) => {
                return State::Backup(listening).stay();
            }
            Lead::Heard(leader) => leader.interval,
            Lead::Unheard { .. } | Lead::Resigned | Lead::Unknown => at.file.interval,
        };
        if self.is_only_peer(rival.address, at.file) && at.deferring_until.is_none() {
            return self.lead(Takeover::Vacant, Reason::MasterResigned, at);
        }
        let turn = at.now + self.skew(interval, at.file);
        let listening = Listening {
            master_down_at: listening.master_down_at.min(turn),
            lead: Lead::Resigned,
            delay: Delay::Unasked,
        };
        State::Backup(listening).stay()
    }

    /// A master of lower priority.
    pub(super) fn tolerate(
        &mut self,
        mut listening: Listening,
        rival: Leader,
        at: &mut Moment,
    ) -> Next {
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
        let starting = listening.lead == Lead::Unheard { starting: true };
        listening.lead = Lead::Heard(rival);
        if let Some(hold) = self.hold(&listening, at.file, at.proxy_hold, at.now) {
            self.tell(hold, at);
            listening.master_down_at = at.now + self.master_down(rival.interval, at.file);
        } else if starting && at.deferring_until.is_none() {
            return self.challenge(listening, rival, at);
        }
        State::Backup(listening).stay()
    }

    /// A node that has just started does not wait until a master of lower priority is silent. (One
    /// that comes back from a fault does: a check that flaps must not move the addresses each
    /// time.)
    ///
    /// If that master is heard within its interval, it has been one before: there is no hurry, its
    /// addresses are taken first, and of several who could do so the highest is the first.
    /// Otherwise it has just begun to claim: this one claims, too, before the other is master, and
    /// all of them hear who is the highest.
    fn challenge(&mut self, mut listening: Listening, rival: Leader, at: &mut Moment) -> Next {
        if self.is_only_peer(rival.address, at.file) {
            return self.lead(Takeover::Living, Reason::Preempting, at);
        }
        if at.now > self.since + rival.interval {
            return self.claim(Some(rival.address), at);
        }
        let turn = at.now + self.skew(rival.interval, at.file);
        listening.master_down_at = listening.master_down_at.min(turn);
        State::Backup(listening).stay()
    }

    /// A deadline of a backup. Who slept through it hears first what has been said meanwhile.
    pub(super) fn wait(&mut self, mut listening: Listening, at: &mut Moment) -> Next {
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
        // Whoever may not preempt is more careful: a new master may have spoken meanwhile.
        let late = match at.proxy_hold {
            Some(_) => at.file.interval / 20,
            None => at.file.interval,
        };
        if at.now > listening.master_down_at + late {
            listening.master_down_at = at.now + at.short(CLAIM_WINDOW);
            return State::Backup(listening).stay();
        }
        match listening.lead {
            Lead::Heard(leader) if self.lives(leader, at) => self.preempt(listening, leader, at),
            Lead::Heard(silent) => self.succeed(silent, listening, at),
            Lead::Unknown => self.lead(Takeover::Vacant, Reason::MasterSilent, at),
            Lead::Resigned => self.replace_resigned(listening, at),
            Lead::Unheard { .. } => self.claim(None, at),
        }
    }

    /// The master has resigned. Somebody else may have taken its place meanwhile, or may have been
    /// master beside it; whoever may not preempt leaves that one alone.
    fn replace_resigned(&mut self, mut listening: Listening, at: &mut Moment) -> Next {
        let held = self.hold(&listening, at.file, at.proxy_hold, at.now);
        let another = self.heard().find(|other| is_fresh(*other, at.now));
        match another.filter(|_| held.is_some()) {
            Some(other) => {
                listening.lead = Lead::Heard(other);
                self.preempt(listening, other, at)
            }
            None => self.lead(Takeover::Vacant, Reason::MasterResigned, at),
        }
    }

    /// Those whose last word was no resignation, the latest first.
    fn heard(&self) -> impl Iterator<Item = Leader> + use<> {
        let peers = self.acquaintances.peers().into_iter();
        let takes_part = |peer: &Peer| peer.priority != Priority::RESIGN;
        peers.filter(takes_part).map(|peer| Leader {
            address: peer.address,
            priority: peer.priority,
            interval: peer.interval,
            heard_at: peer.heard_at,
        })
    }

    /// The master is silent. While it was not, nobody lower was listened to; one of them may have
    /// taken its place already.
    fn succeed(&mut self, silent: Leader, mut listening: Listening, at: &mut Moment) -> Next {
        let successor = |other: &Leader| other.address != silent.address && self.lives(*other, at);
        match self.heard().find(successor) {
            Some(other) => {
                listening.lead = Lead::Heard(other);
                self.preempt(listening, other, at)
            }
            None => self.lead(Takeover::Vacant, Reason::MasterSilent, at),
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

    /// Says first that it will be master. Others who claim fall silent then, if they are lower; a
    /// master answers with its last advertisement, and keeps the addresses a little longer.
    pub(super) fn claim(&mut self, over: Option<IpAddr>, at: &mut Moment) -> Next {
        self.advertise(self.priority, at);
        // Whoever may not preempt leaves others as little time as possible to become the master
        // that it would then replace.
        let longest = match at.proxy_hold {
            Some(_) => CLAIM_WINDOW.min(at.file.interval / 10),
            None => CLAIM_WINDOW,
        };
        let until = at.now + at.short(longest);
        State::Claiming { until, over }.stay()
    }

    /// Somebody lower claims as well. Early on that one may not have heard of us yet; later it
    /// must have missed our claim.
    pub(super) fn object(&mut self, until: Instant, at: &mut Moment) {
        if until < at.now + at.short(CLAIM_WINDOW) / 2 {
            self.advertise(self.priority, at);
        }
    }

    /// Nobody has objected to the claim.
    pub(super) fn prevail(&mut self, over: Option<IpAddr>, at: &mut Moment) -> Next {
        match (at.deferring_until, over) {
            (None, None) => self.lead(Takeover::Vacant, Reason::MasterSilent, at),
            (None, Some(_)) => self.lead(Takeover::Living, Reason::Preempting, at),
            (Some(until), _) => {
                let listening = Listening {
                    master_down_at: until,
                    lead: Lead::Unknown,
                    delay: Delay::Unasked,
                };
                State::Backup(listening).stay()
            }
        }
    }

    /// Why a living master of lower priority is left alone.
    pub(super) fn hold(
        &self,
        listening: &Listening,
        file: &settings::Instance,
        proxy: Option<Hold>,
        now: Instant,
    ) -> Option<Hold> {
        if self.ceded {
            return Some(Hold::HandedOver);
        }
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
        (defers && is_fresh(leader, now)).then(|| fresh_until(leader))
    }

    /// The group becomes master: addresses first if a living master lets go when it hears of it.
    pub(super) fn lead_with_group(
        &mut self,
        listening: Listening,
        takeover: Takeover,
        reason: Reason,
        at: &mut Moment,
    ) -> Next {
        match listening.lead {
            Lead::Heard(leader) if self.lives(leader, at) => {
                self.lead(Takeover::Living, reason, at)
            }
            _ => self.lead(takeover, reason, at),
        }
    }

    /// The group claims: a member that hears somebody lets that one in peace until then.
    pub(super) fn claim_with_group(&mut self, listening: Listening, at: &mut Moment) -> Next {
        match listening.lead {
            Lead::Unheard { .. } => self.claim(None, at),
            Lead::Resigned | Lead::Unknown | Lead::Heard(_) => State::Backup(listening).stay(),
        }
    }

    fn lives(&self, leader: Leader, at: &Moment) -> bool {
        at.now < leader.heard_at + self.master_down(leader.interval, at.file)
    }

    /// Whether nobody but this peer and us takes part. Many files list their own node as well.
    fn is_only_peer(&self, address: IpAddr, file: &settings::Instance) -> bool {
        let Peers::Unicast(peers) = &file.peers else {
            return false;
        };
        let mut others = peers.iter().filter(|peer| Some(**peer) != self.source);
        others.next() == Some(&address) && others.next().is_none()
    }
}

/// Until when somebody heard is surely there: a single advertisement may be lost.
fn fresh_until(leader: Leader) -> Instant {
    leader.heard_at + leader.interval * 2
}

fn is_fresh(leader: Leader, now: Instant) -> bool {
    now < fresh_until(leader)
}
