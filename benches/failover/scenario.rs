//! What happens to a pair, and how long that is watched.

use std::{
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    pair::Pair,
    probe::{Outage, Probe},
    problem::Result,
    wait,
};

use crate::contender::Contender;

/// How long an event is watched at most.
const LONGEST: Duration = Duration::from_secs(15);
/// How long it is watched once all have found their places: black holes come late.
const QUIET: Duration = Duration::from_secs(2);
/// Between two nodes that agree about it, an address has two holders for less than this.
const HANDED_OVER_WITHIN: Duration = Duration::from_millis(500);
/// What belongs to the time before the event, and must have been served.
const BEFORE: Duration = Duration::from_millis(250);

/// An event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// The master's proxy is killed.
    ProxyKilled,
    /// The master's proxy is stopped (SIGSTOP): its kernel still takes connections.
    ProxyHung,
    /// The master's election, or its whole node, is told to stop.
    DaemonStopped,
    /// The master's election is killed.
    DaemonKilled,
    /// The first process is killed: the supervisor, or Keepalived's parent.
    FirstKilled,
    /// The master's cable is pulled.
    CarrierLost,
    /// The master's frames are lost silently.
    Partition,
    /// They arrive again.
    Heal,
    /// The master's power is cut.
    NodeKilled,
    /// Both nodes start at the same moment.
    Start,
    /// The preferred node comes back.
    Failback,
    /// The master's operator hands over on purpose, both nodes being well.
    Switchover,
}

/// What was seen of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// By the client; `None` if there was none.
    pub(crate) outage: Option<Outage>,
    /// On how many nodes the address was in the end.
    pub(crate) holders: usize,
    /// How many nodes had been master since the event.
    pub(crate) masters: usize,
}

impl Scenario {
    /// All.
    pub(crate) const ALL: [Self; 12] = [
        Self::ProxyKilled,
        Self::ProxyHung,
        Self::DaemonStopped,
        Self::DaemonKilled,
        Self::FirstKilled,
        Self::CarrierLost,
        Self::Partition,
        Self::Heal,
        Self::NodeKilled,
        Self::Start,
        Self::Failback,
        Self::Switchover,
    ];

    /// For the command line and the files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ProxyKilled => "proxy-killed",
            Self::ProxyHung => "proxy-hung",
            Self::DaemonStopped => "daemon-stopped",
            Self::DaemonKilled => "daemon-killed",
            Self::FirstKilled => "first-killed",
            Self::CarrierLost => "carrier-lost",
            Self::Partition => "partition",
            Self::Heal => "heal",
            Self::NodeKilled => "node-killed",
            Self::Start => "start",
            Self::Failback => "failback",
            Self::Switchover => "switchover",
        }
    }

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::ProxyKilled => "proxy killed",
            Self::ProxyHung => "proxy hung (SIGSTOP)",
            Self::DaemonStopped => "daemon stopped (SIGTERM)",
            Self::DaemonKilled => "daemon killed (SIGKILL)",
            Self::FirstKilled => "its parent killed (SIGKILL)",
            Self::CarrierLost => "carrier lost",
            Self::Partition => "silent partition",
            Self::Heal => "partition heals",
            Self::NodeKilled => "whole node killed",
            Self::Start => "simultaneous start",
            Self::Failback => "failback",
            Self::Switchover => "switchover on purpose",
        }
    }

    /// Plays it once on a new pair, that long after an advert of the master it strikes.
    pub(crate) fn play(
        self,
        pair: &mut Pair,
        contender: Contender,
        phase: Duration,
    ) -> Result<Seen> {
        if self == Self::Start {
            return start(pair, contender);
        }
        let probe = pair.start()?;
        match self {
            Self::Heal => {
                pair.network.silence(pair.namespace(0))?;
                second_serves(pair, &probe)?;
            }
            Self::Failback => {
                pair.nodes[0].stop()?;
                second_serves(pair, &probe)?;
            }
            _ => {}
        }
        if self.breaks_the_first() {
            pair.await_advert()?;
            thread::sleep(phase);
        }
        watch(pair, probe, self)
    }

    /// Whether a node that nobody can reach may keep the address.
    pub(crate) const fn leaves_two_holders(self) -> bool {
        matches!(self, Self::CarrierLost | Self::Partition)
    }

    const fn breaks_the_first(self) -> bool {
        !matches!(self, Self::Heal | Self::Failback | Self::Start)
    }

    fn strike(self, pair: &mut Pair) -> Result<()> {
        let [first, _] = &mut pair.nodes;
        match self {
            Self::ProxyKilled => first.kill_proxy(),
            Self::ProxyHung => first.hang_proxy(),
            Self::DaemonStopped => first.stop_daemon(),
            Self::DaemonKilled => first.kill_election(),
            Self::FirstKilled => first.kill_first(),
            Self::CarrierLost => pair.network.unplug(first.host.namespace()),
            Self::Partition => pair.network.silence(first.host.namespace()),
            Self::Heal => pair.network.heal(),
            Self::NodeKilled => {
                pair.network.silence(first.host.namespace())?;
                first.host.power_off();
                Ok(())
            }
            Self::Start | Self::Failback => first.start(),
            Self::Switchover => first.switch_over(),
        }
    }

    /// Whether everybody has found the place that this event leads to.
    fn settled(self, pair: &Pair) -> bool {
        match self {
            Self::Heal | Self::Failback => pair.holds(0) && !pair.holds(1),
            Self::Switchover => pair.holds(1) && !pair.holds(0),
            // Whoever is cut off may keep it or not: nobody sees that.
            _ => pair.holds(1),
        }
    }
}

fn second_serves(pair: &Pair, probe: &Probe) -> Result<()> {
    pair.await_master(1)?;
    pair.await_service(probe)
}

fn watch(pair: &mut Pair, probe: Probe, scenario: Scenario) -> Result<Seen> {
    let noted = [0, 1].map(|which| pair.notes(which).len());
    let began = Instant::now();
    scenario.strike(pair)?;
    await_quiet(pair, &probe, scenario, began);
    let attempts = probe.finish()?;
    let from = began.checked_sub(BEFORE).unwrap_or(began);
    let relevant: Vec<_> = attempts
        .into_iter()
        .filter(|one| one.began >= from)
        .collect();
    let masters = [0, 1].into_iter().filter(|which| {
        let notes = pair.notes(*which);
        notes
            .get(noted[*which]..)
            .is_some_and(|new| new.contains("MASTER"))
    });
    Ok(Seen {
        outage: Some(Outage::longest(&relevant)),
        masters: masters.count(),
        holders: lasting_holders(pair),
    })
}

/// How many hold the address when none is about to hand it over.
fn lasting_holders(pair: &Pair) -> usize {
    let handed_over = wait::until("one holder", HANDED_OVER_WITHIN, || {
        (pair.holders() <= 1).then(|| pair.holders())
    });
    handed_over.unwrap_or_else(|_| pair.holders())
}

/// Returns once the pair has settled and the client has been served for a while, or after the
/// longest time.
fn await_quiet(pair: &Pair, probe: &Probe, scenario: Scenario, began: Instant) {
    let mut settled_at = None;
    let watched = LONGEST.saturating_sub(began.elapsed());
    // Not settled in time is a result, not an error.
    let _late = wait::until("the pair to settle", watched, || {
        let now = Instant::now();
        if scenario.settled(pair) {
            settled_at.get_or_insert(now);
        }
        let quiet = now.checked_sub(QUIET)?;
        (settled_at? <= quiet && probe.serves_since(quiet)).then_some(())
    });
}

fn start(pair: &mut Pair, contender: Contender) -> Result<Seen> {
    pair.start_at_once(!contender.alone())?;
    // Not settled in time is a result, not an error.
    let _late = wait::until("one master", LONGEST, || {
        let place = |which| {
            if pair.holds(which) {
                "MASTER"
            } else {
                "BACKUP"
            }
        };
        let placed = |which| pair.last_note(which) == place(which);
        (pair.holders() == 1 && placed(0) && placed(1)).then_some(())
    });
    // A second master would come within a skew time; a second of it is more than enough.
    thread::sleep(Duration::from_secs(1));
    let masters = [0, 1]
        .into_iter()
        .filter(|which| pair.notes(*which).contains("MASTER"));
    Ok(Seen {
        outage: None,
        masters: masters.count(),
        holders: pair.holders(),
    })
}
