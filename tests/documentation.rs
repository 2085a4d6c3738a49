//! The documentation: what its links and paths lead to is there, what it shows as a configuration is one, and its commands
//! are executed.

mod commands;
mod configurations;
mod fences;
mod threats;
mod troubleshooting;
mod walk;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pontoon_lab::needs::Need;

use crate::harness::{Failure, Outcome, Test};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Folders of other people's files and of what was built.
const SKIPPED: [&str; 2] = ["target", ".git"];
/// What fuzzing makes.
const MADE: [&str; 2] = ["fuzz/corpus", "fuzz/artifacts"];
/// How paths into the repository begin.
const OURS: [&str; 7] = [
    "benches/",
    "crates/",
    "docs/",
    "examples/",
    "fuzz/",
    "src/",
    "tests/",
];

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new("documentation::links_lead_somewhere", links));
    tests.push(Test::new("documentation::paths_exist", paths));
    let threats = "documentation::threats_name_tests_that_exist";
    tests.push(Test::new(threats, threats::name_tests_that_exist));
    troubleshooting::register(tests);
    for (name, run) in [
        (
            "names_of_no_tests_are_noticed",
            threats::other_names_are_noticed as fn() -> Outcome,
        ),
        ("fences_are_tagged", fences::are_tagged),
        ("hiding_is_noticed", fences::hiding_is_noticed),
        ("every_command_is_shown", commands::every_one_is_shown),
        (
            "unknown_commands_are_noticed",
            commands::unknown_ones_are_noticed,
        ),
    ] {
        tests.push(Test::new(format!("documentation::{name}"), run));
    }
    for (name, run) in [
        (
            "configurations_have_no_warnings",
            configurations::of_pages as fn() -> Outcome,
        ),
        ("examples_have_no_warnings", configurations::of_examples),
        ("mistakes_are_noticed", configurations::mistakes_are_noticed),
    ] {
        // Their `user` must exist; a host name of their own takes root.
        let test = Test::new(format!("documentation::{name}"), run);
        let test = test.needs(Need::Root).needs(Need::User("haproxy"));
        tests.push(test.needs(Need::Program("unshare")));
    }
    for page in commands::WALKED {
        let name = Path::new(page).file_stem().unwrap_or_default();
        let name = name.to_string_lossy().to_lowercase().replace('-', "_");
        let test = Test::new(format!("documentation::{name}_can_be_played"), move || {
            walk::play(page)
        });
        let test = test
            .needs(Need::Root)
            .needs(Need::Namespaces)
            .needs(Need::Hosts);
        let test = test
            .needs(Need::User("haproxy"))
            .needs(Need::Program("haproxy"))
            .needs(Need::Program("socat"));
        tests.push(
            test.needs(Need::Program("keepalived"))
                .needs(Need::Program("pidof")),
        );
    }
}

fn links() -> Outcome {
    let pages = pages()?;
    let mut dead = Vec::new();
    for page in &pages {
        let text = prose(&fs::read_to_string(page)?);
        for target in targets(&text) {
            if let Some(problem) = problem(page, target) {
                dead.push(format!("{}: {target}: {problem}", page.display()));
            }
        }
    }
    none(&dead)
}

/// Paths in backquotes.
fn paths() -> Outcome {
    let mut missing = Vec::new();
    for page in pages()? {
        let text = prose(&fs::read_to_string(&page)?);
        for word in text.split('`').skip(1).step_by(2) {
            let ours = OURS.iter().any(|folder| word.starts_with(folder));
            let is_path =
                ours && !word.contains(['*', '…', '{', ' ', '<']) && !MADE.contains(&word);
            if is_path && !exists(&page, word) {
                missing.push(format!("{}: {word}", page.display()));
            }
        }
    }
    none(&missing)
}

/// `tests/checks` is `tests/checks.rs` as well; a page may speak of what is beside it.
fn exists(page: &Path, word: &str) -> bool {
    let beside = page.parent().unwrap_or(page);
    [Path::new(ROOT), beside].into_iter().any(|folder| {
        let path = folder.join(word);
        path.exists() || path.with_extension("rs").exists()
    })
}

/// A path as it is shown: from the root of the repository.
fn shown(path: &Path) -> String {
    path.strip_prefix(ROOT)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn none(problems: &[String]) -> Outcome {
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\n").into())
}

/// Every page of the repository; there are more than a few, or this is no test.
fn pages() -> Result<Vec<PathBuf>, Failure> {
    let mut pages = Vec::new();
    let mut folders = vec![PathBuf::from(ROOT)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let skipped = SKIPPED.iter().any(|name| path.ends_with(name));
            if path.is_dir() && !skipped {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                pages.push(path);
            }
        }
    }
    if pages.len() < 10 {
        return Err(format!("only {} pages were found", pages.len()).into());
    }
    Ok(pages)
}

/// The text without the blocks between fences.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        if !inside && !fence {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// What stands in the parentheses of `[…](…)`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("](").skip(1);
    behind.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// What is wrong with a link on this page.
fn problem(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.to_owned(),
        file => page.parent()?.join(file),
    };
    if !path.exists() {
        return Some("there is no such file".to_owned());
    }
    if anchor.is_empty() || path.extension().is_none_or(|it| it != "md") {
        return None;
    }
    let known = anchors(&fs::read_to_string(&path).ok()?);
    (!known.contains(anchor)).then(|| format!("its headings are {known:?}"))
}

/// What the headings of a page are called in links.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = prose(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| line.trim_start_matches('#').trim())
        .map(|title| {
            let lower = title.to_lowercase().replace(' ', "-");
            let keeps = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
            lower.chars().filter(keeps).collect()
        })
        .collect()
}
