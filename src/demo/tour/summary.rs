//! What the tour has shown.

use std::{fmt, time::Duration};

use crate::demo::deed::NodeId;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything came about.
    Passed,
    /// Something did not.
    Failed(String),
    /// An earlier one failed.
    NotPlayed,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) step: &'static str,
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
    /// For how long nobody was served, the longest time; `None`: all were, all the time.
    pub(super) outage: Option<Duration>,
    /// Attempts that failed.
    pub(super) failed: usize,
    /// How often the address moved.
    pub(super) moves: usize,
    /// Calls that the cloud's API got.
    pub(super) calls: usize,
    /// The one master, if it had the address at the end.
    pub(super) ends_with: Option<NodeId>,
}

impl Row {
    pub(super) const fn not_played(step: &'static str) -> Self {
        Self {
            step,
            verdict: Verdict::NotPlayed,
            took: Duration::ZERO,
            outage: None,
            failed: 0,
            moves: 0,
            calls: 0,
            ends_with: None,
        }
    }

    fn passed(&self) -> bool {
        self.verdict == Verdict::Passed && self.ends_with.is_some()
    }
}

/// All steps; displayed as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(super) rows: Vec<Row>,
}

impl Summary {
    /// Whether every step passed and ended with the address at the one master.
    pub(crate) fn passed(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(Row::passed)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<46} {:>7} {:>9} {:>7} {:>6} {:>6}  address",
            "step", "took", "outage", "failed", "moves", "calls"
        )?;
        self.rows.iter().try_for_each(|row| write_row(f, row))?;
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        let calls: usize = self.rows.iter().map(|row| row.calls).sum();
        let passed = self.rows.iter().filter(|row| row.passed()).count();
        writeln!(
            f,
            "{passed} of {} steps passed in {:.1} s, with {calls} calls of the cloud's API",
            self.rows.len(),
            total.as_secs_f32()
        )
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let took = format!("{:.1} s", row.took.as_secs_f32());
    let whose = row.ends_with.map_or_else(
        || "NOT WITH THE ONE MASTER".to_owned(),
        |node| format!("{node}, the master"),
    );
    match &row.verdict {
        Verdict::NotPlayed => writeln!(f, "{:<46} not played", row.step),
        Verdict::Passed => write_figures(f, row, &took, &whose),
        Verdict::Failed(why) => {
            write_figures(f, row, &took, &whose)?;
            writeln!(f, "  FAILED: {why}")
        }
    }
}

fn write_figures(f: &mut fmt::Formatter<'_>, row: &Row, took: &str, whose: &str) -> fmt::Result {
    let outage = row.outage.map(|it| format!("{} ms", it.as_millis()));
    let outage = outage.unwrap_or_else(|| "none".into());
    writeln!(
        f,
        "{:<46} {took:>7} {outage:>9} {:>7} {:>6} {:>6}  {whose}",
        row.step, row.failed, row.moves, row.calls
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(verdict: Verdict) -> Row {
        Row {
            step: "something happens",
            verdict,
            took: Duration::from_millis(1230),
            outage: Some(Duration::from_millis(340)),
            failed: 60,
            moves: 2,
            calls: 7,
            ends_with: Some(NodeId::One),
        }
    }

    #[test]
    fn one_step_that_failed_fails_all() {
        let with = |rows: &[Row]| Summary {
            rows: rows.to_vec(),
        };
        let passed = row(Verdict::Passed);
        assert!(with(&[passed.clone(), passed.clone()]).passed());
        let failed = row(Verdict::Failed("no".into()));
        assert!(!with(&[passed.clone(), failed]).passed());
        assert!(!with(&[passed.clone(), Row::not_played("later")]).passed());
        let astray = Row {
            ends_with: None,
            ..passed
        };
        assert!(!with(&[astray]).passed());
        assert!(!with(&[]).passed(), "nothing was shown");
    }

    #[test]
    fn the_table_tells_what_was_seen() {
        let rows = vec![
            row(Verdict::Passed),
            row(Verdict::Failed("waited in vain".into())),
            Row::not_played("later"),
        ];
        let table = Summary { rows }.to_string();
        let lines: Vec<_> = table.lines().collect();
        let step = format!("{:<46}", "something happens");
        let figures = format!("{step}   1.2 s    340 ms      60      2      7  node 1, the master");
        assert_eq!(lines[1], figures);
        assert_eq!(lines[3], "  FAILED: waited in vain");
        assert!(lines[4].ends_with("not played"));
        assert_eq!(
            lines[5],
            "1 of 3 steps passed in 2.5 s, with 14 calls of the cloud's API"
        );
    }
}
