//! What tells the neighbours which of us has an address now: whole Ethernet frames, as keepalived
//! sends them, for a packet socket. That spares waiting for the kernel to let us send from an
//! address that it has just been given.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A hardware address.
pub type Mac = [u8; 6];

const BROADCAST: Mac = [0xff; 6];
/// Where IPv6's "all nodes" lives on Ethernet (RFC 2464, 7).
const ALL_NODES_MAC: Mac = [0x33, 0x33, 0, 0, 0, 1];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];
/// Ethernet, IPv4, six and four bytes of address, a request (RFC 826; RFC 5227, 3 says why not a
/// reply).
const ARP_REQUEST: [u8; 8] = [0, 1, 0x08, 0x00, 6, 4, 0, 1];
const ICMPV6: u8 = 58;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// "Override": forget the hardware address you have (RFC 4861, 4.4).
const OVERRIDE: u8 = 0x20;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
/// Bytes of a neighbour advertisement with its one option.
const NA_LENGTH: usize = 32;

/// A gratuitous ARP request: `address` is at `mac`.
#[must_use]
pub fn gratuitous_arp(mac: Mac, address: Ipv4Addr) -> [u8; 42] {
    let mut frame = Frame::new();
    frame.put(&BROADCAST).put(&mac).put(&ETHERTYPE_ARP);
    frame.put(&ARP_REQUEST);
    frame.put(&mac).put(&address.octets());
    frame.put(&BROADCAST).put(&address.octets());
    frame.bytes
}

/// An unsolicited neighbour advertisement from `source` to all nodes: `target` is at `mac`.
/// Keepalived sends it from the address itself.
#[must_use]
pub fn unsolicited_na(mac: Mac, source: Ipv6Addr, target: Ipv6Addr) -> [u8; 86] {
    let message = neighbour_advertisement(mac, source, target);
    let mut frame = Frame::new();
    frame.put(&ALL_NODES_MAC).put(&mac).put(&ETHERTYPE_IPV6);
    // Version 6, no traffic class or flow; length; what follows; hop limit 255 (RFC 4861, 4.4).
    frame.put(&[0x60, 0, 0, 0, 0, 32, ICMPV6, 255]);
    frame.put(&source.octets()).put(&ALL_NODES.octets());
    frame.put(&message);
    frame.bytes
}

/// RFC 4861, 4.4 and 4.6.1.
fn neighbour_advertisement(mac: Mac, source: Ipv6Addr, target: Ipv6Addr) -> [u8; NA_LENGTH] {
    let mut message = Frame::<NA_LENGTH>::new();
    message.put(&[NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0]);
    message.put(&target.octets());
    message.put(&[TARGET_LINK_LAYER_ADDRESS, 1]).put(&mac);
    let mut message = message.bytes;
    let sum = icmpv6_checksum(&message, source).to_be_bytes();
    [message[2], message[3]] = sum;
    message
}

/// RFC 4443, 2.3: over a pseudo-header and the message.
fn icmpv6_checksum(message: &[u8; NA_LENGTH], source: Ipv6Addr) -> u16 {
    let pseudo_header = [u32::from(ICMPV6), 32];
    let words = |bytes: &[u8]| -> u32 {
        let pairs = bytes.chunks_exact(2);
        pairs
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum()
    };
    let mut sum = words(&source.octets()) + words(&ALL_NODES.octets()) + words(message);
    sum += pseudo_header.iter().sum::<u32>();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// Bytes of known length, filled from the front.
struct Frame<const N: usize> {
    bytes: [u8; N],
    filled: usize,
}

impl<const N: usize> Frame<N> {
    const fn new() -> Self {
        Self {
            bytes: [0; N],
            filled: 0,
        }
    }

    fn put(&mut self, part: &[u8]) -> &mut Self {
        let end = self.filled + part.len();
        self.bytes[self.filled..end].copy_from_slice(part);
        self.filled = end;
        self
    }
}
