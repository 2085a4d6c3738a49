//! Hosts as network namespaces on one bridge, whose cables can be pulled.

use std::{fs, fs::File, os::fd::AsFd, process::Command, thread};

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
        // A bridge that learns who wants which group would drop adverts until it has.
        let bridge = [
            "link",
            "add",
            "br0",
            "type",
            "bridge",
            "mcast_snooping",
            "0",
        ];
        network.inside(&bridge)?;
        network.inside(&["link", "set", "br0", "up"])?;
        Ok(network)
    }

    /// The bridge's own namespace; its `br0` sees what all hosts see.
    #[must_use]
    pub fn bridge(&self) -> &str {
        &self.tag
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
        inside(&namespace, without_duplicate_detection)?;
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

    /// Pulls a host's cable: it and the bridge lose the carrier.
    ///
    /// # Errors
    /// There is no such host.
    pub fn unplug(&self, namespace: &str) -> Result<()> {
        self.inside(&["link", "set", &self.port(namespace)?, "down"])
    }

    /// Puts it back.
    ///
    /// # Errors
    /// There is no such host.
    pub fn plug(&self, namespace: &str) -> Result<()> {
        self.inside(&["link", "set", &self.port(namespace)?, "up"])
    }

    /// Loses every frame from and to a host; nobody is told.
    ///
    /// # Errors
    /// There is no such host, or `nft` refuses.
    pub fn silence(&self, namespace: &str) -> Result<()> {
        let port = self.port(namespace)?;
        self.drop_frames(&format!("iifname {port}"))?;
        self.drop_frames(&format!("oifname {port}"))
    }

    /// Loses every frame from one host to another; nobody is told. Twice, both ways, it is a
    /// partition of which the rest of the network sees nothing.
    ///
    /// # Errors
    /// There is no such host, or `nft` refuses.
    pub fn sever(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (self.port(from)?, self.port(to)?);
        self.drop_frames(&format!("iifname {from} oifname {to}"))
    }

    /// Undoes all [`silence`](Self::silence) and [`sever`](Self::sever).
    ///
    /// # Errors
    /// `nft` refuses.
    pub fn heal(&self) -> Result<()> {
        self.filter("add table bridge lab; delete table bridge lab")
    }

    fn drop_frames(&self, which: &str) -> Result<()> {
        self.filter(&format!(
            "add table bridge lab; \
             add chain bridge lab forward {{ type filter hook forward priority 0; }}; \
             add rule bridge lab forward {which} drop"
        ))
    }

    fn filter(&self, rules: &str) -> Result<()> {
        checked(
            command(&self.tag, "nft").arg(rules),
            &format!("nft {rules}"),
        )
    }

    fn port(&self, namespace: &str) -> Result<String> {
        let number = self.hosts.iter().position(|host| host == namespace);
        let number = number.filter(|number| *number > 0);
        number
            .map(|number| format!("p{number}"))
            .ok_or_else(|| Problem::Unexpected(format!("{namespace} is not on this bridge")))
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

/// The addresses of an interface as `10.0.1.11/24`, in the kernel's order.
///
/// # Errors
/// `ip` refuses.
pub fn addresses(namespace: &str, interface: &str) -> Result<Vec<String>> {
    let arguments = ["-n", namespace, "-o", "addr", "show", "dev", interface];
    let lines = told(Command::new("ip").args(arguments), &arguments.join(" "))?;
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        words.find(|word| word.starts_with("inet"))?;
        words.next().map(str::to_owned)
    };
    Ok(lines.lines().filter_map(address).collect())
}

/// The hardware address of an interface.
///
/// # Errors
/// There is no such interface.
pub fn hardware_address(namespace: &str, interface: &str) -> Result<String> {
    let arguments = ["-n", namespace, "-o", "link", "show", "dev", interface];
    let line = told(Command::new("ip").args(arguments), &arguments.join(" "))?;
    let mut words = line.split_whitespace();
    let found = words.find(|word| *word == "link/ether").and(words.next());
    found
        .map(str::to_owned)
        .ok_or_else(|| Problem::Unexpected(format!("no hardware address in {line}")))
}

/// Whose hardware address a host believes an address to be at; `None` if it has not asked yet.
///
/// # Errors
/// `ip` refuses.
pub fn neighbour(namespace: &str, address: &str) -> Result<Option<String>> {
    let arguments = ["-n", namespace, "neigh", "show", address];
    let line = told(Command::new("ip").args(arguments), &arguments.join(" "))?;
    let mut words = line.split_whitespace();
    Ok(words
        .find(|word| *word == "lladdr")
        .and(words.next())
        .map(str::to_owned))
}

/// A new IPv6 address is used at once, without a second of doubt.
fn without_duplicate_detection() -> Result<()> {
    for place in ["all", "default"] {
        let path = format!("/proc/sys/net/ipv6/conf/{place}/accept_dad");
        // A kernel without IPv6 has no such file.
        if fs::exists(&path).unwrap_or(false) {
            fs::write(&path, "0").trying(format!("write {path}"))?;
        }
    }
    Ok(())
}

fn unused(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}n{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn run(arguments: &[&str]) -> Result<()> {
    let what = format!("ip {}", arguments.join(" "));
    checked(Command::new("ip").args(arguments), &what)
}

fn checked(command: &mut Command, what: &str) -> Result<()> {
    told(command, what).map(drop)
}

fn told(command: &mut Command, what: &str) -> Result<String> {
    let output = command.output().trying(what)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Unexpected(format!("{what}: {}", said.trim())))
}
