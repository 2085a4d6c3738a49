//! Who is there, who is not and why, and how long they will take.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, time::Duration};

use crate::{
    contender::Contender,
    contestant,
    options::Options,
    scenario::{Congestion, Scenario},
};

/// Setting up a scenario: each contender is started, and the first sample thrown away.
const SETUP: Duration = Duration::from_millis(350);

/// The contenders that are there, and why others are not.
pub(crate) struct Field {
    /// With their programs.
    pub(crate) programs: Vec<(Contender, PathBuf)>,
    /// With the reason.
    pub(crate) missing: BTreeMap<Contender, String>,
}

impl Field {
    /// Looks for everybody.
    pub(crate) fn find(options: &Options) -> Self {
        let mut field = Self {
            programs: Vec::new(),
            missing: BTreeMap::new(),
        };
        for contender in Contender::ALL {
            if contender == Contender::Direct {
                field.programs.push((contender, PathBuf::new()));
                continue;
            }
            // Nobody misses it who has not asked for it.
            if contender == Contender::PontoonOther && options.own.against.is_none() {
                continue;
            }
            match usable(contender, options) {
                Ok(program) => field.programs.push((contender, program)),
                Err(reason) => drop(field.missing.insert(contender, reason)),
            }
        }
        field
    }

    /// Those that take part in a scenario.
    pub(crate) fn of(
        &self,
        options: &Options,
        scenario: &Scenario,
        congestion: Congestion,
    ) -> Vec<(Contender, PathBuf)> {
        let wanted = options.field(scenario, congestion);
        let programs = self.programs.iter();
        programs
            .filter(|(one, _)| wanted.contains(one))
            .cloned()
            .collect()
    }

    /// What each says of its version.
    pub(crate) fn versions(&self) -> BTreeMap<String, String> {
        // The same program under two names needs one version.
        let none = [Contender::Direct, Contender::HaproxySplice];
        let proxies = self.programs.iter().filter(|(one, _)| !none.contains(one));
        proxies
            .map(|(one, program)| (one.name().to_owned(), one.version(program)))
            .collect()
    }

    /// How long a scenario takes.
    pub(crate) fn expected(
        &self,
        options: &Options,
        scenario: &Scenario,
        congestion: Congestion,
    ) -> Duration {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let contenders = count(self.of(options, scenario, congestion).len());
        let rounds = count(scenario.rounds(options.rounds));
        contenders * (SETUP + rounds * scenario.expected(options.duration))
    }

    /// What is about to be done, how long it takes, and without whom.
    pub(crate) fn announcement(&self, options: &Options) -> String {
        let tasks = options.tasks();
        let all = tasks
            .iter()
            .map(|(scenario, congestion)| self.expected(options, scenario, *congestion));
        let seconds = all.sum::<Duration>().as_secs();
        let mut text = format!(
            "{} scenarios, {} rounds of {:.2} s: about {} min {} s",
            tasks.len(),
            options.rounds,
            options.duration.as_secs_f64(),
            seconds / 60,
            seconds % 60
        );
        for (contender, reason) in &self.missing {
            // Writing into a String cannot fail.
            let _ok = write!(text, "\nwithout {}: {reason}", contender.title());
        }
        text
    }
}

/// The program, if it is there and takes its configuration.
fn usable(contender: Contender, options: &Options) -> Result<PathBuf, String> {
    let program = contender.program(&options.own)?;
    if contender.is_ours() {
        let refusal =
            contestant::refusal(contender, &program).map_err(|problem| problem.to_string())?;
        refusal.map_or(Ok(()), Err)?;
    }
    Ok(program)
}
