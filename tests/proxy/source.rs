//! Where connections come from and go to: source addresses, ports mapped, ports in ranges.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::Client,
    needs::Need,
    netns::{Network, command, inside},
    wait,
};

use super::stage::{Scene, accept, both, both_need, expect};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    both(tests, "source_gives_the_address", source_gives_the_address);
    both(
        tests,
        "source_of_a_server_goes_before_that_of_its_backend",
        source_of_a_server_goes_first,
    );
    both(
        tests,
        "source_takes_ports_of_a_range",
        source_takes_ports_of_a_range,
    );
    both(
        tests,
        "servers_get_the_port_that_was_asked_for",
        servers_get_the_port_that_was_asked_for,
    );
    both(tests, "servers_get_the_port_moved_up", |kind| {
        moved(kind, 10)
    });
    both(tests, "servers_get_the_port_moved_down", |kind| {
        moved(kind, -10)
    });
    let namespaces = [Need::Root, Need::Namespaces];
    both_need(
        tests,
        "source_goes_through_an_interface",
        &namespaces,
        source_goes_through_an_interface,
    );
    both_need(
        tests,
        "usesrc_clientip_shows_the_client",
        &namespaces,
        |kind| shows_the_client(kind, "clientip"),
    );
    both_need(
        tests,
        "usesrc_client_shows_the_port_too",
        &namespaces,
        |kind| shows_the_client(kind, "client"),
    );
    // HAProxy 2.6.12 keeps no capability for another user.
    let as_user = Test::new("proxy::usesrc_works_for_another_user_than_root", || {
        shows_the_client_as("global\n uid 65534\n", Kind::Pontoon, "clientip")
    });
    tests.push(
        namespaces
            .iter()
            .fold(as_user, |test, need| test.needs(*need)),
    );
}

fn server() -> Result<TcpListener, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?)
}

fn source_gives_the_address(kind: Kind) -> Outcome {
    let server = server()?;
    let address = server.local_addr()?;
    let text = format!("listen fe\n bind {{front}}\n source 127.0.0.77\n server s1 {address}");
    let scene = Scene::set(kind, &text)?;
    let _client = scene.client()?;
    let (_, peer) = accept(&server)?;
    expect("the source", peer.ip(), IpAddr::from([127, 0, 0, 77]))
}

fn source_of_a_server_goes_first(kind: Kind) -> Outcome {
    let server = server()?;
    let address = server.local_addr()?;
    let text = format!(
        "listen fe\n bind {{front}}\n source 127.0.0.77\n server s1 {address} source 127.0.0.78"
    );
    let scene = Scene::set(kind, &text)?;
    let _client = scene.client()?;
    let (_, peer) = accept(&server)?;
    expect("the source", peer.ip(), IpAddr::from([127, 0, 0, 78]))
}

fn source_takes_ports_of_a_range(kind: Kind) -> Outcome {
    let server = server()?;
    let address = server.local_addr()?;
    let first = free_range(Ipv4Addr::new(127, 0, 0, 79), 3)?;
    let last = first + 2;
    let text = format!(
        "listen fe\n bind {{front}}\n server s1 {address} source 127.0.0.79:{first}-{last}"
    );
    let scene = Scene::set(kind, &text)?;
    let mut ports = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..3 {
        let client = scene.client()?;
        let (served, peer) = accept(&server)?;
        ports.push(peer.port());
        kept.push((client, served));
    }
    ports.sort_unstable();
    expect("the ports", ports, vec![first, first + 1, last])
}

/// So many ports in a row that are free on this address of loopback and on 127.0.0.1.
fn free_range(address: Ipv4Addr, count: u16) -> Result<u16, Failure> {
    let found = wait::until("free ports in a row", wait::PATIENCE, || {
        let first = free_address().ok()?.port();
        let both = [address, Ipv4Addr::LOCALHOST];
        let mut all = both
            .iter()
            .flat_map(|ip| (first..first + count).map(move |port| (*ip, port)));
        all.all(|end| TcpListener::bind(end).is_ok())
            .then_some(first)
    });
    Ok(found?)
}

fn servers_get_the_port_that_was_asked_for(kind: Kind) -> Outcome {
    moved(kind, 0)
}

/// Two ports of a range, and one in a list, arrive as many ports away.
fn moved(kind: Kind, offset: i16) -> Outcome {
    let servers = Ipv4Addr::new(127, 0, 0, 80);
    let base = free_range(servers, 32)?;
    let (first, other) = (base + 12, base + 20);
    let port = match offset {
        0 => String::new(),
        _ => format!(":{offset:+}"),
    };
    let text = format!(
        "listen fe\n bind 127.0.0.1:{first}-{},127.0.0.1:{other}\n server s1 {servers}{port}",
        first + 1
    );
    let scene = Scene::set(kind, &text)?;
    for asked in [first, first + 1, other] {
        let target = asked.wrapping_add_signed(offset);
        let server = TcpListener::bind((servers, target))?;
        let _client = Client::connect(SocketAddr::from(([127, 0, 0, 1], asked)))?;
        accept(&server)?;
    }
    drop(scene);
    Ok(())
}

fn ip(namespace: &str, arguments: &str) -> Outcome {
    let output = command(namespace, "ip")
        .args(arguments.split(' '))
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::from(format!("ip {arguments}: {said}")))
}

/// Two addresses on two interfaces reach the server's network; the interface decides.
fn source_goes_through_an_interface(kind: Kind) -> Outcome {
    let mut network = Network::new()?;
    let host = network.host("lb", &["10.3.0.1/24"])?;
    ip(&host, "link add other type veth peer name nowhere")?;
    ip(&host, "addr add 10.3.0.2/24 dev other")?;
    ip(&host, "link set other up")?;
    let far = network.host("sv", &["10.3.0.9/24"])?;
    let server = inside(&far, || Ok(TcpListener::bind("10.3.0.9:0")))??;
    let address = server.local_addr()?;
    // The other interface leads nowhere.
    ip(&host, "route add 10.3.0.9/32 dev other")?;
    let text = format!(
        "listen fe\n bind {{front}}\n timeout connect 2s\n source 0.0.0.0 interface eth0\n server s1 {address}"
    );
    let scene = inside(&host, || Ok(Scene::set(kind, &text)))??;
    let _client = inside(&host, || Client::connect(scene.front))?;
    let (_, peer) = accept(&server)?;
    expect("the source", peer.ip(), IpAddr::from([10, 3, 0, 1]))
}

fn shows_the_client(kind: Kind, whom: &str) -> Outcome {
    shows_the_client_as("", kind, whom)
}

/// The balancer stands between two networks, and answers of the server come back to it.
fn shows_the_client_as(global: &str, kind: Kind, whom: &str) -> Outcome {
    let mut network = Network::new()?;
    let host = network.host("lb", &["10.1.0.1/24", "10.2.0.1/24"])?;
    let near = network.host("cl", &["10.1.0.50/24"])?;
    let far = network.host("sv", &["10.2.0.9/24"])?;
    ip(&far, "route add default via 10.2.0.1")?;
    ip(&host, "rule add iif eth0 from 10.2.0.0/24 lookup 100")?;
    ip(&host, "route add local 0.0.0.0/0 dev lo table 100")?;
    let server = inside(&far, || Ok(TcpListener::bind("10.2.0.9:0")))??;
    let text = format!(
        "{global}listen fe\n bind 10.1.0.1:7000\n source 0.0.0.0 usesrc {whom}\n server s1 {}",
        server.local_addr()?
    );
    let _scene = inside(&host, || Ok(Scene::set(kind, &text)))??;
    let front = SocketAddr::from(([10, 1, 0, 1], 7000));
    let mut client = inside(&near, || Client::connect(front))?;
    let (mut served, peer) = accept(&server)?;
    let local = client.stream().local_addr()?;
    expect("the address that the server sees", peer.ip(), local.ip())?;
    expect(
        "whether it is the same port",
        peer.port() == local.port(),
        whom == "client",
    )?;
    client.send(b"hello")?;
    served.receive(5, wait::PATIENCE)?;
    served.send(b"there")?;
    let seen = client.receive(5, wait::PATIENCE)?;
    expect("the answer", seen.bytes.as_slice(), b"there")
}
