//! Why a packet is no advertisement.

use thiserror::Error;

/// Why a packet is no advertisement, and what to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum PacketError {
    /// Shorter than its own count of addresses says.
    #[error("it ends after {length} bytes of {expected}: it was cut on its way, or damaged")]
    Truncated {
        /// Bytes that arrived.
        length: usize,
        /// Bytes that it should have.
        expected: usize,
    },
    /// Longer than its own count of addresses says.
    #[error(
        "it has {length} bytes instead of {expected}: its count of addresses does not fit its list"
    )]
    TooLong {
        /// Bytes that arrived.
        length: usize,
        /// Bytes that it should have.
        expected: usize,
    },
    /// Neither version 2 nor 3.
    #[error("it is of version {0}; only 2 (RFC 3768) and 3 (RFC 9568) are known")]
    UnknownVersion(u8),
    /// Version 2 over IPv6.
    #[error("it is of version 2, which knows IPv4 only; set vrrp_version 3 on the sender")]
    Version2OverIpv6,
    /// Not an advertisement.
    #[error("its type is {0}; only 1, an advertisement, is known")]
    UnknownType(u8),
    /// Source and destination are of different families.
    #[error("its source and its destination are not of the same family")]
    MixedFamilies,
    /// None of the known ways of computing the checksum fits.
    #[error(
        "its checksum is {found:#06x} instead of {expected:#06x}: it was damaged, or forwarded \
         with another address"
    )]
    WrongChecksum {
        /// What it has.
        found: u16,
        /// What keepalived would have sent.
        expected: u16,
    },
    /// VRID 0.
    #[error("its virtual router identifier is 0; valid are 1 to 255")]
    NoVrid,
    /// An interval of zero.
    #[error("its interval is 0, after which every master would be dead at once")]
    NoInterval,
    /// Authentication by an IPsec authentication header.
    #[error(
        "it is authenticated by an IPsec header (auth_type AH), which is not supported; set \
         auth_type PASS on the sender"
    )]
    IpsecAuthentication,
    /// A type of authentication that nobody has defined.
    #[error("its authentication type is {0}; only 0, none, and 1, a password, are known")]
    UnknownAuthentication(u8),
}
