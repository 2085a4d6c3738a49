//! The number of a client's address, and how its bits are mixed.
//!
//! Both as in HAProxy 2.6, found by watching which server of 2, 3, 5 … 29 it picks: a session's
//! remainders by these numbers tell the whole number it had.

use std::net::IpAddr;

/// The address as a number: an IPv6 address is the exclusive or of its four words, also if there
/// is an IPv4 address mapped into it.
pub(super) fn number(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [96, 64, 32, 0]
                .map(|shift| {
                    u32::try_from(bits >> shift & u128::from(u32::MAX)).unwrap_or_default()
                })
                .iter()
                .fold(0, |all, word| all ^ word)
        }
    }
}

/// Mixes all bits of a word into all others: Bob Jenkins' published 4-byte full avalanche hash,
/// as the manual says, times a prime close to three quarters of the range, as watching says.
pub(super) const fn avalanche(word: u32) -> u32 {
    let a = word.wrapping_add(0x7ed5_5d16).wrapping_add(word << 12);
    let a = (a ^ 0xc761_c23c) ^ (a >> 19);
    let a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    let a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    let a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    let a = (a ^ 0xb55a_4f09) ^ (a >> 16);
    a.wrapping_mul(0xc000_0001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let number = |text: &str| number(text.parse().unwrap());
        assert_eq!(number("127.0.0.1"), 0x7f00_0001);
        assert_eq!(number("::ffff:127.0.0.1"), 0x7f00_fffe);
        assert_eq!(number("fd00::b"), 0xfd00_000b);
        // As HAProxy 2.6.12 has them.
        assert_eq!(avalanche(0xfd00_0001), 0x6ea5_5935);
        assert_eq!(avalanche(0xfd00_000b), 0x0866_097c);
    }
}
