//! Who comes next, compared with what HAProxy was seen to do.

use super::*;

/// `weights servers` of each line of a file of observations that begins with `kind`.
fn observed(text: &'static str, kind: &str) -> Vec<(Vec<u16>, Vec<u32>)> {
    fn numbers<T: std::str::FromStr>(text: &str, separator: char) -> Vec<T> {
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

#[test]
fn roundrobin_gives_the_sequences_of_haproxy() {
    let mut differing = Vec::new();
    for (weights, servers) in observed(
        include_str!("../../../testdata/roundrobin.txt"),
        "roundrobin",
    ) {
        let mut bench = Bench::new(Algorithm::RoundRobin, weighted(&weights));
        let ours: Vec<u32> = servers.iter().map(|_| bench.short()).collect();
        if ours != servers {
            differing.push(weights);
        }
    }
    assert!(differing.len() <= 22, "{differing:?}");
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
    for (weights, servers) in observed(include_str!("../../../testdata/leastconn.txt"), "closed") {
        let mut bench = Bench::new(Algorithm::LeastConn, weighted(&weights));
        let ours: Vec<u32> = servers.iter().map(|_| bench.short()).collect();
        assert_eq!(ours, servers, "weights {weights:?}");
    }
}

#[test]
fn leastconn_fills_up_as_haproxy_does() {
    for (weights, servers) in observed(include_str!("../../../testdata/leastconn.txt"), "held") {
        let mut bench = Bench::new(Algorithm::LeastConn, weighted(&weights));
        let ours: Vec<u32> = servers.iter().map(|_| bench.long()).collect();
        assert_eq!(ours, servers, "weights {weights:?}");
    }
}
