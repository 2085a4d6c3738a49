//! A plot as SVG: a row an event and contender, a dot a run, time to the right in decades.

use std::time::Duration;

use crate::{
    contender::Contender,
    report::Spread,
    shared::svg::{Anchor, Canvas},
    work::Figure,
};

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
    let mut canvas = Canvas::new(
        WIDTH,
        height,
        title,
        "time without service, as a client sees it; a dot is a run, a bar the median, a ring a run without recovery",
    );
    axis(&mut canvas, height - 34.0);
    for row in &rows {
        row.draw(&mut canvas);
    }
    canvas.finish()
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
    fn draw(&self, canvas: &mut Canvas) {
        let Self { figure, first, y } = self;
        let (baseline, task) = (y + 4.0, figure.task);
        if *first {
            canvas.heading([16.0, baseline], task.scenario.title());
        }
        let (colour, name) = (
            colour(task.contender),
            task.contender.title().replace('`', ""),
        );
        canvas.text([LEFT - 8.0, baseline], Anchor::End, colour, &name);
        for outage in figure.seen.iter().filter_map(|seen| seen.outage) {
            canvas.dot([place(outage.length), *y], 3.5, colour, outage.recovered);
        }
        if let Some(spread) = Spread::of(&figure.seen) {
            canvas.bar([place(spread.median) - 1.5, y - 7.0], [3.0, 14.0], colour);
        }
    }
}

fn axis(canvas: &mut Canvas, bottom: f64) {
    let marks = [
        ("none", Duration::ZERO),
        ("1 ms", ms(1)),
        ("10 ms", ms(10)),
        ("100 ms", ms(100)),
    ];
    let seconds = [("1 s", ms(1000)), ("10 s", ms(10_000))];
    for (name, length) in marks.into_iter().chain(seconds) {
        let x = place(length);
        canvas.upright(x, [TOP, bottom], "#ddd");
        canvas.text([x, bottom + 18.0], Anchor::Middle, "#555", name);
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
