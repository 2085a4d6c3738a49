//! A network of one's own to measure in: loopback only, set for load.

use std::{fs, process::Command};

use pontoon_sys::namespace::{Space, leave};

use crate::problem::{Problem, Result, Trying};

/// Whether and how the kernel keeps closed connections, and how much it lets in.
const SETTINGS: [(&str, &str); 5] = [
    // As many connections as there are ports.
    ("ipv4/ip_local_port_range", "1024 65535"),
    // A port that was used a second ago may be used again.
    ("ipv4/tcp_tw_reuse", "1"),
    ("ipv4/tcp_max_syn_backlog", "65535"),
    ("core/somaxconn", "65535"),
    // The same for all, whatever was talked about before.
    ("ipv4/tcp_no_metrics_save", "1"),
];

/// Takes the calling thread, and the threads and programs that it starts from now on, to an empty
/// network with this congestion control.
///
/// # Errors
/// Not root; the kernel does not have that congestion control.
pub fn enter(congestion_control: &str) -> Result<()> {
    leave(Space::Network).trying("leave for a network of our own")?;
    let mut ip = Command::new("ip");
    let status = ip.args(["link", "set", "lo", "up"]).status();
    if !status.trying("run ip")?.success() {
        return Err(Problem::Unexpected("loopback stays down".into()));
    }
    for (name, value) in SETTINGS {
        set(name, value)?;
    }
    set_congestion_control(congestion_control)
}

/// Changes the congestion control of connections made from now on in this network.
///
/// # Errors
/// The kernel does not have it.
pub fn set_congestion_control(name: &str) -> Result<()> {
    set("ipv4/tcp_congestion_control", name)
}

fn set(name: &str, value: &str) -> Result<()> {
    fs::write(format!("/proc/sys/net/{name}"), value).trying(format!("set {name} to {value}"))
}
