//! The PROXY protocol, versions 1 and 2: whose connection this really is
//! (proxy-protocol.txt, 2020/03/05 revision).

mod v1;
mod v2;

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// Which header to send or what was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One line of text.
    V1,
    /// Binary.
    V2,
}

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// Use the addresses of the connection itself (`UNKNOWN`, `LOCAL`).
    Local,
    /// These are the real ends.
    Proxied {
        /// The client.
        source: SocketAddr,
        /// What it connected to.
        destination: SocketAddr,
    },
}

/// What a prefix of a stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A whole header of this many bytes.
    Complete {
        /// What it says.
        header: Header,
        /// How many bytes it took.
        length: usize,
    },
    /// The beginning of a header.
    Incomplete,
}

/// Not a PROXY header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Neither signature.
    #[error("the stream does not begin with a PROXY header")]
    Signature,
    /// A version 1 line that is too long or ill-formed.
    #[error("the PROXY v1 line is ill-formed")]
    Line,
    /// A version 2 header whose version, command, family or length is wrong.
    #[error("the PROXY v2 header is ill-formed")]
    Binary,
}

/// The most bytes a header can take. Version 1 stays far below; a version 2 header may declare more
/// but nobody sends it, and a stranger shall not make us hold it.
pub const MAX_LENGTH: usize = 16_384;

/// Reads a header from the beginning of a stream.
///
/// # Errors
/// [`Malformed`] as soon as the bytes cannot become a header.
pub fn parse(bytes: &[u8]) -> Result<Parsed, Malformed> {
    if begins(bytes, v1::SIGNATURE) {
        return v1::parse(bytes);
    }
    if begins(bytes, &v2::SIGNATURE) {
        return v2::parse(bytes);
    }
    Err(Malformed::Signature)
}

/// Appends a header to `out`. Ends that are not both TCP over IP become `UNKNOWN` or `LOCAL`.
pub fn write(version: Version, ends: Option<(SocketAddr, SocketAddr)>, out: &mut Vec<u8>) {
    let ends = ends.map(|(source, destination)| same_family(source, destination));
    match version {
        Version::V1 => v1::write(ends, out),
        Version::V2 => v2::write(ends, out),
    }
}

/// Whether the bytes are the signature, go on after it, or are on their way to it.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    let common = bytes.len().min(signature.len());
    bytes[..common] == signature[..common]
}

/// Both ends in one address family, as both versions demand: IPv6 if they differ.
fn same_family(source: SocketAddr, destination: SocketAddr) -> Ends {
    match (source, destination) {
        (SocketAddr::V4(source), SocketAddr::V4(destination)) => Ends::V4(source, destination),
        (source, destination) => Ends::V6(as_v6(source), as_v6(destination)),
    }
}

fn as_v6(address: SocketAddr) -> SocketAddrV6 {
    match address {
        SocketAddr::V4(v4) => SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0),
        SocketAddr::V6(v6) => v6,
    }
}

/// Two ends of one family.
#[derive(Debug, Clone, Copy)]
enum Ends {
    V4(SocketAddrV4, SocketAddrV4),
    V6(SocketAddrV6, SocketAddrV6),
}

#[cfg(test)]
mod tests;
