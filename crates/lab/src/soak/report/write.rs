//! A run in words and figures.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Report, Tally, Window};
use crate::soak::watch::Sample;

impl Report {
    /// Everything, for machines.
    #[must_use]
    pub fn json(&self) -> Value {
        let findings = self.findings.iter().map(
            |finding| json!({ "what": finding.what, "seen": finding.seen, "good": finding.good }),
        );
        json!({
            "good": self.is_good(),
            "engine": self.plan.engine.as_deref().unwrap_or("auto"),
            "data_threads": self.plan.threads,
            "congestion_control": self.plan.congestion_control,
            "seconds": self.plan.duration.as_secs_f64(),
            "findings": findings.collect::<Vec<_>>(),
            "complaints": self.complaints,
            "before": sample(&self.rest.before),
            "after": sample(&self.rest.after),
            "windows": self.windows.iter().map(window).collect::<Vec<_>>(),
        })
    }

    /// What was looked at, and a line for each window, as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let engine = self.plan.engine.as_deref().unwrap_or("auto");
        let verdict = if self.is_good() { "good" } else { "NOT good" };
        let mut text = format!(
            "# A soak of {:.0} minutes: {verdict}\n\nEngine `{engine}`, {} data threads, {}.\n\n\
             | looked at | seen | |\n|---|---|---|\n",
            self.plan.duration.as_secs_f64() / 60.0,
            self.plan.threads,
            self.plan.congestion_control,
        );
        for finding in &self.findings {
            let mark = if finding.good { "good" } else { "**NOT**" };
            line(&mut text, &[&finding.what, &finding.seen, mark]);
        }
        text.push_str("\n| at (s) | memory (KiB) | descriptors | processor (s) | ");
        text.push_str(
            "p50, p99 of 64 B (us) | of 1 KiB | of 16 KiB |\n|---|---|---|---|---|---|---|\n",
        );
        for window in &self.windows {
            text.push_str(&row(window));
        }
        if !self.complaints.is_empty() {
            text.push_str("\nThe first things that went wrong:\n\n");
            for complaint in &self.complaints {
                let _ok = writeln!(text, "- {complaint}");
            }
        }
        text
    }
}

fn line(text: &mut String, cells: &[&str]) {
    let _ok = writeln!(text, "| {} |", cells.join(" | "));
}

fn row(window: &Window) -> String {
    let latencies = window.tallies.iter().filter(|(act, _)| act.is_timed());
    let latencies =
        latencies.map(|(_, tally)| format!("{}, {}", tally.p50.as_micros(), tally.p99.as_micros()));
    let latencies: Vec<_> = latencies.collect();
    format!(
        "| {:.0} | {} | {} | {:.1} | {} |\n",
        window.at.as_secs_f64(),
        window.sample.memory >> 10,
        window.sample.descriptors,
        window.sample.processor.as_secs_f64(),
        latencies.join(" | ")
    )
}

fn window(window: &Window) -> Value {
    let tallies = window.tallies.iter();
    let tallies = tallies.map(|(act, seen)| (act.name().to_owned(), tally(seen)));
    json!({
        "at_seconds": window.at.as_secs_f64(),
        "sample": sample(&window.sample),
        "acts": tallies.collect::<serde_json::Map<_, _>>(),
    })
}

fn tally(tally: &Tally) -> Value {
    json!({
        "units": tally.units,
        "errors": tally.errors,
        "p50_us": tally.p50.as_secs_f64() * 1e6,
        "p99_us": tally.p99.as_secs_f64() * 1e6,
    })
}

fn sample(sample: &Sample) -> Value {
    json!({
        "memory_bytes": sample.memory,
        "descriptors": sample.descriptors,
        "processor_seconds": sample.processor.as_secs_f64(),
        "tcp_buffer_bytes": sample.tcp_buffers,
        "kernel_slab_bytes": sample.slab,
        "log_lines": sample.log_lines,
    })
}
