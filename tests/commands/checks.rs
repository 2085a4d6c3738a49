//! Commands about checks and agents, and about what they have found.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use pontoon_lab::server::{Behaviour, Server};

use super::{Stage, both, expect};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(both(
        "commands::health_is_overruled_until_the_next_check",
        SELDOM,
        health,
    ));
    tests.push(both(
        "commands::a_check_overrules_what_was_said_of_a_server",
        OFTEN,
        checks_have_the_last_word,
    ));
    tests.push(both(
        "commands::checks_go_to_the_port_and_address_that_were_set",
        OFTEN,
        where_checks_go,
    ));
    tests.push(both(
        "commands::a_server_whose_checks_are_off_stays_as_it_is",
        SAME,
        checks_off,
    ));
    tests.push(both(
        "commands::a_server_whose_agent_is_off_stays_as_it_is",
        AGENTS,
        agents_off,
    ));
    tests.push(both(
        "commands::agents_are_asked_where_and_what_was_set",
        ASKED,
        where_agents_are,
    ));
}

/// Checked at the start and then once an hour.
const SELDOM: &str = " default_backend be\nbackend be\n balance roundrobin\n \
    server s1 {s1} check inter 1h agent-check agent-port {dead.port} agent-inter 1h\n \
    server s2 {s2} check inter 1h\n";

const OFTEN: &str = " default_backend be\nbackend be\n balance roundrobin\n \
    server s1 {s1} check inter 50ms rise 2 fall 2\n \
    server s2 {s2} check inter 50ms rise 2 fall 2\n";

/// Both are checked at the same door.
const SAME: &str = " default_backend be\nbackend be\n default-server check port {dead.port} inter 50ms rise 2 fall 2\n \
    server s1 {s1}\n server s2 {s2}\n";

/// Both have the same agent.
const AGENTS: &str = " default_backend be\nbackend be\n \
    default-server agent-check agent-port {dead.port} agent-inter 50ms\n \
    server s1 {s1}\n server s2 {s2}\n";

const ASKED: &str = " default_backend be\nbackend be\n balance roundrobin\n \
    server s1 {s1} agent-check agent-port {dead.port} agent-inter 50ms\n server s2 {s2}\n";

fn checked(stage: &Stage) -> Outcome {
    for server in ["s1", "s2"] {
        stage.until("be", server, "check_status", "L4OK")?;
    }
    Ok(())
}

fn health(stage: &Stage) -> Outcome {
    stage.until("be", "s1", "check_status", "L4OK")?;
    let mut old = stage.session_on("s1")?;
    for (order, status, servers) in [
        ("set server be/s1 health down", "DOWN", &["s2"][..]),
        ("set server be/s1 health up", "UP", &["s1", "s2"]),
        ("set server be/s1 health stopping", "NOLB", &["s2"]),
        ("set server be/s1 health up", "UP", &["s1", "s2"]),
        ("set server be/s1 agent down", "DOWN (agent)", &["s2"]),
        ("set server be/s1 agent up", "UP", &["s1", "s2"]),
    ] {
        stage.order(order)?;
        expect(order, &stage.stat("be", "s1", "status")?.as_str(), &status)?;
        stage.expect_only(servers)?;
        old.goes_on()?;
    }
    Ok(())
}

fn checks_have_the_last_word(stage: &Stage) -> Outcome {
    checked(stage)?;
    let downs = stage.stat("be", "s1", "chkdown")?;
    expect("times down", &downs.as_str(), &"0")?;
    stage.order("set server be/s1 health down")?;
    stage.until("be", "s1", "chkdown", "1")?;
    stage.until("be", "s1", "status", "UP")?;
    stage.expect_only(&["s1", "s2"])
}

fn where_checks_go(stage: &Stage) -> Outcome {
    checked(stage)?;
    let (own, dead) = (stage.servers[0].address().port(), stage.dead.port());
    // The answer says what changed, in words of its own.
    stage.ask(&format!("set server be/s1 check-port {dead}"))?;
    stage.until("be", "s1", "status", "DOWN")?;
    stage.expect_only(&["s2"])?;
    stage.ask(&format!("set server be/s1 check-port {own}"))?;
    stage.until("be", "s1", "status", "UP")?;
    // Loopback's servers listen at 127.0.0.1 only.
    stage.ask("set server be/s1 check-addr 127.0.0.3")?;
    stage.until("be", "s1", "status", "DOWN")?;
    stage.expect_only(&["s2"])?;
    stage.ask(&format!("set server be/s1 check-addr 127.0.0.1 port {own}"))?;
    stage.until("be", "s1", "status", "UP")?;
    stage.expect_only(&["s1", "s2"])
}

fn checks_off(stage: &Stage) -> Outcome {
    for server in ["s1", "s2"] {
        stage.until("be", server, "status", "DOWN")?;
    }
    stage.order("disable health be/s1")?;
    let door = Server::on(stage.dead, Behaviour::Hang)?;
    stage.until("be", "s2", "status", "UP")?;
    expect("off", &stage.stat("be", "s1", "status")?.as_str(), &"DOWN")?;
    stage.expect_only(&["s2"])?;
    stage.order("enable health be/s1")?;
    stage.until("be", "s1", "status", "UP")?;
    stage.order("disable health be/s2")?;
    drop(door);
    stage.until("be", "s1", "status", "DOWN")?;
    expect(
        "off",
        &stage.stat("be", "s2", "status")?.as_str(),
        &"no check",
    )?;
    stage.expect_only(&["s2"])
}

fn agents_off(stage: &Stage) -> Outcome {
    stage.order("disable agent be/s1")?;
    let _agent = Server::on(stage.dead, Behaviour::Greet("down\n".into()))?;
    stage.until("be", "s2", "status", "DOWN (agent)")?;
    expect(
        "off",
        &stage.stat("be", "s1", "status")?.as_str(),
        &"no check",
    )?;
    stage.expect_only(&["s1"])?;
    stage.order("enable agent be/s1")?;
    stage.until("be", "s1", "status", "DOWN (agent)")
}

fn where_agents_are(stage: &Stage) -> Outcome {
    let drains = Server::start(Behaviour::Greet("drain\n".into()))?;
    let port = drains.address().port();
    stage.ask(&format!("set server be/s1 agent-port {port}"))?;
    stage.until("be", "s1", "status", "DRAIN (agent)")?;
    stage.expect_only(&["s2"])?;
    let other = TcpListener::bind(("127.0.0.1", 0))?;
    let port = other.local_addr()?.port();
    stage.ask("set server be/s1 agent-send hello?")?;
    stage.ask(&format!(
        "set server be/s1 agent-addr 127.0.0.1 port {port}"
    ))?;
    let (mut asked, _) = other.accept()?;
    let mut hello = [0; 6];
    asked.read_exact(&mut hello)?;
    expect("what the agent is asked", &&hello, &b"hello?")?;
    asked.write_all(b"ready\n")?;
    drop((asked, other));
    stage.until("be", "s1", "status", "no check")?;
    stage.expect_only(&["s1", "s2"])
}
