//! What the file says about a floating IP.

use std::{net::IpAddr, time::Duration};

/// Of one address on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Between two looks while nothing is wrong (`verify_interval`, 10 s).
    pub verify_interval: Duration,
    /// After it a call has failed; it may land all the same (`api_timeout`, 5 s).
    pub call_timeout: Duration,
    /// The first wait after a failure may be as long as this; each further one twice as long (1 s).
    pub backoff_first: Duration,
    /// No wait is longer (30 s).
    pub backoff_longest: Duration,
    /// So many calls may start at once after a time of rest (10).
    pub burst: u32,
    /// Then one call in so long a time (1 s).
    pub refill: Duration,
    /// What this node's source address is: it decides between equal priorities, as in VRRP.
    pub source: Option<IpAddr>,
    /// Whether the file wants this node to be the master (`state MASTER`, or priority 255): of two
    /// masters that never heard each other the preferred one keeps the address.
    pub preferred: bool,
}
