use std::{sync::Arc, time::Duration};

use pontoon_engine::vrrp::Role;

use super::{Fact, Picture, Property};
use crate::simulation::scenario::{Incident, Scenario};

/// Once all is well, a master that is told to hand over is replaced by another node if there is one,
/// and stays master if there is none; it does not come back before it is told so or is needed.
pub(crate) struct SwitchedOver {
    scenario: Arc<Scenario>,
    well_at: Duration,
    /// The longest that a switchover may take.
    bound: Duration,
    /// What has to come of the last one.
    open: Option<Switchover>,
    judged: u64,
}

#[derive(Clone)]
struct Switchover {
    node: usize,
    due: Duration,
    /// Who may take over.
    heirs: Vec<usize>,
    checked: bool,
}

impl SwitchedOver {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        let intervals = scenario.nodes.iter().map(|node| node.interval);
        let interval = intervals.max().unwrap_or_default();
        Self {
            scenario: Arc::clone(scenario),
            well_at: scenario.heals_at + scenario.beat * 13,
            // The longest skew, of an interval that may be twice as long, and what is late.
            bound: interval.max(scenario.beat) * 3,
            open: None,
            judged: 0,
        }
    }

    fn routers(&self) -> usize {
        if self.scenario.grouped {
            self.scenario.routers
        } else {
            1
        }
    }

    fn begin(&mut self, picture: &Picture, node: usize) {
        let mut routers = 0..self.routers();
        let leads = routers.all(|router| picture.masters(router) == [node]);
        if picture.at < self.well_at || !leads || self.scenario.nodes[node].plain {
            return;
        }
        let waits = |other: &usize| {
            let mut routers = 0..self.routers();
            let instance = |router| picture.instance(*other, router);
            picture.nodes[*other].alive && routers.all(|r| instance(r).role == Role::Backup)
        };
        self.open = Some(Switchover {
            node,
            due: picture.at + self.bound,
            heirs: (0..picture.nodes.len()).filter(waits).collect(),
            checked: false,
        });
    }

    fn check(&mut self, picture: &Picture) -> Result<(), String> {
        let routers = self.routers();
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let node = open.node;
        let leads = (0..routers).any(|router| picture.is_master(node, router));
        if open.checked && leads && !open.heirs.is_empty() {
            return Err(format!("node {node} is master again"));
        }
        if picture.at < open.due || open.checked {
            return Ok(());
        }
        open.checked = true;
        self.judged += 1;
        if leads == open.heirs.is_empty() {
            return Ok(());
        }
        let heirs = &open.heirs;
        Err(format!(
            "node {node} should hand over to {heirs:?}, and leads: {leads}"
        ))
    }
}

impl Property for SwitchedOver {
    fn name(&self) -> &'static str {
        "a switchover makes another node master, once"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Incident(Incident::HandOver(node)) => {
                let again = self.open.as_ref().is_some_and(|open| picture.at < open.due);
                if !again {
                    self.begin(picture, *node);
                }
            }
            Fact::Incident(Incident::TakeBack(_)) => self.open = None,
            Fact::Settled { .. } => return self.check(picture),
            _ => {}
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
