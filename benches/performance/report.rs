//! The figures as tables and plots.

use std::{fmt::Write as _, fs, io, path::Path};

use pontoon_lab::spread::Spread;

use crate::{
    contender::Contender,
    judge::Verdicts,
    page, plot,
    results::{Measured, Results, Run},
    sample::Sample,
    scenario::{Congestion, Scenario, Unit},
    statistics::ratios,
};

/// What was measured, ready to be shown.
pub(crate) struct Report<'a> {
    results: &'a Results,
    verdicts: &'a Verdicts,
}

// Writing into a String cannot fail.
impl<'a> Report<'a> {
    /// Of these results.
    pub(crate) const fn new(results: &'a Results, verdicts: &'a Verdicts) -> Self {
        Self { results, verdicts }
    }

    /// Writes `performance.md` and the plots, and into the page about performance if this is its folder.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let plots = plot::all(self.results);
        for (name, svg) in &plots {
            fs::write(folder.join(name), svg)?;
        }
        let summary = self.summary();
        let whole = format!("# Performance, measured\n\n{summary}\n{}", self.details());
        fs::write(folder.join("performance.md"), whole)?;
        let names: Vec<_> = plots.iter().map(|(name, _)| name.as_str()).collect();
        page::rewrite(folder, &summary, &names)
    }

    /// When and where, the verdicts, and the ratios to HAProxy.
    fn summary(&self) -> String {
        let mut text = String::new();
        for (number, run) in self.results.runs.iter().enumerate() {
            text += &self.run(number, run);
        }
        let _ok = write!(text, "\n## The aims\n\n{}", self.verdicts.table());
        for contender in [Contender::Pontoon, Contender::PontoonOther] {
            text += &self.ratios(contender);
        }
        text + &behind(self.results)
    }

    fn run(&self, number: usize, run: &Run) -> String {
        let machine = &run.machine;
        let mut text = format!(
            "Measured on {} at commit `{}`: {} × {}, {} GiB, Linux {}; {} rounds of {} s.",
            run.date,
            run.commit,
            machine.processors,
            machine.processor,
            (machine.memory + (1 << 29)) >> 30,
            machine.kernel,
            run.rounds,
            run.seconds
        );
        if self.results.runs.len() > 1 {
            let own = self.results.measured.iter().filter(|one| one.run == number);
            let names = own.map(|one| format!("{} ({})", one.scenario, one.congestion));
            let _ok = write!(
                text,
                " In this run: {}.",
                names.collect::<Vec<_>>().join(", ")
            );
        }
        text.push('\n');
        let before = number
            .checked_sub(1)
            .and_then(|one| self.results.runs.get(one));
        if before.is_none_or(|before| before.versions != run.versions) {
            text.push('\n');
            for (name, version) in &run.versions {
                let _ok = writeln!(text, "- {name}: {version}");
            }
        }
        text.push('\n');
        text
    }

    /// A contender beside HAProxy in each scenario.
    fn ratios(&self, who: Contender) -> String {
        let mut rows = String::new();
        for measured in &self.results.measured {
            let Some(scenario) = Scenario::named(&measured.scenario) else {
                continue;
            };
            let (Some(ours), Some(theirs)) =
                (measured.samples(who), measured.samples(Contender::Haproxy))
            else {
                continue;
            };
            let cell = |value: fn(&Sample) -> Option<f64>| {
                Spread::of(ratios(ours, theirs, value)).map_or_else(String::new, with_quartiles)
            };
            let _ok = writeln!(
                rows,
                "| {} | {} | {} | {} | {} | {} | {} |",
                scenario.title,
                measured.congestion,
                cell(Sample::proxy_per_unit),
                cell(|it| it.proxy_per_unit().map(|_| it.machine_per_unit())),
                cell(|it| it.memory.is_none().then(|| it.rate())),
                cell(|it| it.latency.map(|latency| latency.p50)),
                cell(|it| it.latency.map(|latency| latency.p99)),
            );
        }
        if rows.is_empty() {
            return rows;
        }
        format!(
            "\n## {} beside HAProxy\n\nRatios of what was measured in the same round: median [quartiles].\n\n\
             | scenario | under | CPU of the proxy | of the machine | rate | p50 | p99 |\n\
             |---|---|---:|---:|---:|---:|---:|\n{rows}",
            who.title()
        )
    }

    /// A table for each scenario.
    fn details(&self) -> String {
        let mut text = String::from(
            "## Every scenario\n\nMedians; in brackets quartiles of the ratios to HAProxy in the same round.\n",
        );
        for measured in &self.results.measured {
            if let Some(scenario) = Scenario::named(&measured.scenario) {
                text += &detail(scenario, measured);
            }
        }
        text
    }
}

fn detail(scenario: &Scenario, measured: &Measured) -> String {
    let congestion = Congestion::ALL
        .into_iter()
        .find(|it| it.name() == measured.congestion);
    let mut text = format!(
        "\n### {} ({})\n\n",
        scenario.title,
        congestion.map_or("", Congestion::name)
    );
    let unit = scenario.unit();
    text += &match unit {
        Unit::Session => "| | process, bytes a session | to HAProxy | kernel, bytes a session |\n|---|---:|---:|---:|\n".into(),
        _ => format!(
            "| | {} | to HAProxy | proxy, {} a {} | to HAProxy | machine, {} | p50, µs | p99 | p99.9 | errors |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
            unit.rate().1,
            unit.cpu().1,
            unit.name(),
            unit.cpu().1
        ),
    };
    for contender in Contender::ALL {
        if let Some(samples) = measured.samples(contender) {
            let theirs = measured.samples(Contender::Haproxy).unwrap_or_default();
            text += &row(unit, contender, samples, theirs);
        }
    }
    for (name, reason) in &measured.missing {
        let reason = reason.lines().next().unwrap_or_default();
        let _ok = writeln!(text, "\nWithout {name}: {reason}");
    }
    for entry in measured
        .entries
        .iter()
        .filter(|entry| !entry.failures.is_empty())
    {
        let _ok = writeln!(
            text,
            "\n{}: {} rounds failed.",
            entry.contender,
            entry.failures.len()
        );
    }
    text
}

fn row(unit: Unit, contender: Contender, samples: &[Sample], theirs: &[Sample]) -> String {
    let median = |value: &dyn Fn(&Sample) -> Option<f64>| {
        let spread = Spread::of(samples.iter().filter_map(value));
        spread.map_or_else(String::new, |it| figure(it.median))
    };
    let ratio = |value: fn(&Sample) -> Option<f64>| {
        Spread::of(ratios(samples, theirs, value)).map_or_else(String::new, with_quartiles)
    };
    let title = contender.title();
    if unit == Unit::Session {
        let process: fn(&Sample) -> Option<f64> = |it| it.memory?.process;
        return format!(
            "| {title} | {} | {} | {} |\n",
            median(&process),
            ratio(process),
            median(&|it| Some(it.memory?.kernel))
        );
    }
    let ((per_rate, _), (per_cpu, _)) = (unit.rate(), unit.cpu());
    let errors: u64 = samples.iter().map(|it| it.errors).sum();
    format!(
        "| {title} | {} | {} | {} | {} | {} | {} | {} | {} | {errors} |\n",
        median(&|it| Some(it.rate() * per_rate)),
        ratio(|it| Some(it.rate())),
        median(&|it| Some(it.proxy_per_unit()? * per_cpu)),
        ratio(Sample::proxy_per_unit),
        median(&|it| Some(it.machine_per_unit() * per_cpu)),
        median(&|it| Some(it.latency?.p50)),
        median(&|it| Some(it.latency?.p99)),
        median(&|it| Some(it.latency?.p999)),
    )
}

/// Where somebody else is ahead, as far as three quarters of the rounds tell.
fn behind(results: &Results) -> String {
    type Figure = (&'static str, fn(&Sample) -> Option<f64>);
    // Less is better, so a rate stands upside down.
    const FIGURES: [Figure; 6] = [
        ("CPU of the proxy", Sample::proxy_per_unit),
        ("CPU of the machine", |it| {
            it.memory.is_none().then(|| it.machine_per_unit())
        }),
        ("time for a unit", |it| {
            it.memory.is_none().then(|| 1.0 / it.rate())
        }),
        ("p50", |it| it.latency.map(|latency| latency.p50)),
        ("p99", |it| it.latency.map(|latency| latency.p99)),
        ("memory", |it| it.memory?.process),
    ];
    let mut text = String::new();
    for measured in &results.measured {
        let scenario = Scenario::named(&measured.scenario);
        let (Some(scenario), Some(ours)) = (scenario, measured.samples(Contender::Pontoon)) else {
            continue;
        };
        for rival in Contender::ALL
            .into_iter()
            .filter(|it| !it.is_ours() && *it != Contender::Direct)
        {
            let theirs = measured.samples(rival).unwrap_or_default();
            for (name, value) in FIGURES {
                let Some(spread) = Spread::of(ratios(ours, theirs, value)) else {
                    continue;
                };
                if spread.lower > 1.0 {
                    let (title, congestion) = (scenario.title, &measured.congestion);
                    let (rival, ratio) = (rival.title(), with_quartiles(spread));
                    let _ok = writeln!(text, "- {title} ({congestion}): {name} {ratio} of {rival}");
                }
            }
        }
    }
    if text.is_empty() {
        text = "- nowhere\n".into();
    }
    format!(
        "\n## Where Pontoon is behind\n\nRatios of Pontoon to others, where the lower quartile is above 1.\n\n{text}"
    )
}

fn with_quartiles(spread: Spread) -> String {
    let Spread {
        lower,
        median,
        upper,
    } = spread;
    format!("**{median:.2}** [{lower:.2}–{upper:.2}]")
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value.abs() {
        it if it >= 100.0 => format!("{value:.0}"),
        it if it >= 10.0 => format!("{value:.1}"),
        it if it >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
