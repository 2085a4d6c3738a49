//! What a unit of work costs our program, in numbers that noise cannot move: instructions and
//! allocations as callgrind counts them, and system calls as strace sees them.
//!
//! A case is run twice under each, with little and with more of the same work, and the difference
//! is divided by the difference in work: what starting and ending cost cancels out. The clients and
//! the servers are one thread here that does one thing after the other, so that the program meets
//! the same events in the same order each time.

mod callgrind;
mod cases;
mod order;
mod reading;
mod stage;
mod strace;
mod work;

use std::{collections::BTreeMap, path::Path};

pub use cases::all;
pub use reading::{check, start};
pub use stage::Scene;
pub use work::Work;

use crate::problem::Result;

/// Something to measure.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, the unit first: `connection, client closes`.
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
    /// In the threads that carry sessions.
    pub data: Share,
    /// In the main thread, which serves pages and has work of its own from time to time.
    pub main: Share,
}

/// The part of some threads in a cost.
#[derive(Debug, Clone, Default)]
pub struct Share {
    /// Instructions outside the kernel.
    pub instructions: f64,
    /// Where they are: functions and their own cost.
    pub functions: Tally,
    /// Calls of `malloc` and its like, by who asked: `read < relay < run`.
    pub allocations: Tally,
    /// System calls: `recvfrom`, or `recvfrom EAGAIN` for one that came back with that.
    pub syscalls: Tally,
}

/// How often something happened, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally(BTreeMap<String, f64>);

impl Tally {
    /// All names together.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.0.values().sum()
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// The most frequent first.
    #[must_use]
    pub fn greatest_first(&self) -> Vec<(&str, f64)> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        sorted
    }

    fn add(&mut self, name: &str, count: f64) {
        if let Some(sum) = self.0.get_mut(name) {
            *sum += count;
        } else {
            self.0.insert(name.to_owned(), count);
        }
    }

    /// What has come since `before`, for each of so many units.
    fn since(&self, before: &Self, units: f64) -> Self {
        let names = before.0.keys().chain(self.0.keys());
        let value = |tally: &Self, name| tally.0.get(name).copied().unwrap_or(0.0);
        let grown = |name| (value(self, name) - value(before, name)) / units;
        let grown = names.map(|name| (name.clone(), grown(name)));
        Self(grown.filter(|(_, count)| *count != 0.0).collect())
    }
}

impl Share {
    fn since(&self, before: &Self, units: f64) -> Self {
        Self {
            instructions: (self.instructions - before.instructions) / units,
            functions: self.functions.since(&before.functions, units),
            allocations: self.allocations.since(&before.allocations, units),
            syscalls: self.syscalls.since(&before.syscalls, units),
        }
    }
}

impl Cost {
    /// What has come since `before`, for each of so many units.
    #[must_use]
    pub fn since(&self, before: &Self, units: f64) -> Self {
        Self {
            data: self.data.since(&before.data, units),
            main: self.main.since(&before.main, units),
        }
    }
}

/// Measures a case with this program.
///
/// # Errors
/// `valgrind` or `strace` is missing, or the program does not work as it should.
pub fn measure(program: &Path, case: &Case) -> Result<Cost> {
    let mut cost = with(&callgrind::INSTRUMENT, program, case)?;
    let calls = with(&strace::INSTRUMENT, program, case)?;
    cost.data.syscalls = calls.data.syscalls;
    cost.main.syscalls = calls.main.syscalls;
    Ok(cost)
}

/// How often a thread that carries sessions waits for another thread or wakes one: the calls of
/// `futex` for a unit of the case, while threads and clients run freely.
///
/// # Errors
/// As of [`measure`].
pub fn waiting(program: &Path, case: &Case) -> Result<f64> {
    with(&strace::WAITING, program, case).map(|cost| cost.data.syscalls.sum())
}

fn with(instrument: &stage::Instrument, program: &Path, case: &Case) -> Result<Cost> {
    let run = |amount| stage::run(instrument, program, &case.scene, case.work, amount);
    let (little, more) = case.amounts;
    let before = run(little)?;
    Ok(run(more)?.since(&before, f64::from(more - little)))
}
