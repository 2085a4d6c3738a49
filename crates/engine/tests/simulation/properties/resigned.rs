use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use pontoon_engine::vrrp::{
    InstanceId, Priority, Role, Version,
    event::{Event, Heard},
};

use super::{Fact, Picture, Property};
use crate::simulation::scenario::{Incident, Scenario};

/// How long a node listens between its claim and its mastership, if half of the interval is not
/// less.
const CLAIM_WINDOW: Duration = Duration::from_millis(50);

/// A backup that hears its master resign takes over when its skew has passed, unless somebody
/// else has.
pub(crate) struct ResignedIsReplaced {
    scenario: Arc<Scenario>,
    owed: Vec<Debt>,
    /// Listener, router and speaker: when a master spoke last.
    heard: HashMap<(usize, usize, IpAddr), Duration>,
    /// Who has been thawed last, and when.
    thawed: Option<(usize, Duration)>,
    judged: u64,
}

#[derive(Clone, Copy)]
struct Debt {
    node: usize,
    router: usize,
    since: Duration,
    due: Duration,
}

impl ResignedIsReplaced {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            owed: Vec::new(),
            heard: HashMap::new(),
            thawed: None,
            judged: 0,
        }
    }

    fn hear(&mut self, picture: &Picture, node: usize, instance: InstanceId, heard: &Heard) {
        let router = instance.0;
        let key = (node, router, heard.from);
        if heard.advert.priority != Priority::RESIGN {
            self.heard.insert(key, picture.at);
            self.owed
                .retain(|debt| (debt.node, debt.router) != (node, router));
            return;
        }
        self.heard.remove(&key);
        let known = self
            .owed
            .iter()
            .any(|d| (d.node, d.router) == (node, router));
        let listens = picture.instance(node, router).role == Role::Backup;
        let intervals = self.scenario.nodes.iter().map(|node| node.interval);
        let longest = intervals.max().unwrap_or_default();
        let slept = self.thawed == Some((node, picture.at));
        if known || !listens || slept || self.another(picture, node, router, longest * 2) {
            return;
        }
        let plan = &self.scenario.nodes[node];
        if plan.plain {
            return;
        }
        let interval = match self.scenario.version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => longest,
        };
        let skew = picture.instance(node, router).priority.skew(interval);
        // Who claims already ends its claim first.
        let wait = skew.max(CLAIM_WINDOW.min(longest / 2));
        // Its own clock may be slow, and it may be late.
        let due = picture.at + wait.mul_f64(1.025) + plan.lateness + Duration::from_millis(1);
        self.owed.push(Debt {
            node,
            router,
            since: picture.at,
            due,
        });
    }

    /// Whether there is another master, or was one so lately that it has to be waited for.
    fn another(&self, picture: &Picture, node: usize, router: usize, lately: Duration) -> bool {
        let mut words = self
            .heard
            .iter()
            .filter(|((listener, of, _), _)| (*listener, *of) == (node, router));
        let lately = lately.mul_f64(1.03);
        !picture.masters(router).is_empty() || words.any(|(_, at)| picture.at - *at < lately)
    }

    /// Debts are paid when there is a master, and void when the node may not take part.
    fn settle(&mut self, picture: &Picture) {
        let before = self.owed.len();
        self.owed
            .retain(|debt| picture.masters(debt.router).is_empty());
        self.judged += u64::try_from(before - self.owed.len()).unwrap_or(0);
        self.owed.retain(|debt| {
            let node = &picture.nodes[debt.node];
            node.alive && node.instances[debt.router].role == Role::Backup
        });
    }
}

impl Property for ResignedIsReplaced {
    fn name(&self) -> &'static str {
        "a master that resigns is replaced within skew"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        // A group may have to stay where another of its members is.
        if self.scenario.grouped {
            return Ok(());
        }
        if let Some(late) = self.owed.iter().find(|debt| debt.due < picture.at) {
            let Debt { node, since, .. } = late;
            let what = format!("node {node} heard it at {since:?} and still waits");
            self.owed.clear();
            return Err(what);
        }
        match fact {
            Fact::Told {
                node,
                event: Event::Heard { instance, heard },
            } => self.hear(picture, *node, *instance, heard),
            // Who has slept listens for a moment before it acts on what it missed.
            Fact::Incident(Incident::Thaw(node)) => self.thawed = Some((*node, picture.at)),
            Fact::Incident(Incident::Freeze(node) | Incident::Reload(node)) => {
                self.owed.retain(|debt| debt.node != *node);
            }
            Fact::Settled { .. } | Fact::Gone(_) => self.settle(picture),
            _ => {}
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
