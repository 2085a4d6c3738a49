use std::{collections::HashMap, sync::Arc, time::Duration};

use pontoon_engine::vrrp::{action::Action, event::Event};

use super::{Fact, Picture, Property};
use crate::simulation::scenario::Scenario;

/// In the end every neighbour knows where the addresses are. Excused is only a master that has not
/// heard of the one who told the neighbour something else, or that has told it since, but through
/// a network that was cut.
pub(crate) struct NeighboursKnow {
    scenario: Arc<Scenario>,
    /// Node, router and neighbour: when it was told last, the network permitting.
    told: HashMap<(usize, usize, usize), Duration>,
    /// The same, for when the network did not permit it.
    in_vain: HashMap<(usize, usize, usize), Duration>,
    /// A master, router and somebody else: when it heard that one last.
    heard: HashMap<(usize, usize, usize), Duration>,
    judged: u64,
}

impl NeighboursKnow {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            told: HashMap::new(),
            in_vain: HashMap::new(),
            heard: HashMap::new(),
            judged: 0,
        }
    }

    fn judge(&mut self, picture: &Picture, router: usize, neighbour: usize) -> Result<(), String> {
        let masters = picture.masters(router);
        let &[master] = masters.as_slice() else {
            return Ok(());
        };
        // Others announce once, and again only much later: it may be overtaken.
        if self.scenario.nodes[master].plain {
            return Ok(());
        }
        let excused = match picture.learned[neighbour][router] {
            Some(believed) if believed == master => false,
            Some(believed) => {
                let told = self.told.get(&(believed, router, neighbour));
                let heard = self.heard.get(&(master, router, believed));
                let in_vain = self.in_vain.get(&(master, router, neighbour));
                told > heard || in_vain > heard
            }
            None => self.in_vain.contains_key(&(master, router, neighbour)),
        };
        if excused {
            return Ok(());
        }
        self.judged += 1;
        let believed = picture.learned[neighbour][router];
        if believed == Some(master) {
            return Ok(());
        }
        Err(format!(
            "neighbour {neighbour} looks for router {router} at {believed:?}, not at {master}"
        ))
    }
}

impl Property for NeighboursKnow {
    fn name(&self) -> &'static str {
        "every neighbour knows where the address is"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Ordered {
                node,
                action: Action::Announce { instance, .. },
            } => {
                for (neighbour, beside) in self.scenario.neighbours.iter().enumerate() {
                    let key = (*node, instance.0, neighbour);
                    if picture.cut[*node][*beside] {
                        self.in_vain.insert(key, picture.at);
                    } else {
                        self.told.insert(key, picture.at);
                        self.in_vain.remove(&key);
                    }
                }
            }
            Fact::Told {
                node,
                event: Event::Heard { instance, heard },
            } if picture.is_master(*node, instance.0) => {
                if let Some(speaker) = self.scenario.node_at(heard.from) {
                    let key = (*node, instance.0, speaker);
                    self.heard.insert(key, picture.at);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, picture: &Picture) -> Result<(), String> {
        for router in 0..self.scenario.routers {
            for neighbour in 0..self.scenario.neighbours.len() {
                self.judge(picture, router, neighbour)?;
            }
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
