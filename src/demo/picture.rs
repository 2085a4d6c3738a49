//! The picture: who is master, where the address is, what works, and what became of clients.
//! It knows what it was shown and nothing else: no clock, no socket.

use std::{fmt, time::Instant};

use pontoon_lab::probe::Attempt;

use super::{
    deed::{DatabaseId, Deed, NodeId, Power},
    outage::{Interruption, Service},
    place,
    timeline::{Kind, Timeline},
};

/// What a node is in the election.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// Its election does not answer.
    #[default]
    Unknown,
    /// It has begun.
    Init,
    /// It stands by.
    Backup,
    /// It has the address, or wants it.
    Master,
    /// It cannot serve.
    Fault,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unknown => "no answer",
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        })
    }
}

/// What was seen of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// Its power.
    pub(super) on: bool,
    /// In the election.
    pub(super) role: Role,
    /// Whether its proxy serves.
    pub(super) proxy: bool,
    /// Which databases its proxy believes to be up; `None`: it has not been heard.
    pub(super) servers: [Option<bool>; 3],
    /// Its alarm about the floating IP.
    pub(super) alarm: bool,
}

/// What was counted of the cloud's API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Calls {
    /// Questions where the address is.
    pub(super) asked: usize,
    /// Requests to move it.
    pub(super) moved: usize,
    /// Those of both that were not carried out.
    pub(super) failed: usize,
}

impl Calls {
    pub(super) const fn total(self) -> usize {
        self.asked + self.moved
    }
}

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sighting {
    /// How a node is in the election, as it says itself.
    Election {
        /// Who.
        node: NodeId,
        /// Its role.
        role: Role,
        /// Whether its proxy serves.
        proxy: bool,
        /// Whether it has an alarm about the address.
        alarm: bool,
    },
    /// What a node's proxy believes of the databases.
    Servers(NodeId, [Option<bool>; 3]),
    /// To whom the address leads.
    Holder(Option<NodeId>),
    /// All calls made so far.
    Calls(Calls),
    /// A decided attempt of the client; they come in the order in which they began.
    Attempt(Attempt),
    /// A node's program has ended by itself.
    Ended(NodeId, String),
    /// The site itself has trouble.
    Trouble(String),
}

/// All of it.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) nodes: [Node; 2],
    /// Whether each database runs.
    pub(super) databases: [bool; 3],
    pub(super) api: Power,
    pub(super) link: Power,
    pub(super) holder: Option<NodeId>,
    /// How often the address has come to a node.
    pub(super) moves: usize,
    pub(super) calls: Calls,
    pub(super) service: Service,
    pub(super) interruptions: Vec<Interruption>,
    pub(super) timeline: Timeline,
}

impl Picture {
    /// Everything runs, and nothing has been seen yet.
    pub(super) fn new(start: Instant) -> Self {
        let node = Node {
            on: true,
            ..Node::default()
        };
        Self {
            nodes: [node; 2],
            databases: [true; 3],
            api: Power::On,
            link: Power::On,
            holder: None,
            moves: 0,
            calls: Calls::default(),
            service: Service::default(),
            interruptions: Vec::new(),
            timeline: Timeline::new(start),
        }
    }

    pub(super) const fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.index()]
    }

    /// Takes note of something that is being done.
    pub(super) fn did(&mut self, deed: Deed, by: &str, now: Instant) {
        let text = format!("{by}: {deed}");
        self.timeline.add(now, Kind::Deed, text);
        match deed {
            // What becomes of a proxy is seen.
            Deed::KillProxy(_) => {}
            Deed::KillNode(node) => {
                self.nodes[node.index()] = Node::default();
            }
            Deed::StartNode(node) => self.nodes[node.index()].on = true,
            Deed::KillDatabase(DatabaseId(index)) => self.databases[index] = false,
            Deed::StartDatabase(DatabaseId(index)) => self.databases[index] = true,
            Deed::Api(power) => self.api = power,
            Deed::Link(power) => self.link = power,
        }
    }

    /// Takes note of something that was seen.
    pub(super) fn see(&mut self, sighting: Sighting, now: Instant) {
        match sighting {
            Sighting::Election {
                node,
                role,
                proxy,
                alarm,
            } => self.see_election(node, (role, proxy, alarm), now),
            Sighting::Servers(node, servers) => self.see_servers(node, servers, now),
            Sighting::Holder(holder) => self.see_holder(holder, now),
            Sighting::Calls(calls) => self.calls = calls,
            Sighting::Attempt(attempt) => self.see_attempt(attempt),
            Sighting::Ended(node, how) => {
                let text = format!("{node} has stopped by itself: it {how}");
                self.timeline.add(now, Kind::Bad, text);
            }
            Sighting::Trouble(text) => self.timeline.add(now, Kind::Bad, text),
        }
    }

    fn see_election(&mut self, node: NodeId, seen: (Role, bool, bool), now: Instant) {
        let state = &mut self.nodes[node.index()];
        if !state.on {
            // Seen before its power was cut.
            return;
        }
        let before = (state.role, state.proxy, state.alarm);
        (state.role, state.proxy, state.alarm) = seen;
        let (role, proxy, alarm) = seen;
        if role != before.0 && role != Role::Unknown {
            let kind = match role {
                Role::Master => Kind::Good,
                Role::Fault => Kind::Bad,
                _ => Kind::Note,
            };
            self.timeline.add(now, kind, format!("{node} is {role}"));
        }
        if proxy != before.1 {
            let (kind, word) = good_or_bad(proxy, "runs", "is gone");
            let text = format!("the proxy of {node} {word}");
            self.timeline.add(now, kind, text);
        }
        if alarm != before.2 {
            let (kind, word) = good_or_bad(!alarm, "is over", "is raised");
            let text = format!("{node}: the alarm about {} {word}", place::FLOATING);
            self.timeline.add(now, kind, text);
        }
    }

    fn see_servers(&mut self, node: NodeId, servers: [Option<bool>; 3], now: Instant) {
        let state = &mut self.nodes[node.index()];
        if !state.on {
            return;
        }
        let before = std::mem::replace(&mut state.servers, servers);
        for database in DatabaseId::ALL {
            let (old, new) = (before[database.0], servers[database.0]);
            if let (Some(old), Some(new)) = (old, new)
                && old != new
            {
                let (kind, word) = good_or_bad(new, "UP", "DOWN");
                let text = format!("{node} finds {database} {word}");
                self.timeline.add(now, kind, text);
            }
        }
    }

    fn see_holder(&mut self, holder: Option<NodeId>, now: Instant) {
        if self.holder == holder {
            return;
        }
        self.holder = holder;
        let whose = holder.map_or_else(|| "nobody".to_owned(), |node| node.to_string());
        if holder.is_some() {
            self.moves += 1;
        }
        let text = format!("{} leads to {whose}", place::FLOATING);
        self.timeline.add(now, Kind::Moved, text);
    }

    fn see_attempt(&mut self, attempt: Attempt) {
        if let Some(interruption) = self.service.attempt(attempt) {
            self.timeline.blame(&interruption);
            self.interruptions.push(interruption);
        }
    }

    /// The one node that believes to be master; `None` if that is nobody, or both.
    pub(super) fn master(&self) -> Option<NodeId> {
        let is_master = |node: &NodeId| self.node(*node).role == Role::Master;
        let mut masters = NodeId::BOTH.into_iter().filter(is_master);
        let first = masters.next();
        first.filter(|_| masters.next().is_none())
    }

    /// The one master, if the address is with it and clients have been served for a while since
    /// then.
    pub(super) fn settled(&self, since: Instant) -> Option<NodeId> {
        let master = self.master().filter(|one| self.holder == Some(*one));
        master.filter(|_| self.service.is_steady(since))
    }
}

const fn good_or_bad<'a>(good: bool, yes: &'a str, no: &'a str) -> (Kind, &'a str) {
    if good {
        (Kind::Good, yes)
    } else {
        (Kind::Bad, no)
    }
}

#[cfg(test)]
mod tests;
