//! What a unit of work costs may not grow unseen: instructions, allocations and system calls are
//! counted (`pontoon_lab::cost`) and compared with `tests/cost/budgets.json`. Counts do not move
//! with the weather, so a gate can be narrow.
//!
//! The counts are those of an optimised build, which is brought up to date here once somebody has
//! made it: `cargo build --profile gate --bin pontoon`.

mod budget;
mod promises;
mod reading;
mod report;
mod waiting;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use pontoon_lab::{
    cost::{self, Case},
    crowd::raise_file_limit,
    needs::Need,
};

use self::budget::{Budget, Kind};
use crate::harness::{Failure, Outcome, Test};

/// Descriptors of the cases with a thousand sessions: both ends are ours.
const FILES: u64 = 3000;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    for case in cost::all() {
        let name = format!("cost::{}", case.name.replace(", ", "_").replace(' ', "_"));
        let test = counted(Test::new(name, move || gate(&case)));
        tests.push(
            test.needs(Need::Program("strace"))
                .needs(Need::OpenFiles(FILES)),
        );
    }
    reading::register(tests);
    promises::register(tests);
    waiting::register(tests);
}

/// What every count needs. Only root may come before the program on a processor, which makes the
/// counts exact.
fn counted(test: Test) -> Test {
    let test = test.needs(Need::Program("valgrind")).needs(Need::Root);
    test.needs(Need::Build("gate"))
}

fn gate(case: &Case) -> Outcome {
    raise_file_limit()?;
    let kind = Kind::of(case.work);
    let mut verdict = Ok(());
    for _ in 0..kind.attempts() {
        let cost = cost::measure(program()?, case)?;
        verdict = budget::compare(case.name, kind, &Budget::of(&cost))
            .map_err(|failure| failure.with(&report::places(&cost)));
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}

/// An optimised build of our program: `PONTOON_COSTED` for another, else the current source's.
fn program() -> Result<&'static Path, Failure> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PROGRAM.get_or_init(build) {
        Ok(program) => Ok(program),
        Err(problem) => Err(problem.as_str().into()),
    }
}

fn build() -> Result<PathBuf, String> {
    if let Some(program) = env::var_os("PONTOON_COSTED") {
        return Ok(program.into());
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--profile", "gate", "--bin", "pontoon", "--locked"]);
    let output = cargo.output().map_err(|error| format!("cargo: {error}"))?;
    if output.status.success() {
        // Links to it are made elsewhere.
        return fs::canonicalize(Need::built("gate")).map_err(|error| error.to_string());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
