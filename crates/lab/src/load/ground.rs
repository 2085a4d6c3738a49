//! A network of one's own to measure in: loopback only, set for load.

use std::{
    fs::{self, File},
    io::{Seek as _, Write as _},
    process::Command,
};

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
/// Not root; the kernel does not have that congestion control, or allows it in the first network only and
/// this is not the first.
pub fn enter(congestion_control: &str) -> Result<()> {
    // Undone at the end: what was chosen stays chosen.
    let _allowed = Allowed::with(congestion_control);
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

/// The congestion controls that anybody may choose, one more of them while this lives. Only those may be the
/// default of a network that is not the first; the list is there in the first network only.
struct Allowed {
    list: File,
    before: String,
}

impl Allowed {
    /// With this one; `None` if it is allowed anyway, or cannot be.
    fn with(congestion_control: &str) -> Option<Self> {
        let path = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
        let before = fs::read_to_string(path).ok()?;
        if before
            .split_whitespace()
            .any(|one| one == congestion_control)
        {
            return None;
        }
        // Opened here, it is the first network's wherever this thread is by then.
        let mut list = File::options().write(true).open(path).ok()?;
        let longer = format!("{} {congestion_control}", before.trim());
        list.write_all(longer.as_bytes()).ok()?;
        Some(Self { list, before })
    }
}

impl Drop for Allowed {
    fn drop(&mut self) {
        // At worst one more congestion control may be chosen.
        let _rewound = self.list.rewind();
        let _restored = self.list.write_all(self.before.trim().as_bytes());
    }
}

fn set(name: &str, value: &str) -> Result<()> {
    fs::write(format!("/proc/sys/net/{name}"), value).trying(format!("set {name} to {value}"))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::needs::Need;

    #[test]
    fn every_congestion_control_can_be_chosen_and_the_host_stays_as_it_was() {
        if let Some(missing) = Need::Root.missing().or_else(|| Need::Namespaces.missing()) {
            eprintln!("not tested: {missing}");
            return;
        }
        let read = |name| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}"));
        let before = read("tcp_allowed_congestion_control").unwrap();
        let all = read("tcp_available_congestion_control").unwrap();
        for name in all.split_whitespace().map(str::to_owned) {
            // A thread that has left does not come back.
            let inside = thread::spawn(move || {
                enter(&name).unwrap();
                let set = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control");
                assert_eq!(set.unwrap().trim(), name);
            });
            inside.join().unwrap();
        }
        assert_eq!(read("tcp_allowed_congestion_control").unwrap(), before);
    }
}
