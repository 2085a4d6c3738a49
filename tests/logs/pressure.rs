//! Logging never makes a session wait.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use pontoon_lab::{
    balancer::{Kind, free_address, program_of},
    client::Client,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// Enough sessions with lines long enough to fill a pipe and a queue several times.
const SESSIONS: usize = 3000;

/// Adds these tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "logs::nobody_waits_for_a_pipe_that_is_not_read",
        nobody_waits,
    ));
}

fn nobody_waits() -> Outcome {
    let server = Server::start(Behaviour::Greet("hi".into()))?;
    let front = free_address()?;
    let padding = "x".repeat(900);
    let folder = TempDir::new("pressure")?;
    let config = folder.write(
        "haproxy.cfg",
        format!(
            "defaults\n mode tcp\n log stdout format raw local0\n timeout connect 5s\n\
             timeout client 5s\n timeout server 5s\n log-format \"%ts {padding}\"\n\
             listen l\n bind {front}\n server s1 {}\n",
            server.address()
        ),
    )?;
    let program = program_of(Kind::Pontoon, pontoon(), &folder)?;
    let mut child = Command::new(program)
        .args(["-db", "-f"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let outcome = sessions_go_on(front, &mut child);
    // It may have ended already.
    let _gone = child.kill();
    let _reaped = child.wait();
    outcome
}

fn sessions_go_on(front: std::net::SocketAddr, child: &mut std::process::Child) -> Outcome {
    wait::until("the balancer to listen", wait::PATIENCE, || {
        Client::connect(front).ok()
    })?;
    for _ in 0..SESSIONS {
        let seen = Client::connect(front)?.receive_all(Duration::from_secs(5))?;
        if seen.bytes != b"hi" {
            return Err(Failure::from(format!("a session was disturbed: {seen:?}")));
        }
    }
    let pipe = child.stdout.take();
    let pipe = pipe.ok_or_else(|| "no pipe".to_owned())?;
    std::thread::spawn(move || {
        // Sessions go on until the line that tells what was lost has come.
        while let Ok(mut client) = Client::connect(front) {
            let _over = client.receive_all(Duration::from_secs(5));
        }
    });
    let lines = BufReader::new(pipe).lines().map_while(Result::ok);
    let told = lines
        .take(4 * SESSIONS)
        .any(|line| line.ends_with("log lines could not be sent and were dropped."));
    if told {
        Ok(())
    } else {
        Err(Failure::from("nothing tells what was lost".to_owned()))
    }
}
