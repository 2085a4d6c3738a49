//! This node's own proxy: whether it forbids to take part, and whether it forbids to preempt.

use std::time::{Duration, Instant};

use super::memory::{ConditionMemory, Epoch, PenaltyMemory, ProxyMemory};
use crate::vrrp::{
    action::Hold,
    event::{Proxy, ProxyFault, Servers},
    settings::ProxyPolicy,
};

/// The proxy as it was heard of last, and how often it has crashed lately.
#[derive(Debug)]
pub(super) struct OwnProxy {
    condition: Condition,
    /// The stable time of the last crash, and since when the proxy has been serving again.
    penalty: Option<Penalty>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// There is none, or nothing has been heard of it.
    Absent,
    /// It starts, and never served before.
    Starting,
    /// It serves.
    Serving(Servers),
    /// It does not serve, or not again yet.
    Down(ProxyFault),
}

#[derive(Debug, Clone, Copy)]
struct Penalty {
    /// How long it must run.
    stable_time: Duration,
    /// Since when it runs; `None` while it does not.
    running_since: Option<Instant>,
    /// It has run that long, or was stopped and started on purpose.
    served: bool,
}

/// Whether the proxy lets this node take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitness {
    /// It does, or does not count.
    Fit,
    /// That is not known yet.
    Unknown,
    /// It does not serve.
    Down(ProxyFault),
    /// It has no usable server, and that counts.
    NoUsableServer,
}

impl OwnProxy {
    pub(super) const fn new() -> Self {
        Self {
            condition: Condition::Absent,
            penalty: None,
        }
    }

    pub(super) fn memory(&self, epoch: Epoch) -> ProxyMemory {
        ProxyMemory {
            condition: match self.condition {
                Condition::Absent => ConditionMemory::Absent,
                Condition::Starting => ConditionMemory::Starting,
                Condition::Serving(servers) => ConditionMemory::Serving(servers),
                Condition::Down(fault) => ConditionMemory::Down(fault),
            },
            penalty: self.penalty.map(|penalty| PenaltyMemory {
                stable_time: penalty.stable_time,
                running_since: penalty.running_since.map(|at| epoch.tell(at)),
                served: penalty.served,
            }),
        }
    }

    pub(super) fn resumed(memory: ProxyMemory, epoch: Epoch) -> Self {
        Self {
            condition: match memory.condition {
                ConditionMemory::Absent => Condition::Absent,
                ConditionMemory::Starting => Condition::Starting,
                ConditionMemory::Serving(servers) => Condition::Serving(servers),
                ConditionMemory::Down(fault) => Condition::Down(fault),
            },
            penalty: memory.penalty.map(|penalty| Penalty {
                stable_time: penalty.stable_time,
                running_since: penalty.running_since.map(|at| epoch.read(at)),
                served: penalty.served,
            }),
        }
    }

    /// It has changed.
    pub(super) fn told(&mut self, proxy: Proxy, policy: &ProxyPolicy, now: Instant) {
        self.condition = match proxy {
            Proxy::Absent => Condition::Absent,
            Proxy::Starting => self.starting(),
            Proxy::Serving(servers) => {
                self.runs(now);
                Condition::Serving(servers)
            }
            Proxy::Down(fault) => {
                self.ended(fault, policy, now);
                Condition::Down(fault)
            }
        };
    }

    /// What that means for taking part.
    pub(super) const fn fitness(&self, policy: &ProxyPolicy) -> Fitness {
        match self.condition {
            Condition::Absent => Fitness::Fit,
            Condition::Starting => Fitness::Unknown,
            Condition::Serving(Servers::AllDown) if policy.resign_without_servers => {
                Fitness::NoUsableServer
            }
            Condition::Serving(_) => Fitness::Fit,
            Condition::Down(fault) => Fitness::Down(fault),
        }
    }

    /// Why a living master of lower priority is left alone.
    pub(super) fn hold(&self, now: Instant) -> Option<Hold> {
        if let Some(penalty) = self.penalty.filter(|penalty| penalty.lasts(now)) {
            return Some(Hold::Unstable(penalty.stable_time));
        }
        let unusable = matches!(
            self.condition,
            Condition::Serving(Servers::Pending | Servers::AllDown)
        );
        unusable.then_some(Hold::NoUsableServer)
    }

    /// When a hold ends by itself.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.penalty
            .filter(|penalty| !penalty.served)
            .and_then(|penalty| penalty.ends())
    }

    /// A deadline has come.
    pub(super) fn tick(&mut self, now: Instant) {
        if let Some(penalty) = &mut self.penalty {
            penalty.served |= !penalty.lasts(now);
        }
    }

    /// A proxy that starts again has not come back yet.
    const fn starting(&self) -> Condition {
        match self.condition {
            Condition::Down(fault) => Condition::Down(fault),
            Condition::Serving(_) => Condition::Down(ProxyFault::Stopped),
            Condition::Absent | Condition::Starting => Condition::Starting,
        }
    }

    fn runs(&mut self, now: Instant) {
        if let Some(penalty) = &mut self.penalty {
            penalty.running_since.get_or_insert(now);
        }
    }

    /// Only the end of a proxy that ran counts: one that cannot start again is still in the same
    /// trouble.
    fn ended(&mut self, fault: ProxyFault, policy: &ProxyPolicy, now: Instant) {
        if matches!(self.condition, Condition::Down(_)) {
            return;
        }
        if fault == ProxyFault::Stopped {
            if let Some(penalty) = &mut self.penalty {
                penalty.served = true;
            }
            return;
        }
        self.penalty = Some(Penalty {
            stable_time: self.next_stable_time(policy, now),
            running_since: None,
            served: false,
        });
    }

    fn next_stable_time(&self, policy: &ProxyPolicy, now: Instant) -> Duration {
        let again = self.penalty.filter(|penalty| penalty.recent(now));
        again.map_or(policy.stable_time, |penalty| {
            (penalty.stable_time * 2).min(policy.longest_stable_time)
        })
    }
}

impl Penalty {
    fn ends(&self) -> Option<Instant> {
        self.running_since.map(|since| since + self.stable_time)
    }

    fn lasts(&self, now: Instant) -> bool {
        !self.served && self.ends().is_none_or(|end| now < end)
    }

    /// A crash now is one of the same series.
    fn recent(&self, now: Instant) -> bool {
        let series = |since| now < since + self.stable_time * 2;
        self.running_since.is_none_or(series)
    }
}
