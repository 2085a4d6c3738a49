//! The PROXY protocol, versions 1 and 2: whose connection this really is
//! (proxy-protocol.txt, 2020/03/05 revision).

use std::net::SocketAddr;

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

/// Reads a header from the beginning of a stream.
///
/// # Errors
/// [`Malformed`] as soon as the bytes cannot become a header.
pub fn parse(_bytes: &[u8]) -> Result<Parsed, Malformed> {
    todo!()
}

/// Appends a header to `out`. Ends that are not both TCP over IP become `UNKNOWN` or `LOCAL`.
pub fn write(_version: Version, _ends: Option<(SocketAddr, SocketAddr)>, _out: &mut Vec<u8>) {
    todo!()
}
