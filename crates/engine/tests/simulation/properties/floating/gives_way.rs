use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
};

use pontoon_engine::{
    floating_ip::{
        action::{Action, Alarm, Report},
        event::{Event, Holder},
    },
    vrrp::Priority,
};

use crate::simulation::{
    properties::{Fact, Picture, Property},
    scenario::Scenario,
};

/// A master leaves the address only to a peer whose last word counts more than its own, or that it
/// never heard though it is not the preferred one, or after it has taken it back from a peer, or
/// tried to, once.
pub(crate) struct GivesWayForAReason {
    scenario: Arc<Scenario>,
    /// Who has heard what from whom, of all that it was told since it started.
    words: HashMap<(usize, IpAddr), Priority>,
    /// Who was told that the provider agrees, in this mastership.
    agreed: HashSet<usize>,
    /// Who has taken it back from a peer, in this mastership.
    taken: HashSet<usize>,
    judged: u64,
}

impl GivesWayForAReason {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            words: HashMap::new(),
            agreed: HashSet::new(),
            taken: HashSet::new(),
            judged: 0,
        }
    }

    fn learn(&mut self, node: usize, event: &Event) {
        match event {
            Event::Peer { address, priority } => {
                self.words.insert((node, *address), *priority);
            }
            Event::Master { .. } => {
                self.agreed.remove(&node);
                self.taken.remove(&node);
            }
            Event::Associated { result: Ok(()), .. } => {
                self.agreed.insert(node);
            }
            _ => {}
        }
    }

    fn judge(&mut self, picture: &Picture, node: usize, holder: &Holder) -> Result<(), String> {
        self.judged += 1;
        let ours = (
            picture.instance(node, 0).priority,
            self.scenario.address(node),
        );
        let outranked = holder.peer.is_some_and(|peer| {
            let preferred = self.scenario.best() == Some(node);
            let word = self.words.get(&(node, peer));
            word.map_or(!preferred, |theirs| (*theirs, peer) > ours)
        });
        if outranked || self.taken.contains(&node) {
            return Ok(());
        }
        Err(format!("node {node} leaves it to {holder:?}"))
    }
}

impl Property for GivesWayForAReason {
    fn name(&self) -> &'static str {
        "the floating IP is left to nobody without a reason"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Started(node) => self.words.retain(|(listener, _), _| listener != node),
            Fact::News { node, event } => self.learn(*node, event),
            Fact::Wished {
                node,
                action: Action::Report(report),
            } => match report {
                Report::TakenBack {
                    holder: Some(Holder { peer: Some(_), .. }),
                } => {
                    self.taken.insert(*node);
                }
                // What was agreed to and never seen is not lost, and taken back all the same.
                Report::Moving { .. } if self.agreed.contains(node) => {
                    self.taken.insert(*node);
                }
                Report::Alarm(Alarm::Yielded { holder }) => {
                    return self.judge(picture, *node, holder);
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
