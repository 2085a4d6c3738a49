//! What keepalived 2.2.7 sent is read, and written again byte for byte.

#[path = "wire/pcap.rs"]
mod pcap;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pontoon_engine::vrrp::{
    Version,
    event::{Advert, Checksum},
    neighbour::{gratuitous_arp, unsolicited_na},
    packet::{PROTOCOL, PacketError, emit, emit_as, parse},
};

use self::pcap::{Datagram, array, datagrams, frames};

const AUTHENTICATION_HEADER: u8 = 51;

/// Every advertisement of a capture, as it was read.
fn adverts(capture: &str) -> Vec<(Datagram, Advert, Checksum)> {
    let vrrp = datagrams(capture)
        .into_iter()
        .filter(|d| d.protocol == PROTOCOL);
    let read = vrrp.map(|datagram| {
        let Datagram { from, to, .. } = datagram;
        let (advert, way) = parse(&datagram.payload, from, to).expect(capture);
        (datagram, advert, way)
    });
    read.collect()
}

/// All of a capture are of this version and checksum, list the one address, and are written as
/// they were read.
fn check(capture: &str, version: Version, way: Checksum, least: usize) -> Vec<Advert> {
    let read = adverts(capture);
    assert!(
        read.len() >= least,
        "{capture}: only {} adverts",
        read.len()
    );
    for (datagram, advert, found) in &read {
        let Datagram {
            from, to, payload, ..
        } = datagram;
        let shared: IpAddr = match from {
            IpAddr::V4(_) => Ipv4Addr::new(10, 77, 0, 10).into(),
            IpAddr::V6(_) => Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x10).into(),
        };
        assert_eq!((advert.version, *found), (version, way), "{capture}");
        assert_eq!(advert.addresses, [shared], "{capture}");
        assert_eq!(advert.vrid.get(), 51, "{capture}");
        assert_eq!(&emit_as(way, advert, *from, *to), payload, "{capture}");
        if way != Checksum::MulticastPseudoHeader {
            assert_eq!(&emit(advert, *from, *to), payload, "{capture}");
        }
    }
    read.into_iter().map(|(_, advert, _)| advert).collect()
}

fn all_at(adverts: &[Advert], milliseconds: u128) {
    assert!(
        adverts
            .iter()
            .all(|a| a.interval.as_millis() == milliseconds)
    );
}

#[test]
fn version_2() {
    for capture in ["v2-multicast", "v2-unicast"] {
        let adverts = check(capture, Version::V2, Checksum::Message, 9);
        all_at(&adverts, 1000);
        assert!(adverts.iter().all(|a| a.password.is_none()));
    }
}

#[test]
fn version_2_with_a_password() {
    let adverts = check("v2-unicast-pass", Version::V2, Checksum::Message, 9);
    let password = adverts[0].password.unwrap();
    assert!(password.iter().any(|byte| *byte != 0));
    assert!(adverts.iter().all(|a| a.password == Some(password)));
}

#[test]
fn version_2_with_an_authentication_header_is_refused_by_name() {
    let all = datagrams("v2-unicast-ah");
    let inner = all.iter().filter(|d| d.protocol == AUTHENTICATION_HEADER);
    let read = inner.map(|d| parse(&d.payload[24..], d.from, d.to));
    let read: Vec<_> = read.collect();
    assert!(read.len() >= 4);
    assert!(
        read.iter()
            .all(|r| *r == Err(PacketError::IpsecAuthentication))
    );
}

#[test]
fn version_3() {
    for capture in ["v3-multicast", "v3-unicast"] {
        let adverts = check(capture, Version::V3, Checksum::PseudoHeader, 9);
        all_at(&adverts, 1000);
    }
}

#[test]
fn version_3_ten_times_a_second() {
    let way = Checksum::PseudoHeader;
    all_at(&check("v3-unicast-adv0.1", Version::V3, way, 30), 100);
}

#[test]
fn version_3_with_the_checksum_of_old() {
    let way = Checksum::MulticastPseudoHeader;
    check("v3-unicast-oldchksum", Version::V3, way, 9);
}

#[test]
fn version_3_over_ipv6() {
    for capture in ["v3-ipv6-multicast", "v3-ipv6-unicast"] {
        check(capture, Version::V3, Checksum::PseudoHeader, 9);
    }
}

#[test]
fn a_resignation_is_priority_0() {
    let all = adverts("v2-unicast");
    assert!(all.iter().any(|(_, advert, _)| advert.priority.0 == 0));
}

#[test]
fn gratuitous_arp_is_written_as_keepalived_does() {
    let captures = ["v2-multicast", "v2-unicast", "v3-unicast-adv0.1"];
    let frames = captures.into_iter().flat_map(frames);
    let gratuitous = frames.filter(|f| f[12..14] == [0x08, 0x06] && f[..6] == [0xff; 6]);
    // The client asks for hardware addresses by broadcast as well.
    let theirs: Vec<_> = gratuitous.filter(|f| f[28..32] == f[38..42]).collect();
    assert!(theirs.len() >= 15, "only {}", theirs.len());
    for frame in theirs {
        let mac = array(&frame[6..]);
        let address = Ipv4Addr::from(array::<4>(&frame[28..]));
        assert_eq!(frame, gratuitous_arp(mac, address));
    }
}

#[test]
fn unsolicited_neighbour_advertisements_are_written_as_keepalived_does() {
    let shared = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x10);
    let captures = ["v3-ipv6-multicast", "v3-ipv6-unicast"];
    let frames = captures.into_iter().flat_map(frames);
    let to_all = frames.filter(|f| f[..6] == [0x33, 0x33, 0, 0, 0, 1] && f[54] == 136);
    let of_shared: Vec<_> = to_all.filter(|f| f[62..78] == shared.octets()).collect();
    assert!(of_shared.len() >= 10, "only {}", of_shared.len());
    for frame in of_shared {
        let mac = array(&frame[6..]);
        assert_eq!(frame, unsolicited_na(mac, shared, shared));
    }
}
