//! The generator is right about what it is told, also by a peer that is wrong.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use super::*;

const SHORT: Duration = Duration::from_millis(150);
const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

const CONNECT: Workload = Workload::Connect {
    request: 64,
    response: 64,
    close: Close::Client,
    parallel: 4,
};
const MESSAGES: Workload = Workload::Messages {
    size: 1000,
    sessions: 3,
    pace: Pace::Closed,
};

const fn bulk(direction: Direction) -> Workload {
    Workload::Bulk {
        direction,
        streams: 2,
    }
}

/// Whose bytes a meddler sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Client,
    Server,
}

/// Stands between client and server and may change what passes: it is told whose bytes, and how
/// many of this side's have passed before.
fn meddler(server: SocketAddr, meddle: fn(From, usize, &mut Vec<u8>)) -> SocketAddr {
    let listener = TcpListener::bind(ANYWHERE).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(std::result::Result::ok) {
            let server = TcpStream::connect(server).unwrap();
            let (client_too, server_too) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass(From::Client, client, server, meddle));
            thread::spawn(move || pass(From::Server, server_too, client_too, meddle));
        }
    });
    address
}

fn pass(
    from: From,
    mut one: TcpStream,
    mut other: TcpStream,
    meddle: fn(From, usize, &mut Vec<u8>),
) {
    let mut passed = 0;
    let mut room = [0; 4096];
    while let Ok(count @ 1..) = one.read(&mut room) {
        let mut bytes = room[..count].to_vec();
        meddle(from, passed, &mut bytes);
        passed += count;
        if other.write_all(&bytes).is_err() {
            break;
        }
    }
    let _gone = other.shutdown(Shutdown::Write);
}

/// Runs a workload past a meddler; what the client and the server saw.
fn past(
    workload: &Workload,
    meddle: fn(From, usize, &mut Vec<u8>),
) -> (crate::problem::Result<Outcome>, Served) {
    let backend = Backend::start(workload.service(), ANYWHERE).unwrap();
    let outcome = run(meddler(backend.address(), meddle), workload, SHORT);
    (outcome, backend.served())
}

#[test]
fn every_workload_runs_without_an_error() {
    let open = Pace::Open { per_second: 500 };
    let workloads = [
        CONNECT,
        Workload::Connect {
            request: 1,
            response: 100_000,
            close: Close::Server,
            parallel: 3,
        },
        MESSAGES,
        Workload::Messages {
            size: 16_384,
            sessions: 70,
            pace: Pace::Closed,
        },
        Workload::Messages {
            size: 5,
            sessions: 7,
            pace: open,
        },
        bulk(Direction::Up),
        bulk(Direction::Down),
        bulk(Direction::Both),
        Workload::Idle { sessions: 300 },
        Workload::Burst { connections: 100 },
    ];
    for workload in workloads {
        let backend = Backend::start(workload.service(), ANYWHERE).unwrap();
        let outcome = run(backend.address(), &workload, SHORT).unwrap();
        let served = backend.served();
        assert_eq!(
            (outcome.errors, served.wrong, served.cut),
            (0, 0, 0),
            "{workload:?}"
        );
        assert!(outcome.units > 0 && outcome.bytes > 0, "{workload:?}");
        assert!(outcome.elapsed >= SHORT, "{workload:?}");
        let timed = !matches!(workload, Workload::Bulk { .. } | Workload::Idle { .. });
        assert_eq!(timed, !outcome.latency.is_empty(), "{workload:?}");
    }
}

#[test]
fn what_counts_lies_between_the_edges() {
    let backend = Backend::start(MESSAGES.service(), ANYWHERE).unwrap();
    let mut edges = Vec::new();
    let mut watch = |edge| edges.push((edge, Instant::now(), backend.served().open));
    let outcome = run_watched(backend.address(), &MESSAGES, SHORT, &mut watch).unwrap();
    let [(Edge::Begin, begin, 3), (Edge::End, end, 3)] = edges[..] else {
        panic!("{edges:?}");
    };
    assert!(end - begin >= outcome.elapsed);
    assert_eq!(outcome.latency.len(), outcome.units);
}

#[test]
fn a_wrong_byte_in_an_answer_is_an_error() {
    let spoil = |from, passed: usize, bytes: &mut Vec<u8>| {
        if from == From::Server && passed >= 10_000 {
            bytes[500] ^= 1;
        }
    };
    let (outcome, _) = past(&MESSAGES, spoil);
    // Each session breaks, and not before it did something.
    let outcome = outcome.unwrap();
    assert_eq!(
        (outcome.errors, outcome.units >= 3 * 9),
        (3, true),
        "{outcome:?}"
    );
}

#[test]
fn the_answer_to_another_request_is_an_error() {
    let swap = |from, _, bytes: &mut Vec<u8>| {
        if from == From::Client {
            // The tag: the server answers what it was asked.
            bytes[1] ^= 0x80;
        }
    };
    let (outcome, served) = past(&CONNECT, swap);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.units, served.wrong), (0, 0));
    assert!(outcome.errors >= 4);
}

#[test]
fn a_wrong_byte_in_a_request_is_an_error_at_both_ends() {
    let spoil = |from, _, bytes: &mut Vec<u8>| {
        if from == From::Client {
            bytes[63] ^= 1;
        }
    };
    let (outcome, served) = past(&CONNECT, spoil);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.units, served.cut), (0, 0));
    assert!(outcome.errors >= 4 && served.wrong >= 4);
}

#[test]
fn a_byte_too_many_is_an_error() {
    let add = |from, passed, bytes: &mut Vec<u8>| {
        if from == From::Server && passed >= 10_000 {
            bytes.push(0);
        }
    };
    let (outcome, _) = past(&MESSAGES, add);
    assert_eq!(outcome.unwrap().errors, 3);
}

#[test]
fn a_lost_answer_is_an_error() {
    let lose = |from, passed, bytes: &mut Vec<u8>| {
        if from == From::Server && passed >= 10_000 {
            bytes.clear();
        }
    };
    let (outcome, _) = past(&MESSAGES, lose);
    let outcome = outcome.unwrap();
    assert_eq!(
        (outcome.errors, outcome.units >= 3),
        (3, true),
        "{outcome:?}"
    );
}

#[test]
fn an_answer_that_is_cut_short_is_an_error() {
    let listener = TcpListener::bind(ANYWHERE).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(std::result::Result::ok) {
            let mut request = [0; 64];
            let _ok = client.read_exact(&mut request);
            let _ok = client.write_all(&request[..63]);
        }
    });
    let outcome = run(address, &CONNECT, SHORT).unwrap();
    assert_eq!(outcome.units, 0);
    assert!(outcome.errors >= 4, "{outcome:?}");
}

#[test]
fn connections_that_are_refused_are_errors_and_no_storm() {
    let nobody = TcpListener::bind(ANYWHERE).unwrap().local_addr().unwrap();
    let outcome = run(nobody, &CONNECT, SHORT).unwrap();
    assert_eq!(outcome.units, 0);
    // At most once a millisecond for each place.
    assert!((4..=4 * 200).contains(&outcome.errors), "{outcome:?}");
    assert!(run(nobody, &MESSAGES, SHORT).is_err());
}

#[test]
fn wrong_bytes_in_a_stream_are_errors() {
    let shift = |_, passed, bytes: &mut Vec<u8>| {
        if passed >= 100_000 {
            bytes.remove(0);
        }
    };
    let (outcome, served) = past(&bulk(Direction::Up), shift);
    assert_eq!((outcome.unwrap().errors, served.wrong), (2, 2));
    let (outcome, _) = past(&bulk(Direction::Down), shift);
    assert_eq!(outcome.unwrap().errors, 2);
    let (outcome, served) = past(&bulk(Direction::Both), shift);
    // Whoever notices first hangs up.
    assert!(outcome.unwrap().errors + served.wrong >= 2);
}

#[test]
fn the_lost_end_of_a_stream_is_an_error() {
    // What remains of a stream after a hundred thousand bytes is lost, and its end looks like any other.
    let cut = |_, passed, bytes: &mut Vec<u8>| {
        if passed >= 100_000 {
            bytes.clear();
        }
    };
    let (outcome, served) = past(&bulk(Direction::Up), cut);
    assert_eq!((outcome.unwrap().errors, served.cut), (2, 2));
    let (outcome, _) = past(&bulk(Direction::Down), cut);
    assert_eq!(outcome.unwrap().errors, 2);
}

#[test]
fn an_open_loop_counts_the_wait() {
    const STALL: Duration = Duration::from_millis(400);
    let stall = |from, passed, _: &mut Vec<u8>| {
        // Once, some time after the begin.
        if from == From::Client && passed == 64 * 20 {
            thread::sleep(STALL);
        }
    };
    let pace = Pace::Open { per_second: 1000 };
    let open = Workload::Messages {
        size: 64,
        sessions: 1,
        pace,
    };
    let outcome = past(&open, stall).0.unwrap();
    // Some 130 of 150 messages were due while the 20th was held up, none of which was lost.
    assert_eq!(outcome.errors, 0);
    assert!((140..=152).contains(&outcome.latency.len()), "{outcome:?}");
    let median = Duration::from_nanos(outcome.latency.value_at_quantile(0.5));
    assert!(median > STALL / 2, "{median:?}");

    let closed = Workload::Messages {
        size: 64,
        sessions: 1,
        pace: Pace::Closed,
    };
    let outcome = past(&closed, stall).0.unwrap();
    // A client that waits for its answer notices the stall once.
    let median = Duration::from_nanos(outcome.latency.value_at_quantile(0.5));
    assert!(median < STALL / 2, "{median:?}");
}

#[test]
fn idle_sessions_that_end_are_errors() {
    let workload = Workload::Idle { sessions: 5 };
    let backend = Backend::start(workload.service(), ANYWHERE).unwrap();
    let mut held = Held::gather(backend.address(), 5).unwrap();
    assert_eq!((held.count(), held.check().unwrap()), (5, 5));
    drop(backend);
    assert_eq!(held.check().unwrap(), 0);
}

#[test]
fn an_open_loop_is_on_time() {
    let open = Workload::Messages {
        size: 64,
        sessions: 4,
        pace: Pace::Open { per_second: 200 },
    };
    let backend = Backend::start(open.service(), ANYWHERE).unwrap();
    // On a busy machine many a message is late, but not all are.
    let fastest = (0..5).map(|_| {
        let outcome = run(backend.address(), &open, SHORT).unwrap();
        Duration::from_nanos(outcome.latency.value_at_quantile(0.1))
    });
    assert!(fastest.min().unwrap() < Duration::from_micros(300));
}
