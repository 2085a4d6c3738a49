//! A picture as SVG text.

use std::fmt::Write as _;

/// A picture that grows by what is drawn on it, on white.
pub(crate) struct Canvas(String);

/// Where a text's place is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    /// At its begin.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

// Writing into a String cannot fail.
impl Canvas {
    /// An empty one with a title and a line that explains it.
    pub(crate) fn new(width: f64, height: f64, title: &str, subtitle: &str) -> Self {
        let mut svg = Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        ));
        let _ok = writeln!(
            svg.0,
            "<text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"600\">{}</text>",
            escaped(title)
        );
        svg.text([16.0, 42.0], Anchor::Start, "#555", subtitle);
        svg
    }

    /// A text at its baseline.
    pub(crate) fn text(&mut self, [x, y]: [f64; 2], anchor: Anchor, colour: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        let _ok = writeln!(
            self.0,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
        );
    }

    /// A heavier text at its baseline.
    pub(crate) fn heading(&mut self, [x, y]: [f64; 2], text: &str) {
        let text = escaped(text);
        let _ok = writeln!(
            self.0,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-weight=\"600\">{text}</text>"
        );
    }

    /// A line straight down.
    pub(crate) fn upright(&mut self, x: f64, [top, bottom]: [f64; 2], colour: &str) {
        let _ok = writeln!(
            self.0,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\" stroke=\"{colour}\"/>"
        );
    }

    /// A dot, or a ring if it is not filled.
    pub(crate) fn dot(&mut self, [x, y]: [f64; 2], radius: f64, colour: &str, filled: bool) {
        let fill = if filled { colour } else { "none" };
        let _ok = writeln!(
            self.0,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{fill}\" \
             fill-opacity=\"0.55\" stroke=\"{colour}\"/>"
        );
    }

    /// A filled rectangle.
    pub(crate) fn bar(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], colour: &str) {
        let _ok = writeln!(
            self.0,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        );
    }

    /// The finished text.
    pub(crate) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
