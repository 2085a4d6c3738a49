//! The threat model: behind each answer stand single tests, by their whole names, and they exist.

use std::{collections::BTreeSet, fs, path::Path};

use super::{ROOT, none};
use crate::harness::{Failure, Outcome, Test};

/// What rows may name.
struct Known {
    /// Tests of this binary (`stats::the_page_changes_servers`).
    system: BTreeSet<String>,
    /// Functions marked `#[test]`.
    units: BTreeSet<String>,
}

impl Known {
    fn now() -> Result<Self, Failure> {
        let mut units = BTreeSet::new();
        for folder in ["src", "crates"] {
            each_source(&Path::new(ROOT).join(folder), &mut |text| {
                units.extend(units_of(text));
            })?;
        }
        Ok(Self {
            system: crate::tests()
                .iter()
                .map(|test| Test::name(test).to_owned())
                .collect(),
            units,
        })
    }

    fn has(&self, name: &str) -> bool {
        if name.contains("::") {
            self.system.contains(name)
        } else {
            self.units.contains(name)
        }
    }

    /// What is wrong with a row of a table.
    fn problem(&self, row: &str) -> Option<String> {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next()?;
        let names = quoted(shown_by);
        if names.is_empty() {
            return Some(format!("{row}: shown by nothing"));
        }
        let fuzzed = row.split("fuzzed (").nth(1);
        let fuzzed = fuzzed.and_then(|rest| rest.split(')').next());
        let mut targets = quoted(fuzzed.unwrap_or_default()).into_iter();
        let missing = names.into_iter().find(|name| !self.has(name));
        let what = missing.or_else(|| targets.find(|target| !is_target(target)))?;
        Some(format!("there is no single test or target {what}: {row}"))
    }
}

fn is_target(name: &str) -> bool {
    crate::fuzz::TARGETS
        .iter()
        .any(|(target, _)| *target == name)
}

/// Each row of a table ends with the tests that show it.
pub(super) fn name_tests_that_exist() -> Outcome {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/threat-model.md"))?;
    let known = Known::now()?;
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<_> = rows.filter(|row| !row.starts_with("| threat")).collect();
    if rows.len() < 15 {
        return Err(format!("only {} threats were found", rows.len()).into());
    }
    let problems = rows.iter().filter_map(|row| known.problem(row));
    none(&problems.collect::<Vec<_>>())
}

/// An area, a beginning, a function that is no test, a target that nobody has: all are noticed.
pub(super) fn other_names_are_noticed() -> Outcome {
    let known = Known::now()?;
    let right =
        "| a | fuzzed (`vrrp_packet`) | `stats::the_page_changes_servers`, `no_bytes_panic` |";
    if let Some(problem) = known.problem(right) {
        return Err(problem.into());
    }
    for row in [
        "| a | b | nothing |",
        "| a | b | `stats::` |",
        "| a | b | `stats::the_page` |",
        "| a | b | `stats::nobody_has_written_this` |",
        "| a | b | `no_bytes_panic`, `nobody_has_written_this` |",
        // A function, but no test.
        "| a | b | `handle` |",
        "| a | fuzzed (`nothing_at_all`) | `no_bytes_panic` |",
    ] {
        if known.problem(row).is_none() {
            return Err(format!("not noticed: {row}").into());
        }
    }
    Ok(())
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The names of functions that are marked as tests.
fn units_of(text: &str) -> impl Iterator<Item = String> {
    let mut marked = false;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        let word = line.strip_prefix("async ").unwrap_or(line);
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some(rest) = word.strip_prefix("fn ") {
            let name = rest.split(['(', '<']).next()?;
            return std::mem::take(&mut marked).then(|| name.to_owned());
        }
        None
    })
}

fn each_source(folder: &Path, take: &mut impl FnMut(&str)) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            each_source(&path, take)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            take(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
