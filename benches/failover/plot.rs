//! A plot as SVG: a row an event and contender, a dot a run, time to the right in decades.

use std::{fmt::Write as _, time::Duration};

use crate::{contender::Contender, report::Spread, work::Figure};

const WIDTH: f64 = 920.0;
const LEFT: f64 = 360.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 64.0;
const ROW: f64 = 17.0;
const GAP: f64 = 9.0;
/// Where "no outage" stands, left of the first decade.
const NONE: f64 = LEFT + 24.0;
const FIRST: f64 = LEFT + 60.0;
/// The decades from 1 ms.
const DECADES: f64 = 4.5;

/// Draws all that has an outage.
pub(crate) fn draw(title: &str, figures: &[&Figure]) -> String {
    let rows = rows(figures);
    let height = rows.last().map_or(TOP, |row| row.y) + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"600\">{title}</text>\n\
         <text x=\"16\" y=\"42\" fill=\"#555\">time without service, as a client sees it; a dot is \
         a run, a bar the median, a ring a run without recovery</text>\n"
    );
    axis(&mut svg, height - 34.0);
    for row in &rows {
        row.draw(&mut svg);
    }
    svg.push_str("</svg>\n");
    svg
}

struct Row<'a> {
    figure: &'a Figure,
    /// The event's name stands in its first row.
    first: bool,
    y: f64,
}

fn rows<'a>(figures: &[&'a Figure]) -> Vec<Row<'a>> {
    let mut rows = Vec::<Row<'a>>::new();
    let mut y = TOP;
    for figure in figures
        .iter()
        .filter(|figure| Spread::of(&figure.seen).is_some())
    {
        let last = rows.last().map(|row| row.figure.task.scenario);
        let first = last != Some(figure.task.scenario);
        y += if first && last.is_some() {
            ROW + GAP
        } else {
            ROW
        };
        rows.push(Row { figure, first, y });
    }
    rows
}

impl Row<'_> {
    // Writing into a String cannot fail.
    fn draw(&self, svg: &mut String) {
        let Self { figure, first, y } = self;
        let baseline = y + 4.0;
        let task = figure.task;
        if *first {
            let name = task.scenario.title();
            let _ok = writeln!(
                svg,
                "<text x=\"16\" y=\"{baseline}\" font-weight=\"600\">{name}</text>"
            );
        }
        let (colour, name) = (
            colour(task.contender),
            task.contender.title().replace('`', ""),
        );
        let _ok = writeln!(
            svg,
            "<text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\" fill=\"{colour}\">{name}</text>",
            LEFT - 8.0
        );
        for outage in figure.seen.iter().filter_map(|seen| seen.outage) {
            let (x, fill) = (
                place(outage.length),
                if outage.recovered { colour } else { "none" },
            );
            let _ok = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y}\" r=\"3.5\" fill=\"{fill}\" fill-opacity=\"0.55\" \
                 stroke=\"{colour}\"/>"
            );
        }
        if let Some(spread) = Spread::of(&figure.seen) {
            let x = place(spread.median) - 1.5;
            let _ok = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{}\" width=\"3\" height=\"14\" fill=\"{colour}\"/>",
                y - 7.0
            );
        }
    }
}

fn axis(svg: &mut String, bottom: f64) {
    let marks = [
        ("none", Duration::ZERO),
        ("1 ms", ms(1)),
        ("10 ms", ms(10)),
        ("100 ms", ms(100)),
    ];
    let seconds = [("1 s", ms(1000)), ("10 s", ms(10_000))];
    for (name, length) in marks.into_iter().chain(seconds) {
        let x = place(length);
        let _ok = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\n\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{name}</text>",
            bottom + 18.0
        );
    }
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn place(length: Duration) -> f64 {
    let milliseconds = length.as_secs_f64() * 1000.0;
    if milliseconds < 1.0 {
        return NONE;
    }
    let width = WIDTH - FIRST - RIGHT;
    FIRST + (milliseconds.log10() / DECADES).min(1.0) * width
}

const fn colour(contender: Contender) -> &'static str {
    match contender {
        Contender::Classic => "#b3261e",
        Contender::ClassicFast => "#c77700",
        Contender::PontoonApart => "#2b7de0",
        Contender::Pontoon => "#0b57d0",
    }
}
