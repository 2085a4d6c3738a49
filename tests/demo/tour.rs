//! `pontoon demo --script`.

use std::{
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pontoon_lab::{needs::Need, netns::Network, netns::command, program::Program, wait};

use super::footprint::Footprint;
use crate::harness::{Outcome, Test, measured};

/// What the tour promises.
const PROMISED: Duration = Duration::from_secs(45);
/// What a machine may take that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(150);
/// Somebody without rights.
const NOBODY: u32 = 65_534;

pub(super) fn register(tests: &mut Vec<Test>) {
    let root = Test::new("demo::every_step_of_the_tour_passes", || tour(None));
    tests.push(root.needs(Need::Root).needs(Need::Namespaces));
    let alone = Test::new("demo::every_step_of_the_tour_passes_without_root", || {
        tour(Some(NOBODY))
    });
    tests.push(alone.needs(Need::Root).needs(Need::UserNamespaces));
    let stopped = Test::new("demo::a_tour_that_is_stopped_fails", stopped);
    tests.push(stopped.needs(Need::Namespaces));
    let refused = Test::new("demo::says_how_to_allow_namespaces", refused);
    tests.push(refused.needs(Need::Namespaces).needs(Need::UserNamespaces));
}

fn tour(user: Option<u32>) -> Outcome {
    let demo = Footprint::new()?;
    let mut command = demo.command(&["demo", "--script"]);
    command.stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let began = Instant::now();
    let mut program = Program::start(&mut command)?;
    let status = program.wait(PATIENCE)?;
    let took = began.elapsed();
    let output = program.output().join("\n");
    assert_eq!(status.code(), Some(0), "{output}");
    assert!(output.contains("6 of 6 steps passed"), "{output}");
    assert!(!output.contains('\x1b'), "escape codes in a pipe: {output}");
    assert_eq!(
        output.contains("without root there is one user"),
        user.is_some(),
        "{output}"
    );
    if took > PROMISED {
        // Its steps wait for what happens, and a machine full of other tests is slow.
        measured(&format!("the tour took {} s", took.as_secs()));
    }
    demo.assert_gone()
}

fn stopped() -> Outcome {
    let demo = Footprint::new()?;
    let mut command = demo.command(&["demo", "--script", "--plain"]);
    let mut program = Program::start(command.stdin(Stdio::null()))?;
    program.wait_for_line("the first step", |line| line.contains("step 1"))?;
    program.signal(rustix::process::Signal::TERM)?;
    let status = program.wait(wait::PATIENCE)?;
    let output = program.output().join("\n");
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("FAILED: the tour was stopped"), "{output}");
    assert!(output.contains("0 of 6 steps passed"), "{output}");
    demo.assert_gone()
}

/// In a user namespace that may make no networks.
fn refused() -> Outcome {
    const SHUT: &str = "echo 0 >/proc/sys/user/max_net_namespaces && exec \"$@\"";
    let demo = Footprint::new()?;
    let mut network = Network::new()?;
    let host = network.host("refused", &["10.99.0.1/24"])?;
    let run = |arguments: &[&str]| -> Command {
        let mut command = command(&host, "unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", SHUT, "sh"]);
        command.arg(demo.program()).args(arguments);
        command.stdin(Stdio::null());
        command
    };
    let output = run(&["demo", "--script"]).output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("The whole demo needs namespaces"), "{told}");
    assert!(told.contains("user.max_*_namespaces"), "{told}");
    let mut program = Program::start(&mut run(&["demo"]))?;
    for what in [
        "The whole demo needs namespaces",
        "this is the proxy alone, on loopback",
        "curl http://127.0.0.1:8080/",
    ] {
        program.wait_for_line(what, |line| line.contains(what))?;
    }
    program.signal(rustix::process::Signal::TERM)?;
    assert_eq!(program.wait(wait::PATIENCE)?.code(), Some(0));
    demo.assert_gone()
}
