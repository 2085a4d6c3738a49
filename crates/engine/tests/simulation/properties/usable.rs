use std::sync::Arc;

use pontoon_engine::vrrp::{
    Role,
    event::{Proxy, Servers},
};

use super::{Fact, Picture, Property, audible::Audible};
use crate::simulation::scenario::Scenario;

/// No preemption of a living master by a node whose own proxy could not serve.
pub(crate) struct ServesBeforePreempting {
    audible: Audible,
    grouped: bool,
    judged: u64,
}

impl ServesBeforePreempting {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            audible: Audible::new(scenario),
            grouped: scenario.grouped,
            judged: 0,
        }
    }
}

impl Property for ServesBeforePreempting {
    fn name(&self) -> &'static str {
        "no node preempts a living master while its own proxy has no usable server"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        self.audible.see(picture, fact);
        let Some((node, instance, _, Role::Master)) = fact.transition() else {
            return Ok(());
        };
        if fact.follows_resignation() {
            return Ok(());
        }
        // A group goes where one of its members has to.
        let Proxy::Serving(Servers::Pending | Servers::AllDown) = picture.nodes[node].proxy else {
            return Ok(());
        };
        if self.grouped {
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
