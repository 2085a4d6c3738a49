//! Servers that are added and deleted.

use pontoon_lab::{balancer::Kind, wait};

use super::{Stage, both, expect};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(both(
        "commands::a_server_that_is_added_gets_its_share_and_can_be_deleted",
        TWO,
        come_and_go,
    ));
    tests.push(both(
        "commands::a_server_that_is_added_is_checked_once_that_is_switched_on",
        TWO,
        checked,
    ));
    tests.push(both(
        "commands::a_server_of_the_file_can_be_deleted",
        TWO,
        of_the_file,
    ));
}

const TWO: &str = " default_backend be\nbackend be\n balance roundrobin\n \
    server s1 {s1}\n server s2 {s2}\n";

fn add(stage: &Stage, parameters: &str) -> Outcome {
    let command = format!(
        "add server be/s3 {}{parameters}",
        stage.servers[2].address()
    );
    let answer = stage.ask(&command)?;
    expect(&command, &answer.as_str(), &"New server registered.\n\n")?;
    expect("it", &stage.stat("be", "s3", "status")?.as_str(), &"MAINT")?;
    expect("it", &stage.stat("be", "s3", "sid")?.as_str(), &"3")?;
    stage.expect_only(&["s1", "s2"])
}

/// A session that its client has ended is there for a moment more.
fn delete_when_idle(stage: &Stage, server: &str) -> Outcome {
    let command = format!("del server be/{server}");
    wait::until("the server to be deleted", wait::PATIENCE, || {
        let answer = stage.ask(&command).ok()?;
        (answer == "Server deleted.\n").then_some(())
    })?;
    is_gone(stage, server)
}

/// Nothing tells of a server any more.
fn is_gone(stage: &Stage, server: &str) -> Outcome {
    for (command, word) in [
        ("show stat", format!("be,{server},")),
        ("show servers conn be", format!("be/{server} ")),
        ("show servers state be", format!(" {server} ")),
    ] {
        let answer = stage.ask(command)?;
        assert!(!answer.contains(&word), "{command}: {answer}");
    }
    let answer = stage.ask(&format!("get weight be/{server}"))?;
    expect("get weight", &answer.trim(), &"No such server.")
}

fn come_and_go(stage: &Stage) -> Outcome {
    add(stage, "")?;
    stage.order("enable server be/s3")?;
    stage.expect_only(&["s1", "s2", "s3"])?;
    let mut session = stage.session_on("s3")?;
    let delete = |wanted: &str| expect("del", &stage.ask("del server be/s3")?.as_str(), &wanted);
    delete("Only servers in maintenance mode can be deleted.\n")?;
    stage.order("set server be/s3 state maint")?;
    delete("Server still has connections attached to it, cannot remove it.\n")?;
    session.goes_on()?;
    stage.expect_only(&["s1", "s2"])?;
    drop(session);
    delete_when_idle(stage, "s3")?;
    delete("No such server.\n")?;
    stage.expect_only(&["s1", "s2"])?;
    add(stage, "")
}

fn checked(stage: &Stage) -> Outcome {
    add(stage, " check inter 50 rise 1 fall 1")?;
    stage.order("enable server be/s3")?;
    expect(
        "checks",
        &stage.stat("be", "s3", "check_status")?.as_str(),
        &"",
    )?;
    stage.order("enable health be/s3")?;
    stage.until("be", "s3", "check_status", "L4OK")?;
    stage.expect_only(&["s1", "s2", "s3"])?;
    let dead = stage.dead;
    let command = format!("set server be/s3 addr {} port {}", dead.ip(), dead.port());
    stage.ask(&command)?;
    stage.until("be", "s3", "status", "DOWN")?;
    stage.expect_only(&["s1", "s2"])?;
    stage.order("disable server be/s3")?;
    delete_when_idle(stage, "s3")
}

fn of_the_file(stage: &Stage) -> Outcome {
    add(stage, "")?;
    stage.order("enable server be/s3")?;
    stage.order("disable server be/s1")?;
    delete_when_idle(stage, "s1")?;
    stage.expect_only(&["s2", "s3"])?;
    if stage.kind == Kind::Pontoon {
        let why = stage.ask("show why be")?;
        let names = |name: &str| why.contains(&format!("\"name\":\"be/{name}\""));
        assert!(names("s3") && !names("s1"), "{why}");
    }
    Ok(())
}
