//! What a unit of work costs our program, in numbers that noise cannot move: instructions and
//! allocations as callgrind counts them, and system calls as strace sees them.
//!
//! A case is run twice under each, with little and with more of the same work, and the difference
//! is divided by the difference in work: what starting and ending cost cancels out. The clients and
//! the servers are one thread here that does one thing after the other, so that the program meets
//! the same events in the same order each time.

mod callgrind;
mod cases;
mod stage;
mod strace;
mod work;

use std::{collections::BTreeMap, path::Path};

pub use cases::all;
pub use stage::Scene;
pub use work::Work;

use crate::problem::Result;

/// Something to measure.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, with the unit: `a connection, the client closing`.
    pub name: &'static str,
    /// Where it happens.
    pub scene: Scene,
    /// What happens.
    pub work: Work,
    /// How much of it in the first and in the second run, in units.
    pub amounts: (u32, u32),
}

/// What a unit of work costs.
#[derive(Debug, Clone, Default)]
pub struct Cost {
    /// Instructions of the program outside the kernel, without its main thread, which does
    /// nothing for a session but has work of its own from time to time.
    pub instructions: f64,
    /// Instructions of the main thread.
    pub main: f64,
    /// Memory asked for: calls of `malloc`, `calloc`, `realloc` and their like.
    pub allocations: f64,
    /// System calls, without the main thread's: `recvfrom`, or `recvfrom EAGAIN` for one that came back with that.
    pub syscalls: BTreeMap<String, f64>,
    /// Where the instructions went: functions and their own cost, the greatest first.
    pub functions: Vec<(String, f64)>,
    /// Who asked for memory: chains of callers, the most frequent first.
    pub allocators: Vec<(String, f64)>,
}

impl Cost {
    /// System calls of all kinds.
    #[must_use]
    pub fn syscalls_in_all(&self) -> f64 {
        self.syscalls.values().sum()
    }
}

/// What an instrument counted in one run.
#[derive(Debug, Default)]
struct Counts {
    main: u64,
    instructions: u64,
    functions: BTreeMap<String, u64>,
    allocators: BTreeMap<String, u64>,
    syscalls: BTreeMap<String, u64>,
}

/// Measures a case with this program.
///
/// # Errors
/// `valgrind` or `strace` is missing, or the program does not work as it should.
pub fn measure(program: &Path, case: &Case) -> Result<Cost> {
    let mut cost = instructions(program, case)?;
    cost.syscalls = syscalls(program, case)?;
    Ok(cost)
}

/// The same without system calls: half as long.
///
/// # Errors
/// As of [`measure`].
pub fn instructions(program: &Path, case: &Case) -> Result<Cost> {
    let run = |amount| {
        stage::run(
            &callgrind::INSTRUMENT,
            program,
            &case.scene,
            case.work,
            amount,
        )
    };
    let (little, more) = case.amounts;
    let units = f64::from(more - little);
    let (before, after) = (run(little)?, run(more)?);
    let allocators = growth(&before.allocators, &after.allocators, units);
    Ok(Cost {
        instructions: each(before.instructions, after.instructions, units),
        main: each(before.main, after.main, units),
        allocations: allocators.values().sum(),
        syscalls: BTreeMap::new(),
        functions: greatest_first(growth(&before.functions, &after.functions, units)),
        allocators: greatest_first(allocators),
    })
}

/// System calls alone, by kind.
///
/// # Errors
/// As of [`measure`].
pub fn syscalls(program: &Path, case: &Case) -> Result<BTreeMap<String, f64>> {
    let run = |amount| stage::run(&strace::INSTRUMENT, program, &case.scene, case.work, amount);
    let (little, more) = case.amounts;
    let (before, after) = (run(little)?, run(more)?);
    Ok(growth(
        &before.syscalls,
        &after.syscalls,
        f64::from(more - little),
    ))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts far below what a double holds exactly"
)]
fn each(before: u64, after: u64, units: f64) -> f64 {
    (after as f64 - before as f64) / units
}

fn growth(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
    units: f64,
) -> BTreeMap<String, f64> {
    let value = |counts: &BTreeMap<String, u64>, name| counts.get(name).copied().unwrap_or(0);
    let names = before.keys().chain(after.keys());
    names
        .map(|name| {
            (
                name.clone(),
                each(value(before, name), value(after, name), units),
            )
        })
        .filter(|(_, grown)| *grown != 0.0)
        .collect()
}

fn greatest_first(counts: BTreeMap<String, f64>) -> Vec<(String, f64)> {
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    sorted
}
