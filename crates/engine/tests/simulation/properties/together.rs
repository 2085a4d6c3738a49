use super::{Fact, Picture, Property};
use crate::simulation::scenario::Scenario;

/// The members of a group have the same role at any time.
pub(crate) struct GroupsStandTogether {
    grouped: bool,
    judged: u64,
}

impl GroupsStandTogether {
    pub(crate) const fn new(scenario: &Scenario) -> Self {
        Self {
            grouped: scenario.grouped,
            judged: 0,
        }
    }
}

impl Property for GroupsStandTogether {
    fn name(&self) -> &'static str {
        "the members of a group stand and fall together"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        let Fact::Settled { node } = fact else {
            return Ok(());
        };
        if !self.grouped {
            return Ok(());
        }
        self.judged += 1;
        let instances = &picture.nodes[*node].instances;
        if instances.iter().all(|one| one.role == instances[0].role) {
            return Ok(());
        }
        let roles: Vec<_> = instances.iter().map(|one| one.role).collect();
        Err(format!("node {node}: {roles:?}"))
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
