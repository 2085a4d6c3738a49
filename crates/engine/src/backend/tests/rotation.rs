//! Who comes next, compared with what HAProxy was seen to do.

use std::str::FromStr;

use super::*;

const LEASTCONN: &str = include_str!("../../../testdata/leastconn.txt");
const ROUNDROBIN: &str = include_str!("../../../testdata/roundrobin.txt");

/// `weights servers` of each line of a file of observations that begins with `kind`.
fn observed<T: FromStr>(text: &'static str, kind: &str) -> Vec<(Vec<u16>, Vec<T>)> {
    fn numbers<T: FromStr>(text: &str, separator: char) -> Vec<T> {
        text.split(separator)
            .map(|number| number.parse().ok().unwrap())
            .collect()
    }
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(kind)?.trim().split_once(' '));
    lines
        .map(|(weights, servers)| (numbers(weights, '/'), numbers(servers, ',')))
        .collect()
}

/// The rotation of equal weights and of small ones is HAProxy's own. With uneven weights two
/// neighbours may change places where their turns are nearly due at the same moment, so that no
/// server is ever more than one session ahead or behind.
#[test]
fn roundrobin_never_strays_from_haproxy_by_more_than_one_session() {
    let mut same = 0;
    for (weights, servers) in observed(ROUNDROBIN, "roundrobin") {
        let mut bench = Bench::new(Algorithm::RoundRobin, weighted(&weights));
        let ours: Vec<u32> = servers.iter().map(|_| bench.short()).collect();
        same += usize::from(ours == servers);
        let mut ahead = vec![0i32; weights.len()];
        for (ours, theirs) in ours.iter().zip(&servers) {
            ahead[*ours as usize - 1] += 1;
            ahead[*theirs as usize - 1] -= 1;
            assert!(ahead.iter().all(|by| by.abs() <= 1), "weights {weights:?}");
        }
    }
    assert!(same >= 31, "only {same} sequences are the same");
}

#[test]
fn roundrobin_gives_the_sequence_of_haproxy_for_everyday_weights() {
    let everyday: [&[u16]; 9] = [
        &[1],
        &[1, 1, 1],
        &[1, 1, 1, 1, 1],
        &[2, 1],
        &[1, 2],
        &[3, 1],
        &[10, 20, 30],
        &[100, 1],
        &[1, 2, 3, 4],
    ];
    let seen = observed(ROUNDROBIN, "roundrobin");
    for weights in everyday {
        let (_, servers) = seen.iter().find(|(seen, _)| seen == weights).unwrap();
        let mut bench = Bench::new(Algorithm::RoundRobin, weighted(weights));
        let ours: Vec<u32> = servers.iter().map(|_| bench.short()).collect();
        assert_eq!(&ours, servers, "weights {weights:?}");
    }
}

#[test]
fn static_rr_gives_the_sequences_of_haproxy() {
    for (weights, servers) in observed(include_str!("../../../testdata/static-rr.txt"), "static-rr")
    {
        let mut bench = Bench::new(Algorithm::StaticRr, weighted(&weights));
        let ours: Vec<u32> = servers.iter().map(|_| bench.short()).collect();
        assert_eq!(ours, servers, "weights {weights:?}");
    }
}

#[test]
fn leastconn_rotates_among_idle_servers_as_haproxy_does() {
    for (weights, servers) in observed(LEASTCONN, "closed") {
        let mut bench = Bench::new(Algorithm::LeastConn, weighted(&weights));
        let ours: Vec<u32> = servers.iter().map(|_| bench.short()).collect();
        assert_eq!(ours, servers, "weights {weights:?}");
    }
}

#[test]
fn leastconn_fills_up_as_haproxy_does() {
    for (weights, servers) in observed(LEASTCONN, "held") {
        let mut bench = Bench::new(Algorithm::LeastConn, weighted(&weights));
        let ours: Vec<u32> = servers.iter().map(|_| bench.long()).collect();
        assert_eq!(ours, servers, "weights {weights:?}");
    }
}

#[test]
fn leastconn_follows_starts_and_ends_as_haproxy_does() {
    for (weights, events) in observed::<i32>(LEASTCONN, "mixed") {
        let mut bench = Bench::new(Algorithm::LeastConn, weighted(&weights));
        for (at, event) in events.into_iter().enumerate() {
            match u32::try_from(event) {
                Ok(server) => assert_eq!(bench.long(), server, "weights {weights:?}, event {at}"),
                Err(_) => {
                    let server = ServerId(event.unsigned_abs() - 1);
                    bench.backend.release(server, bench.now);
                }
            }
        }
    }
}
