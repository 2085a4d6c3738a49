//! Processes: pid files, the background, ends of all kinds.

use pontoon_lab::wait;
use pontoon_sys::process::Signal;

use super::{
    of_both, on_hosts,
    stage::{CHILD, FILE, Kind, PARENT, Stage, instance, said},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    of_both(tests, "pid_files_come_and_go", pid_files);
    of_both(tests, "a_second_one_does_not_start", second);
    of_both(tests, "a_stale_pid_file_is_overwritten", stale);
    of_both(tests, "it_goes_into_the_background", background);
    of_both(tests, "a_stop_gives_the_address_back", stops);
    of_both(tests, "with_v_the_address_stays", keeps_the_address);
    tests.push(on_hosts(
        "a_killed_election_leaves_nothing_and_comes_back",
        killed_election,
    ));
    tests.push(on_hosts("a_killed_parent_takes_the_election_along", || {
        killed_parent()
    }));
    tests.push(on_hosts(
        "with_r_a_killed_election_is_the_end",
        without_respawn,
    ));
    tests.push(on_hosts(
        "what_a_killed_predecessor_left_is_removed",
        leftovers,
    ));
}

fn is_gone(stage: &Stage, file: &str) -> Outcome {
    wait::until(&format!("{file} to go"), wait::PATIENCE, || {
        (!stage.host.has(file)).then_some(())
    })?;
    Ok(())
}

fn pid_files(kind: Kind) -> Outcome {
    let stage = Stage::new(kind)?;
    let mut election = stage.start("-p /run/one.pid -r /run/two.pid")?;
    let (parent, child) = (
        stage.number_in("/run/one.pid")?,
        stage.number_in("/run/two.pid")?,
    );
    let status = stage.host.run(&["cat", &format!("/proc/{child}/status")])?;
    assert!(status.contains(&format!("PPid:\t{parent}\n")), "{status}");
    assert!(status.starts_with("Name:\tkeepalived\n"), "{status}");
    stage.signal("/run/one.pid", Signal::TERM)?;
    assert_eq!(election.wait(wait::PATIENCE)?.code(), Some(0));
    is_gone(&stage, "/run/one.pid")?;
    is_gone(&stage, "/run/two.pid")
}

fn second(kind: Kind) -> Outcome {
    let stage = Stage::new(kind)?;
    let _first = stage.start("")?;
    stage.number_in(CHILD)?;
    for line in ["-n -l", ""] {
        let output = stage.run(line)?;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let output = stage.run("-n -l")?;
    let said = said(&output);
    assert!(said.contains("daemon is already running"), "{said}");
    assert_eq!(stage.host.processes("keepalived").len(), 2);
    Ok(())
}

fn stale(kind: Kind) -> Outcome {
    let stage = Stage::new(kind)?;
    // Nobody has this number.
    stage.host.write(PARENT, "999999\n")?;
    stage.host.write(CHILD, "999999\n")?;
    let _election = stage.start_master("")?;
    assert_ne!(stage.number_in(PARENT)?, "999999");
    Ok(())
}

fn background(kind: Kind) -> Outcome {
    let stage = Stage::new(kind)?;
    let output = stage.run(&format!("-f {FILE}"))?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    stage.wait_until_held(true)?;
    stage.signal(PARENT, Signal::TERM)?;
    stage.wait_until_held(false)?;
    is_gone(&stage, PARENT)
}

fn stops(kind: Kind) -> Outcome {
    for signal in [Signal::TERM, Signal::INT] {
        let stage = Stage::new(kind)?;
        let mut election = stage.start_master("")?;
        stage.signal(PARENT, signal)?;
        assert_eq!(election.wait(wait::PATIENCE)?.code(), Some(0));
        assert!(!stage.holds());
        assert_eq!(stage.host.processes("keepalived").len(), 0);
    }
    Ok(())
}

fn keeps_the_address(kind: Kind) -> Outcome {
    let stage = Stage::new(kind)?;
    let mut election = stage.start_master("-V")?;
    stage.signal(PARENT, Signal::TERM)?;
    assert_eq!(election.wait(wait::PATIENCE)?.code(), Some(0));
    assert!(stage.holds());
    Ok(())
}

fn killed_election() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let election = stage.start_master("")?;
    let first = stage.number_in(CHILD)?;
    stage.signal(CHILD, Signal::KILL)?;
    stage.wait_until_held(false)?;
    election.wait_for_line("the removal", |line| line.contains("removed 10.0.1.100/24"))?;
    stage.wait_until_held(true)?;
    assert_ne!(stage.number_in(CHILD)?, first);
    Ok(())
}

fn killed_parent() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let _election = stage.start_master("")?;
    stage.signal(PARENT, Signal::KILL)?;
    stage.wait_until_held(false)?;
    wait::until("the election to end", wait::PATIENCE, || {
        stage.host.processes("keepalived").is_empty().then_some(())
    })?;
    Ok(())
}

fn without_respawn() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let mut election = stage.start_master("-R")?;
    stage.signal(CHILD, Signal::KILL)?;
    assert_ne!(election.wait(wait::PATIENCE)?.code(), Some(0));
    assert!(!stage.holds());
    Ok(())
}

fn leftovers() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    stage
        .host
        .run(&["ip", "addr", "add", "10.0.1.100/24", "dev", "eth0"])?;
    assert!(stage.holds());
    // A neighbour of higher priority is not there: it becomes master, but first it cleans up.
    stage.write(&instance("").replace("advert_int 1", "advert_int 20"))?;
    let _election = stage.start("")?;
    stage.wait_until_held(false)
}
