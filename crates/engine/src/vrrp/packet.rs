//! Advertisements on the wire: IP protocol 112, after the IP header (RFC 3768, 5; RFC 9568, 5).
//!
//! [`parse`] takes whatever the network sends; [`emit`] writes what keepalived writes, byte for
//! byte. The two differ in one point: IPv4 in version 3 is sent with keepalived's checksum, over a
//! pseudo-header, because keepalived 2.2 drops the one of RFC 9568; both are accepted.

mod checksum;
mod error;
mod view;

#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

pub use error::PacketError;

use self::view::Packet;
use super::{
    Priority, Version, Vrid,
    event::{Advert, Checksum},
};

/// IP protocol number of VRRP (RFC 9568, 5.1.1.4).
pub const PROTOCOL: u8 = 112;
/// Whom IPv4 advertisements go to without unicast peers (RFC 9568, 5.1.1.2).
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Whom IPv6 advertisements go to without unicast peers (RFC 9568, 5.1.2.2).
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

/// Bytes before the addresses.
const HEADER: usize = 8;
/// Bytes after the addresses in version 2, whatever the authentication is.
const AUTHENTICATION: usize = 8;
/// The only type of message that there is.
const ADVERTISEMENT: u8 = 1;
/// Version 2, authentication: none.
const AUTH_NONE: u8 = 0;
/// Version 2, authentication: eight bytes in clear (RFC 2338, 5.3.6.2).
const AUTH_PASSWORD: u8 = 1;
/// Version 2, authentication: by an IPsec authentication header (RFC 2338, 5.3.6.3).
const AUTH_IPSEC: u8 = 2;
/// Where the count of addresses stands.
const COUNT: usize = 3;
/// Where the checksum stands.
const CHECKSUM: std::ops::Range<usize> = 6..8;
/// What the twelve bits of version 3 hold, in centiseconds.
const MAX_CENTISECONDS: u128 = 0xfff;

/// Reads an advertisement that came `from` somebody, addressed `to` us or the group, and says
/// which of the known ways its checksum was computed in.
///
/// # Errors
/// Whatever RFC 9568, 7.1 says to discard, except for what only the receiver's own settings tell:
/// the hop limit, the version, the interval, the password.
pub fn parse(payload: &[u8], from: IpAddr, to: IpAddr) -> Result<(Advert, Checksum), PacketError> {
    if from.is_ipv4() != to.is_ipv4() {
        return Err(PacketError::MixedFamilies);
    }
    let packet = Packet::checked(payload, from)?;
    let password = packet.password()?;
    let checksum = checksum::way(packet.version(), payload, from, to)?;
    let advert = Advert {
        version: packet.version(),
        vrid: Vrid::new(packet.vrid()).ok_or(PacketError::NoVrid)?,
        priority: Priority(packet.priority()),
        interval: packet.interval()?,
        addresses: packet.addresses(),
        password,
    };
    Ok((advert, checksum))
}

/// Writes an advertisement as keepalived does.
///
/// Addresses of another family than `from` do not fit and are left out, as are those after the
/// 255th. The interval is rounded down to what the version can say, and is at least its unit.
#[must_use]
pub fn emit(advert: &Advert, from: IpAddr, to: IpAddr) -> Vec<u8> {
    emit_as(checksum::ours(advert.version), advert, from, to)
}

/// As [`emit`], with the checksum computed in another way: the one that a peer was heard to use.
#[must_use]
pub fn emit_as(way: Checksum, advert: &Advert, from: IpAddr, to: IpAddr) -> Vec<u8> {
    let fitting = advert
        .addresses
        .iter()
        .filter(|a| a.is_ipv4() == from.is_ipv4());
    let mut message = header(advert).to_vec();
    for (count, address) in (1..=u8::MAX).zip(fitting) {
        message[COUNT] = count;
        match address {
            IpAddr::V4(address) => message.extend(address.octets()),
            IpAddr::V6(address) => message.extend(address.octets()),
        }
    }
    if advert.version == Version::V2 {
        message.extend(advert.password.unwrap_or_default());
    }
    let sum = checksum::compute(way, &message, from, to);
    message[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
    message
}

/// The first eight bytes; the count and the checksum are still zero.
fn header(advert: &Advert) -> [u8; HEADER] {
    let [number, high, low] = match advert.version {
        Version::V2 => {
            let auth = advert.password.map_or(AUTH_NONE, |_| AUTH_PASSWORD);
            [0x20, auth, whole_seconds(advert.interval)]
        }
        Version::V3 => {
            let [high, low] = centiseconds(advert.interval).to_be_bytes();
            [0x30, high, low]
        }
    };
    let first = number | ADVERTISEMENT;
    let priority = advert.priority.0;
    [first, advert.vrid.get(), priority, 0, high, low, 0, 0]
}

fn whole_seconds(interval: Duration) -> u8 {
    u8::try_from(interval.as_secs().max(1)).unwrap_or(u8::MAX)
}

fn centiseconds(interval: Duration) -> u16 {
    let wanted = (interval.as_millis() / 10).clamp(1, MAX_CENTISECONDS);
    u16::try_from(wanted).unwrap_or(u16::MAX)
}
