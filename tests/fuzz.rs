//! What fuzzing begins with, once each: every file of `fuzz/seeds` is still understood, breaks no promise and takes no time; so
//! do the configurations that `fuzz/run` adds.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

pub(crate) use self::targets::TARGETS;
use self::targets::Target;
use crate::harness::{Failure, Outcome, Test};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What the fuzzer takes for a hang is five seconds, of an optimised program that has a processor for itself.
const HANG: Duration = Duration::from_secs(30);

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    for (name, target) in TARGETS {
        let test = Test::new(format!("fuzz::seeds_of_{name}"), || play(name, *target));
        tests.push(test);
    }
    tests.push(Test::new("fuzz::seeds_have_targets", seeds_have_targets));
    tests.push(Test::new(
        "fuzz::nonsense_is_not_understood",
        nonsense_is_not_understood,
    ));
}

fn play(name: &str, target: Target) -> Outcome {
    let seeds = files(&Path::new(ROOT).join("fuzz/seeds").join(name))?;
    for seed in &seeds {
        if !understands(target, seed)? {
            return Err(format!("nothing in {} makes sense any more", seed.display()).into());
        }
    }
    let mut others = Vec::new();
    for folder in added(name)? {
        others.extend(files(&folder)?);
    }
    let mut understood = seeds.len();
    for file in &others {
        understood += usize::from(understands(target, file)?);
    }
    if understood == 0 {
        return Err(format!("{name} begins with nothing that makes sense").into());
    }
    Ok(())
}

fn understands(target: Target, file: &Path) -> Result<bool, Failure> {
    let bytes = fs::read(file)?;
    let began = Instant::now();
    let understood = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
    let understood = understood.map_err(|_| format!("{} breaks a promise", file.display()))?;
    let took = began.elapsed();
    if took > HANG {
        return Err(format!("{} takes {took:?}", file.display()).into());
    }
    Ok(understood)
}

/// The folders that `fuzz/run` adds to the seeds of a target.
fn added(name: &str) -> Result<Vec<PathBuf>, Failure> {
    let script = fs::read_to_string(Path::new(ROOT).join("fuzz/run"))?;
    let start = format!("{name}) begin=\"");
    let line = script.lines().find_map(|line| line.strip_prefix(&start));
    let folders = line.and_then(|rest| rest.split('"').next());
    let folders = folders.unwrap_or_default().split_whitespace();
    let folders = folders.map(|folder| folder.replace("$files", "../crates/config/tests"));
    Ok(folders
        .map(|folder| Path::new(ROOT).join("fuzz").join(folder))
        .collect())
}

/// All files below a folder; none if there is no such folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn seeds_have_targets() -> Outcome {
    for entry in fs::read_dir(Path::new(ROOT).join("fuzz/seeds"))? {
        let name = entry?.file_name();
        if !TARGETS.iter().any(|(target, _)| name == *target) {
            return Err(format!("{} is no target", name.display()).into());
        }
    }
    Ok(())
}

/// Or "understood" would say nothing.
fn nonsense_is_not_understood() -> Outcome {
    for (name, target) in TARGETS {
        if target(b"\xfb\xfenonsense \x01\x02 (") {
            return Err(format!("{name} understands nonsense").into());
        }
    }
    Ok(())
}
