//! The checksum, in each of the ways that are in use.

use std::net::IpAddr;

use super::{CHECKSUM, GROUP_V4, PROTOCOL, PacketError};
use crate::vrrp::{Version, event::Checksum};

/// How we compute it.
pub(super) const fn ours(version: Version) -> Checksum {
    match version {
        Version::V2 => Checksum::Message,
        Version::V3 => Checksum::PseudoHeader,
    }
}

/// In which way the sender computed it; ours comes first, should several fit.
pub(super) fn way(
    version: Version,
    message: &[u8],
    from: IpAddr,
    to: IpAddr,
) -> Result<Checksum, PacketError> {
    let fits = |way: &&Checksum| sum(message, pseudo_header(**way, message, from, to)) == 0xffff;
    let found = known(version, from, to).iter().find(fits);
    found
        .copied()
        .ok_or_else(|| wrong(version, message, from, to))
}

/// The ways that a message of this kind may be computed in.
fn known(version: Version, from: IpAddr, to: IpAddr) -> &'static [Checksum] {
    use Checksum::{Message, MulticastPseudoHeader, PseudoHeader};
    match (version, from) {
        (Version::V2, _) => &[Message],
        (Version::V3, IpAddr::V6(_)) => &[PseudoHeader],
        (Version::V3, IpAddr::V4(_)) if to.is_multicast() => &[PseudoHeader, Message],
        (Version::V3, IpAddr::V4(_)) => &[PseudoHeader, Message, MulticastPseudoHeader],
    }
}

/// The checksum of a message, whatever stands in its place there.
pub(super) fn compute(way: Checksum, message: &[u8], from: IpAddr, to: IpAddr) -> u16 {
    let whole = sum(message, pseudo_header(way, message, from, to));
    // Ones' complement: adding the inverse takes away what stands there.
    !add(whole, !standing(message))
}

fn wrong(version: Version, message: &[u8], from: IpAddr, to: IpAddr) -> PacketError {
    PacketError::WrongChecksum {
        found: standing(message),
        expected: compute(ours(version), message, from, to),
    }
}

/// What stands in the checksum's place.
fn standing(message: &[u8]) -> u16 {
    match message.get(CHECKSUM) {
        Some([high, low]) => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

/// The sum of the pseudo-header: addresses, protocol and length (RFC 9293, 3.1; RFC 8200, 8.1).
/// Zero if there is none.
fn pseudo_header(way: Checksum, message: &[u8], from: IpAddr, to: IpAddr) -> u16 {
    let to = match way {
        Checksum::Message => return 0,
        Checksum::PseudoHeader => to,
        Checksum::MulticastPseudoHeader => GROUP_V4.into(),
    };
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let rest = add(u16::from(PROTOCOL), length);
    add(add(address(from), address(to)), rest)
}

fn address(address: IpAddr) -> u16 {
    match address {
        IpAddr::V4(address) => sum(&address.octets(), 0),
        IpAddr::V6(address) => sum(&address.octets(), 0),
    }
}

/// The ones' complement sum of 16-bit words (RFC 1071), beginning with another one.
fn sum(bytes: &[u8], begin: u16) -> u16 {
    bytes.chunks(2).fold(begin, |sum, word| {
        let low = word.get(1).copied().unwrap_or(0);
        add(sum, u16::from_be_bytes([word[0], low]))
    })
}

/// Ones' complement addition: what overflows comes back as 1.
const fn add(a: u16, b: u16) -> u16 {
    let (sum, overflow) = a.overflowing_add(b);
    sum + overflow as u16
}
