use std::{collections::HashMap, sync::Arc, time::Duration};

use pontoon_engine::vrrp::{InstanceId, Priority, event::Event};

use super::{Fact, Picture};
use crate::simulation::scenario::Scenario;

/// How long a node listens between its claim and its mastership, and a little more.
const CLAIM_WINDOW: Duration = Duration::from_millis(60);

/// Which masters each node hears.
pub(super) struct Audible {
    scenario: Arc<Scenario>,
    /// Listener, router and speaker: when it spoke lately.
    words: HashMap<(usize, usize, usize), Vec<Duration>>,
}

impl Audible {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            words: HashMap::new(),
        }
    }

    pub(super) fn see(&mut self, picture: &Picture, fact: &Fact) {
        match fact {
            Fact::Told {
                node,
                event: Event::Heard { instance, heard },
            } => {
                let Some(speaker) = self.scenario.node_at(heard.from) else {
                    return;
                };
                let key = (*node, instance.0, speaker);
                if heard.advert.priority == Priority::RESIGN {
                    self.words.remove(&key);
                } else {
                    let words = self.words.entry(key).or_default();
                    words.retain(|at| picture.at - *at < self.scenario.beat * 2);
                    words.push(picture.at);
                }
            }
            Fact::Started(node) => self.words.retain(|(listener, ..), _| listener != node),
            _ => {}
        }
    }

    /// A master that the node has heard so lately that it cannot take it for dead. One that it
    /// heard only after its own claim lets go already, and must be replaced.
    pub(super) fn living_master(
        &self,
        picture: &Picture,
        node: usize,
        instance: InstanceId,
    ) -> Option<usize> {
        let speakers = 0..picture.nodes.len();
        let claim = CLAIM_WINDOW.min(self.scenario.beat / 5);
        let mut heard = speakers.filter(|speaker| {
            let words = self.words.get(&(node, instance.0, *speaker));
            // Two of three intervals, for clocks that differ; the shortest, as it may have been
            // adopted from somebody else.
            let counts = |at: &Duration| {
                let age = picture.at - *at;
                age > claim && age < self.scenario.beat * 2
            };
            words.is_some_and(|words| words.iter().any(counts))
        });
        heard.find(|speaker| picture.is_master(*speaker, instance.0))
    }
}
