//! Balancing: which of the eligible servers comes next.

/// `balance`: the algorithm of a backend (HAProxy configuration manual, 4.2 `balance`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// Each in turn by weight; weights may change at run time.
    #[default]
    RoundRobin,
    /// Each in turn by weight; weights are fixed.
    StaticRr,
    /// The one with the fewest sessions for its weight; ties in rotation.
    LeastConn,
    /// The first with a free slot, in the order of the file.
    First,
    /// By the client's address.
    Source(Hash),
    /// The least loaded of `draws` servers picked at random.
    Random {
        /// How many servers are drawn, at least 1.
        draws: u16,
    },
}

/// `hash-type`: how a hash finds its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hash {
    /// Static map or consistent ring.
    pub method: HashMethod,
    /// The hash function.
    pub function: HashFunction,
    /// `avalanche`: spread the bits of the result.
    pub avalanche: bool,
}

/// The first argument of `hash-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HashMethod {
    /// A static table over the usable servers: smooth, but everything moves on a change.
    #[default]
    MapBased,
    /// A ring: only the share of a changed server moves.
    Consistent,
}

/// The second argument of `hash-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HashFunction {
    /// The default.
    #[default]
    Sdbm,
    /// Bernstein's.
    Djb2,
    /// Its own name in the manual.
    Wt6,
    /// CRC32 as in Ethernet.
    Crc32,
}
