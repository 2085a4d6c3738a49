//! The PROXY protocol, sent, received and passed on.

use std::net::{SocketAddr, TcpListener};

use pontoon_lab::{balancer::Kind, balancer::free_address, client::Client, wait};

use super::stage::{Scene, accept, both, expect, named, who};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    both(
        tests,
        "send_proxy_tells_both_ends",
        send_proxy_tells_both_ends,
    );
    both(
        tests,
        "send_proxy_v2_tells_both_ends",
        send_proxy_v2_tells_both_ends,
    );
    both(
        tests,
        "a_chain_passes_the_client_on",
        a_chain_passes_the_client_on,
    );
    both(
        tests,
        "expect_proxy_is_for_whom_the_rule_names",
        expect_proxy_is_for_whom_the_rule_names,
    );
    both(
        tests,
        "what_a_header_says_is_logged",
        what_a_header_says_is_logged,
    );
    both(
        tests,
        "check_send_proxy_says_hello_first",
        check_send_proxy_says_hello_first,
    );
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A frontend before one server of ours, with these options.
fn before(kind: Kind, server: &TcpListener, options: &str) -> Result<Scene, Failure> {
    let server = server.local_addr()?;
    let text = format!("listen fe\n bind {{front}}\n server s1 {server} {options}");
    Scene::set(kind, &text)
}

/// `PROXY TCP4 …` from this client to that address.
fn line(client: SocketAddr, target: SocketAddr) -> Vec<u8> {
    let (from, to) = (client.ip(), target.ip());
    format!(
        "PROXY TCP4 {from} {to} {} {}\r\n",
        client.port(),
        target.port()
    )
    .into_bytes()
}

/// The same in version 2.
fn binary(client: SocketAddr, target: SocketAddr) -> Vec<u8> {
    let mut header = [SIGNATURE, &[0x21, 0x11, 0, 12]].concat();
    for address in [client, target] {
        if let SocketAddr::V4(v4) = address {
            header.extend_from_slice(&v4.ip().octets());
        }
    }
    for address in [client, target] {
        header.extend_from_slice(&address.port().to_be_bytes());
    }
    header
}

fn sends(kind: Kind, options: &str, header: fn(SocketAddr, SocketAddr) -> Vec<u8>) -> Outcome {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let scene = before(kind, &server, options)?;
    // Before the client has said anything, and once it has.
    for words in ["", "hello"] {
        let mut client = scene.client()?;
        client.send(words.as_bytes())?;
        let (mut served, _) = accept(&server)?;
        let wanted = [
            &header(client.stream().local_addr()?, scene.front),
            words.as_bytes(),
        ]
        .concat();
        let seen = served.receive(wanted.len(), wait::PATIENCE)?;
        expect("what the server reads", seen.bytes, wanted)?;
    }
    Ok(())
}

fn send_proxy_tells_both_ends(kind: Kind) -> Outcome {
    sends(kind, "send-proxy", line)
}

fn send_proxy_v2_tells_both_ends(kind: Kind) -> Outcome {
    sends(kind, "send-proxy-v2", binary)
}

fn a_chain_passes_the_client_on(kind: Kind) -> Outcome {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let (second, third) = (free_address()?, free_address()?);
    let scene = Scene::set(
        kind,
        &format!(
            "listen one\n bind {{front}}\n server s1 {second} send-proxy-v2\n\
             listen two\n bind {second} accept-proxy\n server s1 {third} send-proxy\n\
             listen three\n bind {third} accept-proxy\n server s1 {} send-proxy-v2\n",
            server.local_addr()?
        ),
    )?;
    let mut client = scene.client()?;
    client.send(b"hello")?;
    let (mut served, _) = accept(&server)?;
    let wanted = [
        &binary(client.stream().local_addr()?, scene.front)[..],
        b"hello",
    ]
    .concat();
    let seen = served.receive(wanted.len(), wait::PATIENCE)?;
    expect("what the server reads", seen.bytes, wanted)
}

fn expect_proxy_is_for_whom_the_rule_names(kind: Kind) -> Outcome {
    let server = named("1")?;
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}}\n default_backend be\n \
             tcp-request connection expect-proxy layer4 if {{ src 127.0.0.9 }}\n \
             tcp-request session reject unless {{ src 192.0.2.1 127.0.0.1 }}\n\
             backend be\n server s1 {}\n",
            server.address()
        ),
    )?;
    // As it is, without a header.
    expect("who answers", scene.ask()?.as_str(), "1")?;
    let mut proxy = super::stage::client_from("127.0.0.9", scene.front)?;
    proxy.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\r\n")?;
    expect("who answers", who(&mut proxy)?.as_str(), "1")?;
    proxy.finish()?;
    let lines = scene
        .syslog
        .wait_for_count("two lines", 2, |line| line.contains(" be/s1 "))?;
    let named = lines.iter().any(|line| line.contains(" 192.0.2.1:4321 ["));
    expect("one line names the client of the header", named, true)
}

fn what_a_header_says_is_logged(kind: Kind) -> Outcome {
    let server = named("1")?;
    let scene = Scene::set(
        kind,
        &format!(
            "frontend fe\n bind {{front}} accept-proxy\n default_backend be\nbackend be\n server s1 {}",
            server.address()
        ),
    )?;
    let from = "198.51.100.7:1234".parse().expect("an address");
    let header = binary(from, "203.0.113.9:80".parse().expect("an address"));
    let mut client = scene.client()?;
    // In two pieces; HAProxy insists on one, as the protocol allows.
    let middle = if kind == Kind::Haproxy { 0 } else { 20 };
    client.send(&header[..middle])?;
    client.send(&header[middle..])?;
    expect("who answers", who(&mut client)?.as_str(), "1")?;
    client.finish()?;
    let line = scene.line_of("be/s1")?;
    expect("the client", line.client.as_str(), "198.51.100.7:1234")
}

fn check_send_proxy_says_hello_first(kind: Kind) -> Outcome {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let options = "send-proxy-v2 check-send-proxy check inter 50ms";
    let _scene = before(kind, &server, options)?;
    let (mut check, _): (Client, _) = accept(&server)?;
    let seen = check.receive(16, wait::PATIENCE)?;
    // LOCAL: nobody's connection.
    let wanted = [SIGNATURE, &[0x20]].concat();
    expect("the check's first bytes", seen.bytes[..13].to_vec(), wanted)
}
