use std::sync::Arc;

use pontoon_engine::vrrp::{
    Role,
    event::{Proxy, ProxyFault, Servers},
    settings::Preempt,
};

use super::{Fact, Picture, Property};
use crate::simulation::scenario::{Incident, Scenario};

/// In the end nobody waits whom nothing keeps from preempting; a proxy whose servers are not
/// checked does not.
pub(crate) struct BestIsMaster {
    /// Something else than the priority may rightly decide.
    excused: bool,
    routers: usize,
    judged: u64,
}

impl BestIsMaster {
    pub(crate) fn new(scenario: &Arc<Scenario>) -> Self {
        let never = scenario
            .nodes
            .iter()
            .any(|node| node.preempt == Preempt::Never);
        let crash = |incident: &Incident| match incident {
            Incident::Proxy(_, Proxy::Down(fault)) => *fault != ProxyFault::Stopped,
            _ => false,
        };
        let crashes = scenario
            .incidents
            .iter()
            .any(|(_, incident)| crash(incident));
        let of = |wanted: fn(&Incident) -> bool| {
            let mut incidents = scenario.incidents.iter().rev();
            incidents.position(|(_, incident)| wanted(incident))
        };
        // Whoever handed over waits until it is to take back.
        let handed_over = of(|it| matches!(it, Incident::HandOver(_))).is_some_and(|last| {
            of(|it| matches!(it, Incident::TakeBack(_))).is_none_or(|taken_back| taken_back > last)
        });
        Self {
            excused: never || crashes || handed_over,
            routers: scenario.routers,
            judged: 0,
        }
    }
}

impl Property for BestIsMaster {
    fn name(&self) -> &'static str {
        "in the end the highest priority is master"
    }

    fn see(&mut self, _: &Picture, _: &Fact) -> Result<(), String> {
        Ok(())
    }

    fn end(&mut self, picture: &Picture) -> Result<(), String> {
        let held = |proxy| matches!(proxy, Proxy::Serving(Servers::Pending | Servers::AllDown));
        let alive = || picture.nodes.iter().filter(|node| node.alive);
        if self.excused || alive().any(|node| held(node.proxy)) {
            return Ok(());
        }
        self.judged += 1;
        for router in 0..self.routers {
            let highest = alive().map(|node| node.instances[router].priority).max();
            let instances = || alive().map(|node| node.instances[router]);
            let masters = instances().filter(|instance| instance.role == Role::Master);
            if let Some(low) = masters.map(|m| m.priority).find(|p| Some(*p) < highest) {
                return Err(format!(
                    "router {router}: {low} is master, {highest:?} waits"
                ));
            }
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}
