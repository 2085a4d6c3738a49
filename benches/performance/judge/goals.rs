//! The table of what is to be reached.

use super::Bound;
use crate::{contender::Contender, scenario::Congestion};

/// A row of it.
#[derive(Debug)]
pub(super) struct Goal {
    /// For people.
    pub(super) title: &'static str,
    /// Where.
    pub(super) scenarios: &'static [&'static str],
    /// Under which congestion controls.
    pub(super) congestions: &'static [Congestion],
    /// What.
    pub(super) bounds: &'static [Bound],
    /// Whether missing it is a failure.
    pub(super) binding: bool,
}

const BOTH: &[Congestion] = &[Congestion::Cubic, Congestion::Bbr];
const CUBIC: &[Congestion] = &[Congestion::Cubic];
const HAPROXY: Contender = Contender::Haproxy;

/// A row that counts.
const fn ours(
    title: &'static str,
    scenarios: &'static [&'static str],
    congestions: &'static [Congestion],
    bounds: &'static [Bound],
) -> Goal {
    Goal {
        title,
        scenarios,
        congestions,
        bounds,
        binding: true,
    }
}

/// A row that is shown and not held against anybody.
const fn shown(goal: Goal) -> Goal {
    Goal {
        binding: false,
        ..goal
    }
}

/// The rows.
pub(super) const GOALS: [Goal; 12] = [
    ours(
        "connections",
        &["connect", "connect-server"],
        BOTH,
        &[Bound::Cpu(HAPROXY, 0.88), Bound::Rate(HAPROXY, 1.10)],
    ),
    ours(
        "small messages",
        &["message-64", "message-1k"],
        BOTH,
        &[Bound::Cpu(HAPROXY, 0.94), Bound::Median],
    ),
    ours(
        "16 KiB messages",
        &["message-16k"],
        BOTH,
        &[Bound::Cpu(HAPROXY, 0.95)],
    ),
    ours(
        "bulk, against the default",
        &["up", "down"],
        BOTH,
        &[
            Bound::Cpu(HAPROXY, 0.30),
            Bound::Rate(Contender::Direct, 0.88),
        ],
    ),
    shown(ours(
        "bulk, against the default",
        &["up", "down"],
        &[Congestion::Reno],
        &[
            Bound::Cpu(HAPROXY, 0.30),
            Bound::Rate(Contender::Direct, 0.88),
        ],
    )),
    ours(
        "bulk, against the best splice setting",
        &["up", "down"],
        &[Congestion::Bbr],
        &[Bound::Cpu(Contender::HaproxySplice, 1.0)],
    ),
    shown(ours(
        "bulk, against the best splice setting",
        &["up", "down"],
        &[Congestion::Cubic, Congestion::Reno],
        &[Bound::Cpu(Contender::HaproxySplice, 1.0)],
    )),
    ours(
        "one session",
        &["sparse-64", "one-64"],
        BOTH,
        &[Bound::Cpu(HAPROXY, 0.80), Bound::Median],
    ),
    ours(
        "idle sessions",
        &["idle"],
        CUBIC,
        &[Bound::MemoryRatio(0.15), Bound::Memory(512.0)],
    ),
    ours(
        "two data threads",
        &["two-connect"],
        BOTH,
        &[Bound::Cpu(HAPROXY, 0.88)],
    ),
    ours(
        "two data threads",
        &["two-message-64"],
        BOTH,
        &[Bound::Cpu(HAPROXY, 0.94)],
    ),
    ours(
        "two data threads",
        &["two-down"],
        BOTH,
        &[Bound::Cpu(HAPROXY, 0.30)],
    ),
];
