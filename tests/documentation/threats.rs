//! The threat model: the tests that it names exist.

use std::{fs, path::Path};

use super::{ROOT, none};
use crate::harness::{Failure, Outcome};

/// Each row of a table ends with the tests that show it.
pub(super) fn name_tests_that_exist() -> Outcome {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/threat-model.md"))?;
    let mut sources = String::new();
    for folder in ["tests", "crates", "src", "fuzz/src"] {
        read_into(&Path::new(ROOT).join(folder), &mut sources)?;
    }
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<_> = rows.filter(|row| !row.starts_with("| threat")).collect();
    if rows.len() < 15 {
        return Err(format!("only {} threats were found", rows.len()).into());
    }
    let problems = rows.iter().filter_map(|row| problem(row, &sources));
    none(&problems.collect::<Vec<_>>())
}

fn problem(row: &str, sources: &str) -> Option<String> {
    let shown_by = row.trim_end_matches(" |").rsplit(" | ").next()?;
    let names: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
    if names.is_empty() {
        return Some(format!("{row}: shown by nothing"));
    }
    let fuzzed = row
        .split("fuzzed (")
        .nth(1)
        .and_then(|rest| rest.split(')').next());
    let targets = fuzzed.unwrap_or_default().split('`').skip(1).step_by(2);
    let is_there = |name: &str| match name.split_once("::") {
        // Tests of an area, all or those that begin so.
        Some((_, "")) => sources.contains(&format!("\"{name}")),
        Some((area, start)) => {
            sources.contains(&format!("\"{name}"))
                || sources.contains(&format!("\"{area}::{{"))
                    && sources.contains(&format!("mod {start};"))
        }
        None => sources.contains(&format!("fn {name}(")),
    };
    let missing = names.iter().find(|name| !is_there(name)).copied();
    let unknown = targets
        .into_iter()
        .find(|target| !sources.contains(&format!("(\"{target}\",")));
    let what = missing.or(unknown)?;
    Some(format!("there is no {what}: {row}"))
}

fn read_into(folder: &Path, text: &mut String) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_into(&path, text)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            text.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
