use pontoon_engine::floating_ip::action::Action;

use crate::simulation::properties::{Fact, Picture, Property};

/// No call starts at a node that knows that it is not master. One that stands still does not know.
#[derive(Default)]
pub(crate) struct OnlyMastersCall {
    judged: u64,
}

impl Property for OnlyMastersCall {
    fn name(&self) -> &'static str {
        "only masters call the provider"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        let Fact::Wished {
            node,
            action: action @ (Action::Describe(_) | Action::Associate(_)),
        } = fact
        else {
            return Ok(());
        };
        self.judged += 1;
        if picture.is_master(*node, 0) {
            return Ok(());
        }
        Err(format!("node {node}: {action:?}"))
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
