//! Who is let in, and as whom.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
};

use pontoon_engine::address::Endpoint;

use super::fixture::{Fixture, echo, read_all, server};

const EXPECT_HEADER: &str = "bind 127.0.0.1:1 accept-proxy";

#[test]
fn a_proxy_header_says_who_the_client_is() {
    let showing = server(|mut stream| {
        let mut header = [0; 64];
        let n = stream.read(&mut header).unwrap();
        stream.write_all(&header[..n]).unwrap();
    });
    let proxy = Fixture::start(
        &[showing],
        1,
        &format!("{EXPECT_HEADER}\ndefault-server send-proxy"),
    );
    let mut client = proxy.connect();
    client
        .write_all(b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n")
        .unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let told = read_all(&client).unwrap();
    assert_eq!(told, b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n");
    // Neither header counts as data.
    assert_eq!(proxy.line(), "px/s1 0/42 -- 0 0/0");
}

#[test]
fn what_is_no_proxy_header_is_refused() {
    let proxy = Fixture::start(&[echo()], 1, EXPECT_HEADER);
    let mut client = proxy.connect();
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    assert!(
        proxy
            .line()
            .ends_with("px/1: Received something which does not look like a PROXY protocol header")
    );
    proxy.wait_until("the end", |running| running.process.sessions.get() == 0);
    let frontend = proxy.running.proxies[0].frontend.as_ref().unwrap();
    assert_eq!(frontend.counters.sum(|c| &c.sessions), 0);
}

#[test]
fn a_header_that_does_not_come_is_not_waited_for_forever() {
    let proxy = Fixture::start(
        &[echo()],
        1,
        &format!("{EXPECT_HEADER}\ntimeout client 50ms"),
    );
    let client = proxy.connect();
    assert!(
        proxy
            .line()
            .ends_with("Timeout while waiting for PROXY protocol header")
    );
    assert_eq!(read_all(&client).unwrap(), b"");
}

#[test]
fn a_rejected_connection_is_reset_without_a_line() {
    let proxy = Fixture::start(&[echo()], 1, "tcp-request connection reject");
    let client = proxy.connect();
    let error = read_all(&client).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let frontend = proxy.running.proxies[0].frontend.as_ref().unwrap();
    assert_eq!(frontend.counters.sum(|c| &c.denied_connections), 1);
    assert_eq!(frontend.counters.sum(|c| &c.sessions), 0);
    proxy.wait_until("the end", |running| running.process.sessions.get() == 0);
}

/// Rejects whoever sends three bytes or more.
fn reject_three_bytes(delay: &str) -> String {
    format!("tcp-request inspect-delay {delay}\ntcp-request content reject if {{ req.len ge 3 }}")
}

#[test]
fn a_content_rule_waits_for_what_it_needs() {
    let proxy = Fixture::start(&[echo()], 1, &reject_three_bytes("60s"));
    let mut client = proxy.connect();
    client.write_all(b"x").unwrap();
    client.write_all(b"yz").unwrap();
    assert_eq!(proxy.line(), "px/<NOSRV> 3/0 PR 0 0/0");
}

#[test]
fn after_the_delay_the_rules_do_with_what_there_is() {
    let proxy = Fixture::start(&[echo()], 1, &reject_three_bytes("100ms"));
    let mut client = proxy.connect();
    client.write_all(b"x").unwrap();
    let mut answer = [0];
    client.read_exact(&mut answer).unwrap();
    drop(client);
    assert_eq!(proxy.line(), "px/s1 1/1 -- 0 0/0");
}

#[test]
fn a_connection_for_the_statistics_leaves_with_its_places() {
    let mut proxy = Fixture::start(&[], 1, "mode http\nstats enable");
    let client = proxy.connect();
    let connection = proxy.statistics.blocking_recv().unwrap();
    let local = Endpoint::Ip(client.peer_addr().unwrap());
    assert_eq!(connection.record.local.0, local);
    assert_eq!(proxy.running.process.sessions.get(), 1);
    proxy.running.finish(
        connection.record,
        proxy.running.control_shard(),
        proxy.running.moment(std::time::Instant::now()),
    );
    assert_eq!(proxy.running.process.sessions.get(), 0);
}
