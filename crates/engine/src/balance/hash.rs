//! The functions of `hash-type`, on bytes.

use super::{Hash, HashFunction};

impl Hash {
    /// The hash of a key.
    pub(super) fn of(self, key: &[u8]) -> u32 {
        let raw = match self.function {
            HashFunction::Sdbm => sdbm(key),
            HashFunction::Djb2 => djb2(key),
            HashFunction::Wt6 => wt6(key),
            HashFunction::Crc32 => crc32(key),
        };
        if self.avalanche { avalanche(raw) } else { raw }
    }
}

/// As in the sdbm database library: `hash * 65599 + byte`.
fn sdbm(key: &[u8]) -> u32 {
    key.iter().fold(0, |hash: u32, byte| {
        hash.wrapping_mul(65599).wrapping_add((*byte).into())
    })
}

/// Bernstein's: `hash * 33 + byte`, from 5381.
fn djb2(key: &[u8]) -> u32 {
    key.iter().fold(5381, |hash: u32, byte| {
        hash.wrapping_mul(33).wrapping_add((*byte).into())
    })
}

/// Stands in for `wt6`, whose definition no manual gives: FNV-1a, which like it cares little
/// for what it is fed.
fn wt6(key: &[u8]) -> u32 {
    key.iter().fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// CRC-32 as in Ethernet, gzip and PNG.
fn crc32(key: &[u8]) -> u32 {
    !key.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// Mixes all bits of a word into all others (the finalizer of MurmurHash3, public domain).
pub(super) const fn avalanche(mut word: u32) -> u32 {
    word ^= word >> 16;
    word = word.wrapping_mul(0x85eb_ca6b);
    word ^= word >> 13;
    word = word.wrapping_mul(0xc2b2_ae35);
    word ^ (word >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(djb2(b"a"), 177_670);
        assert_eq!(sdbm(b"ab"), 97 * 65599 + 98);
        assert_eq!(wt6(b"a"), 0xe40c_292c);
        assert_eq!(avalanche(0), 0);
        assert_ne!(avalanche(1), avalanche(2));
    }
}
