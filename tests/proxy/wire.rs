//! What `bind` and `server` lines ask of TCP, seen on the sockets and on the wire.

use std::{fs, net::TcpListener, time::Duration};

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::End,
    needs::Need,
    netns::{self, Network},
    sockets::socket_of,
    wait,
};
use socket2::Socket;

use super::stage::{Scene, accept, both, expect, named, rest};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    both(
        tests,
        "nolinger_resets_the_server_of_a_client_that_went",
        nolinger,
    );
    both(
        tests,
        "nolinger_resets_no_server_that_went_first",
        nolinger_of_servers,
    );
    both(tests, "unacknowledged_data_have_a_limit", user_timeouts);
    tests.push(Test::new(
        "proxy::each_side_has_its_congestion_control",
        congestion_controls,
    ));
    tests.push(Test::new(
        "proxy::an_unknown_congestion_control_is_found_out_at_start",
        unknown_congestion_controls,
    ));
    tests.push(
        Test::new(
            "proxy::a_forbidden_congestion_control_is_found_out_at_start",
            forbidden_congestion_control,
        )
        .needs(Need::Root)
        .needs(Need::ForbiddenCongestionControl),
    );
    for (name, run) in [
        (
            "proxy::fast_open_accepts_data_in_the_first_packet",
            fast_open_of_clients as fn() -> Outcome,
        ),
        (
            "proxy::fast_open_sends_data_in_the_first_packet",
            fast_open_to_servers,
        ),
        (
            "proxy::fast_open_to_a_dead_server_goes_elsewhere",
            fast_open_redispatches,
        ),
    ] {
        let test = Test::new(name, run).needs(Need::Root);
        tests.push(test.needs(Need::Namespaces));
    }
}

/// The client's side and the server's side of a session through a proxy with these parameters.
fn sides(kind: Kind, bind: &str, server: &str) -> Result<[Socket; 2], Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let text = format!("listen fe\n bind {{front}} {bind}\n server s1 {address} {server}");
    let scene = Scene::set(kind, &text)?;
    let client = scene.client()?;
    let (_served, peer) = accept(&listener)?;
    let local = client.stream().local_addr()?;
    Ok([
        socket_of(scene.pid(), Some(scene.front), Some(local))?,
        socket_of(scene.pid(), Some(peer), Some(address))?,
    ])
}

fn user_timeouts(kind: Kind) -> Outcome {
    let found = sides(kind, "tcp-ut 7s", "tcp-ut 8s")?;
    let [client, server] = found.map(|socket| socket.tcp_user_timeout());
    let wanted = (Some(Duration::from_secs(7)), Some(Duration::from_secs(8)));
    expect("limits", (client?, server?), wanted)?;
    let unasked = sides(kind, "", "")?.map(|socket| socket.tcp_user_timeout());
    let [client, server] = unasked;
    expect("limits nobody asked for", (client?, server?), (None, None))
}

/// How the server's connection ends when the client has closed its own.
fn end_of_server(kind: Kind, lines: &str) -> Result<End, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let text = format!("listen fe\n bind {{front}}\n {lines}\n server s1 {address}");
    let scene = Scene::set(kind, &text)?;
    let client = scene.client()?;
    let (mut served, _) = accept(&listener)?;
    client.finish()?;
    Ok(rest(&mut served)?.end)
}

fn nolinger(kind: Kind) -> Outcome {
    expect("the end", end_of_server(kind, "")?, End::Closed)?;
    let end = end_of_server(kind, "option nolinger")?;
    expect("the end with nolinger", end, End::Reset)
}

/// A server that was first is not reset.
fn nolinger_of_servers(kind: Kind) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let text = format!("listen fe\n bind {{front}}\n option nolinger\n server s1 {address}");
    let scene = Scene::set(kind, &text)?;
    let mut client = scene.client()?;
    let (mut served, _) = accept(&listener)?;
    served.finish()?;
    expect("the client's end", rest(&mut client)?.end, End::Closed)?;
    drop(client);
    expect("the server's end", rest(&mut served)?.end, End::Closed)
}

fn setting(name: &str) -> Result<String, Failure> {
    let text = fs::read_to_string(format!("/proc/sys/net/ipv4/tcp_{name}"))?;
    Ok(text.trim().to_owned())
}

/// One that connections do not have by themselves.
fn another_congestion_control() -> Result<String, Failure> {
    let usual = setting("congestion_control")?;
    let all = setting("available_congestion_control")?;
    let other = all.split(' ').find(|name| *name != usual);
    Ok(other
        .ok_or("the kernel has one congestion control only")?
        .to_owned())
}

fn congestion_controls() -> Outcome {
    let (usual, other) = (
        setting("congestion_control")?,
        another_congestion_control()?,
    );
    let cc = format!("cc {other}");
    for (bind, server, wanted) in [
        ("", "", [&usual, &usual]),
        (cc.as_str(), "", [&other, &usual]),
        ("", cc.as_str(), [&usual, &other]),
    ] {
        let mut found = Vec::new();
        for socket in sides(Kind::Pontoon, bind, server)? {
            let name = socket.tcp_congestion()?;
            let name = String::from_utf8_lossy(&name);
            found.push(name.trim_end_matches('\0').to_owned());
        }
        expect(
            "congestion controls",
            found,
            wanted.map(String::clone).into(),
        )?;
    }
    Ok(())
}

/// Why a program does not start on these sections.
fn refusal(sections: &str) -> Result<String, Failure> {
    match Scene::set(Kind::Pontoon, sections) {
        Ok(_) => Err("it has started".into()),
        Err(failure) => Ok(failure.to_string()),
    }
}

fn expect_words(text: &str, words: &[&str]) -> Outcome {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.iter().find(|words| !flat.contains(**words)) {
        Some(missing) => Err(format!("{missing:?} is not in {text}").into()),
        None => Ok(()),
    }
}

fn unknown_congestion_controls() -> Outcome {
    let server = "listen fe\n bind {front}\n server s1 127.0.0.1:1 cc nonesuch";
    expect_words(
        &refusal(server)?,
        &[
            "'fe/s1': cannot choose the congestion control 'nonesuch'",
            "the kernel does not have it",
        ],
    )?;
    let bind = "listen fe\n bind {front} cc nonesuch\n server s1 127.0.0.1:1";
    expect_words(
        &refusal(bind)?,
        &[
            "cannot choose the congestion control",
            "the kernel does not have it",
        ],
    )
}

/// Whoever starts us may choose it, and who we become may not: listeners have it, connections to
/// servers cannot.
fn forbidden_congestion_control() -> Outcome {
    let forbidden = pontoon_lab::needs::forbidden_congestion_control();
    let forbidden = forbidden.ok_or("none is forbidden")?;
    let text = |bind: &str, server: &str| {
        format!(
            "global\n user nobody\nlisten fe\n bind {{front}} {bind}\n server s1 127.0.0.1:1 {server}"
        )
    };
    let cc = format!("cc {forbidden}");
    let refused = refusal(&text("", &cc))?;
    expect_words(
        &refused,
        &[
            "'fe/s1': cannot choose",
            "net.ipv4.tcp_allowed_congestion_control",
        ],
    )?;
    let _starts = Scene::set(Kind::Pontoon, &text(&cc, ""))?;
    let as_root = format!("listen fe\n bind {{front}}\n server s1 127.0.0.1:1 {cc}");
    let _starts = Scene::set(Kind::Pontoon, &as_root)?;
    Ok(())
}

/// Runs a test on a host of its own whose kernel has TCP Fast Open switched on for both sides.
fn with_fast_open(test: fn() -> Outcome) -> Outcome {
    let mut network = Network::new()?;
    let host = network.host("fo", &["10.77.0.1/24"])?;
    let outcome = netns::inside(&host, || {
        let switched = fs::write("/proc/sys/net/ipv4/tcp_fastopen", "3");
        Ok(switched.map_err(Failure::from).and_then(|()| test()))
    });
    outcome?
}

/// A counter of this thread's network, such as `TCPFastOpenPassive`.
fn counter(name: &str) -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/thread-self/net/netstat")?;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let names = lines.next().unwrap_or_default().split(' ');
    let values = lines.next().unwrap_or_default().split(' ');
    let found = names.zip(values).find(|(known, _)| *known == name);
    let value = found.and_then(|(_, value)| value.parse().ok());
    value.ok_or_else(|| format!("no counter {name}").into())
}

/// A session whose client sends its first data with its first packet, if it may.
fn fast_session(scene: &Scene) -> Result<String, Failure> {
    let socket = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    pontoon_sys::option::connect_fast_open(&socket)?;
    socket.connect(&scene.front.into())?;
    let mut client = pontoon_lab::client::Client::from(std::net::TcpStream::from(socket));
    super::stage::who(&mut client)
}

fn fast_open_of_clients() -> Outcome {
    with_fast_open(|| {
        let server = named("1")?;
        let address = server.address();
        for (parameter, wanted) in [("", 0), ("tfo", 1)] {
            let text = format!("listen fe\n bind {{front}} {parameter}\n server s1 {address}");
            let scene = Scene::set(Kind::Pontoon, &text)?;
            // The first one asks for a cookie, the others show it.
            for _ in 0..3 {
                expect("who answers", fast_session(&scene)?.as_str(), "1")?;
            }
            let taken = counter("TCPFastOpenPassive")?.min(1);
            expect("connections that began with data", taken, wanted)?;
        }
        Ok(())
    })
}

/// Two hops: the first one's server is the second one's listener.
fn fast_open_to_servers() -> Outcome {
    with_fast_open(|| {
        let server = named("1")?;
        let address = server.address();
        for (parameter, wanted) in [("", (0, 0)), ("tfo", (1, 1))] {
            let second = free_address()?;
            // Whoever comes has brought the data that go with the first packet.
            let text = format!(
                "listen fe\n bind {{front}} defer-accept\n server s1 {second} {parameter}\n\
                 listen second\n bind {second} tfo\n server s1 {address}"
            );
            let scene = Scene::set(Kind::Pontoon, &text)?;
            for _ in 0..3 {
                expect("who answers", scene.ask()?.as_str(), "1")?;
            }
            let found = (
                counter("TCPFastOpenActive")?.min(1),
                counter("TCPFastOpenPassive")?.min(1),
            );
            expect("data sent with the first packet, and taken", found, wanted)?;
        }
        Ok(())
    })
}

/// What was sent with the first packet is not lost with it.
fn fast_open_redispatches() -> Outcome {
    with_fast_open(|| {
        let (first, second) = (free_address()?, named("2")?);
        let text = format!(
            "listen fe\n bind {{front}} defer-accept\n balance first\n retries 2\n\
             option redispatch 1\n server s1 {first} tfo\n server s2 {} tfo",
            second.address()
        );
        let scene = Scene::set(Kind::Pontoon, &text)?;
        // With a cookie for the first server, data go to it with the first packet.
        let alive = pontoon_lab::server::Server::on(
            first,
            pontoon_lab::server::Behaviour::Answer("1".to_owned()),
        )?;
        let listener = socket_of(std::process::id(), Some(first), None)?;
        pontoon_sys::option::accept_fast_open(&listener, 16)?;
        drop(listener);
        wait::until(
            "data to be sent with the first packet",
            wait::PATIENCE,
            || {
                let answer = scene.ask().ok()?;
                let sent = counter("TCPFastOpenActive").ok()? > 0;
                (answer == "1" && sent).then_some(())
            },
        )?;
        drop(alive);
        expect("who answers", scene.ask()?.as_str(), "2")
    })
}
