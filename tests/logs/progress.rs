//! Lines of sessions that go on, and what they do not do to others.

use std::net::SocketAddr;

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::Client,
    server::{Behaviour, Server},
    syslog::Syslog,
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds these tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "logs::a_long_session_is_told_at_its_start_every_second_and_at_its_end",
        a_long_session_is_told,
    ));
    tests.push(Test::new(
        "logs::without_being_asked_a_session_has_one_line",
        without_being_asked,
    ));
}

struct Scene {
    log: Syslog,
    client: Client,
    _server: Server,
    _balancer: Balancer,
}

impl Scene {
    /// A session that has sent ten bytes and got them back.
    fn start(option: &str) -> Result<Self, Failure> {
        let (log, server) = (Syslog::start()?, Server::start(Behaviour::Echo)?);
        let front: SocketAddr = free_address()?;
        let config = format!(
            "global\n log {} local0\n\
             defaults\n mode tcp\n log global\n option tcplog\n timeout connect 5s\n\
             \x20timeout client 1h\n timeout server 1h\n{option}\n\
             listen l\n bind {front}\n server s1 {}\n",
            log.address(),
            server.address()
        );
        let balancer = Balancer::start(Kind::Pontoon, pontoon(), &config, front)?;
        // The one that looked whether it listens has ended.
        log.wait_for("the line of the first connection", |line| {
            line.contains(" l l/s1 ") && !line.contains("/+")
        })?;
        let mut client = Client::connect(front)?;
        client.send(b"some bytes")?;
        client.receive(10, wait::PATIENCE)?;
        Ok(Self {
            log,
            client,
            _server: server,
            _balancer: balancer,
        })
    }

    /// Where the client comes from, as lines show it.
    fn port(&self) -> Result<String, Failure> {
        let interim = self.log.wait_for("a line of the session", |line| {
            line.contains("/+") && line.contains(" +10 ")
        })?;
        let port = interim.split(" [").next();
        let port = port.and_then(|head| head.rsplit(' ').next());
        Ok(port.ok_or("no client")?.to_owned())
    }
}

fn a_long_session_is_told() -> Outcome {
    let scene = Scene::start(" option pontoon-log-sessions start every 1s\n")?;
    let client = scene.port()?;
    let of_session = |line: &str| line.contains(&format!(" {client} ["));
    scene
        .log
        .wait_for_count("a start and three intervals", 4, of_session)?;
    drop(scene.client);
    scene.log.wait_for("the last line", |line| {
        of_session(line) && !line.contains("/+") && line.contains(" 10 ")
    })?;
    let lines: Vec<String> = scene.log.lines();
    let lines: Vec<_> = lines.iter().filter(|line| of_session(line)).collect();
    let times: Vec<u64> = lines.iter().filter_map(|line| total_time(line)).collect();
    // Never too early; how late says something of the machine only.
    let mut seconds = times.iter().zip(0..).take(4);
    let in_time = seconds.all(|(time, second)| *time >= second * 1_000);
    if in_time && lines[0].contains(" +0 ") {
        Ok(())
    } else {
        Err(format!("{times:?}: {lines:#?}").into())
    }
}

/// `%Tt`, with or without its `+`.
fn total_time(line: &str) -> Option<u64> {
    let times = line.split(" l/s1 ").nth(1)?.split(' ').next()?;
    let total = times.rsplit('/').next()?;
    total.trim_start_matches('+').parse().ok()
}

fn without_being_asked() -> Outcome {
    let scene = Scene::start("")?;
    drop(scene.client);
    let last = |line: &str| line.contains(" l/s1 ") && line.contains(" 10 ");
    scene.log.wait_for("the last line", last)?;
    match scene.log.lines().iter().find(|line| line.contains("/+")) {
        None => Ok(()),
        Some(line) => Err(format!("an early line: {line}").into()),
    }
}
