//! What was measured, as it is kept: `performance.json`.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    contender::Contender,
    machine::Machine,
    sample::Sample,
    scenario::{Congestion, Scenario},
};

/// The file's name.
const FILE: &str = "performance.json";

/// All that was measured, maybe in several runs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// When, where and how.
    pub(crate) runs: Vec<Run>,
    /// Each scenario under each congestion control.
    pub(crate) measured: Vec<Measured>,
}

/// One start of the bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The commit of our program; `+` if there were changes.
    pub(crate) commit: String,
    /// When it began.
    pub(crate) date: String,
    /// Where.
    pub(crate) machine: Machine,
    /// How often each.
    pub(crate) rounds: usize,
    /// For how many seconds each time.
    pub(crate) seconds: f64,
    /// Of the order within the rounds.
    pub(crate) seed: u64,
    /// What each contender says of its version.
    pub(crate) versions: BTreeMap<String, String>,
}

/// A scenario under a congestion control.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Its name.
    pub(crate) scenario: String,
    /// The congestion control's.
    pub(crate) congestion: String,
    /// Which of the runs.
    pub(crate) run: usize,
    /// Who was measured.
    pub(crate) entries: Vec<Entry>,
    /// Who was not, and why.
    pub(crate) missing: BTreeMap<String, String>,
}

/// A contender's samples.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) contender: String,
    /// One a round.
    pub(crate) samples: Vec<Sample>,
    /// Rounds that came to nothing, and why.
    pub(crate) failures: Vec<String>,
}

impl Results {
    /// Those of a folder; empty if there are none yet.
    ///
    /// # Errors
    /// The file is there and cannot be understood.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join(FILE);
        let complain = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| complain(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(complain(&error)),
        }
    }

    /// Writes them, a line for each scenario.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let lines = |all: Vec<serde_json::Result<String>>| {
            let all: serde_json::Result<Vec<_>> = all.into_iter().collect();
            all.map(|lines| lines.join(",\n"))
        };
        let runs = lines(self.runs.iter().map(serde_json::to_string).collect())?;
        let measured = lines(self.measured.iter().map(serde_json::to_string).collect())?;
        let text = format!("{{\"runs\":[\n{runs}\n],\n\"measured\":[\n{measured}\n]}}\n");
        fs::write(folder.join(FILE), text)
    }

    /// Adds what a run has measured, in the place of what was there of the same scenario, and
    /// forgets runs of which nothing is left.
    pub(crate) fn add(&mut self, run: &Run, mut measured: Measured) {
        let known = self.runs.iter().position(|one| one == run);
        measured.run = known.unwrap_or_else(|| {
            self.runs.push(run.clone());
            self.runs.len() - 1
        });
        let same = |one: &Measured| {
            one.scenario == measured.scenario && one.congestion == measured.congestion
        };
        self.measured.retain(|one| !same(one));
        self.measured.push(measured);
        self.measured.sort_by_key(Measured::place);
        self.forget_empty_runs();
    }

    fn forget_empty_runs(&mut self) {
        let used = |index: usize| self.measured.iter().any(|one| one.run == index);
        let kept: Vec<_> = (0..self.runs.len()).filter(|index| used(*index)).collect();
        for one in &mut self.measured {
            one.run = kept.iter().position(|old| *old == one.run).unwrap_or(0);
        }
        self.runs = kept.iter().map(|index| self.runs[*index].clone()).collect();
    }

    /// Whether one of these is missing somewhere, or had faults.
    pub(crate) fn lack(&self, contenders: &[Contender]) -> bool {
        let faultless = |entry: &Entry| {
            let errors = entry.samples.iter().any(|sample| sample.errors > 0);
            !errors && entry.failures.is_empty() && !entry.samples.is_empty()
        };
        let has = |measured: &Measured, contender: &Contender| {
            let mut entries = measured.entries.iter();
            entries.any(|entry| entry.contender == contender.name() && faultless(entry))
        };
        let complete = |measured: &Measured| contenders.iter().all(|one| has(measured, one));
        !self.measured.iter().all(complete)
    }

    /// A scenario under a congestion control.
    pub(crate) fn find(&self, scenario: &str, congestion: Congestion) -> Option<&Measured> {
        let mut all = self.measured.iter();
        all.find(|one| one.scenario == scenario && one.congestion == congestion.name())
    }
}

impl Measured {
    /// The samples of a contender that has some.
    pub(crate) fn samples(&self, contender: Contender) -> Option<&[Sample]> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.contender == contender.name())?;
        (!entry.samples.is_empty()).then_some(entry.samples.as_slice())
    }

    /// In the order of the scenarios and congestion controls.
    fn place(&self) -> (Option<usize>, Option<usize>) {
        let scenario = Scenario::all()
            .iter()
            .position(|one| one.name == self.scenario);
        let mut congestions = Congestion::ALL.iter();
        (
            scenario,
            congestions.position(|one| one.name() == self.congestion),
        )
    }
}
