//! What a run has shown, and whether it is good.

mod draw;
mod write;

use std::time::Duration;

use super::{
    Plan,
    ledger::{Act, Tally, Window},
    trend::{Tolerance, Trend},
    watch::Sample,
};

const MIB: f64 = 1_048_576.0;

/// How much the program's memory may grow, in bytes: less than a byte for each connection of half
/// an hour.
const MEMORY: Tolerance = Tolerance {
    relative: 0.05,
    absolute: MIB,
};
/// Descriptors, where windows end amid different acts.
const DESCRIPTORS: Tolerance = Tolerance {
    relative: 0.05,
    absolute: 24.0,
};
/// Latencies, in microseconds.
const P50: Tolerance = Tolerance {
    relative: 0.25,
    absolute: 100.0,
};
const P99: Tolerance = Tolerance {
    relative: 0.5,
    absolute: 2000.0,
};

/// Memory that may remain after the load, in bytes: what an allocator keeps for the next sessions.
const KEPT_MEMORY: u64 = 8 << 20;
/// Descriptors that may remain: the page's own connection, and pipes that wait for the next bulk.
pub(super) const KEPT_DESCRIPTORS: usize = 32;
/// Of the connections to servers that flap, how many may be lost with their server.
const LOST_WITH_SERVER: f64 = 0.02;

/// Before the load and after it, with no session left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) before: Sample,
    pub(super) after: Sample,
    /// Sessions that did not end.
    pub(super) sessions: u64,
    /// Connections on which a server got wrong bytes.
    pub(super) wrong: u64,
}

/// Something that was looked at, and whether it is as it should be.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What was seen.
    pub seen: String,
    /// It is as it should be.
    pub good: bool,
    /// It is a latency, which others on the machine have a part in.
    pub is_latency: bool,
}

/// A run.
#[derive(Debug, Clone)]
pub struct Report {
    plan: Plan,
    windows: Vec<Window>,
    rest: Rest,
    findings: Vec<Finding>,
    complaints: Vec<String>,
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        windows: Vec<Window>,
        rest: Rest,
        complaints: Vec<String>,
    ) -> Self {
        let mut findings = vec![
            trend(&windows, "memory (KiB)", 1024.0, MEMORY, |window| {
                Some(float(window.sample.memory))
            }),
            trend(&windows, "descriptors", 1.0, DESCRIPTORS, |window| {
                Some(float(window.sample.descriptors as u64))
            }),
        ];
        for act in Act::ALL.into_iter().filter(|act| act.is_timed()) {
            findings.extend(latency(&windows, act));
        }
        findings.extend(Act::ALL.map(|act| faults(&windows, act)));
        findings.extend(Act::ALL.map(|act| goes_on(&windows, act)));
        findings.extend(rest.findings());
        Self {
            plan: plan.clone(),
            windows,
            rest,
            findings,
            complaints,
        }
    }

    /// Everything is as it should be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.good)
    }

    /// All that was looked at.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The first things that went wrong, in words.
    #[must_use]
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }
}

/// Judges a figure that shall stay; it is shown in parts of `unit`.
fn trend(
    windows: &[Window],
    what: &str,
    unit: f64,
    tolerance: Tolerance,
    value: impl Fn(&Window) -> Option<f64>,
) -> Finding {
    let values: Vec<_> = windows.iter().filter_map(value).collect();
    let trend = Trend::of(&values, tolerance);
    let seen = trend.map_or("too little to say".into(), |trend| {
        let [first, last, rise, allowed] =
            [trend.first, trend.last, trend.rise, trend.allowed].map(|value| value / unit);
        format!(
            "{first:.0} in the first third, {last:.0} in the last; the line rises by {rise:.1}, \
             {allowed:.1} is tolerated"
        )
    });
    Finding {
        what: format!("{what} stays flat"),
        seen,
        good: trend.is_some_and(|trend| trend.is_flat()),
        is_latency: false,
    }
}

fn latency(windows: &[Window], act: Act) -> [Finding; 2] {
    let figure = |name: &str, tolerance, of: fn(&Tally) -> Duration| {
        let what = format!("{name} of {} (us)", act.name());
        let found = trend(windows, &what, 1.0, tolerance, |window| {
            let tally = window.tallies.get(&act).filter(|tally| tally.units > 0)?;
            Some(of(tally).as_secs_f64() * 1e6)
        });
        Finding {
            is_latency: true,
            ..found
        }
    };
    [
        figure("p50", P50, |tally| tally.p50),
        figure("p99", P99, |tally| tally.p99),
    ]
}

/// Judges what has gone wrong.
fn faults(windows: &[Window], act: Act) -> Finding {
    let sum = |of: fn(&Tally) -> u64| -> u64 {
        let tallies = windows.iter().filter_map(|window| window.tallies.get(&act));
        tallies.map(of).sum()
    };
    let (units, errors) = (sum(|tally| tally.units), sum(|tally| tally.errors));
    let allowed = if act.may_lose() {
        float(units) * LOST_WITH_SERVER
    } else {
        0.0
    };
    Finding {
        what: format!("no faults: {}", act.name()),
        seen: format!("{errors} errors, {units} units; {allowed:.0} are tolerated"),
        good: float(errors) <= allowed,
        is_latency: false,
    }
}

/// Judges whether something was done from the begin to the end.
fn goes_on(windows: &[Window], act: Act) -> Finding {
    let units = |part: &[Window]| -> u64 {
        let tallies = part.iter().filter_map(|window| window.tallies.get(&act));
        tallies.map(|tally| tally.units).sum()
    };
    let third = windows.len().div_ceil(3).max(1);
    let thirds: Vec<_> = windows.chunks(third).map(units).collect();
    Finding {
        what: format!("goes on to the end: {}", act.name()),
        seen: format!("units in each third: {thirds:?}"),
        good: !thirds.is_empty() && thirds.iter().all(|units| *units > 0),
        is_latency: false,
    }
}

impl Rest {
    fn findings(&self) -> [Finding; 5] {
        let (before, after) = (self.before, self.after);
        let lines = after.log_lines - before.log_lines;
        let finding = |what: &str, seen: String, good| Finding {
            what: what.into(),
            seen,
            good,
            is_latency: false,
        };
        [
            finding(
                "every session ends",
                format!("{} left", self.sessions),
                self.sessions == 0,
            ),
            finding(
                "descriptors come back",
                format!("{} before, {} after", before.descriptors, after.descriptors),
                after.descriptors <= before.descriptors + KEPT_DESCRIPTORS,
            ),
            finding(
                "memory comes back (KiB)",
                format!(
                    "{} before, {} after",
                    before.memory >> 10,
                    after.memory >> 10
                ),
                after.memory <= before.memory + KEPT_MEMORY,
            ),
            finding(
                "servers get no wrong bytes",
                format!("on {} connections", self.wrong),
                self.wrong == 0,
            ),
            finding("the log is written", format!("{lines} lines"), lines > 0),
        ]
    }
}

#[expect(clippy::cast_precision_loss, reason = "no figure here has 53 bits")]
const fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
