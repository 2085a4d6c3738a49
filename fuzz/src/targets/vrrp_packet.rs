//! Any bytes, read as an advertisement or as a message before a switchover: no panic, and what was read is written back alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pontoon_engine::vrrp::{
    packet::{GROUP_V4, GROUP_V6, emit_as, parse},
    readiness,
};

pub(super) fn run(bytes: &[u8]) -> bool {
    let mut understood = false;
    let node = |n: u8| IpAddr::from(Ipv4Addr::new(10, 77, 0, n));
    let node_v6 = |n: u16| IpAddr::from(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, n));
    let ways = [
        (node(1), node(2)),
        (node(1), GROUP_V4.into()),
        (node_v6(1), node_v6(2)),
        (node_v6(1), GROUP_V6.into()),
    ];
    for (from, to) in ways {
        if let Ok((advert, way)) = parse(bytes, from, to) {
            let again = emit_as(way, &advert, from, to);
            assert_eq!(parse(&again, from, to), Ok((advert, way)));
            understood = true;
        }
    }
    if let Some(message) = readiness::parse(bytes) {
        assert!(readiness::is_message(bytes));
        assert_eq!(readiness::parse(&readiness::emit(&message)), Some(message));
        understood = true;
    }
    understood
}
