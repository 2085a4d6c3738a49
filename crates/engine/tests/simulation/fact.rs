//! What happens in a run, for the properties to judge and the timeline to tell.

use std::{fmt, time::Duration};

use pontoon_engine::{
    floating_ip::{action as order, event as news, view::View},
    vrrp::{
        InstanceId, Priority, Role,
        action::{Action, Reason, Report},
        event::{Event, Proxy},
    },
};

use super::{cloud::Place, scenario::Incident};

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    /// It was done to the nodes or the network.
    Incident(Incident),
    /// A node's machine exists from here on.
    Started(usize),
    /// It does not any more.
    Gone(usize),
    /// It was told.
    Told { node: usize, event: Event },
    /// It ordered.
    Ordered { node: usize, action: Action },
    /// All that it ordered is done; the picture shows what has come of it.
    Settled { node: usize },
    /// A neighbour was told where an address is.
    Learned {
        neighbour: usize,
        router: usize,
        node: usize,
    },
    /// What brings the floating IP to a node was told.
    News { node: usize, event: news::Event },
    /// It ordered.
    Wished { node: usize, action: order::Action },
    /// The picture shows how it stands by now.
    Reconciled { node: usize },
    /// The floating IP is somewhere else.
    Moved(Place),
    /// From here on nothing goes wrong any more.
    Healed,
}

/// How things stand.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) at: Duration,
    pub(crate) nodes: Vec<NodePicture>,
    /// Whether the second does not hear the first.
    pub(crate) cut: Vec<Vec<bool>>,
    /// Whom each neighbour takes for the holder of each router's address.
    pub(crate) learned: Vec<Vec<Option<usize>>>,
    /// Where the floating IP is.
    pub(crate) place: Place,
}

/// How a node stands.
#[derive(Debug, Clone)]
pub(crate) struct NodePicture {
    pub(crate) alive: bool,
    pub(crate) proxy: Proxy,
    pub(crate) instances: Vec<InstancePicture>,
    /// What it does about the floating IP, which goes with the first router.
    pub(crate) floating: Option<View>,
}

/// How a node's part in a virtual router stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InstancePicture {
    pub(crate) role: Role,
    pub(crate) priority: Priority,
    pub(crate) held: bool,
}

impl Picture {
    pub(crate) fn instance(&self, node: usize, router: usize) -> &InstancePicture {
        &self.nodes[node].instances[router]
    }

    pub(crate) fn is_master(&self, node: usize, router: usize) -> bool {
        self.nodes[node].alive && self.instance(node, router).role == Role::Master
    }

    pub(crate) fn masters(&self, router: usize) -> Vec<usize> {
        let all = 0..self.nodes.len();
        all.filter(|node| self.is_master(*node, router)).collect()
    }
}

impl Fact {
    /// Whether it is a transition because a master has resigned: that is followed in any case, even
    /// if there was a second master.
    pub(crate) fn follows_resignation(&self) -> bool {
        matches!(
            self,
            Self::Ordered {
                action: Action::Report(Report::Transition {
                    reason: Reason::MasterResigned,
                    ..
                }),
                ..
            }
        )
    }

    /// The transition that it reports: node, instance, from, to.
    pub(crate) fn transition(&self) -> Option<(usize, InstanceId, Role, Role)> {
        match self {
            Self::Ordered {
                node,
                action:
                    Action::Report(Report::Transition {
                        instance, from, to, ..
                    }),
            } => Some((*node, *instance, *from, *to)),
            _ => None,
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incident(incident) => write!(f, "------ {incident:?}"),
            Self::Started(node) => write!(f, "node {node}: starts"),
            Self::Gone(node) => write!(f, "node {node}: is gone"),
            Self::Told { node, event } => write!(f, "node {node}: <- {}", told(event)),
            Self::Ordered { node, action } => write!(f, "node {node}:    -> {action:?}"),
            Self::Settled { node } => write!(f, "node {node}: settled"),
            Self::Learned {
                neighbour,
                router,
                node,
            } => write!(
                f,
                "neighbour {neighbour}: router {router} is at node {node}"
            ),
            Self::News { node, event } => write!(f, "node {node}: floating <- {event:?}"),
            Self::Wished { node, action } => write!(f, "node {node}: floating    -> {action:?}"),
            Self::Reconciled { node } => write!(f, "node {node}: floating settled"),
            Self::Moved(place) => write!(f, "****** the floating IP is at {place:?}"),
            Self::Healed => f.write_str("====== all is well from here on"),
        }
    }
}

fn told(event: &Event) -> String {
    match event {
        Event::Heard { instance, heard } => format!(
            "heard priority {} from {} for instance {}",
            heard.advert.priority, heard.from, instance.0
        ),
        other => format!("{other:?}"),
    }
}
