//! Version 2: a binary header of declared length.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Ends, Header, MAX_LENGTH, Malformed, Parsed};

/// What every header begins with.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family, length.
const FIXED: usize = 16;

const VERSION: u8 = 0x20;
const LOCAL: u8 = 0x0;
const PROXY: u8 = 0x1;

const TCP_V4: u8 = 0x11;
const TCP_V6: u8 = 0x21;

/// Bytes of two addresses and two ports.
const V4_BLOCK: usize = 12;
const V6_BLOCK: usize = 36;
/// Bytes of two UNIX paths.
const UNIX_BLOCK: usize = 216;

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, Malformed> {
    let Some(command) = bytes.get(12) else {
        return Ok(Parsed::Incomplete);
    };
    if command & 0xf0 != VERSION || command & 0x0f > PROXY {
        return Err(Malformed::Binary);
    }
    let proxied = command & 0x0f != LOCAL;
    let Some(family) = bytes.get(13) else {
        return Ok(Parsed::Incomplete);
    };
    // A LOCAL header's family and block mean nothing, whatever they are.
    let least = if proxied {
        block_length(*family).ok_or(Malformed::Binary)?
    } else {
        0
    };
    let Some([high, low]) = bytes.get(14..FIXED) else {
        return Ok(Parsed::Incomplete);
    };
    let declared = usize::from(u16::from_be_bytes([*high, *low]));
    let length = FIXED + declared;
    if declared < least || length > MAX_LENGTH {
        return Err(Malformed::Binary);
    }
    let Some(block) = bytes.get(FIXED..length) else {
        return Ok(Parsed::Incomplete);
    };
    let header = if proxied {
        read_block(*family, block)
    } else {
        Header::Local
    };
    Ok(Parsed::Complete { header, length })
}

/// The least bytes that a family's addresses take; `None` for a family that is not assigned.
const fn block_length(family: u8) -> Option<usize> {
    match family {
        0x00 => Some(0),
        TCP_V4 | 0x12 => Some(V4_BLOCK),
        TCP_V6 | 0x22 => Some(V6_BLOCK),
        0x31 | 0x32 => Some(UNIX_BLOCK),
        _ => None,
    }
}

/// The addresses; what follows them (TLVs) is skipped. Families that are not TCP over IP say
/// nothing about a TCP connection, so that its own addresses stand.
fn read_block(family: u8, block: &[u8]) -> Header {
    let ends = match family {
        TCP_V4 => block.first_chunk().map(read_v4),
        TCP_V6 => block.first_chunk().map(read_v6),
        _ => None,
    };
    ends.map_or(Header::Local, |(source, destination)| Header::Proxied {
        source,
        destination,
    })
}

fn read_v4(block: &[u8; V4_BLOCK]) -> (SocketAddr, SocketAddr) {
    let [a, b, c, d, e, f, g, h, from_high, from_low, to_high, to_low] = *block;
    let source = (
        Ipv4Addr::new(a, b, c, d),
        u16::from_be_bytes([from_high, from_low]),
    );
    let destination = (
        Ipv4Addr::new(e, f, g, h),
        u16::from_be_bytes([to_high, to_low]),
    );
    (source.into(), destination.into())
}

fn read_v6(block: &[u8; V6_BLOCK]) -> (SocketAddr, SocketAddr) {
    let address = |at: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&block[at..at + 16]);
        Ipv6Addr::from(octets)
    };
    let port = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
    (
        (address(0), port(32)).into(),
        (address(16), port(34)).into(),
    )
}

pub(super) fn write(ends: Option<Ends>, out: &mut Vec<u8>) {
    out.extend_from_slice(&SIGNATURE);
    match ends {
        None => out.extend_from_slice(&[VERSION | LOCAL, 0, 0, 0]),
        Some(Ends::V4(source, destination)) => {
            out.extend_from_slice(&[VERSION | PROXY, TCP_V4, 0, 12]);
            out.extend_from_slice(&source.ip().octets());
            out.extend_from_slice(&destination.ip().octets());
            write_ports(source.port(), destination.port(), out);
        }
        Some(Ends::V6(source, destination)) => {
            out.extend_from_slice(&[VERSION | PROXY, TCP_V6, 0, 36]);
            out.extend_from_slice(&source.ip().octets());
            out.extend_from_slice(&destination.ip().octets());
            write_ports(source.port(), destination.port(), out);
        }
    }
}

fn write_ports(source: u16, destination: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&source.to_be_bytes());
    out.extend_from_slice(&destination.to_be_bytes());
}
