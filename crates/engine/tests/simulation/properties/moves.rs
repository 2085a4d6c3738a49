use std::{sync::Arc, time::Duration};

use pontoon_engine::vrrp::action::Action;

use super::{Fact, Picture, Property};
use crate::simulation::scenario::Scenario;

/// A crash loop does not move the address to and fro: away and back at most once per stable time.
pub(crate) struct FewMoves {
    stable_time: Duration,
    taken: u32,
}

impl FewMoves {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            stable_time: scenario.nodes[0].policy.stable_time,
            taken: 0,
        }
    }
}

impl Property for FewMoves {
    fn name(&self) -> &'static str {
        "a crash loop moves the address at most once per stable time"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        let Fact::Ordered {
            action: Action::Acquire(_),
            ..
        } = fact
        else {
            return Ok(());
        };
        self.taken += 1;
        // The first election, and away and back for the first crash, are free.
        let most = 3.0 + picture.at.div_duration_f64(self.stable_time);
        if f64::from(self.taken) > most {
            return Err(format!(
                "taken {} times, {most:.1} are all right",
                self.taken
            ));
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.taken.into()
    }
}
