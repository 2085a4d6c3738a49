//! Plots: for each congestion control the CPU of a unit and the rate, as ratios to HAProxy; a dot is a round, a bar
//! the median.

use pontoon_lab::spread::Spread;

use crate::{
    contender::Contender,
    results::{Measured, Results},
    sample::Sample,
    scenario::{Congestion, Scenario},
    shared::svg::{Anchor, Canvas},
    statistics::ratios,
};

const WIDTH: f64 = 920.0;
const LEFT: f64 = 400.0;
const RIGHT: f64 = 40.0;
const TOP: f64 = 64.0;
const ROW: f64 = 16.0;
const GAP: f64 = 9.0;

/// What a plot shows.
struct View {
    file: &'static str,
    title: &'static str,
    value: fn(&Sample) -> Option<f64>,
    /// The last mark of the axis; what is beyond stands there.
    last: f64,
    marks: &'static [f64],
}

const VIEWS: [View; 5] = [
    View {
        file: "cpu",
        title: "CPU of the proxy for a unit of work",
        value: Sample::proxy_per_unit,
        last: 2.0,
        marks: &[0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0],
    },
    View {
        file: "machine",
        title: "CPU of the whole machine for a unit of work",
        value: |it| it.memory.is_none().then(|| it.machine_per_unit()),
        last: 2.0,
        marks: &[0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0],
    },
    View {
        file: "rate",
        title: "Throughput",
        value: |it| it.memory.is_none().then(|| it.rate()),
        last: 4.0,
        marks: &[0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0],
    },
    View {
        file: "p99",
        title: "Latency, 99th percentile",
        value: |it| it.latency.map(|latency| latency.p99),
        last: 2.0,
        marks: &[0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0],
    },
    View {
        file: "memory",
        title: "Memory of the process for a session",
        value: |it| it.memory?.process,
        last: 10.0,
        marks: &[0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0],
    },
];

/// All plots: a file's name and its content.
pub(crate) fn all(results: &Results) -> Vec<(String, String)> {
    let mut plots = Vec::new();
    for view in &VIEWS {
        for congestion in Congestion::ALL {
            let of = |one: &&Measured| one.congestion == congestion.name();
            let measured: Vec<_> = results.measured.iter().filter(of).collect();
            let rows = rows(view, &measured);
            if !rows.is_empty() {
                let name = format!("{}-{}.svg", view.file, congestion.name());
                plots.push((name, draw(view, congestion, &rows)));
            }
        }
    }
    plots
}

struct Row {
    contender: Contender,
    ratios: Vec<f64>,
    median: f64,
    /// The scenario's name stands in its first row.
    heading: Option<&'static str>,
    y: f64,
}

/// HAProxy itself is the line at 1.
fn rows(view: &View, measured: &[&Measured]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut y = TOP;
    for one in measured {
        let scenario = Scenario::named(&one.scenario);
        let (Some(scenario), Some(theirs)) = (scenario, one.samples(Contender::Haproxy)) else {
            continue;
        };
        let mut heading = Some(scenario.title);
        let others = Contender::ALL
            .into_iter()
            .filter(|it| *it != Contender::Haproxy);
        for contender in others {
            let samples = one.samples(contender).unwrap_or_default();
            let ratios = ratios(samples, theirs, view.value);
            let Some(spread) = Spread::of(ratios.iter().copied()) else {
                continue;
            };
            y += if heading.is_some() {
                2.0 * ROW + GAP
            } else {
                ROW
            };
            rows.push(Row {
                contender,
                ratios,
                median: spread.median,
                heading: heading.take(),
                y,
            });
        }
    }
    rows
}

fn draw(view: &View, congestion: Congestion, rows: &[Row]) -> String {
    let bottom = rows.last().map_or(TOP, |row| row.y) + 14.0;
    let title = format!("{}, under {}", view.title, congestion.name());
    let subtitle = "ratio to HAProxy in the same round; a dot is a round, a bar the median";
    let mut canvas = Canvas::new(WIDTH, bottom + 30.0, &title, subtitle);
    for mark in view.marks {
        let x = place(view, *mark);
        #[expect(clippy::float_cmp, reason = "it was written as 1.0")]
        let colour = if *mark == 1.0 { "#b3261e" } else { "#ddd" };
        canvas.upright(x, [TOP, bottom], colour);
        canvas.text(
            [x, bottom + 18.0],
            Anchor::Middle,
            "#555",
            &format!("{mark}"),
        );
    }
    for row in rows {
        let baseline = row.y + 4.0;
        if let Some(heading) = row.heading {
            canvas.heading([16.0, baseline - ROW], heading);
        }
        let colour = row.contender.colour();
        canvas.text(
            [LEFT - 10.0, baseline],
            Anchor::End,
            colour,
            row.contender.title(),
        );
        for ratio in &row.ratios {
            canvas.dot(
                [place(view, *ratio), row.y],
                2.5,
                colour,
                *ratio <= view.last,
            );
        }
        let x = place(view, row.median);
        canvas.bar([x - 1.5, row.y - 6.0], [3.0, 12.0], colour);
        let beside = format!("{:.2}", row.median);
        canvas.text([WIDTH - 6.0, baseline], Anchor::End, colour, &beside);
    }
    canvas.finish()
}

fn place(view: &View, ratio: f64) -> f64 {
    LEFT + (ratio.clamp(0.0, view.last) / view.last) * (WIDTH - LEFT - RIGHT)
}
