//! Balancing: which of the eligible servers comes next.
//!
//! Each algorithm has a file of its own and knows nothing of health, queues or limits: the
//! backend tells it of each server's standing whenever that changes, and asks it to choose.

mod first;
mod hash;
mod heap;
mod leastconn;
mod map;
mod random;
mod ring;
mod rotation;
mod source;
mod static_rr;

use std::net::IpAddr;

use crate::units::ServerId;

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
    /// `avalanche`: mix the bits of the address; on the ring they always are.
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

/// What an algorithm needs to know of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    /// Its share of the load, in any unit common to all; 0 takes it out.
    pub(crate) share: u32,
    /// It has a free slot.
    pub(crate) open: bool,
    /// Sessions on it and waiting for it.
    pub(crate) load: u32,
}

/// What a choice may depend on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Draw {
    /// The client's address.
    pub(crate) client: Option<IpAddr>,
    /// Random bits.
    pub(crate) random: u64,
    /// Not this one, if there is another.
    pub(crate) avoid: Option<ServerId>,
}

/// A server's place in a rotation: when it is due, in the unit of the algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    /// Whole units.
    pub due: u64,
    /// And parts of one, of 2³².
    pub fraction: u32,
    /// What dividing the last stride left over.
    pub rest: u64,
    /// Of those that are due at one moment and of one weight, the lowest comes first; 0: it is not
    /// lined up.
    pub order: u64,
}

/// What every algorithm can do.
pub(crate) trait Chooser: std::fmt::Debug + Send {
    /// The standing of a server changed.
    fn update(&mut self, id: ServerId, standing: Standing);

    /// Chooses a server that is not to be avoided. Algorithms that spread load choose among
    /// open servers only; those that stick to one may choose a full one.
    fn pick(&mut self, draw: Draw) -> Option<ServerId>;

    /// How far the rotation has come, if there is one.
    fn clock(&self) -> u64 {
        0
    }

    /// A server's place in the rotation, if there is one.
    fn turn(&self, _id: ServerId) -> Option<Turn> {
        None
    }

    /// Goes on where another of its kind was. To be called when the standing of each server is
    /// known.
    fn resume(&mut self, _clock: u64, _turns: &[Option<Turn>]) {}

    /// All sessions of [`Self::resume`] have their slots: one is about to come, or goes.
    fn resumed(&mut self) {}
}

impl Algorithm {
    /// Its name in the files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "roundrobin",
            Self::StaticRr => "static-rr",
            Self::LeastConn => "leastconn",
            Self::First => "first",
            Self::Source(_) => "source",
            Self::Random { .. } => "random",
        }
    }

    /// Whether weights may change while a server is in use; if not, only 0 and not 0 count.
    #[must_use]
    pub const fn is_dynamic(self) -> bool {
        match self {
            Self::RoundRobin | Self::LeastConn | Self::Random { .. } => true,
            Self::Source(hash) => matches!(hash.method, HashMethod::Consistent),
            Self::StaticRr | Self::First => false,
        }
    }

    /// The machinery for a backend of so many servers.
    pub(crate) fn chooser(self, servers: usize) -> Box<dyn Chooser> {
        match self {
            Self::RoundRobin => Box::new(rotation::Rotation::new(servers)),
            Self::StaticRr => Box::new(static_rr::StaticRr::new(servers)),
            Self::LeastConn => Box::new(leastconn::LeastConn::new(servers)),
            Self::First => Box::new(first::First::new(servers)),
            Self::Source(hash) => Box::new(source::Source::new(hash, servers)),
            Self::Random { draws } => Box::new(random::Random::new(draws, servers)),
        }
    }
}
