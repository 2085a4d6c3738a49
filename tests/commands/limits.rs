//! Limits that are set while sessions wait behind them, and counters that begin anew.

use std::time::{Duration, Instant};

use pontoon_lab::balancer::Kind;

use super::{Stage, both, expect};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(both(
        "commands::maxconn_of_a_server_makes_sessions_queue_and_lets_them_go_on",
        ONE,
        of_a_server,
    ));
    tests.push(both(
        "commands::maxconn_of_a_frontend_makes_clients_wait_and_lets_them_in",
        ONE,
        of_a_frontend,
    ));
    tests.push(both(
        "commands::maxconn_of_the_process_makes_clients_wait_and_lets_them_in",
        ONE,
        of_the_process,
    ));
    for (name, scenario) in [
        (
            "commands::a_rate_of_connections_slows_clients_down_until_it_is_taken_back",
            (|stage| rate(stage, "connections", "ConnRateLimit")) as fn(&Stage) -> Outcome,
        ),
        (
            "commands::a_rate_of_sessions_slows_clients_down_until_it_is_taken_back",
            |stage| rate(stage, "sessions", "SessRateLimit"),
        ),
    ] {
        tests.push(both(name, ONE, scenario));
    }
    tests.push(both("commands::counters_begin_anew", ONE, counters));
}

const ONE: &str = " default_backend be\nbackend be\n server s1 {s1} maxconn 50\n";

fn of_a_server(stage: &Stage) -> Outcome {
    stage.order("set maxconn server be/s1 1")?;
    let first = stage.session()?;
    let mut second = stage.silent()?;
    stage.until("be", "BACKEND", "qcur", "1")?;
    let mut third = stage.silent()?;
    stage.until("be", "BACKEND", "qcur", "2")?;
    second.waits()?;
    // Room for one more, at once.
    stage.order("set maxconn server be/s1 2")?;
    second.is_answered()?;
    stage.until("be", "BACKEND", "qcur", "1")?;
    third.waits()?;
    drop(first);
    third.is_answered()?;
    stage.until("be", "BACKEND", "qcur", "0")
}

fn of_a_frontend(stage: &Stage) -> Outcome {
    stage.order("set maxconn frontend fe 1")?;
    let limit = stage.stat("fe", "FRONTEND", "slim")?;
    expect("slim", &limit.as_str(), &"1")?;
    let mut first = stage.session()?;
    // The kernel connects it.
    let mut second = stage.silent()?;
    first.goes_on()?;
    let sessions = stage.stat("fe", "FRONTEND", "scur")?;
    expect("scur", &sessions.as_str(), &"1")?;
    second.waits()?;
    if stage.kind == Kind::Haproxy {
        // With somebody waiting, 2.6.12 locks itself up and aborts when the limit is raised.
        drop(first);
        return second.is_answered();
    }
    stage.order("set maxconn frontend fe 2")?;
    second.is_answered()?;
    let mut third = stage.silent()?;
    second.goes_on()?;
    third.waits()?;
    drop(first);
    third.is_answered()
}

fn of_the_process(stage: &Stage) -> Outcome {
    stage.order("set maxconn global 1")?;
    let mut first = stage.session()?;
    let mut second = stage.silent()?;
    first.goes_on()?;
    second.waits()?;
    expect("Maxconn", &info(stage, "Maxconn")?.as_str(), &"1")?;
    stage.order("set maxconn global 0")?;
    second.is_answered()?;
    expect("Maxconn", &info(stage, "Maxconn")?.as_str(), &"100")
}

/// A line of `show info`.
fn info(stage: &Stage, name: &str) -> Result<String, crate::harness::Failure> {
    let text = stage.ask("show info")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    Ok(line.ok_or("no such line")?.to_owned())
}

fn rate(stage: &Stage, which: &str, name: &str) -> Outcome {
    stage.order(&format!("set rate-limit {which} global 2"))?;
    expect(name, &info(stage, name)?.as_str(), &"2")?;
    let start = Instant::now();
    for _ in 0..5 {
        stage.session()?;
    }
    let took = start.elapsed();
    if took < Duration::from_millis(900) {
        return Err(format!("five sessions at two a second in {took:?}").into());
    }
    stage.order(&format!("set rate-limit {which} global 0"))?;
    let start = Instant::now();
    for _ in 0..20 {
        stage.session()?;
    }
    let took = start.elapsed();
    if took > Duration::from_secs(5) {
        return Err(format!("twenty sessions without a limit took {took:?}").into());
    }
    Ok(())
}

fn counters(stage: &Stage) -> Outcome {
    let stat = |name: &str, column: &str| stage.stat("be", name, column);
    let mut kept = stage.session()?;
    drop([stage.session()?, stage.session()?]);
    for name in ["s1", "BACKEND"] {
        stage.until("be", name, "scur", "1")?;
        expect("smax", &stat(name, "smax")?.as_str(), &"3")?;
    }
    stage.order("clear counters")?;
    // With a session that is there, HAProxy tells a maximum below the current value.
    let highest = if stage.kind == Kind::Haproxy {
        "0"
    } else {
        "1"
    };
    for name in ["s1", "BACKEND"] {
        expect("stot is kept", &stat(name, "stot")?.as_str(), &"3")?;
        expect("smax", &stat(name, "smax")?.as_str(), &highest)?;
    }
    stage.order("clear counters all")?;
    for name in ["s1", "BACKEND"] {
        expect("stot", &stat(name, "stot")?.as_str(), &"0")?;
        expect("bin", &stat(name, "bin")?.as_str(), &"0")?;
        expect("scur is what is", &stat(name, "scur")?.as_str(), &"1")?;
    }
    kept.goes_on()?;
    drop(stage.session()?);
    stage.until("be", "BACKEND", "stot", "1")
}
