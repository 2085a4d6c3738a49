//! The text format of Prometheus, version 0.0.4: families of samples, each family with its help
//! and its type.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

/// How a scraper may take a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only ever goes up, until the process starts anew.
    Counter,
    /// Counts by size.
    Histogram,
    /// How many there were, and their sum.
    Summary,
}

/// A value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// A whole number that is not negative.
    Whole(u64),
    /// A whole number.
    Signed(i64),
    /// Seconds, with six digits behind the point.
    Seconds(Duration),
    /// There is none now.
    None,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Signed(number) => number.fmt(f),
            Self::Seconds(time) => write!(f, "{}.{:06}", time.as_secs(), time.subsec_micros()),
            Self::None => f.write_str("NaN"),
        }
    }
}

impl From<bool> for Number {
    fn from(yes: bool) -> Self {
        Self::Whole(yes.into())
    }
}

/// Writes families, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Text {
    out: String,
}

/// Writes the samples of one family. The head is written before the first of them: a family
/// without samples is none.
pub(crate) struct Family<'t> {
    text: &'t mut Text,
    name: &'t str,
    kind: Kind,
    help: &'t str,
    begun: bool,
}

/// Names and values of labels.
pub(crate) type Labels<'l> = &'l [(&'l str, &'l str)];

impl Text {
    /// All that was written.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// A new family.
    pub(crate) fn family<'t>(&'t mut self, name: &'t str, kind: Kind, help: &'t str) -> Family<'t> {
        Family {
            text: self,
            name,
            kind,
            help,
            begun: false,
        }
    }

    // Writing to a string cannot fail.
    fn line(&mut self, name: &str, suffix: &str, labels: &[Labels<'_>], value: Number) {
        self.out.push_str(name);
        self.out.push_str(suffix);
        let mut separator = '{';
        for (label, text) in labels.iter().copied().flatten() {
            self.out.push(separator);
            self.out.push_str(label);
            self.out.push_str("=\"");
            escape(text, &mut self.out);
            self.out.push('"');
            separator = ',';
        }
        if separator == ',' {
            self.out.push('}');
        }
        let _infallible = writeln!(self.out, " {value}");
    }
}

impl Family<'_> {
    /// One sample.
    pub(crate) fn sample(&mut self, labels: Labels<'_>, value: Number) {
        self.begin();
        self.text.line(self.name, "", &[labels], value);
    }

    /// One histogram: its bounds with how many values were not above each, then how many values
    /// there were and their sum.
    pub(crate) fn histogram(
        &mut self,
        labels: Labels<'_>,
        buckets: impl Iterator<Item = (Duration, u64)>,
        count: u64,
        sum: Duration,
    ) {
        self.begin();
        for (bound, below) in buckets {
            let bound = seconds(bound);
            let bound = [("le", &*bound)];
            let parts = [labels, &bound];
            self.text
                .line(self.name, "_bucket", &parts, Number::Whole(below));
        }
        let all = [labels, &[("le", "+Inf")]];
        self.text
            .line(self.name, "_bucket", &all, Number::Whole(count));
        self.text
            .line(self.name, "_sum", &[labels], Number::Seconds(sum));
        self.text
            .line(self.name, "_count", &[labels], Number::Whole(count));
    }

    /// One summary: how many values there were, and their sum.
    pub(crate) fn summary(&mut self, labels: Labels<'_>, count: u64, sum: Number) {
        self.begin();
        self.text.line(self.name, "_sum", &[labels], sum);
        let count = Number::Whole(count);
        self.text.line(self.name, "_count", &[labels], count);
    }

    fn begin(&mut self) {
        if self.begun {
            return;
        }
        self.begun = true;
        let (name, help) = (self.name, self.help);
        let kind = match self.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        };
        let _infallible = write!(
            self.text.out,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n"
        );
    }
}

/// A bound as people write it: `0.005`, `30`.
fn seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_begins_with_its_head_and_without_samples_not_at_all() {
        let mut text = Text::default();
        text.family("nothing", Kind::Gauge, "Nothing.");
        let mut some = text.family("some", Kind::Counter, "Some.");
        some.sample(&[], Number::Whole(1));
        some.sample(&[("a", "x\"y\\\n")], Number::None);
        let wanted =
            "# HELP some Some.\n# TYPE some counter\nsome 1\nsome{a=\"x\\\"y\\\\\\n\"} NaN\n";
        assert_eq!(text.finish(), wanted);
    }

    #[test]
    fn a_histogram_ends_with_everything() {
        let mut text = Text::default();
        let buckets = [(5, 1), (30_000, 3)].map(|(ms, n)| (Duration::from_millis(ms), n));
        text.family("t", Kind::Histogram, "T.").histogram(
            &[("p", "x")],
            buckets.into_iter(),
            4,
            Duration::from_millis(1_500),
        );
        let text = text.finish();
        let lines: Vec<_> = text.lines().skip(2).collect();
        let wanted = [
            "t_bucket{p=\"x\",le=\"0.005\"} 1",
            "t_bucket{p=\"x\",le=\"30\"} 3",
            "t_bucket{p=\"x\",le=\"+Inf\"} 4",
            "t_sum{p=\"x\"} 1.500000",
            "t_count{p=\"x\"} 4",
        ];
        assert_eq!(lines, wanted);
    }
}
