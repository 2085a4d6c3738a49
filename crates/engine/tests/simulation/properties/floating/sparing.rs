use std::{sync::Arc, time::Duration};

use pontoon_engine::floating_ip::{action::Action, settings::Settings};

use crate::simulation::{
    properties::{Fact, Picture, Property},
    scenario::Scenario,
};

/// A node makes no more calls than its burst and one in each refill time, however long one looks
/// and wherever one begins.
pub(crate) struct CallsSparingly {
    settings: Option<Settings>,
    /// By node: when its calls started, since it did.
    calls: Vec<Vec<Duration>>,
    judged: u64,
}

impl CallsSparingly {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        Self {
            settings: scenario.cloud.as_ref().map(|plan| plan.settings.clone()),
            calls: vec![Vec::new(); scenario.nodes.len()],
            judged: 0,
        }
    }

    fn judge(&mut self, node: usize, now: Duration) -> Result<(), String> {
        let Some(settings) = &self.settings else {
            return Ok(());
        };
        let calls = &mut self.calls[node];
        let burst = usize::try_from(settings.burst).expect("small");
        for (further, then) in calls.iter().rev().skip(burst - 1).enumerate() {
            self.judged += 1;
            // Its clock may be fast.
            let least = settings.refill * u32::try_from(further + 1).expect("few");
            if (now - *then) < least.mul_f64(0.97) {
                let many = burst + further + 1;
                return Err(format!("node {node}: {many} calls since {then:?}"));
            }
        }
        calls.push(now);
        Ok(())
    }
}

impl Property for CallsSparingly {
    fn name(&self) -> &'static str {
        "a node stays below its rate of calls"
    }

    fn see(&mut self, picture: &Picture, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Started(node) => self.calls[*node].clear(),
            Fact::Wished {
                node,
                action: Action::Describe(_) | Action::Associate(_),
            } => return self.judge(*node, picture.at),
            _ => {}
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
