//! What an instance is doing, and until when.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::vrrp::{Priority, Role, action::Reason, settings::Announcements};

/// A state, its data and its deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits until all that could forbid it to take part is known.
    Init,
    /// Listens.
    Backup(Listening),
    /// Has said that it will be master, and listens once more for somebody better. To the world
    /// it is still a backup.
    Claiming {
        /// When it is master.
        until: Instant,
        /// Of lower priority, and perhaps a master.
        over: Option<IpAddr>,
    },
    /// Holds the addresses.
    Master(Reign),
    /// Has resigned by its operator's wish, and holds the addresses until another master is heard.
    /// To the world it is still the master, though a silent one.
    Ceding {
        /// When it says again that it resigns.
        resign_at: Instant,
        /// When it stays master after all.
        until: Instant,
    },
    /// Has heard somebody better, and holds the addresses a little longer, so that the neighbours
    /// find one of the two at any time. To the world it is still the master.
    Yielding {
        /// When it lets go.
        until: Instant,
        /// To whom.
        to: Lead,
        /// Why.
        reason: Reason,
    },
    /// Something tracked is down.
    Fault,
    /// The node stops; nothing brings it back.
    Stopped,
}

/// The data of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listening {
    /// When it stops waiting for a master.
    pub(super) master_down_at: Instant,
    /// What it knows of the master.
    pub(super) lead: Lead,
    /// `preempt_delay`.
    pub(super) delay: Delay,
}

/// What is known of the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nobody has been heard since this node began to take part: its first election.
    Unheard {
        /// Whether it has never taken part before.
        starting: bool,
    },
    /// It resigned.
    Resigned,
    /// There must be one: our group gave way to it on another network.
    Unknown,
    /// This one was heard.
    Heard(Leader),
}

/// A master as it was heard last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leader {
    pub(super) address: IpAddr,
    pub(super) priority: Priority,
    pub(super) interval: Duration,
    pub(super) heard_at: Instant,
}

/// How far `preempt_delay` has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delay {
    /// No master of lower priority has been heard yet.
    Unasked,
    /// It ends then.
    Until(Instant),
    /// It has ended.
    Over,
}

/// The deadlines of a master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reign {
    /// The next advertisement.
    pub(super) advert_at: Instant,
    /// Announcements once more, after `garp_master_delay` or `garp_lower_prio_delay`.
    pub(super) again: Option<Due>,
    /// Announcements once more when a rival has let go for certain.
    pub(super) settle: Option<Due>,
    /// Announcements every `garp_master_refresh`.
    pub(super) refresh: Option<Due>,
    /// When somebody who should not be master was heard last.
    pub(super) rival_at: Option<Instant>,
}

/// Announcements to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Instant,
    pub(super) repeat: u32,
}

impl State {
    /// As the world sees it.
    pub(super) const fn role(&self) -> Role {
        match self {
            Self::Init | Self::Stopped => Role::Init,
            Self::Backup(_) | Self::Claiming { .. } => Role::Backup,
            Self::Master(_) | Self::Ceding { .. } | Self::Yielding { .. } => Role::Master,
            Self::Fault => Role::Fault,
        }
    }

    /// When it wants to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Init | Self::Fault | Self::Stopped => None,
            Self::Backup(listening) => Some(listening.deadline()),
            Self::Claiming { until, .. } | Self::Yielding { until, .. } => Some(*until),
            Self::Ceding { resign_at, until } => Some(*resign_at.min(until)),
            Self::Master(reign) => Some(reign.deadline()),
        }
    }
}

impl Lead {
    /// After this one has resigned: whoever else was heard goes on.
    pub(super) fn without(self, address: IpAddr) -> Self {
        match self {
            Self::Heard(leader) if leader.address != address => self,
            Self::Heard(_) | Self::Unheard { .. } | Self::Resigned | Self::Unknown => {
                Self::Resigned
            }
        }
    }
}

impl Listening {
    fn deadline(&self) -> Instant {
        match self.delay {
            Delay::Until(at) => at.min(self.master_down_at),
            Delay::Unasked | Delay::Over => self.master_down_at,
        }
    }
}

impl Reign {
    /// The deadlines of somebody who becomes master now.
    pub(super) fn begin(now: Instant, interval: Duration, how: &Announcements) -> Self {
        let refresh = |every| Due {
            at: now + every,
            repeat: how.refresh_repeat,
        };
        Self {
            advert_at: now + interval,
            again: Due::after(now, how.again_after, how.repeat),
            settle: None,
            refresh: how.refresh.map(refresh),
            rival_at: None,
        }
    }

    /// Other settings: nothing is later than they say.
    pub(super) fn adapt(&mut self, now: Instant, interval: Duration, how: &Announcements) {
        self.advert_at = self.advert_at.min(now + interval);
        self.refresh = how.refresh.map(|every| Due {
            at: self
                .refresh
                .map_or(now + every, |due| due.at.min(now + every)),
            repeat: how.refresh_repeat,
        });
    }

    fn deadline(&self) -> Instant {
        [self.again, self.settle, self.refresh]
            .iter()
            .flatten()
            .fold(self.advert_at, |soonest, due| soonest.min(due.at))
    }

    /// A rival was heard. Whether that is news: none was for three intervals.
    pub(super) fn rival(&mut self, now: Instant, interval: Duration) -> bool {
        let before = self.rival_at.replace(now);
        before.is_none_or(|at| now > at + interval * 3)
    }

    /// Whether an advertisement is due, which moves on the deadline; one that is late by more
    /// than an interval is not made up for.
    pub(super) fn advert_due(&mut self, now: Instant, interval: Duration) -> bool {
        if now < self.advert_at {
            return false;
        }
        let next = self.advert_at + interval;
        self.advert_at = if next > now { next } else { now + interval };
        true
    }

    /// How often the addresses are to be announced now, which moves on the deadlines.
    pub(super) fn announcements_due(&mut self, now: Instant, how: &Announcements) -> Option<u32> {
        let due = |due: &Option<Due>| due.filter(|due| due.at <= now).map(|due| due.repeat);
        let repeat = [due(&self.again), due(&self.settle), due(&self.refresh)]
            .into_iter()
            .flatten()
            .max();
        self.again = self.again.filter(|due| due.at > now);
        self.settle = self.settle.filter(|due| due.at > now);
        if let (Some(due), Some(every)) = (&mut self.refresh, how.refresh)
            && due.at <= now
        {
            due.at = now + every;
        }
        repeat
    }
}

impl Due {
    /// Announcements after a while; none if that while is zero.
    pub(super) fn after(now: Instant, wait: Duration, repeat: u32) -> Option<Self> {
        let due = Self {
            at: now + wait,
            repeat,
        };
        (!wait.is_zero() && repeat > 0).then_some(due)
    }
}
