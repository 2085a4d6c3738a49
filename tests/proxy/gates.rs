//! Who is let in, where to, and how many at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::{Client, End},
    needs::Need,
    server::{Behaviour, Server},
    wait,
};

use super::stage::{Scene, both, both_need, client_from, expect, named, rest, who};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    // Without root the socket cannot be forgotten, only be closed with a reset that dies early.
    both_need(
        tests,
        "silently_dropped_connections_stay_as_they_are",
        &[Need::Root],
        silent_drop,
    );
    both_need(
        tests,
        "silently_dropped_content_stays_unanswered",
        &[Need::Root],
        silent_drop_of_content,
    );
    tests.push(Test::new(
        "proxy::monitors_are_closed_without_a_word",
        monitor_net,
    ));
    let scenarios: [Scenario; 9] = [
        (
            "server_names_lead_to_backends",
            server_names_lead_to_backends,
        ),
        (
            "use_server_picks_while_it_is_up",
            use_server_picks_while_it_is_up,
        ),
        (
            "a_backend_without_servers_is_passed_by",
            a_backend_without_servers_is_passed_by,
        ),
        ("sessions_of_the_frontend_are_counted_by_rules", fe_conn),
        ("sessions_of_the_backend_are_counted_by_rules", be_conn),
        ("sessions_above_the_rate_wait", sessions_above_the_rate_wait),
        (
            "clients_above_the_limit_of_a_frontend_wait_outside",
            frontend_is_full,
        ),
        (
            "clients_above_the_limit_of_a_listener_wait_outside",
            listener_is_full,
        ),
        ("limits_grow_with_the_load", limits_grow_with_the_load),
    ];
    for (name, run) in scenarios {
        both(tests, name, run);
    }
}

type Scenario = (&'static str, fn(Kind) -> Outcome);

/// How long a client waits for what must not come.
const A_WHILE: Duration = Duration::from_millis(200);

/// A frontend `fe` with these lines before a backend `be` with a server `s1` called 1.
fn fe(kind: Kind, lines: &str, server: &Server) -> Result<Scene, Failure> {
    let server = server.address();
    Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n {lines}\n default_backend be\nbackend be\n server s1 {server}"
        ),
    )
}

/// At once, or as soon as there would be a session; it does not count as denied.
fn silent_drop(kind: Kind) -> Outcome {
    for (phase, denied) in [("connection", "dcon"), ("session", "dses")] {
        let server = named("1")?;
        let scene = fe(kind, &format!("tcp-request {phase} silent-drop"), &server)?;
        let mut client = scene.client()?;
        scene.wait_for_value("fe/FRONTEND", "conn_tot", "1")?;
        let seen = client.receive_all(A_WHILE)?;
        expect(
            "what the client sees",
            (seen.bytes.len(), seen.end),
            (0, End::Open),
        )?;
        for column in ["scur", "stot", denied] {
            let value = scene.value("fe/FRONTEND", column)?;
            expect(&format!("{phase} {column}"), value.as_str(), "0")?;
        }
    }
    Ok(())
}

fn silent_drop_of_content(kind: Kind) -> Outcome {
    let server = named("1")?;
    let lines =
        "tcp-request inspect-delay 5s\n tcp-request content silent-drop if { req.len gt 0 }";
    let scene = fe(kind, lines, &server)?;
    let mut client = scene.client()?;
    client.send(b"hello")?;
    expect("the flags", scene.flags(1)?, vec!["PR".to_owned()])?;
    let denied = scene.value("fe/FRONTEND", "dreq")?;
    expect("requests denied", denied.as_str(), "1")?;
    let seen = client.receive_all(A_WHILE)?;
    expect(
        "what the client sees",
        (seen.bytes.len(), seen.end),
        (0, End::Open),
    )
}

/// HAProxy 2.6 has this no more, but older files do.
fn monitor_net() -> Outcome {
    let server = named("1")?;
    let scene = fe(Kind::Pontoon, "monitor-net 127.0.0.8/31", &server)?;
    let mut monitor = client_from("127.0.0.9", scene.front)?;
    let seen = rest(&mut monitor)?;
    expect(
        "what it sees",
        (seen.bytes.len(), seen.end),
        (0, End::Closed),
    )?;
    expect("who answers others", scene.ask()?.as_str(), "1")?;
    let line = scene.line_of("be/s1")?;
    expect(
        "the first line is of",
        line.client.starts_with("127.0.0.1:"),
        true,
    )?;
    expect(
        "sessions counted",
        scene.value("fe/FRONTEND", "stot")?.as_str(),
        "1",
    )
}

/// What a real client of TLS says first.
fn hello(name: &str) -> Result<Vec<u8>, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = name
        .to_owned()
        .try_into()
        .map_err(|_| "no name".to_owned())?;
    let mut client =
        rustls::ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes)?;
    Ok(bytes)
}

fn server_names_lead_to_backends(kind: Kind) -> Outcome {
    let servers = [named("one")?, named("two")?, named("other")?];
    let [one, two, other] = [0, 1, 2].map(|n| servers[n].address());
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n tcp-request inspect-delay 5s\n \
             tcp-request content accept if {{ req.ssl_hello_type 1 }}\n \
             use_backend one if {{ req.ssl_sni -i one.example }}\n \
             use_backend two if {{ req.ssl_sni -m end .two.example }}\n default_backend other\n\
             backend one\n server s1 {one}\nbackend two\n server s1 {two}\n\
             backend other\n server s1 {other}"
        ),
    )?;
    for (name, wanted) in [
        ("One.Example", "one"),
        ("db.two.example", "two"),
        ("two.example", "other"),
    ] {
        let hello = hello(name)?;
        let mut client = scene.client()?;
        client.stream().set_nodelay(true)?;
        let (first, second) = hello.split_at(hello.len() / 2);
        client.send(first)?;
        // Undecided: nobody answers half a hello.
        let seen = client.receive(1, Duration::from_millis(30))?;
        expect("the answer to half a hello", seen.bytes.len(), 0)?;
        client.send(second)?;
        let seen = client.receive(wanted.len() + 1, wait::PATIENCE)?;
        let answer = String::from_utf8_lossy(&seen.bytes).into_owned();
        expect(name, answer.trim(), wanted)?;
    }
    Ok(())
}

fn use_server_picks_while_it_is_up(kind: Kind) -> Outcome {
    let (one, two, health) = (named("1")?, named("2")?, Server::start(Behaviour::Close)?);
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n default_backend be\nbackend be\n \
             use-server s2 if {{ src 127.0.0.7 }}\n server s1 {}\n \
             server s2 {} weight 0 check inter 30ms fall 1 port {}\n",
            one.address(),
            two.address(),
            health.address().port()
        ),
    )?;
    scene.wait_for_value("be/s2", "check_status", "L4OK")?;
    for (from, wanted) in [("127.0.0.7", "2"), ("127.0.0.1", "1"), ("127.0.0.7", "2")] {
        let name = who(&mut client_from(from, scene.front)?)?;
        expect(from, name.as_str(), wanted)?;
    }
    drop(health);
    scene.wait_for_value("be/s2", "status", "DOWN")?;
    let name = who(&mut client_from("127.0.0.7", scene.front)?)?;
    expect("once it is down", name.as_str(), "1")
}

fn a_backend_without_servers_is_passed_by(kind: Kind) -> Outcome {
    let (main, spare, health) = (named("main")?, named("spare")?, free_address()?);
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n acl dead nbsrv(main) lt 1\n use_backend spare if dead\n \
             default_backend main\n\
             backend main\n server s1 {} check inter 30ms fall 1 rise 1 port {}\n\
             backend spare\n server s1 {}\n",
            main.address(),
            health.port(),
            spare.address()
        ),
    )?;
    scene.wait_for_value("main/s1", "status", "DOWN")?;
    expect("without a server", scene.ask()?.as_str(), "spare")?;
    let _health = Server::on(health, Behaviour::Close)?;
    scene.wait_for_value("main/s1", "status", "UP")?;
    expect("with a server", scene.ask()?.as_str(), "main")
}

/// How a client is received: it is served, or cut off.
fn served(client: &mut Client) -> Result<bool, Failure> {
    // Whoever is cut off may be so before it speaks.
    let _gone = client.send(b"who?");
    Ok(!client.receive(2, wait::PATIENCE)?.bytes.is_empty())
}

fn fe_conn(kind: Kind) -> Outcome {
    let server = named("1")?;
    let scene = fe(
        kind,
        "tcp-request content reject if { fe_conn gt 2 }",
        &server,
    )?;
    let mut clients = Vec::new();
    for wanted in [true, true, false] {
        let mut client = scene.client()?;
        expect("whether it is served", served(&mut client)?, wanted)?;
        clients.push(client);
    }
    Ok(())
}

fn be_conn(kind: Kind) -> Outcome {
    let (main, spare) = (named("main")?, named("spare")?);
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n use_backend spare if {{ be_conn(main) ge 2 }}\n \
             default_backend main\nbackend main\n server s1 {}\nbackend spare\n server s1 {}",
            main.address(),
            spare.address()
        ),
    )?;
    let mut stay = Vec::new();
    for wanted in ["main", "main", "spare"] {
        let (client, name) = scene.stay()?;
        expect("who answers", name.as_str(), wanted)?;
        stay.push(client);
    }
    drop(stay);
    scene.wait_for_value("main/BACKEND", "scur", "0")?;
    expect("who answers in the end", scene.ask()?.as_str(), "main")
}

fn sessions_above_the_rate_wait(kind: Kind) -> Outcome {
    let server = named("1")?;
    let scene = fe(kind, "rate-limit sessions 2", &server)?;
    let begin = Instant::now();
    for _ in 0..3 {
        scene.ask()?;
    }
    let took = begin.elapsed();
    // The third waits for a good part of a second; nobody is refused.
    let waited = took > Duration::from_millis(300);
    expect(&format!("whether the third waits ({took:?})"), waited, true)
}

fn frontend_is_full(kind: Kind) -> Outcome {
    wait_outside(kind, "maxconn 1\n bind {front}")
}

fn listener_is_full(kind: Kind) -> Outcome {
    wait_outside(kind, "bind {front} maxconn 1")
}

fn wait_outside(kind: Kind, lines: &str) -> Outcome {
    let server = named("1")?;
    let scene = Scene::set(
        kind,
        &format!("listen fe\n {lines}\n server s1 {}", server.address()),
    )?;
    let (first, _) = scene.stay()?;
    let mut second = scene.client()?;
    second.send(b"who?")?;
    let seen = second.receive(2, A_WHILE)?;
    expect(
        "what the second sees",
        (seen.bytes.len(), seen.end),
        (0, End::Open),
    )?;
    expect(
        "sessions",
        scene.value("fe/FRONTEND", "scur")?.as_str(),
        "1",
    )?;
    first.finish()?;
    let seen = second.receive(2, wait::PATIENCE)?;
    expect("what it sees in the end", seen.bytes.as_slice(), b"1\n")
}

/// `minconn` 1 to `maxconn` 4 over a `fullconn` of 8: half a slot for each session.
fn limits_grow_with_the_load(kind: Kind) -> Outcome {
    let server = named("1")?;
    let scene = Scene::set(
        kind,
        &format!(
            "listen fe\n bind {{front}}\n fullconn 8\n server s1 {} minconn 1 maxconn 4",
            server.address()
        ),
    )?;
    let mut clients = Vec::new();
    for count in 1..=9_u32 {
        clients.push(scene.client()?);
        scene.wait_for_value("fe/BACKEND", "scur", &count.to_string())?;
    }
    // HAProxy lets nobody in before a session has ended, whatever the limit is by then.
    let served = if kind == Kind::Haproxy { "1" } else { "4" };
    expect("of 9", scene.value("fe/s1", "scur")?.as_str(), served)?;
    clients[0].finish()?;
    scene.wait_for_value("fe/BACKEND", "qcur", "4")?;
    expect("served", scene.value("fe/s1", "scur")?.as_str(), "4")
}
