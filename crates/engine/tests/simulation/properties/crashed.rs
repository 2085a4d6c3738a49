use std::{sync::Arc, time::Duration};

use pontoon_engine::vrrp::{
    Role,
    event::{Event, Proxy, ProxyFault},
};

use super::{Fact, Picture, Property, audible::Audible};
use crate::simulation::scenario::Scenario;

/// A proxy that has crashed must run for a stable time, unless nobody else is there.
pub(crate) struct ComesBackWhenStable {
    scenario: Arc<Scenario>,
    audible: Audible,
    trouble: Vec<Trouble>,
    serving: Vec<bool>,
    judged: u64,
}

/// What has happened to a node's proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Crashed,
    RunsSince(Duration),
}

impl ComesBackWhenStable {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            audible: Audible::new(scenario),
            trouble: vec![Trouble::None; scenario.nodes.len()],
            serving: vec![false; scenario.nodes.len()],
            judged: 0,
        }
    }

    /// Only a proxy that served can crash, and one that was stopped on purpose is forgiven.
    fn follow(&mut self, node: usize, proxy: Proxy, at: Duration) {
        let serves = matches!(proxy, Proxy::Serving(_));
        let served = std::mem::replace(&mut self.serving[node], serves);
        let trouble = &mut self.trouble[node];
        *trouble = match (proxy, *trouble) {
            (Proxy::Down(ProxyFault::Stopped), _) if served => Trouble::None,
            (Proxy::Down(ProxyFault::Died | ProxyFault::Hung), _) if served => Trouble::Crashed,
            (Proxy::Serving(_), Trouble::Crashed) => Trouble::RunsSince(at),
            (_, before) => before,
        };
    }
}

impl Property for ComesBackWhenStable {
    fn name(&self) -> &'static str {
        "a node whose proxy crashed preempts nobody before its stable time"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        self.audible.see(picture, fact);
        match fact {
            Fact::Started(node) => {
                self.trouble[*node] = Trouble::None;
                self.serving[*node] = false;
            }
            Fact::Told {
                node,
                event: Event::Proxy(proxy),
            } => self.follow(*node, *proxy, picture.at),
            _ => {}
        }
        let Some((node, instance, _, Role::Master)) = fact.transition() else {
            return Ok(());
        };
        if fact.follows_resignation() {
            return Ok(());
        }
        let Trouble::RunsSince(since) = self.trouble[node] else {
            return Ok(());
        };
        let plan = &self.scenario.nodes[node];
        // Its own clock may be fast.
        let stable_time = plan.policy.stable_time.mul_f64(0.97);
        if self.scenario.grouped || picture.at - since >= stable_time {
            return Ok(());
        }
        self.judged += 1;
        match self.audible.living_master(picture, node, instance) {
            Some(master) => Err(format!("node {node} replaces node {master}")),
            None => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
