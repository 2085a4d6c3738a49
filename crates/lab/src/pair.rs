//! A pair of nodes that share an address, a server behind them and a client before them.

use std::{
    fs::File,
    io::Read,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    netns::{Network, inside},
    node::{Node, Programs},
    probe::Probe,
    problem::{Problem, Result, Trying},
    server::{Behaviour, Server},
    wait,
};

/// The address that both nodes share.
pub const SHARED: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 100);
/// The addresses of the preferred node and of the other, those of the how-to.
pub const NODES: [&str; 2] = ["10.0.1.207", "10.0.1.190"];
/// A notify script that notes the states it is told; `notify` in a `keepalived.conf`.
pub const NOTIFY: &str = "/usr/libexec/keepalived/notify.sh";
const NOTES: &str = "/tmp/notes";
const PORT: u16 = 8563;
/// RFC 9568, section 5.1.1.4.
const VRRP: i32 = 112;
/// For how long a client must have been served before the service counts as steady.
const STEADY: Duration = Duration::from_millis(300);

/// What the nodes balance: the how-to's proxy and one of its servers.
const HAPROXY_CFG: &str = "\
global
    maxconn     4000
    chroot      /var/lib/haproxy
    user        haproxy
    group       haproxy

defaults
    mode tcp
    timeout connect 5000
    timeout client 50000
    timeout server 50000

listen exasol_proxy
    bind :8563
    balance roundrobin
    server n11 10.0.1.11:8563 weight 1 check rise 2 fall 3
";

/// All of it.
#[derive(Debug)]
pub struct Pair {
    /// The preferred node and the other.
    pub nodes: [Node; 2],
    /// The cables between them.
    pub network: Network,
    client: String,
    _server: Server,
}

impl Pair {
    /// Builds everything and starts nothing but the server. `configurations` are the nodes'
    /// `keepalived.conf`.
    ///
    /// # Errors
    /// A host does not come up.
    pub fn build(programs: Programs<'_>, configurations: [&str; 2]) -> Result<Self> {
        let mut network = Network::new()?;
        let client = network.host("cl", &["10.0.1.50/24"])?;
        let server = network.host("db", &["10.0.1.11/24"])?;
        let mut node = |name, which: usize| {
            let space = network.host(name, &[&format!("{}/24", NODES[which])])?;
            let node = Node::boot(&space, programs)?;
            node.configure(HAPROXY_CFG, configurations[which])?;
            let notify = format!("#!/bin/sh\necho \"$3\" >>{NOTES}\n");
            node.host.write_script(NOTIFY, notify)?;
            Ok(node)
        };
        let nodes = [node("a", 0)?, node("b", 1)?];
        let address = SocketAddr::from(([10, 0, 1, 11], PORT));
        let greet = Behaviour::Greet("o".into());
        let server = inside(&server, || Server::on(address, greet))?;
        Ok(Self {
            nodes,
            network,
            client,
            _server: server,
        })
    }

    /// The preferred node serves, the other stands by, and a client connects all the time.
    ///
    /// # Errors
    /// That does not come about; the error shows what a node has said.
    pub fn start(&mut self) -> Result<Probe> {
        self.nodes[0].start()?;
        self.await_master(0)?;
        self.nodes[1].start()?;
        self.await_standby(1)?;
        let probe = Probe::start(&self.client, SocketAddr::from((SHARED, PORT)))?;
        self.await_service(&probe)?;
        Ok(probe)
    }

    /// Both elections start at the same moment, as after a power cut. A proxy that is started by
    /// itself runs already.
    ///
    /// # Errors
    /// One does not start.
    pub fn start_at_once(&mut self, together: bool) -> Result<()> {
        let start = if together {
            Node::start
        } else {
            self.nodes.iter().try_for_each(Node::start_proxy)?;
            Node::start_election
        };
        let [first, second] = &mut self.nodes;
        thread::scope(|scope| {
            let other = scope.spawn(|| start(second));
            start(first)?;
            let other = other.join();
            other.map_err(|_| Problem::Unexpected("a start panicked".into()))?
        })
    }

    /// Waits until a node has the address and has said so.
    ///
    /// # Errors
    /// It never has.
    pub fn await_master(&self, which: usize) -> Result<()> {
        let node = &self.nodes[which];
        node.wait_until_holds(IpAddr::V4(SHARED))?;
        node.wait_for("the notify script to be told MASTER", || {
            self.last_note(which) == "MASTER"
        })
    }

    /// Waits until a node has found its place as a backup.
    ///
    /// # Errors
    /// It never has.
    pub fn await_standby(&self, which: usize) -> Result<()> {
        let told = || self.last_note(which) == "BACKUP";
        self.nodes[which].wait_for("the notify script to be told BACKUP", told)
    }

    /// Waits until the client has been served for a while without a failure.
    ///
    /// # Errors
    /// It is not.
    pub fn await_service(&self, probe: &Probe) -> Result<()> {
        let began = Instant::now();
        let waited = wait::until("the client to be served", wait::PATIENCE, || {
            let from = Instant::now().checked_sub(STEADY)?;
            (from >= began && probe.serves_since(from)).then_some(())
        });
        waited.map_err(|problem| self.nodes[1].complain(&self.nodes[0].complain(&problem)))
    }

    /// Waits until the second node hears an advert of the first, who is master.
    ///
    /// # Errors
    /// None comes.
    pub fn await_advert(&self) -> Result<()> {
        inside(self.namespace(1), || {
            let what = "hear an advert";
            let socket =
                Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(VRRP))).trying(what)?;
            let patience = Some(wait::PATIENCE);
            socket.set_read_timeout(patience).trying(what)?;
            let mut socket = File::from(OwnedFd::from(socket));
            socket.read(&mut [0; 1500]).trying(what).map(drop)
        })
    }

    /// Whether a node has the address.
    #[must_use]
    pub fn holds(&self, which: usize) -> bool {
        self.nodes[which].host.holds(IpAddr::V4(SHARED))
    }

    /// On how many nodes the address is.
    #[must_use]
    pub fn holders(&self) -> usize {
        [0, 1]
            .into_iter()
            .filter(|which| self.holds(*which))
            .count()
    }

    /// What a node's notify script has been told, a state a line.
    #[must_use]
    pub fn notes(&self, which: usize) -> String {
        self.nodes[which].host.read(NOTES)
    }

    /// The last state it was told; empty if none yet.
    #[must_use]
    pub fn last_note(&self, which: usize) -> String {
        self.notes(which)
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()
    }

    /// The name of the client's network namespace.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.client
    }

    /// The name of a node's network namespace.
    #[must_use]
    pub fn namespace(&self, which: usize) -> &str {
        self.nodes[which].host.namespace()
    }
}
