//! The nodes lose each other for good; the provider is within reach of both sides.

use std::time::Duration;

use pontoon_engine::vrrp::Version;

use super::{
    Incident, Node, Quality, Scenario,
    floating::{fine, plan},
};
use crate::simulation::random::Random;

/// Two or three nodes that have found a master; then one of them hears nobody and is not heard, or
/// only one of the two.
pub(crate) fn split(seed: u64) -> Scenario {
    let mut random = Random::new(seed);
    let random = &mut random;
    let beat = Duration::from_secs(1);
    let count = random.pick(&[2, 2, 3]);
    let splits_at = Duration::from_secs(30) + random.up_to(Duration::from_secs(20));
    let mut scenario = Scenario {
        seed,
        version: random.pick(&[Version::V2, Version::V3]),
        ipv6: false,
        multicast: random.chance(50),
        beat,
        nodes: Vec::new(),
        routers: 1,
        grouped: false,
        network: Quality {
            least_delay: Duration::from_micros(50),
            jitter: Duration::from_millis(5),
            loss: 0,
            duplicates: 0,
        },
        neighbours: Vec::new(),
        incidents: Vec::new(),
        cloud: Some(plan(random)),
        heals_at: splits_at,
        ends_at: splits_at + Duration::from_secs(200),
    };
    let priorities = random.pick(&[&[150, 100, 50][..], &[100], &[101, 100]]);
    for node in 0..count {
        scenario
            .nodes
            .push(Node::plain(random.pick(priorities), beat));
        let starts_at = random.up_to(Duration::from_secs(10));
        scenario.incidents.push((starts_at, Incident::Start(node)));
    }
    let alone = random.below(count);
    let sides = (0..count).map(|node| node == alone).collect();
    let cut = match random.chance(70) {
        true => Incident::Partition(sides),
        false => Incident::OneWay(alone, (alone + 1) % count),
    };
    scenario.incidents.push((splits_at, cut));
    trouble(random, &mut scenario);
    scenario.incidents.sort_by_key(|(at, _)| *at);
    scenario
}

/// Calls fail for a while after the split.
fn trouble(random: &mut Random, scenario: &mut Scenario) {
    let mut weather = fine(random);
    match random.below(5) {
        0 => weather.throttled = 30,
        1 => weather.lost = 50,
        2 => weather.unwell = 50,
        3 => weather.out_of_reach = vec![random.below(scenario.nodes.len())],
        _ => return,
    }
    let begins = scenario.heals_at;
    let ends = begins + random.up_to(Duration::from_secs(60));
    scenario.incidents.extend([
        (begins, Incident::Weather(weather)),
        (ends, Incident::Weather(fine(random))),
    ]);
}
