//! Random numbers that a seed repeats, and bytes that can be checked wherever a stream is cut.

use std::sync::OnceLock;

/// Random numbers (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The same seed gives the same numbers.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(crate) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// One of `0..sides`.
    pub(crate) fn below(&mut self, sides: u32) -> u32 {
        u32::try_from(self.roll() % u64::from(sides.max(1))).unwrap_or(0)
    }

    /// True so many times in a hundred.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let sides = u32::try_from(of.len()).unwrap_or(u32::MAX);
        of[self.below(sides) as usize]
    }
}

/// A prime, so that no buffer's size is a multiple of it: a block moved or doubled shows.
const PERIOD: usize = 65_521;
/// Bytes asked for at once, at most.
pub(super) const BLOCK: usize = 32 << 10;

/// The bytes of the stream named `seed` from `offset` on.
pub(super) fn bytes_at(seed: u32, offset: usize, length: usize) -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut dice = Dice::new(0);
        let period: Vec<u8> = (0..PERIOD).map(|_| dice.roll().to_le_bytes()[0]).collect();
        [&period[..], &period[..BLOCK]].concat()
    });
    let start = (seed as usize + offset) % PERIOD;
    &table[start..start + length.min(BLOCK)]
}
