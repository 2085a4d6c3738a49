//! Where lines go besides UDP.

use std::os::unix::net::UnixDatagram;

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::Client,
    needs::Need,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds these tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, kind) in [("pontoon", Kind::Pontoon), ("haproxy", Kind::Haproxy)] {
        let need = |test: Test| match kind {
            Kind::Pontoon => test,
            Kind::Haproxy => test.needs(Need::Program("haproxy")),
        };
        tests.push(need(Test::new(
            format!("logs::{name}_writes_to_standard_output_and_error"),
            move || writes_to_standard_streams(kind),
        )));
        tests.push(need(Test::new(
            format!("logs::{name}_finds_a_syslog_daemon_that_restarted"),
            move || finds_a_restarted_daemon(kind),
        )));
    }
}

fn writes_to_standard_streams(kind: Kind) -> Outcome {
    let server = Server::start(Behaviour::Greet("hi".into()))?;
    let (front, probe) = (free_address()?, free_address()?);
    let config = format!(
        "global\n log stdout format raw local0 info\n log stderr format short local0 info info\n\
         defaults\n mode tcp\n log global\n timeout connect 1s\n timeout client 1s\n\
         timeout server 1s\n option tcplog\n log-format \"%f %b %s %ts\"\n\
         listen l\n bind {front}\n server s1 {}\n\
         listen probe\n bind {probe}\n mode http\n stats enable\n no log\n",
        server.address()
    );
    let balancer = Balancer::start(kind, pontoon(), &config, probe)?;
    Client::connect(front)?.receive_all(wait::PATIENCE)?;
    for expected in ["l l s1 --", "<6>l l s1 --"] {
        balancer
            .program
            .wait_for_line(expected, |line| line == expected)?;
    }
    Ok(())
}

fn finds_a_restarted_daemon(kind: Kind) -> Outcome {
    let folder = TempDir::new("syslog")?;
    let path = folder.path().join("log.sock");
    let server = Server::start(Behaviour::Greet("hi".into()))?;
    let (front, probe) = (free_address()?, free_address()?);
    let config = format!(
        "global\n log {} local0\n\
         defaults\n mode tcp\n log global\n timeout connect 1s\n timeout client 1s\n\
         timeout server 1s\n log-format \"%f %b %s %ts\"\n\
         listen l\n bind {front}\n server s1 {}\n\
         listen probe\n bind {probe}\n mode http\n stats enable\n no log\n",
        path.display(),
        server.address()
    );
    let _balancer = Balancer::start(kind, pontoon(), &config, probe)?;
    for _ in 0..2 {
        let daemon = UnixDatagram::bind(&path)?;
        daemon.set_nonblocking(true)?;
        let line = wait::until("a line in the daemon", wait::PATIENCE, || {
            // Lines are lost until the daemon is found, so more than one session may be needed.
            Client::connect(front)
                .ok()?
                .receive_all(wait::PATIENCE)
                .ok()?;
            received(&daemon)
        })?;
        if !line.starts_with("<134>") || !line.ends_with("]: l l s1 --\n") {
            return Err(Failure::from(format!("an odd line: {line}")));
        }
        drop(daemon);
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

/// The last session line; ours says before it how many were lost.
fn received(daemon: &UnixDatagram) -> Option<String> {
    let mut buffer = [0; 2000];
    let next = || {
        let length = daemon.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    };
    std::iter::from_fn(next).find(|line| line.contains("l l s1"))
}
