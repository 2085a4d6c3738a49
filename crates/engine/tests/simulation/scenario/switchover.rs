//! Operators hand mastership over, in good times and in bad ones.

use super::{Incident, Scenario, chaos::chaos, floating::floating};
use crate::simulation::random::Random;

/// As chaos, or without anything that goes wrong; at some times every node is told to hand over,
/// and in the end, perhaps, to take back. Whoever is not master does nothing.
pub(crate) fn switchovers(seed: u64) -> Scenario {
    with_switchovers(chaos(seed), seed)
}

/// The same, with a floating IP that follows.
pub(crate) fn floating_switchovers(seed: u64) -> Scenario {
    with_switchovers(floating(seed), seed)
}

fn with_switchovers(mut scenario: Scenario, seed: u64) -> Scenario {
    let mut random = Random::new(seed.rotate_left(16));
    let random = &mut random;
    if random.chance(50) {
        calm(&mut scenario);
    }
    let (beat, healed) = (scenario.beat, scenario.heals_at);
    for _ in 0..random.below(4) {
        let at = random.up_to(healed);
        all(&mut scenario, at, Incident::HandOver);
    }
    // Once all is well: after the last start, and long before the end.
    if random.chance(80) {
        let at = healed + random.between(beat * 14, beat * 18);
        all(&mut scenario, at, Incident::HandOver);
    }
    if random.chance(50) {
        let at = healed + random.between(beat * 27, beat * 30);
        all(&mut scenario, at, Incident::TakeBack);
    }
    scenario.incidents.sort_by_key(|(at, _)| *at);
    scenario
}

fn all(scenario: &mut Scenario, at: std::time::Duration, what: fn(usize) -> Incident) {
    let nodes = 0..scenario.nodes.len();
    scenario
        .incidents
        .extend(nodes.map(|node| (at, what(node))));
}

/// Nothing goes wrong but the beginning and the end of nodes.
fn calm(scenario: &mut Scenario) {
    scenario.network.loss = 0;
    let healed = scenario.heals_at;
    scenario.incidents.retain(|(at, incident)| {
        *at >= healed || matches!(incident, Incident::Start(_) | Incident::Stop(_))
    });
}
