//! The steps: what is done, and what must come of it.

use std::time::{Duration, Instant};

use crate::demo::{
    deed::{DatabaseId, Deed, NodeId, Power},
    picture::{Node, Picture, Role},
    place,
};

/// One line of the summary.
#[derive(Debug)]
pub(crate) struct Step {
    pub(super) name: &'static str,
    pub(super) acts: &'static [Act],
}

/// Something that is done, and what is waited for then.
#[derive(Debug)]
pub(super) struct Act {
    /// Given who was the master when the step began.
    pub(super) deed: Option<fn(NodeId) -> Deed>,
    pub(super) until: Until,
    pub(super) patience: Duration,
}

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// Everything runs, one node is master and has the address, the other stands by, both see all
    /// databases, and clients are served.
    AllIsWell,
    /// The same, and node 1 (of the higher priority) is the master.
    AllAsBefore,
    /// The other node is the one master and has the address, and clients are served.
    TakenOver,
    /// The other node is the one master, and the address is still where it was.
    MasterWithoutAddress,
    /// Both nodes believe to be master.
    TwoMasters,
    /// A node that is on finds this database down, and clients are served.
    FoundDown(DatabaseId),
}

/// What a condition may look back at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    pub(super) act_began: Instant,
    pub(super) master_before: Option<NodeId>,
}

impl Until {
    pub(super) fn is_true(self, picture: &Picture, since: &Since) -> bool {
        let settled = || picture.settled(since.act_began);
        let other = since.master_before.map(NodeId::other);
        match self {
            Self::AllIsWell => settled().is_some_and(|master| is_whole(picture, master)),
            Self::AllAsBefore => settled() == Some(NodeId::One) && is_whole(picture, NodeId::One),
            Self::TakenOver => other.is_some() && settled() == other,
            Self::MasterWithoutAddress => {
                other.is_some() && picture.master() == other && picture.holder != other
            }
            Self::TwoMasters => picture.nodes.iter().all(|it| it.role == Role::Master),
            Self::FoundDown(DatabaseId(index)) => {
                let mut on = picture.nodes.iter().filter(|it| it.on);
                on.all(|node| node.servers[index] == Some(false)) && settled().is_some()
            }
        }
    }

    pub(super) fn complaint(self, waited: Duration, picture: &Picture) -> String {
        let wanted = match self {
            Self::AllIsWell => "everything to run and clients to be served".to_owned(),
            Self::AllAsBefore => "everything to be as before".to_owned(),
            Self::TakenOver => format!("the other node to have {}", place::FLOATING),
            Self::MasterWithoutAddress => "the other node to be master".to_owned(),
            Self::TwoMasters => "both nodes to be master".to_owned(),
            Self::FoundDown(database) => format!("{database} to be found down"),
        };
        let seconds = waited.as_secs_f32();
        let state = describe(picture);
        format!("waited {seconds:.1} s in vain for {wanted}; {state}")
    }
}

fn is_whole(picture: &Picture, master: NodeId) -> bool {
    let is_well =
        |node: &Node| node.on && node.proxy && !node.alarm && node.servers == [Some(true); 3];
    picture.node(master.other()).role == Role::Backup && picture.nodes.iter().all(is_well)
}

/// How it is, for whoever wonders why a step failed.
fn describe(picture: &Picture) -> String {
    let node = |id: NodeId| {
        let node = picture.node(id);
        let proxy = if node.proxy { "runs" } else { "is down" };
        let up = node.servers.iter().filter(|it| **it == Some(true)).count();
        format!("{id}: {}, proxy {proxy}, {up} databases up", node.role)
    };
    let holder = picture
        .holder
        .map_or("nobody".to_owned(), |it| it.to_string());
    let served = match picture.service.rate() {
        0 => "nobody is served".to_owned(),
        rate => format!("{rate} connections a second are served"),
    };
    let [one, two] = NodeId::BOTH.map(node);
    format!("{one}; {two}; the address leads to {holder}; {served}")
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What an act does without doing anything: it waits.
const NOTHING: Option<fn(NodeId) -> Deed> = None;

/// All of them, in this order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "both nodes start",
        acts: &[Act {
            deed: NOTHING,
            until: Until::AllAsBefore,
            patience: seconds(20),
        }],
    },
    Step {
        name: "the master's proxy is killed",
        acts: &[
            Act {
                deed: Some(Deed::KillProxy),
                until: Until::TakenOver,
                patience: seconds(10),
            },
            // Its proxy is not trusted at once, so that the other one stays master.
            Act {
                deed: NOTHING,
                until: Until::AllIsWell,
                patience: seconds(15),
            },
        ],
    },
    Step {
        name: "the master loses its power, and comes back",
        acts: &[
            Act {
                deed: Some(Deed::KillNode),
                until: Until::TakenOver,
                patience: seconds(15),
            },
            Act {
                deed: Some(Deed::StartNode),
                until: Until::AllAsBefore,
                patience: seconds(20),
            },
        ],
    },
    Step {
        name: "the link between the nodes is cut, and heals",
        acts: &[
            Act {
                deed: Some(|_| Deed::Link(Power::Off)),
                until: Until::TwoMasters,
                patience: seconds(15),
            },
            Act {
                deed: Some(|_| Deed::Link(Power::On)),
                until: Until::AllAsBefore,
                patience: seconds(20),
            },
        ],
    },
    Step {
        name: "the cloud's API is down during a failover",
        acts: &[
            // That alone changes nothing for clients.
            Act {
                deed: Some(|_| Deed::Api(Power::Off)),
                until: Until::AllAsBefore,
                patience: seconds(10),
            },
            Act {
                deed: Some(Deed::KillNode),
                until: Until::MasterWithoutAddress,
                patience: seconds(15),
            },
            Act {
                deed: Some(|_| Deed::Api(Power::On)),
                until: Until::TakenOver,
                patience: seconds(20),
            },
            Act {
                deed: Some(Deed::StartNode),
                until: Until::AllAsBefore,
                patience: seconds(20),
            },
        ],
    },
    Step {
        name: "a database dies",
        acts: &[Act {
            deed: Some(|_| Deed::KillDatabase(DatabaseId(1))),
            until: Until::FoundDown(DatabaseId(1)),
            patience: seconds(15),
        }],
    },
];
