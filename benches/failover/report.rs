//! The figures as a table, as JSON and as a plot.

use std::{fmt::Write as _, fs, io, path::Path, time::Duration};

use pontoon_lab::probe::Outage;
use serde_json::{Value, json};

use crate::{
    contender::Contender,
    plot,
    scenario::{Scenario, Seen},
    timing::Timing,
    work::{Figure, Task},
};

/// What was measured, ready to be shown.
pub(crate) struct Report<'a> {
    figures: &'a [Figure],
}

impl<'a> Report<'a> {
    /// Of these figures.
    pub(crate) const fn new(figures: &'a [Figure]) -> Self {
        Self { figures }
    }

    /// Writes `failover.json`, `failover.md` and a plot for each timing.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let json = serde_json::to_string_pretty(&self.json())?;
        fs::write(folder.join("failover.json"), json + "\n")?;
        fs::write(folder.join("failover.md"), self.table())?;
        for timing in self.timings() {
            let figures: Vec<_> = self.of(timing).collect();
            let name = format!("failover-{}.svg", timing.name());
            fs::write(folder.join(name), plot::draw(timing.title(), &figures))?;
        }
        Ok(())
    }

    /// A Markdown table for each timing: a row an event, a column a contender.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for timing in self.timings() {
            let contenders = self.contenders();
            let titles: Vec<_> = contenders.iter().map(|one| one.title()).collect();
            // Writing into a String cannot fail.
            let _ok = writeln!(text, "| {} | {} |", timing.title(), titles.join(" | "));
            let _ok = writeln!(text, "|---|{}", "---:|".repeat(contenders.len()));
            for scenario in self.scenarios() {
                let cells = contenders.iter().map(|contender| {
                    let task = Task {
                        timing,
                        scenario,
                        contender: *contender,
                    };
                    let figure = self.figures.iter().find(|figure| figure.task == task);
                    figure.map_or_else(String::new, cell)
                });
                let cells: Vec<_> = cells.collect();
                let _ok = writeln!(text, "| {} | {} |", scenario.title(), cells.join(" | "));
            }
            text.push('\n');
        }
        text
    }

    fn json(&self) -> Value {
        let figures: Vec<_> = self.figures.iter().map(figure_json).collect();
        json!({
            "unit": "milliseconds",
            "processors": std::thread::available_parallelism().map_or(0, usize::from),
            "figures": figures,
        })
    }

    fn of(&self, timing: Timing) -> impl Iterator<Item = &'a Figure> {
        let figures = self.figures.iter();
        figures.filter(move |figure| figure.task.timing == timing)
    }

    fn timings(&self) -> Vec<Timing> {
        let has = |timing: &Timing| self.of(*timing).next().is_some();
        Timing::ALL.into_iter().filter(has).collect()
    }

    fn scenarios(&self) -> Vec<Scenario> {
        let has = |one: &Scenario| {
            self.figures
                .iter()
                .any(|figure| figure.task.scenario == *one)
        };
        Scenario::ALL.into_iter().filter(has).collect()
    }

    fn contenders(&self) -> Vec<Contender> {
        let has = |one: &Contender| {
            self.figures
                .iter()
                .any(|figure| figure.task.contender == *one)
        };
        Contender::ALL.into_iter().filter(has).collect()
    }
}

/// The least, the middle and the greatest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    /// The middle one.
    pub(crate) median: Duration,
    /// The least.
    pub(crate) least: Duration,
    /// The greatest.
    pub(crate) greatest: Duration,
}

impl Spread {
    /// Of all outages; `None` without any.
    pub(crate) fn of(seen: &[Seen]) -> Option<Self> {
        let mut lengths: Vec<_> = outages(seen).map(|outage| outage.length).collect();
        lengths.sort_unstable();
        Some(Self {
            median: (*lengths.get(lengths.len().checked_sub(1)? / 2)? + lengths[lengths.len() / 2])
                / 2,
            least: *lengths.first()?,
            greatest: *lengths.last()?,
        })
    }
}

fn outages(seen: &[Seen]) -> impl Iterator<Item = Outage> {
    seen.iter().filter_map(|seen| seen.outage)
}

fn cell(figure: &Figure) -> String {
    let seen = &figure.seen;
    let runs = seen.len();
    let count = |wanted: fn(&Seen) -> bool| seen.iter().filter(|seen| wanted(seen)).count();
    let mut parts = Vec::new();
    if let Some(spread) = Spread::of(seen) {
        let [median, least, greatest] =
            [spread.median, spread.least, spread.greatest].map(|length| length.as_millis());
        parts.push(format!("**{median}** [{least}–{greatest}]"));
    }
    if figure.task.scenario == Scenario::Start {
        let both = count(|seen| seen.masters == 2);
        parts.push(format!("two masters in {both} of {runs}"));
    }
    let lost = count(|seen| seen.outage.is_some_and(|outage| !outage.recovered));
    if lost > 0 {
        parts.push(format!("no recovery in {lost} of {runs}"));
    }
    let both = count(|seen| seen.holders == 2);
    if both > 0 && !figure.task.scenario.leaves_two_holders() {
        parts.push(format!("both hold it in {both} of {runs}"));
    }
    if !figure.failures.is_empty() {
        parts.push(format!("{} runs failed", figure.failures.len()));
    }
    parts.join("; ")
}

fn figure_json(figure: &Figure) -> Value {
    let milliseconds = |length: Duration| u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let runs: Vec<_> = figure
        .seen
        .iter()
        .map(|seen| {
            let outage = seen.outage.map(|outage| {
                json!({
                    "length": milliseconds(outage.length),
                    "recovered": outage.recovered,
                    "failed": outage.failed,
                    "attempts": outage.attempts,
                })
            });
            json!({ "outage": outage, "holders": seen.holders, "masters": seen.masters })
        })
        .collect();
    let spread = Spread::of(&figure.seen).map(|spread| {
        json!({
            "median": milliseconds(spread.median),
            "least": milliseconds(spread.least),
            "greatest": milliseconds(spread.greatest),
        })
    });
    json!({
        "timing": figure.task.timing.name(),
        "scenario": figure.task.scenario.name(),
        "contender": figure.task.contender.name(),
        "outage": spread,
        "runs": runs,
        "failures": figure.failures,
    })
}
