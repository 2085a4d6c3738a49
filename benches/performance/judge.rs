//! The figures that are to be reached, and whether they are.

mod goals;

use std::fmt::Write as _;

use pontoon_lab::spread::Spread;

use self::goals::{GOALS, Goal};
use crate::{
    contender::Contender,
    results::{Measured, Results},
    sample::Sample,
    scenario::{Congestion, Scenario},
    statistics::ratios,
};

/// A figure and its bound.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// CPU of the proxy for a unit, as a ratio to another's, at most.
    Cpu(Contender, f64),
    /// Units a second, as a ratio to another's, at least.
    Rate(Contender, f64),
    /// The median latency, as a ratio to HAProxy's: no worse, which is not more than 1 as far as the middle half
    /// of the rounds can tell.
    Median,
    /// Memory of the process for a session, as a ratio to HAProxy's, at most.
    MemoryRatio(f64),
    /// The same in bytes, at most.
    Memory(f64),
}

/// What became of a bound under one scenario and congestion control.
#[derive(Debug)]
struct Verdict {
    goal: &'static Goal,
    scenario: &'static Scenario,
    congestion: Congestion,
    bound: Bound,
    found: Option<Spread>,
    met: Option<bool>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Verdicts(Vec<Verdict>);

impl Verdicts {
    /// Of what was measured.
    pub(crate) fn of(results: &Results) -> Self {
        let mut verdicts = Vec::new();
        for goal in &GOALS {
            for name in goal.scenarios {
                let Some(scenario) = Scenario::named(name) else {
                    continue;
                };
                for congestion in goal.congestions {
                    let measured = results.find(name, *congestion);
                    for bound in goal.bounds {
                        let found = measured.and_then(|it| bound.found(it));
                        verdicts.push(Verdict {
                            goal,
                            scenario,
                            congestion: *congestion,
                            bound: *bound,
                            found,
                            met: found.map(|spread| bound.is_met(spread)),
                        });
                    }
                }
            }
        }
        Self(verdicts)
    }

    /// Whether none is missed; with `whole`, whether all were measured as well. Aims that are only shown do not count.
    pub(crate) fn all_met(&self, whole: bool) -> bool {
        let mut counted = self.0.iter().filter(|it| it.goal.binding);
        counted.all(|it| it.met.unwrap_or(!whole))
    }

    /// A Markdown table of those that were measured.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "| aim | scenario | under | figure | wanted | found: median [quartiles] | |\n\
             |---|---|---|---|---:|---:|---|\n",
        );
        for verdict in &self.0 {
            let (Some(found), Some(met)) = (verdict.found, verdict.met) else {
                continue;
            };
            let (figure, wanted) = verdict.bound.words();
            // Writing into a String cannot fail.
            let _ok = writeln!(
                text,
                "| {} | {} | {} | {figure} | {wanted} | {} | {} |",
                verdict.goal.title,
                verdict.scenario.title,
                verdict.congestion.name(),
                verdict.bound.shown(found),
                match (met, verdict.goal.binding) {
                    (true, _) => "met",
                    (false, true) => "**not met**",
                    (false, false) => "not reached",
                }
            );
        }
        text
    }
}

impl Bound {
    /// What we reached.
    fn found(self, measured: &Measured) -> Option<Spread> {
        let ours = measured.samples(Contender::Pontoon)?;
        let against = |other: Contender, value: fn(&Sample) -> Option<f64>| {
            Spread::of(ratios(ours, measured.samples(other)?, value))
        };
        let memory: fn(&Sample) -> Option<f64> = |it| it.memory?.process;
        match self {
            Self::Cpu(other, _) => against(other, Sample::proxy_per_unit),
            Self::Rate(other, _) => against(other, |it| Some(it.rate())),
            Self::Median => against(Contender::Haproxy, |it| Some(it.latency?.p50)),
            Self::MemoryRatio(_) => against(Contender::Haproxy, memory),
            Self::Memory(_) => Spread::of(ours.iter().filter_map(memory)),
        }
    }

    fn is_met(self, found: Spread) -> bool {
        match self {
            Self::Cpu(_, most) | Self::MemoryRatio(most) | Self::Memory(most) => {
                found.median <= most
            }
            Self::Rate(_, least) => found.median >= least,
            Self::Median => found.lower <= 1.0,
        }
    }

    /// The figure's name, and its bound.
    fn words(self) -> (String, String) {
        let of = |other: Contender| format!("of {}", other.title());
        match self {
            Self::Cpu(other, most) => (format!("CPU {}", of(other)), format!("≤ {most:.2}")),
            Self::Rate(other, least) => (format!("rate {}", of(other)), format!("≥ {least:.2}")),
            Self::Median => (format!("p50 {}", of(Contender::Haproxy)), "no worse".into()),
            Self::MemoryRatio(most) => (
                format!("memory {}", of(Contender::Haproxy)),
                format!("≤ {most:.2}"),
            ),
            Self::Memory(most) => ("memory in bytes".into(), format!("≤ {most:.0}")),
        }
    }

    fn shown(self, found: Spread) -> String {
        let digits = if matches!(self, Self::Memory(_)) {
            0
        } else {
            3
        };
        let Spread {
            lower,
            median,
            upper,
        } = found;
        format!("{median:.digits$} [{lower:.digits$}–{upper:.digits$}]")
    }
}
