//! A long run of mixed load: whether memory, descriptors and latency stay where they are, and nothing is lost.

mod actors;
mod ledger;
mod report;
mod rude;
mod scene;
mod trend;
mod watch;

use std::{path::PathBuf, thread, time::Duration};

use crate::{
    load::ground,
    problem::{Problem, Result},
};

pub use self::{
    ledger::{Act, Tally, Window},
    report::{Finding, Report},
    trend::{Tolerance, Trend},
    watch::Sample,
};

/// What to run, and for how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Our program.
    pub program: PathBuf,
    /// How long the load lasts.
    pub duration: Duration,
    /// A word for `tune.pontoon.engine`, if it is not to choose.
    pub engine: Option<String>,
    /// Data threads.
    pub threads: u16,
    /// Congestion control of the network it runs in.
    pub congestion_control: String,
}

/// How many windows a run has.
const WINDOWS: u32 = 30;

/// Runs all of it, in a network of its own. Needs root.
///
/// # Errors
/// The program or its surroundings cannot be started; it ended; what it said is in the error.
/// Anything else is in the report.
pub fn run(plan: &Plan) -> Result<Report> {
    thread::scope(|scope| {
        // A thread that has left for a network does not come back.
        let run = scope.spawn(|| {
            ground::enter(&plan.congestion_control)?;
            scene::run(plan)
        });
        let ended = run.join();
        ended.map_err(|_| Problem::Unexpected("the soak panicked".into()))?
    })
}

impl Plan {
    /// How long a window is.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.duration / WINDOWS
    }
}
