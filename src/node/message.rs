//! The messages.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::status::{Heir, Whose, Wish};

/// From the supervisor to the election.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToElection {
    /// The node has no proxy: none of the files is a `haproxy.cfg`.
    NoProxy,
    /// A proxy process was started and is not ready yet.
    ProxyStarting,
    /// Its successor is being started: that it now says that it stops, or falls silent because it
    /// has handed over, is no end. One of `ProxyReady` and `ProxyEnded` follows.
    ProxyReplacing,
    /// It serves; its beat can be heard.
    ProxyReady {
        /// Its process.
        pid: u32,
    },
    /// It ended; it will be started again.
    ProxyEnded {
        /// `was killed by signal 9`, for the log.
        how: String,
        /// Whether the user asked for it.
        asked_for: bool,
    },
    /// It ended before it was ready: an address is taken, or its file is faulty.
    ProxyCannotStart {
        /// How it ended.
        how: String,
    },
    /// The state is wanted as JSON; the answer bears this number.
    StatusWanted {
        /// The number.
        id: u64,
    },
    /// The files are to be read and tested, so that a `Reload` that follows cannot fail; nothing
    /// changes yet. The answer bears this number.
    Prepare {
        /// The number.
        id: u64,
    },
    /// No `Reload` follows.
    Abandon,
    /// What was prepared is to be applied; if nothing was, the files are to be read again. The
    /// answer bears this number.
    Reload {
        /// The number.
        id: u64,
    },
    /// This program is to be executed as soon as nothing is under way, unless it is the one that
    /// runs.
    Renew {
        /// Where it is.
        program: PathBuf,
    },
    /// Somebody wants a floating IP here; the answer bears this number.
    FloatingIpWanted {
        /// The number.
        id: u64,
        /// Which; `None`: all of the file.
        address: Option<IpAddr>,
    },
    /// Mastership is to be moved, or it is to be told whether it could be; the answer bears this
    /// number.
    SwitchoverWanted {
        /// The number.
        id: u64,
        /// What is to move.
        whose: Whose,
        /// What is to be done.
        wish: Wish,
    },
}

/// From the election to the supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromElection {
    /// Set up: sockets are open, signals are handled.
    Ready,
    /// Its event loop still turns: said every [`ALIVE_INTERVAL`].
    Alive,
    /// Before addresses are taken, and after they were given back: what is on the interfaces
    /// because of us. If the election dies, the supervisor takes these away.
    Holding(Vec<Held>),
    /// Whenever that changes: what the instances that are master would say if they resigned now.
    /// If the election dies, the supervisor says it for them.
    Farewells(Vec<Farewell>),
    /// The process groups of the notify scripts that run. If the election dies, the supervisor
    /// ends them: what they do may no longer be right.
    Scripts(Vec<i32>),
    /// The proxy does not answer; whoever started it may kill it.
    ProxyHung {
        /// Its process.
        pid: u32,
        /// For how long.
        silent_for: Duration,
    },
    /// What `StatusWanted` asked for.
    Status {
        /// The number of the question.
        id: u64,
        /// `election::status::Status`, serialised.
        status: serde_json::Value,
    },
    /// What became of `Prepare`.
    Prepared {
        /// The number of the request.
        id: u64,
        /// Why they cannot be applied.
        result: Result<(), String>,
    },
    /// What became of `Reload`.
    Reloaded {
        /// The number of the request.
        id: u64,
        /// Why nothing has changed.
        result: Result<(), String>,
    },
    /// What became of `Renew`.
    Renewed {
        /// The version that runs now, or why it is still the one before.
        result: Result<String, String>,
    },
    /// What became of `FloatingIpWanted`.
    FloatingIpAsserted {
        /// The number of the request.
        id: u64,
        /// Those that are on their way, or why none is.
        result: Result<Vec<IpAddr>, String>,
    },
    /// What became of `SwitchoverWanted`.
    SwitchoverAnswered {
        /// The number of the request.
        id: u64,
        /// Who is ready, or what is under way; or why it is not done.
        result: Result<Vec<Heir>, String>,
    },
}

/// An address on an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// The interface.
    pub interface: String,
}

/// An advertisement with priority 0, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farewell {
    /// Its source address.
    pub from: IpAddr,
    /// The group, or a unicast peer.
    pub to: IpAddr,
    /// The number of the interface it must leave by; `None`: as the routes say.
    pub interface: Option<u32>,
    /// Its TTL or hop limit.
    pub hop_limit: u8,
    /// What stands behind the IP header.
    pub payload: Vec<u8>,
}

/// From the proxy to whoever listens: at once on connecting, on each change, and every
/// [`BEAT_INTERVAL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// What it knows of its servers.
    pub servers: Servers,
    /// How long the slowest data thread has been at work on one turn of its loop, or how late it is
    /// to begin one. A thread that waits for something to happen is not slow.
    pub slowest_thread: Duration,
    /// A stop was asked for: it takes no new sessions.
    pub stopping: bool,
}

/// What a proxy knows of its servers; the election's `pontoon_engine::vrrp::event::Servers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Servers {
    /// None is checked.
    Unchecked,
    /// Checks have begun and none has passed yet.
    Pending,
    /// At least one has passed a check and is up.
    Usable,
    /// All are down.
    AllDown,
}

/// Between two signs of life of an election.
pub const ALIVE_INTERVAL: Duration = Duration::from_millis(500);
/// Between two beats of an unchanged proxy.
pub const BEAT_INTERVAL: Duration = Duration::from_millis(250);
/// A proxy, or one of its data threads, that was silent for so long is hung.
pub const HUNG_AFTER: Duration = Duration::from_secs(2);
