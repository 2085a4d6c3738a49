//! Two nodes that share an address, and a neighbour who uses it.

use std::{
    net::IpAddr,
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    capture::{Capture, Trace},
    host::Host,
    netns::{self, Network},
    node::{Node, Programs},
    wait,
};

use super::setup::{Place, Setup};
use crate::harness::{Failure, Outcome};

/// All of them.
pub(super) struct Street {
    /// Cables.
    pub(super) network: Network,
    /// The preferred node.
    pub(super) first: Node,
    /// The other.
    pub(super) second: Node,
    neighbour: Host,
    capture: Capture,
    shared: IpAddr,
}

impl Street {
    /// Everything is there, nothing is started but the capture on the first node's cable.
    pub(super) fn build(setup: Setup, programs: [Programs<'_>; 2]) -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let space = network.host("c", &["10.0.1.50/24", "fd00:1::50/64"])?;
        let neighbour = Host::boot(&space, &[])?;
        let mut node = |place: Place, name, programs| {
            let [v4, v6] = place.addresses();
            let space = network.host(name, &[&format!("{v4}/24"), &format!("{v6}/64")])?;
            let node = Node::boot(&space, programs)?;
            node.configure("", &setup.keepalived_conf(place))?;
            Ok::<_, Failure>(node)
        };
        let first = node(Place::First, "a", programs[0])?;
        let second = node(Place::Second, "b", programs[1])?;
        let capture = Capture::start(first.host.namespace(), "eth0", CAPTURED)?;
        Ok(Self {
            network,
            first,
            second,
            neighbour,
            capture,
            shared: setup.shared(),
        })
    }

    /// A node of the two.
    pub(super) const fn node(&self, place: Place) -> &Node {
        match place {
            Place::First => &self.first,
            Place::Second => &self.second,
        }
    }

    /// Waits until this node has the address and the other has not, and the neighbour has been
    /// told; then looks on for a while.
    pub(super) fn only_master(&self, place: Place) -> Outcome {
        self.alone(place)?;
        self.neighbour_was_told(self.node(place))?;
        self.neighbour_reaches_it()?;
        let (master, other) = (self.node(place), self.node(place.other()));
        let until = Instant::now() + WATCHED;
        while Instant::now() < until {
            if !master.host.holds(self.shared) || other.host.holds(self.shared) {
                return Err(self.complain("the address went to and fro"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Waits until this node has the address and the other has not.
    pub(super) fn alone(&self, place: Place) -> Outcome {
        let alone = wait::until("one of two to have the address", wait::PATIENCE, || {
            let holds = |place| self.node(place).host.holds(self.shared);
            (holds(place) && !holds(place.other())).then_some(())
        });
        alone.map_err(|problem| self.complain(&problem.to_string()))
    }

    /// Waits until this node serves the neighbour, whatever the other one believes.
    pub(super) fn serves(&self, place: Place) -> Outcome {
        self.node(place).wait_until_holds(self.shared)?;
        self.neighbour_was_told(self.node(place))?;
        self.neighbour_reaches_it()
    }

    /// The neighbour knows the master by what the master sent, not because it asked: it had the
    /// address in its table already, or asks now for the first time.
    fn neighbour_was_told(&self, master: &Node) -> Outcome {
        let (space, shared) = (self.neighbour.namespace(), self.shared.to_string());
        if netns::neighbour(space, &shared)?.is_none() {
            self.neighbour_reaches_it()?;
        }
        let wanted = netns::hardware_address(master.host.namespace(), "eth0")?;
        let told = wait::until("the neighbour to be told", wait::PATIENCE, || {
            let known = netns::neighbour(space, &shared).ok()??;
            (known == wanted).then_some(())
        });
        told.map_err(|problem| self.complain(&problem.to_string()))
    }

    fn neighbour_reaches_it(&self) -> Outcome {
        let shared = self.shared.to_string();
        let reached = wait::until("the address to answer", wait::PATIENCE, || {
            self.neighbour.run(&["ping", "-c1", "-W1", &shared]).ok()
        });
        reached
            .map(drop)
            .map_err(|problem| self.complain(&problem.to_string()))
    }

    /// A failure with what both nodes have said.
    pub(super) fn complain(&self, what: &str) -> Failure {
        let [first, second] = [&self.first, &self.second].map(|node| last_lines(&node.output()));
        Failure::from(format!("{what}\n-- first:\n{first}\n-- second:\n{second}"))
    }

    /// Takes it down; what went over the first node's cable remains.
    pub(super) fn leave(self) -> Result<Trace, Failure> {
        Ok(self.capture.finish()?)
    }
}

/// The end of a log, where the trouble is.
fn last_lines(log: &str) -> String {
    const SHOWN: usize = 25;
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}

/// In tcpdump's language `vrrp` is IPv4's alone.
const CAPTURED: &str = "ip proto 112 or ip6 proto 112 or arp or icmp6";
/// How long a settled pair is looked at: more than an advert of a second.
const WATCHED: Duration = Duration::from_millis(1200);
