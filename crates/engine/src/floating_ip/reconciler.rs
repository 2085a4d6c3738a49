//! Brings one floating IP to where the master is, and sees that it stays there.
//!
//! ```text
//!          master            found elsewhere             agreed
//!   Idle ──────────► Looking ───────────────► Moving ─────────────► Looking ──► …
//!    ▲                │ ▲  ▲                    │
//!    │    found here, │ │  └────── later ───────┤ failed
//!    │    or left     ▼ │ later                 │
//!    └── not master ── Resting ◄────────────────┘
//! ```
//!
//! One call at a time, none without mastership, each out of the [budget](Settings::burst). What is
//! looked for is the master's claim: the address is *wanted* here, the provider has *agreed*, it
//! has been seen *here*, or it is *yielded* to a peer that says it is master, too, and whose word
//! counts more.

mod alarms;
mod backoff;
mod budget;
mod looks;
mod peers;
mod reign;
mod step;
#[cfg(test)]
mod tests;
mod verdict;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use self::{
    alarms::Alarms,
    budget::Budget,
    peers::Peers,
    reign::{Claim, Reign},
    step::{Answer, Next, Step},
};
use super::{
    CallId,
    action::{Action, Report},
    event::{Event, Whereabouts},
    settings::Settings,
    view::{Counters, Phase, View},
};
use crate::splitmix::SplitMix;

/// One node's part in the life of one address.
///
/// The order of calls: `new`, then every event, and `Timeout` whenever `poll_timeout` has come.
/// After each call, `poll_action` until it returns `None`. Each call that was ordered is answered
/// within [`Settings::call_timeout`], unless it was abandoned; one that is not counts as
/// unanswered a second later.
#[derive(Debug)]
pub struct Reconciler {
    state: State,
    lasting: Lasting,
}

/// Whether the address is this node's business.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per address, and it is never moved"
)]
enum State {
    /// Not master: no call starts.
    Idle,
    /// Master.
    Master(Reign),
}

/// What outlives a mastership.
#[derive(Debug)]
struct Lasting {
    settings: Settings,
    budget: Budget,
    dice: SplitMix,
    peers: Peers,
    alarms: Alarms,
    /// The last call.
    call: CallId,
    seen: Option<(Whereabouts, Instant)>,
    counters: Counters,
    orders: VecDeque<Action>,
}

impl Reconciler {
    /// A node that is not master. The seed determines how long it waits after failures: nodes
    /// with the same one would all come back at once.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            state: State::Idle,
            lasting: Lasting {
                settings,
                budget: Budget::new(),
                dice: SplitMix::new(seed),
                peers: Peers::new(),
                alarms: Alarms::new(),
                call: CallId(0),
                seen: None,
                counters: Counters::default(),
                orders: VecDeque::new(),
            },
        }
    }

    /// Something has happened.
    pub fn handle(&mut self, event: Event, now: Instant) {
        let lasting = &mut self.lasting;
        if let Event::Peer { address, priority } = event {
            lasting.peers.hear(address, priority);
        }
        match (&mut self.state, event) {
            (State::Idle, Event::Master { priority }) => {
                self.state = State::Master(Reign::begin(priority, lasting, now));
            }
            (State::Master(reign), Event::NotMaster) => {
                reign.end(lasting);
                self.state = State::Idle;
            }
            (State::Master(reign), Event::Master { priority } | Event::Priority(priority)) => {
                reign.priority = priority
            }
            (State::Master(reign), Event::Peer { address, priority }) => {
                reign.hear(address, priority, lasting, now);
            }
            (State::Master(reign), Event::Described { call, result }) => {
                reign.answered(call, Answer::Described(result), lasting, now);
            }
            (State::Master(reign), Event::Associated { call, result }) => {
                reign.answered(call, Answer::Associated(result), lasting, now);
            }
            (State::Master(reign), Event::Asserted) => reign.assert(lasting, now),
            (State::Master(reign), Event::Timeout) => reign.tick(lasting, now),
            // Whoever is not master is told what does not concern it: answers that come late,
            // its priority, and that it is still not master.
            (
                State::Idle,
                Event::NotMaster
                | Event::Priority(_)
                | Event::Peer { .. }
                | Event::Described { .. }
                | Event::Associated { .. }
                | Event::Asserted
                | Event::Timeout,
            ) => {}
        }
        self.review_alarms(now);
    }

    /// When it wants to hear a `Timeout`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let State::Master(reign) = &self.state else {
            return None;
        };
        let alarm = self.lasting.alarms.due(reign, &self.lasting.settings);
        alarm.into_iter().chain([reign.step.deadline()]).min()
    }

    /// The next order.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.lasting.orders.pop_front()
    }

    /// How things stand.
    #[must_use]
    pub fn view(&self) -> View {
        View {
            phase: self.phase(),
            seen: self.lasting.seen.clone(),
            alarm: self.lasting.alarms.current().cloned(),
            next_call: match &self.state {
                State::Idle => None,
                State::Master(reign) => reign.step.resting_until(),
            },
            counters: self.lasting.counters,
        }
    }

    /// The file says otherwise now. A mastership goes on, and what is due sooner now comes sooner.
    pub fn reload(&mut self, settings: Settings, now: Instant) {
        self.lasting.settings = settings;
        if let State::Master(reign) = &mut self.state {
            let latest = later(now, self.lasting.settings.verify_interval);
            reign.step.no_later_than(latest);
        }
        self.review_alarms(now);
    }

    const fn phase(&self) -> Phase {
        let State::Master(reign) = &self.state else {
            return Phase::Idle;
        };
        match (&reign.claim, &reign.step) {
            (Claim::Yielded(_), _) => Phase::Yielded,
            (Claim::Here, Step::Resting { .. }) if reign.trouble.is_some() => Phase::Waiting,
            (Claim::Here, _) => Phase::Here,
            (Claim::Wanted, Step::Resting { .. }) => Phase::Waiting,
            (Claim::Agreed, Step::Resting { .. }) | (_, Step::Moving(_)) => Phase::Moving,
            (_, Step::Looking(_)) => Phase::Looking,
        }
    }

    fn review_alarms(&mut self, now: Instant) {
        let reign = match &self.state {
            State::Idle => None,
            State::Master(reign) => Some(reign),
        };
        let lasting = &mut self.lasting;
        for report in lasting.alarms.review(reign, &lasting.settings, now) {
            lasting.orders.push_back(Action::Report(report));
        }
    }
}

impl Lasting {
    /// Starts a call, or waits until one may start.
    fn start(&mut self, next: Next, now: Instant) -> Step {
        let ready = self.budget.ready_at(&self.settings, now);
        if ready > now {
            return Step::Resting { until: ready, next };
        }
        self.budget.take(&self.settings, now);
        self.call.0 += 1;
        let asked = step::Asked {
            call: self.call,
            overdue_at: later(now, self.settings.call_timeout.saturating_add(PATIENCE)),
        };
        match next {
            Next::Look => {
                self.counters.describes += 1;
                self.orders.push_back(Action::Describe(self.call));
                Step::Looking(asked)
            }
            Next::Move => {
                self.counters.associates += 1;
                self.orders.push_back(Action::Associate(self.call));
                Step::Moving(asked)
            }
        }
    }

    fn report(&mut self, report: Report) {
        self.orders.push_back(Action::Report(report));
    }
}

/// So much longer than its time a call is waited for: the shell knows better why it failed.
const PATIENCE: Duration = Duration::from_secs(1);

/// No wait is longer, so that no clock overflows.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn later(now: Instant, wait: Duration) -> Instant {
    now + wait.min(A_DAY)
}
