//! A packet of the right length, version and type, whose fields can be read.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use super::{
    ADVERTISEMENT, AUTH_IPSEC, AUTH_NONE, AUTH_PASSWORD, AUTHENTICATION, COUNT, HEADER, PacketError,
};
use crate::vrrp::Version;

/// The parts of a packet.
pub(super) struct Packet<'a> {
    version: Version,
    header: &'a [u8; HEADER],
    addresses: &'a [u8],
    /// Bytes of one address.
    width: usize,
    /// What follows the addresses in version 2; empty in version 3.
    authentication: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks version, type and length.
    pub(super) fn checked(payload: &'a [u8], from: IpAddr) -> Result<Self, PacketError> {
        let Some((header, rest)) = payload.split_first_chunk::<HEADER>() else {
            return Err(PacketError::Truncated {
                length: payload.len(),
                expected: HEADER,
            });
        };
        let version = version(header[0] >> 4, from)?;
        if header[0] & 0x0f != ADVERTISEMENT {
            return Err(PacketError::UnknownType(header[0] & 0x0f));
        }
        let width = if from.is_ipv4() { 4 } else { 16 };
        let list = usize::from(header[COUNT]) * width;
        check_length(payload.len(), HEADER + list + after_list(version))?;
        let (addresses, authentication) = rest.split_at(list);
        Ok(Self {
            version,
            header,
            addresses,
            width,
            authentication,
        })
    }

    pub(super) const fn version(&self) -> Version {
        self.version
    }

    pub(super) const fn vrid(&self) -> u8 {
        self.header[1]
    }

    pub(super) const fn priority(&self) -> u8 {
        self.header[2]
    }

    /// Version 2: whole seconds. Version 3: twelve bits of centiseconds; the four bits before
    /// them are reserved and ignored (RFC 9568, 5.2.6).
    pub(super) fn interval(&self) -> Result<Duration, PacketError> {
        let [_, _, _, _, high, low, _, _] = *self.header;
        let interval = match self.version {
            Version::V2 => Duration::from_secs(low.into()),
            Version::V3 => {
                let centiseconds = u16::from_be_bytes([high & 0x0f, low]);
                Duration::from_millis(u64::from(centiseconds) * 10)
            }
        };
        if interval.is_zero() {
            return Err(PacketError::NoInterval);
        }
        Ok(interval)
    }

    /// The password, if the sender shows one. Without authentication the eight bytes mean nothing.
    pub(super) fn password(&self) -> Result<Option<[u8; AUTHENTICATION]>, PacketError> {
        if self.version == Version::V3 {
            return Ok(None);
        }
        match self.header[4] {
            AUTH_NONE => Ok(None),
            AUTH_PASSWORD => Ok(self.authentication.first_chunk().copied()),
            AUTH_IPSEC => Err(PacketError::IpsecAuthentication),
            other => Err(PacketError::UnknownAuthentication(other)),
        }
    }

    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let each = self.addresses.chunks_exact(self.width);
        each.filter_map(address).collect()
    }
}

fn version(number: u8, from: IpAddr) -> Result<Version, PacketError> {
    match number {
        2 if from.is_ipv6() => Err(PacketError::Version2OverIpv6),
        2 => Ok(Version::V2),
        3 => Ok(Version::V3),
        _ => Err(PacketError::UnknownVersion(number)),
    }
}

/// Bytes after the addresses.
const fn after_list(version: Version) -> usize {
    match version {
        Version::V2 => AUTHENTICATION,
        Version::V3 => 0,
    }
}

const fn check_length(length: usize, expected: usize) -> Result<(), PacketError> {
    if length < expected {
        return Err(PacketError::Truncated { length, expected });
    }
    if length > expected {
        return Err(PacketError::TooLong { length, expected });
    }
    Ok(())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).into());
    let v6 = || <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).into());
    v4().or_else(|_| v6()).ok()
}
