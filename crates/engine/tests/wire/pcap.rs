//! Reads the captures: classic pcap, little-endian, Ethernet.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

/// What IP carried.
pub(crate) struct Datagram {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) protocol: u8,
    pub(crate) payload: Vec<u8>,
}

/// The frames of a capture of `tests/data/wire`.
pub(crate) fn frames(capture: &str) -> Vec<Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wire");
    let bytes = std::fs::read(data.join(capture).with_added_extension("pcap")).expect(capture);
    assert_eq!(
        bytes[..4],
        [0xd4, 0xc3, 0xb2, 0xa1],
        "{capture}: not a pcap"
    );
    let mut rest = &bytes[24..];
    let mut frames = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        // The upper half of the length is zero: no frame is that long.
        let length = u16::from_le_bytes([header[8], header[9]]);
        let (frame, next) = after.split_at(length.into());
        frames.push(frame.to_vec());
        rest = next;
    }
    frames
}

/// Its IP datagrams.
pub(crate) fn datagrams(capture: &str) -> Vec<Datagram> {
    frames(capture).iter().filter_map(|f| datagram(f)).collect()
}

fn datagram(frame: &[u8]) -> Option<Datagram> {
    let (ethernet, packet) = frame.split_at(14);
    match ethernet[12..] {
        [0x08, 0x00] => Some(v4(packet)),
        [0x86, 0xdd] => Some(v6(packet)),
        _ => None,
    }
}

fn v4(packet: &[u8]) -> Datagram {
    let header = usize::from(packet[0] & 0x0f) * 4;
    let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let address = |at: usize| Ipv4Addr::from(array::<4>(&packet[at..]));
    Datagram {
        from: address(12).into(),
        to: address(16).into(),
        protocol: packet[9],
        payload: packet[header..length].to_vec(),
    }
}

fn v6(packet: &[u8]) -> Datagram {
    let length = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
    let address = |at: usize| Ipv6Addr::from(array::<16>(&packet[at..]));
    Datagram {
        from: address(8).into(),
        to: address(24).into(),
        protocol: packet[6],
        payload: packet[40..40 + length].to_vec(),
    }
}

/// The first bytes of a slice.
pub(crate) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("long enough")
}
