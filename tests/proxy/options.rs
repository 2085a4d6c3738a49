//! Options of sockets, asked back from the kernel, and sockets that are not TCP.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::MetadataExt as _,
            net::{SocketAddr as UnixAddress, UnixListener, UnixStream},
        },
    },
    time::Duration,
};

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::Client,
    needs::Need,
    sockets::socket_of,
    temp::TempDir,
    wait,
};
use socket2::Socket;

use super::stage::{Scene, accept, both, both_need, expect, named, who};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    both(
        tests,
        "keepalives_of_both_sides_are_set",
        keepalives_of_both_sides_are_set,
    );
    both(
        tests,
        "nothing_is_kept_alive_unless_told",
        nothing_is_kept_alive_unless_told,
    );
    both(
        tests,
        "a_listener_limits_segments",
        a_listener_limits_segments,
    );
    both_need(
        tests,
        "a_listener_has_an_interface",
        &[Need::Root],
        a_listener_has_an_interface,
    );
    both(tests, "whoever_says_nothing_is_not_accepted", defer_accept);
    both(
        tests,
        "ipv6_takes_ipv4_only_if_told",
        ipv6_takes_ipv4_only_if_told,
    );
    both_need(
        tests,
        "unix_sockets_serve_and_have_owners",
        &[Need::Root],
        unix_sockets,
    );
    both(tests, "abstract_sockets_serve", abstract_sockets);
}

/// Idle time, interval and count, if keepalive is on.
type Keepalive = Option<(Duration, Duration, u32)>;

fn keepalive(socket: &Socket) -> std::io::Result<Keepalive> {
    if !socket.keepalive()? {
        return Ok(None);
    }
    let times = (
        socket.tcp_keepalive_time()?,
        socket.tcp_keepalive_interval()?,
    );
    Ok(Some((times.0, times.1, socket.tcp_keepalive_retries()?)))
}

/// Of a session's client side and of its server side.
fn keepalives(kind: Kind, lines: &str) -> Result<[Keepalive; 2], crate::harness::Failure> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let address = server.local_addr()?;
    let text = format!("listen fe\n bind {{front}}\n {lines}\n server s1 {address}");
    let scene = Scene::set(kind, &text)?;
    let client = scene.client()?;
    let (_served, peer) = accept(&server)?;
    let local = client.stream().local_addr()?;
    let client_side = socket_of(scene.pid(), Some(scene.front), Some(local))?;
    let server_side = socket_of(scene.pid(), Some(peer), Some(address))?;
    Ok([keepalive(&client_side)?, keepalive(&server_side)?])
}

fn keepalives_of_both_sides_are_set(kind: Kind) -> Outcome {
    let found = keepalives(
        kind,
        "option clitcpka\n clitcpka-idle 77s\n clitcpka-intvl 7s\n clitcpka-cnt 4\n \
         option srvtcpka\n srvtcpka-idle 88s\n srvtcpka-intvl 8s\n srvtcpka-cnt 5",
    )?;
    let of = |idle, interval, count| {
        Some((
            Duration::from_secs(idle),
            Duration::from_secs(interval),
            count,
        ))
    };
    expect("keepalives", found, [of(77, 7, 4), of(88, 8, 5)])
}

fn nothing_is_kept_alive_unless_told(kind: Kind) -> Outcome {
    expect("keepalives", keepalives(kind, "")?, [None, None])
}

fn a_listener_limits_segments(kind: Kind) -> Outcome {
    let server = named("1")?;
    let address = server.address();
    let text = format!("listen fe\n bind {{front}} mss 1234\n server s1 {address}");
    let scene = Scene::set(kind, &text)?;
    let (client, _) = scene.stay()?;
    let found = socket2::SockRef::from(client.stream()).tcp_mss()?;
    // Timestamps take twelve bytes of each segment.
    expect(
        &format!("segments of the client ({found})"),
        (1200..=1234).contains(&found),
        true,
    )
}

fn a_listener_has_an_interface(kind: Kind) -> Outcome {
    let server = named("1")?;
    let address = server.address();
    let text = format!("listen fe\n bind {{front}} interface lo\n server s1 {address}");
    let scene = Scene::set(kind, &text)?;
    expect("who answers", scene.ask()?.as_str(), "1")?;
    let listener = socket_of(scene.pid(), Some(scene.front), None)?;
    expect("its device", listener.device()?, Some(b"lo".to_vec()))
}

fn defer_accept(kind: Kind) -> Outcome {
    let server = named("1")?;
    let address = server.address();
    let text = format!("listen fe\n bind {{front}} defer-accept\n server s1 {address}");
    let scene = Scene::set(kind, &text)?;
    let mut silent = scene.client()?;
    expect("who answers others", scene.ask()?.as_str(), "1")?;
    expect(
        "connections",
        scene.value("fe/FRONTEND", "conn_tot")?.as_str(),
        "1",
    )?;
    expect("who answers", who(&mut silent)?.as_str(), "1")?;
    expect(
        "connections",
        scene.value("fe/FRONTEND", "conn_tot")?.as_str(),
        "2",
    )
}

fn ipv6_takes_ipv4_only_if_told(kind: Kind) -> Outcome {
    let server = named("1")?;
    let (only, both) = (free_address()?.port(), free_address()?.port());
    let address = server.address();
    let text =
        format!("listen fe\n bind :::{only} v6only\n bind :::{both} v4v6\n server s1 {address}");
    let _scene = Scene::set(kind, &text)?;
    let v4 = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let v6 = |port| SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port));
    for (target, taken) in [
        (v6(only), true),
        (v6(both), true),
        (v4(both), true),
        (v4(only), false),
    ] {
        let found = Client::connect(target).is_ok();
        expect(&format!("whether {target} is taken"), found, taken)?;
    }
    Ok(())
}

fn ask_unix(mut stream: UnixStream) -> Result<String, crate::harness::Failure> {
    stream.set_read_timeout(Some(wait::PATIENCE))?;
    stream.write_all(b"who?")?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

/// In by one path, out by another, and on to TCP.
fn unix_sockets(kind: Kind) -> Outcome {
    let (server, folder) = (named("1")?, TempDir::new("unix")?);
    let (first, second) = (folder.path().join("in"), folder.path().join("out"));
    let (one, two) = (first.display(), second.display());
    let text = format!(
        "listen fe\n bind unix@{one} mode 640 uid 12 gid 34\n server s1 unix@{two}\n\
         listen two\n bind unix@{two}\n server s1 {}",
        server.address()
    );
    let _scene = Scene::set(kind, &text)?;
    // HAProxy gives its paths their names after its ports listen.
    wait::until("both paths to be there", wait::PATIENCE, || {
        (first.exists() && second.exists()).then_some(())
    })?;
    expect(
        "who answers",
        ask_unix(UnixStream::connect(&first)?)?.as_str(),
        "1",
    )?;
    let made = fs::metadata(&first)?;
    expect(
        "mode and owners",
        (made.mode() & 0o777, made.uid(), made.gid()),
        (0o640, 12, 34),
    )
}

fn abstract_sockets(kind: Kind) -> Outcome {
    let name = |what: &str| format!("pontoon-{what}-{}-{kind:?}", std::process::id());
    // HAProxy's names are as long as names can be: zeros fill them.
    let known = |name: &str| UnixAddress::from_abstract_name(format!("{name:\0<107}"));
    let (front, back) = (name("front"), name("back"));
    let server = UnixListener::bind_addr(&known(&back)?)?;
    let text = format!("listen fe\n bind abns@{front}\n server s1 abns@{back}");
    let _scene = Scene::set(kind, &text)?;
    let front = known(&front)?;
    let mut client = wait::until("the name to be there", wait::PATIENCE, || {
        UnixStream::connect_addr(&front).ok()
    })?;
    client.write_all(b"hello")?;
    let (mut served, _) = server.accept()?;
    served.set_read_timeout(Some(wait::PATIENCE))?;
    let mut seen = [0; 5];
    served.read_exact(&mut seen)?;
    expect("what the server reads", &seen, b"hello")
}
