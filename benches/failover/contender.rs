//! Whose programs run on both nodes, and the tracking script each pair uses.

use std::path::Path;

use pontoon_lab::node::Programs;

/// A way to run a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    /// HAProxy and Keepalived with the script of most tutorials: interval 2, weight 2.
    Classic,
    /// The same, tuned: interval 1, weight 0, fall 1.
    ClassicFast,
    /// Ours in their places, started as two programs, on the tutorials' file.
    PontoonApart,
    /// `pontoon run` on the tutorials' file.
    Pontoon,
}

impl Contender {
    /// All.
    pub(crate) const ALL: [Self; 4] = [
        Self::Classic,
        Self::ClassicFast,
        Self::PontoonApart,
        Self::Pontoon,
    ];

    /// For the command line and the files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::ClassicFast => "classic-fast",
            Self::PontoonApart => "pontoon-apart",
            Self::Pontoon => "pontoon",
        }
    }

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Classic => "HAProxy + Keepalived",
            Self::ClassicFast => "the same, fast script",
            Self::PontoonApart => "Pontoon, two programs",
            Self::Pontoon => "`pontoon run`",
        }
    }

    /// What is installed and started.
    pub(crate) const fn programs(self, pontoon: &Path) -> Programs<'_> {
        match self {
            Self::Classic | Self::ClassicFast => Programs::Debian,
            Self::PontoonApart => Programs::Apart(pontoon),
            Self::Pontoon => Programs::Together(pontoon),
        }
    }

    /// Whether the election is started by itself, beside a proxy.
    pub(crate) const fn alone(self) -> bool {
        !matches!(self, Self::Pontoon)
    }

    /// How the script that watches the proxy is run and weighed.
    pub(crate) const fn script(self) -> &'static str {
        match self {
            Self::ClassicFast => "interval 1\n    weight 0\n    fall 1\n    rise 1",
            _ => "interval 2\n    weight 2",
        }
    }
}
