//! Two nodes without a proxy, the provider's API on a third host, and what can be seen of all.

use std::{
    net::{IpAddr, Ipv4Addr, TcpListener},
    process::Output,
    time::Duration,
};

use pontoon::{
    election::status::{FloatingIpStatus, InstanceStatus, Status},
    node::status::NodeStatus,
};
use pontoon_lab::{
    cloud::{Cloud, Instance, Server},
    host::{Host, Inmate, Installed},
    netns::{Network, inside},
    problem::{Problem, Result as Lab, Trying as _},
    wait,
};
use rustix::process::Signal;

use crate::harness::{Failure, Outcome, pontoon};

/// The floating IP.
pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(34, 249, 49, 35);
/// Another one, that only some files have.
pub(super) const OTHER: Ipv4Addr = Ipv4Addr::new(34, 249, 49, 36);
/// The nodes, the preferred one first.
pub(super) const NODES: [Ipv4Addr; 2] =
    [Ipv4Addr::new(10, 0, 1, 207), Ipv4Addr::new(10, 0, 1, 190)];
/// Their secondary addresses, where the other floating IP arrives.
pub(super) const SECOND: [Ipv4Addr; 2] =
    [Ipv4Addr::new(10, 0, 1, 208), Ipv4Addr::new(10, 0, 1, 191)];
/// Their instances.
const INSTANCES: [&str; 2] = ["i-0aaaaaaaaaaaaaaaa", "i-0bbbbbbbbbbbbbbbb"];
const PRIORITIES: [u8; 2] = [101, 100];
const FILE: &str = "/etc/keepalived/keepalived.conf";
/// As long as a busy machine may need for what takes seconds by itself.
const PATIENCE: Duration = Duration::from_secs(40);

/// Everything.
pub(super) struct Stage {
    pub(super) cloud: Cloud,
    pub(super) network: Network,
    pub(super) nodes: [Node; 2],
    _servers: [Server; 2],
}

/// A node.
pub(super) struct Node {
    pub(super) host: Host,
    which: usize,
    daemon: Option<Inmate>,
}

impl Stage {
    /// Boots all, starts no node. The nodes' role may do everything that is needed.
    pub(super) fn build() -> Result<Self, Failure> {
        Self::allowing(&["ec2:DescribeAddresses", "ec2:AssociateAddress"])
    }

    /// The nodes' role may do this.
    pub(super) fn allowing(allowed: &[&str]) -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let provider = network.host("api", &["10.0.1.2/24"])?;
        let cloud = Cloud::new();
        for which in [0, 1] {
            cloud.instance(Instance {
                id: INSTANCES[which].to_owned(),
                interface: INSTANCES[which].replace("i-", "eni-"),
                private_ips: vec![NODES[which], SECOND[which]],
                region: "eu-west-1".to_owned(),
            });
        }
        cloud.address(ADDRESS, "eipalloc-0123456789abcdef0");
        cloud.address(OTHER, "eipalloc-0123456789abcdef1");
        cloud.instance_role("pontoon", allowed, Duration::from_secs(3600));
        let servers = inside(&provider, || {
            let listen = |port| TcpListener::bind(("10.0.1.2", port)).trying("listen");
            Ok([
                cloud.serve_ec2(listen(8000)?),
                cloud.serve_metadata(listen(8001)?),
            ])
        })?;
        let mut node = |name: &str, which: usize| {
            let space = network.host(name, &[&format!("{}/24", NODES[which])])?;
            Node::boot(&space, which)
        };
        let nodes = [node("a", 0)?, node("b", 1)?];
        Ok(Self {
            cloud,
            network,
            nodes,
            _servers: servers,
        })
    }

    /// The first node is master and has the address, the second stands by.
    pub(super) fn start(&mut self) -> Outcome {
        self.nodes[0].start()?;
        self.until_held_by(0)?;
        self.nodes[1].start()?;
        // Not before it has heard the master: whose word counts more is known from then on.
        self.nodes[1].until("it to stand by", |it| {
            it.role == "BACKUP" && it.counters.adverts_received > 0
        })?;
        Ok(())
    }

    /// Waits until the provider says that this node has the address.
    pub(super) fn until_held_by(&self, which: usize) -> Outcome {
        let wanted = Some(NODES[which]);
        let waited = wait::until("the address to move", PATIENCE, || {
            (self.cloud.holder(ADDRESS) == wanted).then_some(())
        });
        waited.map_err(|problem| self.complain(&problem))
    }

    /// The nodes hear each other no more; everything else is reached by both.
    pub(super) fn cut(&self) -> Outcome {
        let [a, b] = [&self.nodes[0], &self.nodes[1]].map(|node| node.host.namespace());
        self.network.sever(a, b)?;
        self.network.sever(b, a)?;
        Ok(())
    }

    /// How often this action was carried out for this node.
    pub(super) fn done(&self, which: usize, action: &str) -> usize {
        let calls = self.cloud.calls();
        let is_it = |call: &&pontoon_lab::cloud::Call| {
            call.source == IpAddr::V4(NODES[which]) && call.action == action && call.outcome == "ok"
        };
        calls.iter().filter(is_it).count()
    }

    /// A problem with everything that explains it.
    pub(super) fn complain(&self, problem: &Problem) -> Failure {
        let calls = self.cloud.calls().into_iter();
        let calls: Vec<_> = calls
            .map(|call| format!("{} {} {}", call.source, call.action, call.outcome))
            .collect();
        let [first, second] = [&self.nodes[0], &self.nodes[1]].map(Node::said);
        Failure::from(format!(
            "{problem}\n-- first:\n{first}\n-- second:\n{second}\n-- calls:\n{}",
            calls.join("\n")
        ))
    }
}

impl Node {
    fn boot(namespace: &str, which: usize) -> Lab<Self> {
        let installed = ["/usr/sbin/pontoon", "/usr/sbin/keepalived"].map(|at| Installed {
            program: pontoon(),
            at,
        });
        let node = Self {
            host: Host::boot(namespace, &installed)?,
            which,
            daemon: None,
        };
        node.configure(&floating_ip(ADDRESS, ""))?;
        Ok(node)
    }

    /// Writes its file, with these `floating_ip` blocks.
    pub(super) fn configure(&self, blocks: &str) -> Lab<()> {
        let (us, priority) = (NODES[self.which], PRIORITIES[self.which]);
        let peer = NODES[1 - self.which];
        let state = ["MASTER", "BACKUP"][self.which];
        let text = format!(
            "vrrp_instance VI_1 {{\n state {state}\n interface eth0\n virtual_router_id 1\n version 3\n \
             advert_int 0.2\n priority {priority}\n unicast_src_ip {us}\n \
             unicast_peer {{\n  {peer}\n }}\n{blocks}}}\n"
        );
        self.host.write(FILE, text)
    }

    pub(super) fn start(&mut self) -> Outcome {
        let line = ["/usr/sbin/pontoon", "run", FILE];
        self.daemon = Some(self.host.start(&line)?);
        Ok(())
    }

    /// The election alone, under the name of the other program, in the foreground, with all that it can tell.
    pub(super) fn start_as_keepalived(&mut self) -> Outcome {
        let line = ["/usr/sbin/keepalived", "-n", "-l", "-D", "-d", "-f", FILE];
        self.daemon = Some(self.host.start(&line)?);
        Ok(())
    }

    /// Stops it as an operator does, and waits until it has.
    pub(super) fn stop(&mut self) -> Outcome {
        self.signal(Signal::TERM)?;
        if let Some(mut daemon) = self.daemon.take() {
            daemon.wait(wait::PATIENCE)?;
        }
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Outcome {
        let daemon = self.daemon.as_ref();
        daemon
            .ok_or_else(|| "it was not started".to_owned())?
            .signal(signal)?;
        Ok(())
    }

    pub(super) fn said(&self) -> String {
        let lines = self.daemon.as_ref().map(Inmate::output).unwrap_or_default();
        lines.join("\n")
    }

    /// `pontoon` with these arguments, inside.
    pub(super) fn pontoon(&self, arguments: &[&str]) -> Result<Output, Failure> {
        let mut command = self.host.command("/usr/sbin/pontoon");
        Ok(command.args(arguments).output()?)
    }

    /// Its instance now.
    pub(super) fn instance(&self) -> Option<InstanceStatus> {
        let output = self.pontoon(&["status", "--json"]).ok()?;
        let node: NodeStatus = serde_json::from_slice(&output.stdout).ok()?;
        let status: Status = serde_json::from_value(node.vrrp?).ok()?;
        status.instances.into_iter().next()
    }

    /// Waits until this holds of its instance.
    pub(super) fn until(
        &self,
        what: &str,
        holds: impl Fn(&InstanceStatus) -> bool,
    ) -> Result<InstanceStatus, Failure> {
        let found = wait::until(what, PATIENCE, || self.instance().filter(|it| holds(it)));
        found.map_err(|problem| {
            let (said, now) = (self.said(), self.instance());
            Failure::from(format!("{problem}; {now:#?}; it said:\n{said}"))
        })
    }

    /// Waits until this holds of its floating IP.
    pub(super) fn until_address(
        &self,
        what: &str,
        holds: impl Fn(&FloatingIpStatus) -> bool,
    ) -> Result<FloatingIpStatus, Failure> {
        let found = self.until(what, |it| first(it).is_some_and(&holds))?;
        first(&found)
            .cloned()
            .ok_or_else(|| Failure::from("it has no floating IP".to_owned()))
    }

    /// Waits for a line of its log.
    pub(super) fn until_said(&self, part: &str) -> Outcome {
        let found = wait::until(part, PATIENCE, || self.said().contains(part).then_some(()));
        found.map_err(|problem| Failure::from(format!("{problem}; it said:\n{}", self.said())))
    }
}

/// The instance's first floating IP.
pub(super) fn first(instance: &InstanceStatus) -> Option<&FloatingIpStatus> {
    instance.floating_ips.first()
}

/// A block of the file.
pub(super) fn floating_ip(address: Ipv4Addr, more: &str) -> String {
    let block = " verify_interval 1\n  api_timeout 2\n  endpoint http://10.0.1.2:8000\n  \
                 metadata_endpoint http://10.0.1.2:8001\n  proxy none\n  region eu-west-1\n";
    format!(" floating_ip {address} {{\n {block}  {more}\n }}\n")
}

/// What a command has written.
pub(super) fn text(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    format!("{out}{err}")
}
