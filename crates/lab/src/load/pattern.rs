//! The bytes that are sent, known by their place, so that a wrong or missing one is noticed.

use std::{ops::Range, sync::LazyLock};

/// Bytes after which the pattern begins again. No power of two: a lost buffer, pipe or page shifts
/// what follows to a place where it does not belong.
pub(super) const PERIOD: usize = 61_441;

/// The most bytes that are taken from the pattern at once.
pub(super) const CHUNK: usize = 128 << 10;

/// A long stream is looked at in so many places only: comparing all of it would cost as much as
/// moving it.
const STRIDE: usize = 4096;
/// How much is compared there.
const SAMPLE: usize = 16;

static BYTES: LazyLock<Box<[u8]>> = LazyLock::new(|| {
    // A linear congruential generator (Knuth's constants): nothing in it comes back early.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut one = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let period: Vec<u8> = (0..PERIOD).map(|_| one()).collect();
    period
        .iter()
        .copied()
        .cycle()
        .take(PERIOD + CHUNK)
        .collect()
});

/// At most [`CHUNK`] bytes of an endless stream, from `place` on.
pub(super) fn stream(place: u64, length: usize) -> &'static [u8] {
    // The remainder is smaller than PERIOD.
    let start = usize::try_from(place % PERIOD as u64).unwrap_or(0);
    &BYTES[start..start + length.min(CHUNK)]
}

/// The bytes of a message, which begins with the pattern.
pub(super) fn message(places: Range<usize>) -> &'static [u8] {
    &BYTES[places]
}

/// Whether these bytes, at most [`CHUNK`], belong to `place` in the stream; their begin, their
/// end and a sample from each 4 KiB are looked at.
pub(super) fn belongs(place: u64, bytes: &[u8]) -> bool {
    let expected = stream(place, bytes.len());
    let same = |start: usize| {
        let end = (start + SAMPLE).min(bytes.len());
        bytes[start..end] == expected[start..end]
    };
    expected.len() == bytes.len()
        && (0..bytes.len()).step_by(STRIDE).all(same)
        && same(bytes.len().saturating_sub(SAMPLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_known_by_its_place() {
        for place in [0, 1, 61_440, 61_441, 5_000_000_000] {
            let bytes = stream(place, CHUNK);
            assert!(belongs(place, bytes));
            // A byte, a page, a pipe or a buffer is missing.
            for lost in [1, 4096, 16_384, 65_536, 1 << 20] {
                assert!(
                    !belongs(place + lost, bytes),
                    "{lost} bytes lost at {place}"
                );
            }
        }
    }

    #[test]
    fn a_wrong_byte_at_an_end_is_noticed() {
        let mut bytes = stream(7, 100).to_vec();
        bytes[99] ^= 1;
        assert!(!belongs(7, &bytes));
        assert!(belongs(7, &bytes[..99]));
        bytes[0] ^= 1;
        assert!(!belongs(7, &bytes[..99]));
    }
}
