//! Pontoon among others.

use pontoon_engine::vrrp::{
    event::{Checksum, Proxy},
    settings::{Effect, Preempt},
};

use super::{Incident, Scenario, chaos::chaos};
use crate::simulation::random::Random;

/// As chaos, but some of the nodes run another program. One at least is ours.
pub(crate) fn mixed(seed: u64) -> Scenario {
    let mut scenario = chaos(seed);
    let mut random = Random::new(seed.rotate_left(32));
    let ours = random.below(scenario.nodes.len());
    scenario.grouped = false;
    for (number, node) in scenario.nodes.iter_mut().enumerate() {
        // That is the checksum which they know.
        if node.checksum == Checksum::Message && !scenario.ipv6 {
            node.checksum = Checksum::PseudoHeader;
        }
        node.plain = number != ours && random.chance(60);
        if !node.plain {
            continue;
        }
        node.startup_delay = std::time::Duration::ZERO;
        node.proxy = Proxy::Absent;
        node.effects.fill(Effect::Fault);
        if matches!(node.preempt, Preempt::After(_)) {
            node.preempt = Preempt::AtOnce;
        }
    }
    let plain: Vec<_> = scenario.nodes.iter().map(|node| node.plain).collect();
    scenario.incidents.retain(|(_, incident)| match incident {
        Incident::Proxy(node, _) => !plain[*node],
        _ => true,
    });
    scenario
}
