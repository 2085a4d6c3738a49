//! What the command line asks for.

use std::{path::PathBuf, time::Duration};

use crate::{
    contender::{Contender, OwnBuilds},
    scenario::{Congestion, Scenario},
    shared::options::{chosen, number},
};

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Measure, and write what came of it.
    Measure,
    /// Write the report of what was measured before.
    Report,
    /// Say what would be measured, and how long it would take.
    List,
}

/// What to measure, how often, and where to write it.
#[derive(Debug)]
pub(crate) struct Options {
    /// What to do.
    pub(crate) aim: Aim,
    /// Which scenarios; all if none is named.
    pub(crate) scenarios: Vec<&'static str>,
    /// Whose programs; those of each scenario if none is named.
    pub(crate) contenders: Vec<Contender>,
    /// Under which congestion controls; those of each scenario if none is named.
    pub(crate) congestions: Vec<Congestion>,
    /// How often each.
    pub(crate) rounds: usize,
    /// For how long each time.
    pub(crate) duration: Duration,
    /// Of the order within the rounds.
    pub(crate) seed: u64,
    /// Whether to get the peers first.
    pub(crate) install: bool,
    /// Whether to fail if a figure is missed.
    pub(crate) judge: bool,
    /// Whether our program is the one that was built with the bench.
    pub(crate) own_build: bool,
    /// Our programs.
    pub(crate) own: OwnBuilds,
    /// Where the results go; what is there of other scenarios stays.
    pub(crate) out: PathBuf,
}

impl Options {
    /// Reads them.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            aim: Aim::Measure,
            scenarios: Vec::new(),
            contenders: Vec::new(),
            congestions: Vec::new(),
            rounds: 15,
            duration: Duration::from_millis(600),
            seed: 1,
            install: false,
            judge: false,
            own_build: true,
            own: OwnBuilds {
                pontoon: PathBuf::from(env!("CARGO_BIN_EXE_pontoon")),
                against: None,
            },
            out: PathBuf::from("target/performance"),
        };
        // cargo adds --bench.
        let mut words = arguments.filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            if !options.flag(&word) {
                let value = words.next();
                let value =
                    value.ok_or_else(|| format!("unknown, or without its value: {word}"))?;
                options.value(&word, &value)?;
            }
        }
        Ok(options)
    }

    fn flag(&mut self, word: &str) -> bool {
        match word {
            "--install" => self.install = true,
            "--judge" => self.judge = true,
            "--report" => self.aim = Aim::Report,
            "--list" => self.aim = Aim::List,
            "--quick" => {
                self.rounds = 3;
                self.duration = Duration::from_millis(200);
            }
            _ => return false,
        }
        true
    }

    fn value(&mut self, word: &str, value: &str) -> Result<(), String> {
        match word {
            "--workload" => {
                let names: Vec<_> = Scenario::all().iter().map(|one| one.name).collect();
                self.scenarios.extend(chosen(&names, |name| name, value)?);
            }
            "--contender" => {
                let chosen = chosen(&Contender::ALL, Contender::name, value)?;
                self.contenders.extend(chosen);
            }
            "--cc" => self.congestions = chosen(&Congestion::ALL, Congestion::name, value)?,
            "--rounds" => self.rounds = number(value)?,
            "--seconds" => self.duration = seconds(value)?,
            "--seed" => self.seed = number(value)? as u64,
            "--pontoon" => {
                self.own_build = false;
                self.own.pontoon = absolute(value)?;
            }
            "--against" => self.own.against = Some(absolute(value)?),
            "--out" => self.out = value.into(),
            _ => return Err(format!("unknown: {word}")),
        }
        Ok(())
    }

    /// Whether nothing is left out.
    pub(crate) const fn is_whole(&self) -> bool {
        self.scenarios.is_empty() && self.contenders.is_empty() && self.congestions.is_empty()
    }

    /// The scenarios that are wanted, each with its congestion controls.
    pub(crate) fn tasks(&self) -> Vec<(&'static Scenario, Congestion)> {
        let wanted =
            |one: &&Scenario| self.scenarios.is_empty() || self.scenarios.contains(&one.name);
        let mut tasks = Vec::new();
        for scenario in Scenario::all().iter().filter(wanted) {
            let congestions = match self.congestions.as_slice() {
                [] => scenario.congestions,
                chosen => chosen,
            };
            tasks.extend(congestions.iter().map(|congestion| (scenario, *congestion)));
        }
        tasks
    }

    /// Who takes part in one of them: whoever is named, else whoever belongs there.
    pub(crate) fn field(&self, scenario: &Scenario, congestion: Congestion) -> Vec<Contender> {
        match self.contenders.as_slice() {
            [] => scenario.contenders(congestion),
            chosen => chosen.to_vec(),
        }
    }
}

/// The program is started from elsewhere.
fn absolute(path: &str) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{path}: {error}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| format!("not a time in seconds: {text}"))
}
