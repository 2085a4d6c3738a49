//! Two balancers, a server and a client on one network.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    netns::{Network, inside},
    node::Node,
    probe::Probe,
    problem::{Problem, Result},
    server::{Behaviour, Server},
    wait,
};

use crate::contender::Contender;

/// The address that both nodes share.
const SHARED: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 100);
const PORT: u16 = 8563;
const NODES: [&str; 2] = ["10.0.1.207", "10.0.1.190"];
const PRIORITIES: [u8; 2] = [101, 100];
const NOTIFY: &str = "/usr/libexec/keepalived/notify.sh";
const NOTES: &str = "/tmp/notes";

/// How often a master speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// The how-to's: VRRPv2, 1 s.
    V2,
    /// VRRPv3, 0.1 s.
    V3,
}

impl Timing {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::V2, Self::V3];

    /// For the command line and the files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::V2 => "VRRPv2, advert every second",
            Self::V3 => "VRRPv3, advert every 0.1 s",
        }
    }

    const fn interval(self) -> &'static str {
        match self {
            Self::V2 => "1",
            Self::V3 => "0.1",
        }
    }

    const fn global(self) -> &'static str {
        match self {
            Self::V2 => "vrrp_version 2",
            Self::V3 => "vrrp_version 3",
        }
    }
}

/// The town, running.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The preferred node and the other.
    pub(crate) nodes: [Node; 2],
    /// The cables between them.
    pub(crate) network: Network,
    client: String,
    _server: Server,
}

impl Pair {
    /// Builds everything and starts nothing but the server.
    pub(crate) fn build(contender: Contender, timing: Timing) -> Result<Self> {
        let mut network = Network::new()?;
        let client = network.host("cl", &["10.0.1.50/24"])?;
        let server = network.host("db", &["10.0.1.11/24"])?;
        let first = node(&mut network, 0, contender, timing)?;
        let second = node(&mut network, 1, contender, timing)?;
        let address = SocketAddr::from(([10, 0, 1, 11], PORT));
        let server = inside(&server, || {
            Server::on(address, Behaviour::Greet("o".into()))
        })?;
        Ok(Self {
            nodes: [first, second],
            network,
            client,
            _server: server,
        })
    }

    /// The preferred node serves, the other stands by, and the client connects all the time.
    pub(crate) fn start(&mut self) -> Result<Probe> {
        self.nodes[0].start()?;
        self.await_master(0)?;
        self.nodes[1].start()?;
        self.await_standby(1)?;
        let probe = Probe::start(&self.client, SocketAddr::from((SHARED, PORT)))?;
        let since = Instant::now();
        self.await_service(&probe, since)?;
        Ok(probe)
    }

    /// Both elections start at the same moment, as after a power cut.
    pub(crate) fn start_at_once(&mut self, contender: Contender) -> Result<()> {
        let start = if contender.alone() {
            self.nodes.iter().try_for_each(Node::start_proxy)?;
            Node::start_election
        } else {
            Node::start
        };
        let [first, second] = &mut self.nodes;
        thread::scope(|scope| {
            let other = scope.spawn(|| start(second));
            start(first)?;
            other
                .join()
                .map_err(|_| Problem::Unexpected("a start panicked".into()))?
        })
    }

    /// Waits until a node has the address and has said so.
    pub(crate) fn await_master(&self, which: usize) -> Result<()> {
        let node = &self.nodes[which];
        node.wait_until_holds(IpAddr::V4(SHARED))?;
        node.wait_for("MASTER in the notes", || {
            self.notes(which).ends_with("MASTER\n")
        })
    }

    /// Waits until a node has found its place as a backup.
    pub(crate) fn await_standby(&self, which: usize) -> Result<()> {
        let node = &self.nodes[which];
        node.wait_for("BACKUP in the notes", || {
            self.notes(which).ends_with("BACKUP\n")
        })
    }

    /// Waits until the client has been served for a while without a failure.
    pub(crate) fn await_service(&self, probe: &Probe, since: Instant) -> Result<()> {
        const STEADY: Duration = Duration::from_millis(300);
        let begin = since;
        let waited = wait::until("the client to be served", wait::PATIENCE, || {
            let late = begin.elapsed() > STEADY;
            let from = Instant::now().checked_sub(STEADY)?;
            (late && probe.serves_since(from)).then_some(())
        });
        waited.map_err(|problem| self.nodes[0].complain(&problem))
    }

    /// Whether a node has the address.
    pub(crate) fn holds(&self, which: usize) -> bool {
        self.nodes[which].host.holds(IpAddr::V4(SHARED))
    }

    /// What a node's notify script has been told, a state a line.
    pub(crate) fn notes(&self, which: usize) -> String {
        self.nodes[which].host.read(NOTES)
    }

    /// The name of a node's network namespace.
    pub(crate) fn namespace(&self, which: usize) -> &str {
        self.nodes[which].host.namespace()
    }
}

fn node(network: &mut Network, which: usize, contender: Contender, timing: Timing) -> Result<Node> {
    let name = ["a", "b"][which];
    let namespace = network.host(name, &[&format!("{}/24", NODES[which])])?;
    let node = Node::boot(&namespace, contender.programs())?;
    node.configure(HAPROXY_CFG, &keepalived_conf(which, contender, timing))?;
    let notify = format!("#!/bin/sh\necho \"$3\" >>{NOTES}\n");
    node.host.write_script(NOTIFY, notify)?;
    Ok(node)
}

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

fn keepalived_conf(which: usize, contender: Contender, timing: Timing) -> String {
    let state = ["MASTER", "BACKUP"][which];
    let (own, peer, priority) = (NODES[which], NODES[1 - which], PRIORITIES[which]);
    let (script, interval) = (contender.script(), timing.interval());
    let global = timing.global();
    format!(
        "global_defs {{
    {global}
    script_user root
}}

vrrp_script chk_haproxy {{
    script \"/usr/bin/killall -0 haproxy\"
    {script}
}}

vrrp_instance VI_1 {{
    interface eth0
    state {state}
    virtual_router_id 51
    priority {priority}
    advert_int {interval}
    unicast_src_ip {own}
    unicast_peer {{
        {peer}
    }}
    virtual_ipaddress {{
        {SHARED}/24
    }}
    track_script {{
        chk_haproxy
    }}
    notify {NOTIFY}
}}
"
    )
}
