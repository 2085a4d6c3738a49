//! Frontends that let nobody in, and sessions that are ended.

use std::net::TcpStream;

use super::{Stage, both, expect};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(both(
        "commands::a_disabled_frontend_refuses_clients_and_keeps_its_sessions",
        TWO,
        disabled,
    ));
    tests.push(both(
        "commands::a_frontend_that_was_shut_down_stays_so",
        TWO,
        shut_down,
    ));
    tests.push(both(
        "commands::clients_of_a_server_see_their_sessions_end",
        TWO,
        ended,
    ));
}

const TWO: &str = " default_backend be\nbackend be\n balance roundrobin\n \
    server s1 {s1}\n server s2 {s2}\n";

fn refuses(stage: &Stage) -> Outcome {
    pontoon_lab::wait::until(
        "connections to be refused",
        pontoon_lab::wait::PATIENCE,
        || TcpStream::connect(stage.front).is_err().then_some(()),
    )?;
    Ok(())
}

fn disabled(stage: &Stage) -> Outcome {
    let mut old = stage.session()?;
    stage.order("disable frontend fe")?;
    refuses(stage)?;
    let status = stage.stat("fe", "FRONTEND", "status")?;
    expect("disabled", &status.as_str(), &"PAUSED")?;
    old.goes_on()?;
    stage.order("enable frontend fe")?;
    stage.until("fe", "FRONTEND", "status", "OPEN")?;
    stage.session()?;
    old.goes_on()
}

fn shut_down(stage: &Stage) -> Outcome {
    let mut old = stage.session()?;
    stage.order("shutdown frontend fe")?;
    refuses(stage)?;
    expect(
        "shut down",
        &stage.stat("fe", "FRONTEND", "status")?.as_str(),
        &"STOP",
    )?;
    old.goes_on()?;
    let answer = stage.ask("enable frontend fe")?;
    expect(
        "enabled again",
        &answer.trim(),
        &"Frontend was previously shut down, cannot enable.",
    )?;
    refuses(stage)?;
    old.goes_on()
}

fn ended(stage: &Stage) -> Outcome {
    let mut first = stage.session_on("s1")?;
    let mut second = stage.session_on("s2")?;
    stage.order("shutdown sessions server be/s1")?;
    first.is_ended()?;
    stage.until("be", "s1", "scur", "0")?;
    second.goes_on()?;
    expect("s2's", &stage.stat("be", "s2", "scur")?.as_str(), &"1")
}
