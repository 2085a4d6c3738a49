//! A run as a picture: one strip for each figure, time to the right.

use std::fmt::Write as _;

use super::{Act, Report, Window, float};

const WIDTH: f64 = 920.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 50.0;
const STRIP: f64 = 60.0;
const GAP: f64 = 18.0;

/// A figure of each window, and its name.
type Figure = (&'static str, fn(&Window) -> Option<f64>);

const FIGURES: [Figure; 4] = [
    ("memory (KiB)", |window| {
        Some(float(window.sample.memory) / 1024.0)
    }),
    ("descriptors", |window| {
        Some(float(window.sample.descriptors as u64))
    }),
    ("p50, 64 B (us)", |window| {
        let tally = window.tallies.get(&Act::Messages64)?;
        Some(tally.p50.as_secs_f64() * 1e6)
    }),
    ("p99, 64 B (us)", |window| {
        let tally = window.tallies.get(&Act::Messages64)?;
        Some(tally.p99.as_secs_f64() * 1e6)
    }),
];

impl Report {
    /// Memory, descriptors and latency over the run, as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let height = FIGURES.iter().fold(TOP, |height, _| height + STRIP + GAP);
        let title = format!(
            "A soak of {:.0} minutes, engine {}",
            self.plan.duration.as_secs_f64() / 60.0,
            self.plan.engine.as_deref().unwrap_or("auto")
        );
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"16\" y=\"26\" font-size=\"15\" font-weight=\"600\">{title}</text>\n"
        );
        let mut top = TOP;
        for (name, figure) in FIGURES {
            let values: Vec<_> = self.windows.iter().filter_map(figure).collect();
            strip(&mut svg, name, &values, top);
            top += STRIP + GAP;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// A line from zero to the greatest value. Writing into a String cannot fail.
fn strip(svg: &mut String, name: &str, values: &[f64], top: f64) {
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = (WIDTH - LEFT - RIGHT) / float(values.len().max(2) as u64 - 1);
    let mut x = LEFT;
    let points = values.iter().map(|value| {
        let y = top + STRIP * (1.0 - value / most);
        let point = format!("{x:.1},{y:.1}");
        x += step;
        point
    });
    let points = points.collect::<Vec<_>>().join(" ");
    let bottom = top + STRIP;
    let _ok = write!(
        svg,
        "<text x=\"16\" y=\"{}\">{name}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#555\">{most:.0}</text>\n\
         <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\" fill=\"#555\">0</text>\n\
         <line x1=\"{LEFT}\" x2=\"{}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\n\
         <polyline points=\"{points}\" fill=\"none\" stroke=\"#0b57d0\" stroke-width=\"1.5\"/>\n",
        top + STRIP / 2.0,
        LEFT - 6.0,
        top + 10.0,
        LEFT - 6.0,
        WIDTH - RIGHT,
    );
}
