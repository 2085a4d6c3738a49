//! Each way a session can end, as its line tells it.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use pontoon_engine::{
    termination::Cause,
    units::{ProxyId, ServerId},
};

use super::fixture::{Fixture, echo, nobody, read_all, server};
use crate::state::mailbox::Message;

fn exchange(mut client: &TcpStream, text: &str) {
    client.write_all(text.as_bytes()).unwrap();
    let mut answer = vec![0; text.len()];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, text.as_bytes());
}

fn reset(client: TcpStream) {
    pontoon_sys::option::reset_on_close(&client).unwrap();
    drop(client);
}

const SHORT_CLIENT: &str = "timeout client 100ms";
const SHORT_SERVER: &str = "timeout server 100ms";
const ONE_SLOT: &str = "default-server maxconn 1";

#[test]
fn both_sides_close() {
    let proxy = Fixture::start(&[echo()], 2, "");
    let client = proxy.connect();
    exchange(&client, "hello");
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&client).unwrap(), b"");
    assert_eq!(proxy.line(), "px/s1 5/5 -- 0 0/0");
    proxy.wait_until("the end", |running| running.process.sessions.get() == 0);
}

#[test]
fn bulk_arrives_whole_both_ways() {
    let proxy = Fixture::start(&[echo()], 1, "");
    let client = proxy.connect();
    let sent: Vec<u8> = (0..20_000_000_u32)
        .map(|n| n.to_le_bytes()[(n % 3) as usize])
        .collect();
    let mut writer = client.try_clone().unwrap();
    let copy = sent.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&copy).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    assert!(
        read_all(&client).unwrap() == sent,
        "the bytes come back as they were"
    );
    writing.join().unwrap();
    assert_eq!(proxy.line(), "px/s1 20000000/20000000 -- 0 0/0");
}

#[test]
fn the_client_resets() {
    let proxy = Fixture::start(&[echo()], 1, "");
    let client = proxy.connect();
    exchange(&client, "hello");
    reset(client);
    assert_eq!(proxy.line(), "px/s1 5/5 CD 0 0/0");
}

#[test]
fn the_server_resets() {
    let resetting = server(|mut stream| {
        let mut buffer = [0; 5];
        stream.read_exact(&mut buffer).unwrap();
        reset(stream);
    });
    let proxy = Fixture::start(&[resetting], 1, "");
    let mut client = proxy.connect();
    client.write_all(b"hello").unwrap();
    let _gone = read_all(&client);
    assert_eq!(proxy.line(), "px/s1 5/0 SD 0 0/0");
}

#[test]
fn the_client_is_silent() {
    let proxy = Fixture::start(&[echo()], 1, SHORT_CLIENT);
    let client = proxy.connect();
    exchange(&client, "hello");
    assert_eq!(proxy.line(), "px/s1 5/5 cD 0 0/0");
    assert_eq!(read_all(&client).unwrap(), b"");
}

#[test]
fn the_server_is_silent() {
    let proxy = Fixture::start(&[echo()], 1, SHORT_SERVER);
    let client = proxy.connect();
    exchange(&client, "hello");
    // The client learns that nothing more will come; the session ends when it closes too.
    assert_eq!(read_all(&client).unwrap(), b"");
    drop(client);
    assert_eq!(proxy.line(), "px/s1 5/5 sD 0 0/0");
}

#[test]
fn a_slow_answer_outlives_the_clients_timeout() {
    let slow = server(|mut stream| {
        let mut question = Vec::new();
        stream.read_to_end(&mut question).unwrap();
        stream.write_all(b"answer").unwrap();
    });
    let proxy = Fixture::start(&[slow], 1, SHORT_CLIENT);
    let mut client = proxy.connect();
    client.write_all(b"question").unwrap();
    // The server sees the end only because the client timed out.
    assert_eq!(read_all(&client).unwrap(), b"answer");
    assert_eq!(proxy.line(), "px/s1 8/6 cD 0 0/0");
}

#[test]
fn a_client_that_takes_nothing_is_timed_out() {
    let endless = server(|mut stream| {
        let block = vec![0; 1 << 16];
        while stream.write_all(&block).is_ok() {}
    });
    let proxy = Fixture::start(&[endless], 1, SHORT_CLIENT);
    let client = proxy.connect();
    assert!(proxy.line().contains(" cD "));
    drop(client);
}

#[test]
fn who_closes_in_the_queue_and_has_asked_for_nothing_leaves_it() {
    let proxy = Fixture::start(&[echo()], 1, ONE_SLOT);
    let first = proxy.connect();
    exchange(&first, "first");
    drop(proxy.connect());
    assert_eq!(proxy.line(), "px/<NOSRV> 0/0 CQ 0 0/1");
}

#[test]
fn nobody_listens_at_the_server() {
    let proxy = Fixture::start(&[nobody()], 1, "timeout connect 50ms\nretries 2");
    let client = proxy.connect();
    assert_eq!(proxy.line(), "px/s1 0/0 SC 2 0/0");
    assert_eq!(read_all(&client).unwrap(), b"");
}

#[test]
fn redispatch_finds_the_server_that_works() {
    let proxy = Fixture::start(&[nobody(), echo()], 1, "option redispatch");
    let client = proxy.connect();
    exchange(&client, "hello");
    drop(client);
    assert_eq!(proxy.line(), "px/s2 5/5 -- +1 0/0");
}

#[test]
fn there_is_no_server() {
    let proxy = Fixture::start(&[echo()], 1, "default-server disabled");
    let client = proxy.connect();
    assert_eq!(proxy.line(), "px/<NOSRV> 0/0 SC 0 0/0");
    drop(client);
}

#[test]
fn who_waits_is_served_when_a_slot_becomes_free() {
    let proxy = Fixture::start(&[echo()], 2, ONE_SLOT);
    let first = proxy.connect();
    exchange(&first, "first");
    let mut second = proxy.connect();
    second.write_all(b"second").unwrap();
    proxy.wait_until("two sessions", |running| {
        running.process.sessions.get() == 2
    });
    drop(first);
    assert_eq!(proxy.line(), "px/s1 5/5 -- 0 0/0");
    let mut answer = [0; 6];
    second.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"second");
    drop(second);
    assert_eq!(proxy.line(), "px/s1 6/6 -- 0 0/1");
}

#[test]
fn who_waits_too_long_gives_up() {
    let proxy = Fixture::start(&[echo()], 1, "default-server maxconn 1\ntimeout queue 50ms");
    let first = proxy.connect();
    exchange(&first, "first");
    let second = proxy.connect();
    assert_eq!(proxy.line(), "px/<NOSRV> 0/0 sQ 0 0/1");
    assert_eq!(read_all(&second).unwrap(), b"");
}

#[test]
fn a_client_that_resets_leaves_the_queue_whatever_it_has_sent() {
    let proxy = Fixture::start(&[echo()], 1, ONE_SLOT);
    let first = proxy.connect();
    exchange(&first, "first");
    let mut second = proxy.connect();
    // More than is read ahead.
    second.write_all(&[0; 100_000]).unwrap();
    proxy.wait_until("two sessions", |running| {
        running.process.sessions.get() == 2
    });
    reset(second);
    assert_eq!(proxy.line(), "px/<NOSRV> 16384/0 CD 0 0/1");
}

#[test]
fn a_client_that_resets_leaves_the_queue() {
    let proxy = Fixture::start(&[echo()], 1, ONE_SLOT);
    let first = proxy.connect();
    exchange(&first, "first");
    let second = proxy.connect();
    proxy.wait_until("two sessions", |running| {
        running.process.sessions.get() == 2
    });
    reset(second);
    assert_eq!(proxy.line(), "px/<NOSRV> 0/0 CD 0 0/1");
}

#[test]
fn a_rule_rejects() {
    let proxy = Fixture::start(&[echo()], 1, "tcp-request content reject");
    let client = proxy.connect();
    assert_eq!(proxy.line(), "px/<NOSRV> 0/0 PR 0 0/0");
    drop(client);
}

#[test]
fn a_server_goes_down_and_its_sessions_with_it() {
    let proxy = Fixture::start(&[echo()], 2, "");
    let client = proxy.connect();
    exchange(&client, "hello");
    proxy.post(|| Message::EndSessions {
        backend: ProxyId(0),
        server: Some(ServerId(0)),
        cause: Cause::ServerDown,
    });
    assert_eq!(proxy.line(), "px/s1 5/5 D- 0 0/0");
    assert_eq!(read_all(&client).unwrap(), b"");
}

#[test]
fn a_reset_is_passed_on_to_the_server() {
    let (seen, sees) = std::sync::mpsc::channel();
    let watching = server(move |mut stream| {
        let mut buffer = [0; 5];
        stream.read_exact(&mut buffer).unwrap();
        stream.write_all(&buffer).unwrap();
        let next = stream.read(&mut buffer).map_err(|error| error.kind());
        seen.send(next).unwrap();
    });
    let proxy = Fixture::start(&[watching], 1, "");
    let client = proxy.connect();
    exchange(&client, "hello");
    reset(client);
    let next = sees.recv_timeout(super::fixture::PATIENCE).unwrap();
    assert_eq!(next, Err(std::io::ErrorKind::ConnectionReset));
}

#[test]
fn connections_come_from_the_ports_of_the_source() {
    let reporting = server(|mut stream| {
        let from = stream.peer_addr().unwrap();
        stream.write_all(from.to_string().as_bytes()).unwrap();
        // Held open: the port stays in use.
        std::thread::spawn(move || stream.read(&mut [0]));
    });
    let free = nobody().port();
    let proxy = Fixture::start(
        &[reporting],
        1,
        &format!("retries 0\nsource 127.0.0.7:{free}"),
    );
    let mut first = proxy.connect();
    let mut from = [0; 64];
    let n = first.read(&mut from).unwrap();
    assert_eq!(from[..n], *format!("127.0.0.7:{free}").as_bytes());
    let second = proxy.connect();
    let why = proxy.line();
    assert!(
        why.starts_with("Backend px: cannot bind the source address"),
        "{why}"
    );
    assert_eq!(proxy.line(), "px/s1 0/0 SC 0 0/0");
    drop((first, second));
}

#[test]
fn sessions_spread_over_threads() {
    let proxy = Fixture::start(&[echo()], 2, "");
    let clients: Vec<_> = (0..40).map(|_| proxy.connect()).collect();
    for client in &clients {
        exchange(client, "x");
    }
    let loads = proxy.running.threads.iter();
    let loads: Vec<_> = loads.map(|thread| thread.load()).collect();
    assert_eq!(loads.iter().sum::<u32>(), 40);
    assert!(
        loads.iter().all(|load| (15..=25).contains(load)),
        "{loads:?}"
    );
}

#[test]
fn a_full_frontend_leaves_the_rest_in_the_kernels_queue() {
    let proxy = Fixture::start(&[echo()], 2, "maxconn 2");
    let (first, second, mut third) = (proxy.connect(), proxy.connect(), proxy.connect());
    exchange(&first, "first");
    exchange(&second, "second");
    third.write_all(b"third").unwrap();
    assert_eq!(proxy.running.process.sessions.get(), 2);
    drop(first);
    let mut answer = [0; 5];
    third.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"third");
    assert_eq!(proxy.running.process.sessions.most(), 2);
}

#[test]
fn a_soft_stop_lets_sessions_finish() {
    let proxy = Fixture::start(&[echo()], 2, "");
    let client = proxy.connect();
    exchange(&client, "hello");
    proxy.post(|| Message::StopListening);
    exchange(&client, "still here");
    drop(client);
    assert_eq!(proxy.line(), "px/s1 15/15 -- 0 0/0");
}

/// A proxy that does not accept for now, and a client that waits in the kernel's queue.
fn paused() -> (Fixture, TcpStream) {
    let proxy = Fixture::start(&[echo()], 2, "");
    let (heard, all_heard) = std::sync::mpsc::channel();
    proxy.post(|| Message::Pause);
    proxy.post(|| Message::Confirm(heard.clone()));
    for _ in &proxy.running.threads {
        all_heard.recv().unwrap();
    }
    let client = proxy.connect();
    (proxy, client)
}

#[test]
fn who_waits_at_a_listener_about_to_close_is_let_in() {
    let (proxy, client) = paused();
    proxy.post(|| Message::StopListening);
    exchange(&client, "let in");
}

#[test]
fn who_waits_at_a_listener_that_another_process_has_is_left_to_that() {
    let (proxy, _client) = paused();
    proxy.running.process.hand_over(Vec::new());
    proxy.post(|| Message::StopListening);
    proxy.wait_until("the end of the threads", |running| {
        let mut threads = running.threads.iter();
        threads.all(|thread| thread.deliver(Message::RoomAgain).is_err())
    });
    let listener = proxy.listeners.iter().next().unwrap();
    let waits = pontoon_sys::socket::accept_from(&listener.socket).unwrap();
    assert!(waits.is_some(), "it was taken");
}
