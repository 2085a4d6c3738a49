//! Budgets: what work may cost, and how near to it a measurement must be.

use std::{
    collections::BTreeMap,
    env, fs,
    sync::{Mutex, PoisonError},
};

use pontoon_lab::cost::{Cost, Share, Tally, Work};
use serde::{Deserialize, Serialize};

use crate::harness::{Failure, Outcome};

const FILE: &str = "tests/cost/budgets.json";

/// How to change the file.
const ACCEPT: &str = "If this is meant: PONTOON_ACCEPT=1 cargo test --test system cost:: writes it into tests/cost/budgets.json; \
     the commit says what it buys.";

/// What one unit of work may cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Budget {
    /// In the threads that carry sessions.
    pub(super) data: Part,
    /// In the main thread.
    pub(super) main: Part,
}

/// The same of some threads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) instructions: f64,
    pub(super) allocations: f64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) syscalls: BTreeMap<String, f64>,
}

impl Budget {
    pub(super) fn of(cost: &Cost) -> Self {
        Self {
            data: Part::of(&cost.data),
            main: Part::of(&cost.main),
        }
    }
}

impl Part {
    fn of(share: &Share) -> Self {
        Self {
            instructions: share.instructions.round(),
            allocations: rounded(share.allocations.sum()),
            syscalls: kinds(&share.syscalls),
        }
    }
}

/// Without what happened once by chance in hundreds of units.
fn kinds(tally: &Tally) -> BTreeMap<String, f64> {
    let rounded = tally
        .iter()
        .map(|(name, times)| (name.to_owned(), rounded(times)));
    rounded.filter(|(_, times)| *times != 0.0).collect()
}

/// To a tenth.
fn rounded(value: f64) -> f64 {
    // Adding zero makes a negative zero positive.
    (value * 10.0).round() / 10.0 + 0.0
}

/// How exactly work can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each unit is alike.
    Exact,
    /// Bytes come in pieces as large as the kernel happened to make them.
    Bulk,
    /// The main thread's work, whose clocks tick meanwhile.
    Page,
    /// One thread reads a file.
    Reading,
    /// Time passes, and beats fall into it or not.
    Time,
}

/// A difference that means nothing: a part of the budget, and as much of anything.
struct Slack {
    part: f64,
    instructions: f64,
    allocations: f64,
    syscalls: f64,
}

impl Kind {
    pub(super) fn of(work: Work) -> Self {
        match work {
            Work::ClientCloses | Work::ServerCloses | Work::Message(_) => Self::Exact,
            Work::Up | Work::Down | Work::Rush | Work::Chatter => Self::Bulk,
            Work::Scrape(_) => Self::Page,
            Work::Second | Work::Expiry => Self::Time,
        }
    }

    /// How often it is measured until it is as budgeted. What the kernel makes of a stream while
    /// the machine is busy differs from time to time; what became dearer is so each time.
    pub(super) const fn attempts(self) -> u32 {
        match self {
            Self::Bulk => 4,
            Self::Exact | Self::Page | Self::Reading | Self::Time => 1,
        }
    }

    fn data(self) -> Slack {
        match self {
            // Other processors and C libraries copy memory with a few instructions more or less.
            Self::Exact => slack(0.03, 20.0, 0.1, 0.1),
            Self::Bulk => slack(0.15, 20.0, 0.3, 0.5),
            Self::Page => slack(0.1, 2000.0, 0.2, 0.3),
            Self::Reading => slack(0.1, 200.0, 0.2, 0.3),
            Self::Time => slack(0.3, 2000.0, 1.0, 2.0),
        }
    }

    /// Its own work goes on during all others'.
    fn main(self) -> Slack {
        match self {
            Self::Exact | Self::Bulk => slack(0.0, 1000.0, 0.2, 0.8),
            Self::Page => slack(0.1, 5000.0, 10.0, 2.0),
            Self::Reading => slack(0.03, 50.0, 0.2, 0.2),
            Self::Time => slack(0.2, 5000.0, 3.0, 5.0),
        }
    }
}

fn slack(part: f64, instructions: f64, allocations: f64, syscalls: f64) -> Slack {
    Slack {
        part,
        instructions,
        allocations,
        syscalls,
    }
}

/// All budgets by the names of their cases.
pub(super) fn all() -> Result<BTreeMap<String, Budget>, Failure> {
    let text = match fs::read_to_string(FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}").into())
}

/// Fails unless a measurement is what the budget says, in both directions: what became cheaper is
/// to stay so.
pub(super) fn compare(name: &str, kind: Kind, measured: &Budget) -> Outcome {
    static FILE_IN_USE: Mutex<()> = Mutex::new(());
    let _alone = FILE_IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut budgets = all()?;
    let differences = match budgets.get(name) {
        Some(budget) => differences(kind, budget, measured),
        None => vec!["no budget yet".into()],
    };
    if differences.is_empty() {
        return Ok(());
    }
    if env::var("PONTOON_ACCEPT").is_ok_and(|value| value == "1") {
        budgets.insert(name.into(), measured.clone());
        let text = serde_json::to_string_pretty(&budgets).expect("a map of names and numbers");
        return Ok(fs::write(FILE, text + "\n")?);
    }
    Err(Failure::from(format!(
        "{name}, measured and budgeted:\n{}\n{ACCEPT}",
        differences.join("\n")
    )))
}

fn differences(kind: Kind, budget: &Budget, measured: &Budget) -> Vec<String> {
    let mut found = Vec::new();
    for (threads, budget, measured, slack) in [
        ("data", &budget.data, &measured.data, kind.data()),
        ("main", &budget.main, &measured.main, kind.main()),
    ] {
        let mut check = |what: &str, measured: f64, budget: f64, least: f64| {
            let allowed = least + budget.abs() * slack.part;
            if (measured - budget).abs() > allowed {
                let word = if measured > budget {
                    "dearer"
                } else {
                    "cheaper"
                };
                found.push(format!(
                    "  {threads} threads: {measured} {what}, budget {budget} ± {allowed:.1}: {word}"
                ));
            }
        };
        check(
            "instructions",
            measured.instructions,
            budget.instructions,
            slack.instructions,
        );
        check(
            "allocations",
            measured.allocations,
            budget.allocations,
            slack.allocations,
        );
        let sum = |part: &Part| part.syscalls.values().sum();
        check("system calls", sum(measured), sum(budget), slack.syscalls);
        if kind != Kind::Time {
            let names = budget.syscalls.keys().chain(measured.syscalls.keys());
            for name in names.collect::<std::collections::BTreeSet<_>>() {
                let times = |part: &Part| part.syscalls.get(name).copied().unwrap_or(0.0);
                check(name, times(measured), times(budget), slack.syscalls);
            }
        }
    }
    found
}
