//! `pontoon demo --local`: the proxy alone, on loopback.

use std::{fs::OpenOptions, io::Write as _, process::Command};

use pontoon_lab::{
    needs::Need,
    netns::{Network, command},
    problem::Trying as _,
    program::Program,
    temp::TempDir,
    wait,
};

use crate::harness::{Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    // Its ports are those of the example, so it gets a network of its own.
    let demo = Test::new("demo::the_local_one_shows_a_failure_and_a_recovery", demo);
    tests.push(demo.needs(Need::Namespaces));
}

fn demo() -> Outcome {
    let mut network = Network::new()?;
    let host = network.host("demo", &["10.99.0.1/24"])?;
    let folder = TempDir::new("demo")?;
    let keys = folder.path().join("keys");
    let made = Command::new("mkfifo")
        .arg(&keys)
        .status()
        .trying("make a pipe for the keys")?;
    assert!(made.success());
    let script = format!(
        "exec {} demo --local <{}",
        pontoon().display(),
        keys.display()
    );
    let mut program = Program::start(command(&host, "sh").args(["-c", &script]))?;
    let mut keys = OpenOptions::new().write(true).open(keys)?;
    let see = |what: &str| program.wait_for_line(what, |line| line.contains(what));
    see("curl http://127.0.0.1:8080/")?;
    see("http://127.0.0.1:8404/")?;
    keys.write_all(b" ")?;
    see("was served by one")?;
    keys.write_all(b"1")?;
    see("you killed server one")?;
    see("server one is DOWN; 2 active and 0 backup servers left")?;
    keys.write_all(b"1")?;
    see("server one is UP; 3 active and 0 backup servers online")?;
    keys.write_all(b"q")?;
    assert_eq!(program.wait(wait::PATIENCE)?.code(), Some(0));
    Ok(())
}
