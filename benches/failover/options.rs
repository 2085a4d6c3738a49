//! What the command line asks for.

use std::path::PathBuf;

use crate::{
    contender::Contender,
    scenario::Scenario,
    shared::options::{chosen, number},
    timing::Timing,
};

/// What to measure, how often, and where to write it.
#[derive(Debug)]
pub(crate) struct Options {
    /// How often each.
    pub(crate) runs: usize,
    /// How many pairs at once.
    pub(crate) jobs: usize,
    /// Which timings.
    pub(crate) timings: Vec<Timing>,
    /// Which scenarios.
    pub(crate) scenarios: Vec<Scenario>,
    /// Whose programs.
    pub(crate) contenders: Vec<Contender>,
    /// Our program.
    pub(crate) pontoon: PathBuf,
    /// Where the results go.
    pub(crate) out: PathBuf,
}

impl Options {
    /// Reads them; what is not said means all.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            runs: 10,
            jobs: 1,
            timings: Timing::ALL.to_vec(),
            scenarios: Scenario::ALL.to_vec(),
            contenders: Contender::ALL.to_vec(),
            pontoon: PathBuf::from(env!("CARGO_BIN_EXE_pontoon")),
            out: PathBuf::from("target/failover"),
        };
        // cargo adds --bench.
        let mut words = arguments.filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let value = words
                .next()
                .ok_or_else(|| format!("{word} wants a value"))?;
            match word.as_str() {
                "--runs" => options.runs = number(&value)?,
                "--jobs" => options.jobs = number(&value)?,
                "--timing" => options.timings = chosen(&Timing::ALL, Timing::name, &value)?,
                "--scenario" => options.scenarios = chosen(&Scenario::ALL, Scenario::name, &value)?,
                "--contender" => {
                    options.contenders = chosen(&Contender::ALL, Contender::name, &value)?;
                }
                "--pontoon" => options.pontoon = value.into(),
                "--out" => options.out = value.into(),
                _ => return Err(format!("unknown: {word}")),
            }
        }
        Ok(options)
    }
}
