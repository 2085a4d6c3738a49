//! The table: each way a session can end.

use std::{any::Any, io::ErrorKind, net::SocketAddr, time::Duration};

use pontoon_lab::{
    balancer::free_address,
    client::{Client, End, Seen},
    crowd::leave_descriptors,
    full::FullListener,
    problem::Problem,
    server::{Behaviour, Server},
};

use super::observe::{PATIENCE, Stage};
use crate::harness::Failure;

/// One script, with what surrounds it.
pub(super) struct Scenario {
    /// `what_happens`.
    pub(super) name: &'static str,
    /// The flags of every session line, in order.
    pub(super) flags: &'static [&'static str],
    /// Lines of the frontend.
    pub(super) frontend: &'static str,
    /// Lines of the backend; `{s1}`, `{s2}` are the servers' addresses.
    pub(super) backend: &'static str,
    /// The servers.
    pub(super) props: fn() -> Result<Props, Failure>,
    /// What the client does and sees.
    pub(super) script: fn(&Stage) -> Result<Vec<Seen>, Failure>,
    /// How many session lines come of it.
    pub(super) lines: usize,
    /// Fields that differ from HAProxy's, and why that is right.
    pub(super) explained: &'static [(&'static str, &'static str)],
}

/// What a scenario keeps alive.
pub(super) struct Props {
    /// Addresses for `{s1}`, `{s2}`, ….
    pub(super) servers: Vec<SocketAddr>,
    _alive: Box<dyn Any>,
}

const PLAIN: Scenario = Scenario {
    name: "",
    flags: &["--"],
    frontend: "",
    backend: "server s1 {s1}",
    props: echo,
    script: send_finish_receive,
    lines: 1,
    explained: &[],
};

/// All of them.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "client_closes",
        ..PLAIN
    },
    Scenario {
        name: "server_closes",
        props: greet,
        script: receive,
        ..PLAIN
    },
    Scenario {
        name: "answer_after_half_close",
        props: after_end,
        ..PLAIN
    },
    Scenario {
        name: "client_opens_and_closes_silently",
        script: open_and_close,
        ..PLAIN
    },
    Scenario {
        name: "client_resets_while_relaying",
        flags: &["CD"],
        script: echo_then_reset,
        ..PLAIN
    },
    Scenario {
        name: "client_is_silent_too_long",
        flags: &["cD"],
        frontend: "timeout client 400ms",
        script: echo_then_wait,
        ..PLAIN
    },
    Scenario {
        name: "server_is_silent_too_long",
        flags: &["sD"],
        backend: "timeout server 400ms\nserver s1 {s1}",
        props: hang,
        script: send_and_wait,
        ..PLAIN
    },
    Scenario {
        name: "server_resets_while_relaying",
        flags: &["SD"],
        props: reset_after_read,
        script: send_and_wait,
        ..PLAIN
    },
    Scenario {
        name: "server_refuses",
        flags: &["SC"],
        props: nobody,
        script: receive,
        ..PLAIN
    },
    Scenario {
        name: "server_refuses_all_retries",
        flags: &["SC"],
        backend: "retries 2\nserver s1 {s1}",
        props: nobody,
        script: receive,
        ..PLAIN
    },
    Scenario {
        name: "no_server_is_there",
        flags: &["SC"],
        backend: "server s1 {s1} disabled",
        script: receive,
        ..PLAIN
    },
    Scenario {
        name: "connecting_takes_too_long",
        flags: &["sC"],
        backend: "timeout connect 400ms\nserver s1 {s1}",
        props: full,
        script: receive,
        ..PLAIN
    },
    Scenario {
        name: "client_closes_while_connecting",
        flags: &["CC"],
        backend: "timeout connect 3s\nserver s1 {s1}",
        props: full,
        script: wait_and_close,
        ..PLAIN
    },
    Scenario {
        name: "client_resets_while_connecting",
        // HAProxy 2.6 takes a reset for an error of the data phase, whatever the phase is.
        flags: &["CD"],
        backend: "timeout connect 3s\nserver s1 {s1}",
        props: full,
        script: wait_and_reset,
        ..PLAIN
    },
    Scenario {
        name: "queue_takes_too_long",
        flags: &["sQ", "--"],
        backend: "timeout queue 400ms\nserver s1 {s1} maxconn 1",
        script: second_waits,
        lines: 2,
        ..PLAIN
    },
    Scenario {
        name: "client_closes_in_the_queue",
        flags: &["CQ", "--"],
        backend: "timeout queue 5s\nserver s1 {s1} maxconn 1",
        script: second_waits_and_closes,
        lines: 2,
        ..PLAIN
    },
    Scenario {
        name: "client_resets_in_the_queue",
        flags: &["CD", "--"],
        backend: "timeout queue 5s\nserver s1 {s1} maxconn 1",
        script: second_waits_and_resets,
        lines: 2,
        ..PLAIN
    },
    Scenario {
        name: "queued_client_gets_its_turn",
        flags: &["--", "--"],
        backend: "timeout queue 5s\nserver s1 {s1} maxconn 1",
        script: second_gets_its_turn,
        lines: 2,
        ..PLAIN
    },
    Scenario {
        name: "redispatched_to_another_server",
        flags: &["--"],
        backend: "retries 1\noption redispatch\nserver s1 {s1}\nserver s2 {s2}",
        props: nobody_then_echo,
        ..PLAIN
    },
    Scenario {
        name: "content_rule_rejects",
        flags: &["PR"],
        frontend: "tcp-request inspect-delay 2s\ntcp-request content reject if { req.len gt 0 }",
        script: send_and_wait,
        ..PLAIN
    },
    Scenario {
        name: "inspection_takes_too_long_and_lets_go_on",
        flags: &["--"],
        frontend: "tcp-request inspect-delay 400ms\ntcp-request content accept if { req.len gt 100 }",
        script: send_finish_receive_slowly,
        ..PLAIN
    },
    Scenario {
        name: "client_closes_while_inspected",
        flags: &["--"],
        frontend: "tcp-request inspect-delay 3s\ntcp-request content accept if { req.len gt 100 }",
        script: open_and_close,
        ..PLAIN
    },
    Scenario {
        name: "no_source_port_is_left",
        // The manual has RC for this; HAProxy 2.6.12 logs SC.
        flags: &["SC", "--"],
        backend: "server s1 {s1} source 127.0.0.1:9987-9987",
        script: second_finds_no_port,
        lines: 2,
        ..PLAIN
    },
    Scenario {
        name: "no_descriptor_is_left",
        flags: &["--", "SC", "--"],
        script: second_finds_no_descriptor,
        lines: 3,
        explained: &[(
            "flags: SC there, RC here",
            "the manual's flags for an exhausted resource; the server is not to blame",
        )],
        ..PLAIN
    },
    Scenario {
        name: "server_speaks_first",
        props: banner,
        script: receive_banner_and_close,
        ..PLAIN
    },
    Scenario {
        name: "connection_rule_rejects_without_a_line",
        flags: &[],
        frontend: "tcp-request connection reject",
        script: connect_and_receive,
        lines: 0,
        ..PLAIN
    },
    Scenario {
        name: "session_rule_rejects",
        flags: &[],
        frontend: "tcp-request session reject",
        script: receive,
        lines: 0,
        ..PLAIN
    },
    Scenario {
        name: "null_session_is_not_logged",
        flags: &[],
        frontend: "option dontlognull",
        script: open_and_close,
        lines: 0,
        ..PLAIN
    },
    Scenario {
        name: "logged_as_soon_as_connected",
        frontend: "option logasap",
        script: send_finish_receive,
        ..PLAIN
    },
    Scenario {
        name: "all_backups_are_used",
        backend: "option allbackups\nserver s1 {s1} disabled\nserver s2 {s2} backup",
        props: nobody_then_echo,
        ..PLAIN
    },
    Scenario {
        name: "backend_rule_rejects",
        flags: &["PR"],
        backend: "tcp-request inspect-delay 2s\ntcp-request content reject if { req.len gt 0 }\nserver s1 {s1}",
        script: send_and_wait,
        ..PLAIN
    },
    Scenario {
        name: "client_stays_half_closed_too_long",
        flags: &["sD"],
        backend: "timeout server 2s\ntimeout server-fin 300ms\nserver s1 {s1}",
        props: hang_on,
        script: send_finish_receive,
        ..PLAIN
    },
    Scenario {
        name: "tunnel_is_silent_too_long",
        flags: &["cD"],
        backend: "timeout tunnel 400ms\nserver s1 {s1}",
        script: echo_then_wait,
        ..PLAIN
    },
];

fn one(behaviour: Behaviour) -> Result<Props, Failure> {
    let server = Server::start(behaviour)?;
    Ok(Props {
        servers: vec![server.address()],
        _alive: Box::new(server),
    })
}

fn echo() -> Result<Props, Failure> {
    one(Behaviour::Echo)
}

fn greet() -> Result<Props, Failure> {
    one(Behaviour::Greet("welcome".into()))
}

fn after_end() -> Result<Props, Failure> {
    one(Behaviour::AfterEnd(b"that was all".to_vec()))
}

fn hang() -> Result<Props, Failure> {
    one(Behaviour::Hang)
}

/// Never closes by itself, not even when the client has.
fn hang_on() -> Result<Props, Failure> {
    one(Behaviour::HangOn)
}

fn banner() -> Result<Props, Failure> {
    one(Behaviour::Send(b"220 ready".to_vec()))
}

fn reset_after_read() -> Result<Props, Failure> {
    one(Behaviour::ResetAfterRead)
}

fn nobody() -> Result<Props, Failure> {
    Ok(Props {
        servers: vec![free_address()?],
        _alive: Box::new(()),
    })
}

fn nobody_then_echo() -> Result<Props, Failure> {
    let server = Server::start(Behaviour::Echo)?;
    let servers = vec![free_address()?, server.address()];
    Ok(Props {
        servers,
        _alive: Box::new(server),
    })
}

fn full() -> Result<Props, Failure> {
    let listener = FullListener::start()?;
    Ok(Props {
        servers: vec![listener.address()],
        _alive: Box::new(listener),
    })
}

fn send_finish_receive(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    client.send(b"hello")?;
    client.finish()?;
    Ok(vec![client.receive_all(PATIENCE)?])
}

fn send_finish_receive_slowly(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    client.send(b"hello")?;
    let seen = client.receive(5, PATIENCE)?;
    client.finish()?;
    Ok(vec![seen, client.receive_all(PATIENCE)?])
}

fn receive(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    Ok(vec![client.receive_all(PATIENCE)?])
}

/// The reset may come before the connection is seen as made.
fn connect_and_receive(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    match Client::connect(stage.front) {
        Ok(mut client) => Ok(vec![client.receive_all(PATIENCE)?]),
        Err(Problem::Io { source, .. }) if source.kind() == ErrorKind::ConnectionReset => {
            let (bytes, end) = (Vec::new(), End::Reset);
            Ok(vec![Seen { bytes, end }])
        }
        Err(problem) => Err(problem.into()),
    }
}

fn open_and_close(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    client.finish()?;
    Ok(vec![client.receive_all(PATIENCE)?])
}

fn echo_then_reset(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    client.send(b"hello")?;
    let seen = client.receive(5, PATIENCE)?;
    client.reset()?;
    Ok(vec![seen])
}

fn echo_then_wait(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    client.send(b"hello")?;
    Ok(vec![client.receive_all(PATIENCE)?])
}

fn send_and_wait(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    client.send(b"hello")?;
    Ok(vec![client.receive_all(PATIENCE)?])
}

/// The client's patience while nothing is meant to come.
const A_WHILE: Duration = Duration::from_millis(300);

fn receive_banner_and_close(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    let seen = client.receive(9, PATIENCE)?;
    Ok(vec![seen, end(client)?])
}

fn wait_and_close(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    Ok(vec![client.receive_all(A_WHILE)?])
}

fn wait_and_reset(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let mut client = Client::connect(stage.front)?;
    let seen = client.receive_all(A_WHILE)?;
    client.reset()?;
    Ok(vec![seen])
}

/// A first session that has its slot, proved by an echo.
fn first_session(stage: &Stage) -> Result<Client, Failure> {
    let mut first = Client::connect(stage.front)?;
    first.send(b"first")?;
    first.receive(5, PATIENCE)?;
    Ok(first)
}

fn end(mut client: Client) -> Result<Seen, Failure> {
    client.finish()?;
    Ok(client.receive_all(PATIENCE)?)
}

fn second_waits(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let first = first_session(stage)?;
    let mut second = Client::connect(stage.front)?;
    let seen = second.receive_all(PATIENCE)?;
    Ok(vec![seen, end(first)?])
}

fn second_waits_and_closes(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let first = first_session(stage)?;
    let mut second = Client::connect(stage.front)?;
    let seen = second.receive_all(A_WHILE)?;
    drop(second);
    stage
        .syslog
        .wait_for("the second session's line", |line| line.contains(" CQ "))?;
    Ok(vec![seen, end(first)?])
}

fn second_waits_and_resets(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let first = first_session(stage)?;
    let mut second = Client::connect(stage.front)?;
    let seen = second.receive_all(A_WHILE)?;
    second.reset()?;
    stage
        .syslog
        .wait_for("the second session's line", |line| line.contains("<NOSRV>"))?;
    Ok(vec![seen, end(first)?])
}

fn second_gets_its_turn(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let first = first_session(stage)?;
    let mut second = Client::connect(stage.front)?;
    second.send(b"second")?;
    let waiting = second.receive_all(A_WHILE)?;
    let ended = end(first)?;
    let served = second.receive(6, PATIENCE)?;
    Ok(vec![waiting, ended, served, end(second)?])
}

fn second_finds_no_port(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    let first = first_session(stage)?;
    let mut second = Client::connect(stage.front)?;
    let seen = second.receive_all(PATIENCE)?;
    Ok(vec![seen, end(first)?])
}

fn second_finds_no_descriptor(stage: &Stage) -> Result<Vec<Seen>, Failure> {
    // A whole session before, so that the socket of the log is open.
    let warm = end(first_session(stage)?)?;
    let is_session = |line: &str| line.contains("] fe be/s1 ");
    stage.syslog.wait_for("the line of a session", is_session)?;
    let first = first_session(stage)?;
    leave_descriptors(stage.pid, 1)?;
    let mut second = Client::connect(stage.front)?;
    let seen = second.receive_all(PATIENCE)?;
    stage
        .syslog
        .wait_for_count("the second session's line", 2, is_session)?;
    Ok(vec![warm, seen, end(first)?])
}
