//! Hosts as network namespaces on one bridge.

use std::{fs::File, os::fd::AsFd, process::Command, thread};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::problem::{Problem, Result, Trying};

/// A bridge with hosts on it. All is taken down with its owner.
#[derive(Debug)]
pub struct Network {
    tag: String,
    hosts: Vec<String>,
}

impl Network {
    /// A bridge in a namespace of its own.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn new() -> Result<Self> {
        let tag = format!("pt{}", std::process::id());
        let tag = unused(&tag);
        let network = Self {
            hosts: vec![tag.clone()],
            tag,
        };
        run(&["netns", "add", &network.tag])?;
        network.inside(&["link", "add", "br0", "type", "bridge"])?;
        network.inside(&["link", "set", "br0", "up"])?;
        Ok(network)
    }

    /// A host with these addresses (`10.0.1.11/24`) on its `eth0`, and loopback; returns the
    /// namespace's name.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn host(&mut self, name: &str, addresses: &[&str]) -> Result<String> {
        let namespace = format!("{}{name}", self.tag);
        let port = format!("p{}", self.hosts.len());
        run(&["netns", "add", &namespace])?;
        self.hosts.push(namespace.clone());
        let peer = [
            "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &namespace,
        ];
        self.inside(&peer)?;
        self.inside(&["link", "set", &port, "master", "br0", "up"])?;
        run(&["-n", &namespace, "link", "set", "lo", "up"])?;
        run(&["-n", &namespace, "link", "set", "eth0", "up"])?;
        for address in addresses {
            run(&["-n", &namespace, "addr", "add", address, "dev", "eth0"])?;
        }
        Ok(namespace)
    }

    fn inside(&self, arguments: &[&str]) -> Result<()> {
        let mut all = vec!["-n", self.tag.as_str()];
        all.extend_from_slice(arguments);
        run(&all)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in &self.hosts {
            // Whatever still runs inside keeps the namespace alive, nameless, until it ends.
            let _gone = run(&["netns", "del", host]);
        }
    }
}

/// A command that runs inside a namespace.
#[must_use]
pub fn command(namespace: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

/// Does something on a thread inside a namespace. Sockets made there, and threads started there,
/// stay in it.
///
/// # Errors
/// The namespace cannot be entered, or whatever `work` fails with.
pub fn inside<T: Send>(namespace: &str, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let path = format!("/run/netns/{namespace}");
    let entered = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let namespace = File::open(&path).trying(format!("open {path}"))?;
            let network = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(namespace.as_fd(), network)
                .trying(format!("enter {path}"))?;
            work()
        });
        worker.join()
    });
    entered.unwrap_or_else(|_| Err(Problem::Unexpected(format!("a thread in {path} panicked"))))
}

fn unused(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}n{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn run(arguments: &[&str]) -> Result<()> {
    let what = format!("ip {}", arguments.join(" "));
    let output = Command::new("ip").args(arguments).output().trying(&what)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Unexpected(format!("{what}: {}", said.trim())))
}
