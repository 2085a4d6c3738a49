//! The site of the demo, each scenario in a process of its own: only one with a single thread can
//! leave the host.

mod outside;
mod scenarios;

use std::{
    env,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

use pontoon_lab::{
    needs::Need,
    site::{Site, enter},
};

use crate::harness::{Outcome, Test, pontoon};

/// Names the scenario that this process is to play.
const SCENARIO: &str = "PONTOON_TEST_SITE";
/// Somebody without rights.
const NOBODY: u32 = 65_534;

/// What is done with a site.
type Scenario = fn(&mut Site) -> Outcome;

/// What is done as somebody without rights.
const WITHOUT_ROOT: [(&str, Scenario); 1] = [(
    "the_address_follows_the_proxy_without_root",
    scenarios::follows_the_proxy_of_one_user,
)];

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    for (name, _) in scenarios::ALL {
        let test = Test::new(format!("site::{name}"), || play(name, None));
        tests.push(test.needs(Need::Namespaces));
    }
    outside::register(tests);
    for (name, _) in WITHOUT_ROOT {
        let test = Test::new(format!("site::{name}"), || play(name, Some(NOBODY)));
        tests.push(test.needs(Need::Root).needs(Need::UserNamespaces));
    }
}

/// Plays the scenario for which this process was started, if it was.
pub(crate) fn inside() -> Option<ExitCode> {
    let name = env::var(SCENARIO).ok()?;
    let all = scenarios::ALL.into_iter().chain(WITHOUT_ROOT);
    let mut all = all.chain([outside::STAY]);
    let found = all.find(|(known, _)| *known == name);
    let played = match found {
        Some((_, scenario)) => on_a_site(scenario),
        None => Err(format!("there is no scenario {name}").into()),
    };
    match played {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(failure) => {
            complain(&failure);
            Some(ExitCode::FAILURE)
        }
    }
}

fn on_a_site(scenario: Scenario) -> Outcome {
    let entered = enter(pontoon());
    let entrance = entered.map_err(|refused| format!("{refused}\n{}", refused.advice()))?;
    let mut site = Site::build(entrance)?;
    let events = site.events().ok_or("no events")?;
    scenario(&mut site).map_err(|failure| {
        let told: Vec<_> = events
            .try_iter()
            .map(|event| format!("{:?}", event.what))
            .collect();
        failure.with(&told.join("\n"))
    })
}

/// In a process of its own, as somebody else if that is said.
fn play(name: &str, user: Option<u32>) -> Outcome {
    let output = process(name, user).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

/// This program once more, as the player of a scenario.
fn process(name: &str, user: Option<u32>) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.env(SCENARIO, name);
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command
}

#[expect(clippy::print_stderr, reason = "whoever started this process reads it")]
fn complain(failure: &crate::harness::Failure) {
    eprintln!("{failure}");
}
