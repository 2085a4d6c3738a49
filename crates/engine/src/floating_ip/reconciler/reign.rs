//! One mastership.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{
    Lasting,
    backoff::Backoff,
    later, looks, peers,
    step::{Answer, Next, Step},
    verdict::Verdict,
};
use crate::{
    floating_ip::{
        CallId,
        action::{Action, Report},
        event::{Failure, FailureKind, Holder, Whereabouts},
    },
    vrrp::Priority,
};

/// So long after it was taken back from a peer, a master that still has it may do so again: two
/// that take it from one another do not leave it alone for so long.
const PEACE: Duration = Duration::from_secs(600);

/// What a master knows and does.
#[derive(Debug)]
pub(super) struct Reign {
    /// When it became master, or heard a rival: it looks more often for a while.
    watch_since: Instant,
    pub(super) priority: Priority,
    pub(super) claim: Claim,
    pub(super) step: Step,
    /// Since when it is wanted, or was when it came.
    pub(super) wanted_since: Instant,
    /// Calls since then.
    calls: u32,
    /// From where, as far as that was told.
    moving_from: Option<Whereabouts>,
    /// When the provider last agreed to bring it here.
    pub(super) agreed_at: Option<Instant>,
    /// What is wrong, if the last calls have failed.
    pub(super) trouble: Option<Trouble>,
    retries: Backoff,
    /// Between taking it back from those who are not in the election.
    contest: Backoff,
    /// The peer it was last taken back from; forgotten when that peer shows that it is no master,
    /// or no rightful one, and after a time of peace.
    pub(super) taken_back_from: Option<IpAddr>,
}

/// What a master makes of the address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is to be brought here.
    Wanted,
    /// The provider has agreed to bring it here; that is not seen yet.
    Agreed,
    /// It is here, as was seen.
    Here,
    /// A peer keeps it.
    Yielded(Holder),
}

/// Calls that fail.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) since: Instant,
    pub(super) last: Failure,
}

impl Reign {
    /// Looks at once.
    pub(super) fn begin(priority: Priority, lasting: &mut Lasting, now: Instant) -> Self {
        let mut reign = Self {
            watch_since: now,
            priority,
            claim: Claim::Wanted,
            step: Step::Resting {
                until: now,
                next: Next::Look,
            },
            wanted_since: now,
            calls: 0,
            moving_from: None,
            agreed_at: None,
            trouble: None,
            retries: Backoff::default(),
            contest: Backoff::default(),
            taken_back_from: None,
        };
        reign.start(Next::Look, lasting, now);
        reign
    }

    /// Lets go of everything but the address.
    pub(super) fn end(&self, lasting: &mut Lasting) {
        if let Some(call) = self.step.call() {
            lasting.orders.push_back(Action::Abandon(call));
        }
    }

    /// What is due is done.
    pub(super) fn tick(&mut self, lasting: &mut Lasting, now: Instant) {
        if self.step.deadline() > now {
            return;
        }
        match &self.step {
            Step::Resting { next, .. } => self.start(*next, lasting, now),
            Step::Looking(asked) | Step::Moving(asked) => {
                lasting.orders.push_back(Action::Abandon(asked.call));
                let failure = Failure {
                    kind: FailureKind::Unanswered,
                    text: format!("no answer in {:?}", lasting.settings.call_timeout),
                };
                self.failed(failure, lasting, now);
            }
        }
    }

    /// A call was answered; if it is not the one under way that changes nothing.
    pub(super) fn answered(
        &mut self,
        call: CallId,
        answer: Answer,
        lasting: &mut Lasting,
        now: Instant,
    ) {
        if self.step.call() != Some(call) {
            return;
        }
        match (&self.step, answer) {
            (Step::Looking(_), Answer::Described(Ok(found))) => self.found(found, lasting, now),
            (Step::Moving(_), Answer::Associated(Ok(()))) => self.agreed(lasting, now),
            (Step::Looking(_), Answer::Described(Err(failure)))
            | (Step::Moving(_), Answer::Associated(Err(failure))) => {
                self.failed(failure, lasting, now);
            }
            // An answer to a question that was not asked.
            (Step::Looking(_), Answer::Associated(_))
            | (Step::Moving(_), Answer::Described(_))
            | (Step::Resting { .. }, _) => {}
        }
    }

    /// A configured peer advertises. If it is no master any more, or has to give way, it is in
    /// touch with us again: what was left to it is ours, and it may just have taken what we have.
    pub(super) fn hear(
        &mut self,
        peer: IpAddr,
        priority: Priority,
        lasting: &mut Lasting,
        now: Instant,
    ) {
        if peers::outranks(priority, peer, self.priority, &lasting.settings) {
            return;
        }
        if self.taken_back_from == Some(peer) {
            self.taken_back_from = None;
        }
        if matches!(&self.claim, Claim::Yielded(holder) if holder.peer == Some(peer)) {
            self.want(now);
            self.hurry(lasting, now);
        }
        if looks::watch_is_over(self.watch_since, &lasting.settings, now) {
            self.watch_since = now;
            if self.claim == Claim::Here && self.trouble.is_none() {
                self.hurry(lasting, now);
            }
        }
    }

    /// Somebody knows better than we do.
    pub(super) fn assert(&mut self, lasting: &mut Lasting, now: Instant) {
        self.taken_back_from = None;
        if matches!(self.claim, Claim::Yielded(_)) {
            self.want(now);
        }
        self.hurry(lasting, now);
    }

    fn hurry(&mut self, lasting: &mut Lasting, now: Instant) {
        if let Step::Resting { next, .. } = self.step {
            self.start(next, lasting, now);
        }
    }

    fn start(&mut self, next: Next, lasting: &mut Lasting, now: Instant) {
        self.step = lasting.start(next, now);
        if self.step.call().is_some() {
            self.calls = self.calls.saturating_add(1);
        }
    }

    fn rest(&mut self, until: Instant, next: Next) {
        self.step = Step::Resting { until, next };
    }

    fn want(&mut self, now: Instant) {
        self.claim = Claim::Wanted;
        self.wanted_since = now;
        self.calls = 0;
        self.moving_from = None;
        self.agreed_at = None;
    }

    fn found(&mut self, found: Whereabouts, lasting: &mut Lasting, now: Instant) {
        lasting.seen = Some((found.clone(), now));
        match self.judge(&found, lasting, now) {
            Verdict::Keep => self.keep(lasting, now),
            Verdict::Take => {
                self.tell_move(found, lasting);
                self.start(Next::Move, lasting, now);
            }
            Verdict::TakeBack => self.take_back(found, lasting, now),
            Verdict::LookAgain => self.look_again(lasting, now),
            Verdict::Leave(holder) => self.leave_to(holder, lasting, now),
        }
    }

    fn keep(&mut self, lasting: &mut Lasting, now: Instant) {
        if self.claim != Claim::Here {
            self.claim = Claim::Here;
            lasting.counters.arrivals += 1;
            lasting.report(Report::Here {
                after: now.saturating_duration_since(self.wanted_since),
                calls: self.calls,
            });
        } else {
            self.forget_strife(lasting, now);
        }
        self.well();
        self.rest(
            looks::of_a_holder(self.watch_since, &lasting.settings, now),
            Next::Look,
        );
    }

    /// It has been here for so long that nobody seems to take it away any more.
    fn forget_strife(&mut self, lasting: &Lasting, now: Instant) {
        let stays = now.saturating_duration_since(self.wanted_since);
        if stays > lasting.settings.backoff_longest.saturating_mul(2) {
            self.contest.reset();
        }
        if stays > PEACE {
            self.taken_back_from = None;
        }
    }

    fn look_again(&mut self, lasting: &Lasting, now: Instant) {
        self.well();
        let agreed_at = self.agreed_at.unwrap_or(now);
        self.rest(
            looks::of_the_unseen(agreed_at, &lasting.settings, now),
            Next::Look,
        );
    }

    fn take_back(&mut self, found: Whereabouts, lasting: &mut Lasting, now: Instant) {
        let holder = match &found {
            Whereabouts::With(holder) => Some(holder.clone()),
            Whereabouts::Here | Whereabouts::Nowhere => None,
        };
        let peer = holder.as_ref().and_then(|holder| holder.peer);
        let lost = self.lost(lasting);
        self.well();
        self.want(now);
        if lost {
            lasting.report(Report::TakenBack { holder });
            self.moving_from = Some(found);
        } else {
            self.tell_move(found, lasting);
        }
        if peer.is_some() {
            self.taken_back_from = peer;
            self.start(Next::Move, lasting, now);
        } else {
            let wait = self.contest.next(&lasting.settings, &mut lasting.dice);
            self.rest(later(now, wait), Next::Move);
        }
    }

    fn leave_to(&mut self, holder: Holder, lasting: &mut Lasting, now: Instant) {
        self.lost(lasting);
        if !matches!(self.claim, Claim::Yielded(_)) {
            lasting.counters.yields += 1;
            self.want(now);
        }
        self.claim = Claim::Yielded(holder);
        self.well();
        self.rest(later(now, lasting.settings.verify_interval), Next::Look);
    }

    /// Told once, however often it has to be tried.
    fn tell_move(&mut self, from: Whereabouts, lasting: &mut Lasting) {
        if self.moving_from.as_ref() != Some(&from) {
            self.moving_from = Some(from.clone());
            lasting.report(Report::Moving { from });
        }
    }

    /// Counts a loss, if it is one.
    fn lost(&self, lasting: &mut Lasting) -> bool {
        let lost = self.claim == Claim::Here;
        lasting.counters.losses += u64::from(lost);
        lost
    }

    fn agreed(&mut self, lasting: &mut Lasting, now: Instant) {
        self.claim = Claim::Agreed;
        self.agreed_at = Some(now);
        self.well();
        self.start(Next::Look, lasting, now);
    }

    fn well(&mut self) {
        self.trouble = None;
        self.retries.reset();
    }

    /// Whatever failed, the next call asks where the address is: a call without an answer may have
    /// been carried out, and after a wait things may be different.
    fn failed(&mut self, failure: Failure, lasting: &mut Lasting, now: Instant) {
        lasting.counters.failures += 1;
        let mut wait = self.retries.next(&lasting.settings, &mut lasting.dice);
        if let FailureKind::Throttled { after } = failure.kind {
            lasting.counters.throttled += 1;
            let after = after.unwrap_or(Duration::ZERO);
            lasting.budget.hold_until(later(now, after));
            wait = wait.saturating_add(after);
        }
        let ready = lasting.budget.ready_at(&lasting.settings, now);
        let until = later(now, wait).max(ready);
        lasting.report(Report::Failed {
            failure: failure.clone(),
            retry_in: until.saturating_duration_since(now),
            attempt: self.retries.attempts(),
        });
        let since = self.trouble.as_ref().map_or(now, |trouble| trouble.since);
        let last = failure;
        self.trouble = Some(Trouble { since, last });
        self.rest(until, Next::Look);
    }
}
