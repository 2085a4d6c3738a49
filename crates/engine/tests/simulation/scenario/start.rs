//! All nodes start together, and nothing goes wrong.

use std::time::Duration;

use pontoon_engine::vrrp::{
    Version,
    event::{Proxy, Servers},
};

use super::{Incident, Node, Quality, Scenario};
use crate::simulation::random::Random;

/// Two to five nodes of similar priority start within 150 ms, on a network that takes up to 20 ms
/// (10 ms with more than two nodes), however often they advertise.
pub(crate) fn simultaneous_start(seed: u64) -> Scenario {
    let mut random = Random::new(seed);
    let version = random.pick(&[Version::V2, Version::V3]);
    let beat = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => random.pick(&[Duration::from_secs(1), Duration::from_millis(100)]),
    };
    let count = random.pick(&[2, 2, 2, 3, 5]);
    let mut scenario = Scenario {
        seed,
        version,
        ipv6: false,
        multicast: random.chance(50),
        beat,
        nodes: Vec::new(),
        routers: 1,
        grouped: false,
        network: Quality {
            least_delay: Duration::from_micros(50),
            jitter: random.pick(&[
                beat / 1000,
                Duration::from_millis(if count == 2 { 20 } else { 10 }),
            ]),
            loss: 0,
            duplicates: 0,
        },
        neighbours: vec![0],
        incidents: Vec::new(),
        cloud: None,
        heals_at: Duration::from_millis(150),
        ends_at: beat * 30,
    };
    let priorities = random.pick(&[&[101, 100][..], &[100], &[200, 100, 50]]);
    for node in 0..count {
        let mut plan = Node::plain(random.pick(priorities), beat);
        plan.clock = random.pick(&[0, 200, -200, 1000, -1000]);
        plan.lateness = random.pick(&[beat / 5000, beat / 500]);
        plan.proxy = random.pick(&[Proxy::Absent, Proxy::Serving(Servers::Usable)]);
        scenario.nodes.push(plan);
        let starts_at = random.up_to(Duration::from_millis(150));
        scenario.incidents.push((starts_at, Incident::Start(node)));
    }
    scenario.incidents.sort_by_key(|(at, _)| *at);
    scenario
}
