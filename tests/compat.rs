//! The same scripts against the real HAProxy and against ours: what is logged, counted and seen
//! by the client is compared field by field.

mod observe;
mod scenarios;

use pontoon_lab::{balancer::Kind, needs::Need};

use self::{
    observe::{Observation, differences},
    scenarios::{SCENARIOS, Scenario},
};
use crate::harness::{Failure, Outcome, Test};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    for scenario in SCENARIOS {
        let name = format!("compat::{}", scenario.name);
        tests.push(Test::new(name, || compare(scenario)).needs(Need::Program("haproxy")));
    }
}

/// How often a scenario is tried if the real HAProxy ended it otherwise than meant, or if nothing
/// but durations differ: on a shared machine either program may be kept waiting.
const TRIES: u32 = 3;

/// Runs one scenario on both and lists what differs.
fn compare(scenario: &'static Scenario) -> Outcome {
    let mut last = Ok(());
    for _ in 0..TRIES {
        let theirs = observe::run(Kind::Haproxy, scenario)?;
        let ours = observe::run(Kind::Pontoon, scenario)?;
        if theirs.flags() != scenario.flags {
            last = Err(Failure::from(format!(
                "the real HAProxy logs {:?}, this scenario was meant to end with {:?}:\n  {}",
                theirs.flags(),
                scenario.flags,
                theirs.lines.join("\n  "),
            )));
            continue;
        }
        let found = differences(&theirs, &ours, scenario.explained);
        if found.is_empty() {
            return Ok(());
        }
        let only_durations = found.iter().all(|text| text.starts_with("times: "));
        last = Err(report(&found, &theirs, &ours));
        if !only_durations {
            break;
        }
    }
    last
}

fn report(found: &[String], theirs: &Observation, ours: &Observation) -> Failure {
    let lines = |o: &Observation| o.lines.join("\n  ");
    Failure::from(format!(
        "{}\nHAProxy logged\n  {}\nPontoon logged\n  {}",
        found.join("\n"),
        lines(theirs),
        lines(ours)
    ))
}
