//! What is measured: a load on a setting.

mod table;

use std::time::Duration;

use pontoon_lab::load::{Close, Direction, Pace, Workload};

use crate::{contender::Contender, setting::Setting};

/// One row of the bench.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    /// For the command line and the files.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    /// What clients do.
    pub(crate) load: Load,
    /// How the proxies are set up.
    pub(crate) setting: Setting,
    /// Who takes part.
    pub(crate) field: Field,
    /// Under which congestion controls.
    pub(crate) congestions: &'static [Congestion],
}

/// What clients do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// The load generator's.
    Lab(Workload),
    /// So many idle sessions, whose memory is looked at.
    Idle(usize),
    /// pgbench before a real PostgreSQL, so many clients.
    Database(usize),
}

/// Who takes part in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// Pontoon, HAProxy and the limit.
    Core,
    /// HAProxy's splice setting as well.
    Bulk,
    /// Every peer, under the first congestion control; under the others as [`Core`](Self::Core).
    Peers,
    /// Every peer, and HAProxy's splice setting under all.
    BulkPeers,
    /// Pontoon and HAProxy.
    Two,
}

/// `net.ipv4.tcp_congestion_control`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Congestion {
    /// What most systems use.
    Cubic,
    /// Google's.
    Bbr,
    /// The classic.
    Reno,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A connection.
    Connection,
    /// A message and its answer.
    Message,
    /// A byte.
    Byte,
    /// A session that does nothing.
    Session,
    /// A transaction of pgbench.
    Transaction,
}

impl Scenario {
    /// All, in the order in which they are shown.
    pub(crate) fn all() -> &'static [Self] {
        &table::ALL
    }

    /// By its name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|one| one.name == name)
    }

    /// Who takes part under this congestion control, if all are there.
    pub(crate) fn contenders(&self, congestion: Congestion) -> Vec<Contender> {
        let first = self.congestions.first() == Some(&congestion);
        let takes_part = |one: &Contender| match one {
            Contender::Pontoon | Contender::PontoonOther | Contender::Haproxy => true,
            Contender::Direct => self.field != Field::Two,
            Contender::HaproxySplice => matches!(self.field, Field::Bulk | Field::BulkPeers),
            _ => first && matches!(self.field, Field::Peers | Field::BulkPeers),
        };
        Contender::ALL.into_iter().filter(takes_part).collect()
    }

    /// What is counted.
    pub(crate) const fn unit(&self) -> Unit {
        match self.load {
            Load::Idle(_) => Unit::Session,
            Load::Database(_) => Unit::Transaction,
            Load::Lab(Workload::Messages { .. }) => Unit::Message,
            Load::Lab(Workload::Bulk { .. }) => Unit::Byte,
            Load::Lab(Workload::Idle { .. }) => Unit::Session,
            Load::Lab(Workload::Connect { .. } | Workload::Burst { .. }) => Unit::Connection,
        }
    }

    /// For how long one sample is taken: pgbench counts whole seconds.
    pub(crate) fn duration(&self, wanted: Duration) -> Duration {
        match self.load {
            Load::Database(_) => wanted.max(Duration::from_secs(1)),
            _ => wanted,
        }
    }

    /// How long one sample takes with all that is around it.
    pub(crate) fn expected(&self, wanted: Duration) -> Duration {
        let around = match self.load {
            Load::Idle(_) => 1700,
            Load::Database(_) => 250,
            Load::Lab(Workload::Messages { sessions: 1000, .. }) => 150,
            Load::Lab(_) => 40,
        };
        let counted = match self.load {
            Load::Idle(_) => Duration::ZERO,
            _ => self.duration(wanted),
        };
        counted + Duration::from_millis(around)
    }

    /// Fewer rounds where nothing is left to chance: memory.
    pub(crate) const fn rounds(&self, wanted: usize) -> usize {
        match self.load {
            Load::Idle(_) if wanted > 5 => 5,
            _ => wanted,
        }
    }
}

impl Congestion {
    /// All.
    pub(crate) const ALL: [Self; 3] = [Self::Cubic, Self::Bbr, Self::Reno];

    /// As the kernel calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cubic => "cubic",
            Self::Bbr => "bbr",
            Self::Reno => "reno",
        }
    }
}

impl Unit {
    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Message => "message",
            Self::Byte => "GB",
            Self::Session => "session",
            Self::Transaction => "transaction",
        }
    }

    /// CPU of a unit is shown in µs; of a gigabyte in seconds.
    pub(crate) const fn cpu(self) -> (f64, &'static str) {
        match self {
            Self::Byte => (1e9, "s"),
            _ => (1e6, "µs"),
        }
    }

    /// Throughput is shown in units a second; in gigabytes a second for bytes.
    pub(crate) const fn rate(self) -> (f64, &'static str) {
        match self {
            Self::Byte => (1e-9, "GB/s"),
            _ => (1.0, "1/s"),
        }
    }
}

const fn connect(close: Close) -> Load {
    Load::Lab(Workload::Connect {
        request: 64,
        response: 64,
        close,
        parallel: 32,
    })
}

const fn messages(size: usize, sessions: usize, pace: Pace) -> Load {
    Load::Lab(Workload::Messages {
        size,
        sessions,
        pace,
    })
}

const fn bulk(direction: Direction) -> Load {
    Load::Lab(Workload::Bulk {
        direction,
        streams: 4,
    })
}
