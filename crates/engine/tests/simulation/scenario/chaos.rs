//! Anything goes wrong, until all is well.

use std::time::Duration;

use pontoon_engine::vrrp::{
    Priority, TrackerId, Version,
    event::{Checksum, Proxy, ProxyFault, Reading, Servers},
    settings::{Effect, Preempt},
};

use super::{Incident, Node, Quality, Scenario};
use crate::simulation::random::Random;

/// Two to five nodes with settings of all kinds, crashes, partitions, flapping checks and proxies.
pub(crate) fn chaos(seed: u64) -> Scenario {
    chaos_with(seed, &[Duration::from_secs(1), Duration::from_millis(100)])
}

/// With one of these intervals, or 1 s.
pub(super) fn chaos_with(seed: u64, beats: &[Duration]) -> Scenario {
    let mut random = Random::new(seed);
    let random = &mut random;
    let version = random.pick(&[Version::V2, Version::V3, Version::V3]);
    let beat = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => random.pick(beats),
    };
    let count = random.pick(&[2, 2, 2, 3, 3, 4, 5]);
    let heals_at = beat * u32::try_from(10 + random.below(40)).expect("small");
    let mut scenario = Scenario {
        seed,
        version,
        ipv6: version == Version::V3 && random.chance(25),
        multicast: random.chance(50),
        beat,
        nodes: Vec::new(),
        routers: random.pick(&[1, 1, 2]),
        grouped: false,
        network: quality(random, beat),
        neighbours: (0..1 + random.below(3))
            .map(|_| random.below(count))
            .collect(),
        incidents: Vec::new(),
        cloud: None,
        heals_at,
        ends_at: heals_at + beat * 40,
    };
    scenario.grouped = scenario.routers > 1 && random.chance(50);
    scenario.nodes = (0..count).map(|_| node(random, &scenario)).collect();
    for node in 0..count {
        let begins = random.up_to(beat * 2);
        scenario.incidents.push((begins, Incident::Start(node)));
    }
    for _ in 0..random.below(14) {
        something(random, &mut scenario);
    }
    heal(random, &mut scenario);
    scenario.incidents.sort_by_key(|(at, _)| *at);
    scenario
}

fn quality(random: &mut Random, beat: Duration) -> Quality {
    Quality {
        least_delay: Duration::from_micros(50),
        jitter: random.pick(&[beat / 5000, beat / 500, beat / 50]),
        loss: random.pick(&[0, 0, 2, 15]),
        duplicates: random.pick(&[0, 0, 5]),
    }
}

fn node(random: &mut Random, scenario: &Scenario) -> Node {
    let beat = scenario.beat;
    let priority = random.pick(&[100, 100, 101, 50, 150, 200, 254, 1]);
    let mut node = Node::plain(priority, beat);
    if random.chance(4) {
        node.priority = Priority::OWNER;
    }
    node.preempt = random.pick(&[
        Preempt::AtOnce,
        Preempt::AtOnce,
        Preempt::AtOnce,
        Preempt::After(beat * 5),
        Preempt::Never,
    ]);
    // Version 3 allows that; in version 2 such nodes do not hear each other.
    if scenario.version == Version::V3 && random.chance(10) {
        node.interval = beat * 2;
    }
    node.startup_delay = random.pick(&[Duration::ZERO, Duration::ZERO, beat * 4]);
    node.clock = random.pick(&[0, 0, 200, -200, 5000, -5000, 20_000, -20_000]);
    node.lateness = random.pick(&[beat / 5000, beat / 500]);
    node.checksum = checksum(random, scenario);
    node.refuse_strangers = random.chance(30);
    for _ in 0..random.below(3) {
        node.effects.push(random.pick(&[
            Effect::Fault,
            Effect::Fault,
            Effect::Weight(-60),
            Effect::Weight(20),
            Effect::WeightReversed(10),
        ]));
    }
    node.initially = random.pick(&[None, Some(Reading::Up)]);
    node.policy.resign_without_servers = random.chance(10);
    node.proxy = random.pick(&[
        Proxy::Absent,
        Proxy::Serving(Servers::Unchecked),
        Proxy::Serving(Servers::Usable),
        Proxy::Serving(Servers::Pending),
        Proxy::Starting,
    ]);
    node
}

fn checksum(random: &mut Random, scenario: &Scenario) -> Checksum {
    if scenario.version == Version::V2 {
        return Checksum::Message;
    }
    if scenario.ipv6 {
        return Checksum::PseudoHeader;
    }
    random.pick(&[
        Checksum::PseudoHeader,
        Checksum::PseudoHeader,
        Checksum::Message,
        Checksum::MulticastPseudoHeader,
    ])
}

/// One thing that goes wrong, and usually what ends it.
fn something(random: &mut Random, scenario: &mut Scenario) {
    let at = random.up_to(scenario.heals_at);
    let later = at + random.up_to(scenario.heals_at - at);
    let node = random.below(scenario.nodes.len());
    let other = random.below(scenario.nodes.len());
    let readings = [Reading::Up, Reading::Down, Reading::Down];
    let incidents = &mut scenario.incidents;
    match random.below(12) {
        0 => incidents.extend([(at, Incident::Crash(node)), (later, Incident::Start(node))]),
        1 => incidents.extend([(at, Incident::Stop(node)), (later, Incident::Start(node))]),
        2 => incidents.extend([(at, Incident::Freeze(node)), (later, Incident::Thaw(node))]),
        3 | 4 => {
            let trackers = scenario.nodes[node].effects.len();
            for _ in 0..trackers * random.below(5) {
                let at = random.between(at, later);
                let tracker = TrackerId(random.below(trackers));
                let reading = random.pick(&readings);
                incidents.push((at, Incident::Track(node, tracker, reading)));
            }
        }
        5 => incidents.extend([
            (at, Incident::Source(node, false)),
            (later, Incident::Source(node, true)),
        ]),
        6 | 7 => {
            let sides = scenario.nodes.iter().map(|_| random.chance(50));
            incidents.extend([
                (at, Incident::Partition(sides.collect())),
                (later, Incident::Mend),
            ]);
        }
        8 if node != other => {
            incidents.extend([(at, Incident::OneWay(node, other)), (later, Incident::Mend)]);
        }
        9 => incidents.push((at, Incident::Reload(node))),
        _ => proxy_trouble(random, scenario, node, at, later),
    }
}

/// The proxy of a node that has one crashes, hangs, stops or loses its servers, perhaps in a loop.
fn proxy_trouble(
    random: &mut Random,
    scenario: &mut Scenario,
    node: usize,
    at: Duration,
    later: Duration,
) {
    if scenario.nodes[node].proxy == Proxy::Absent {
        return;
    }
    let beat = scenario.beat;
    let mut now = at;
    for _ in 0..=random.below(3) {
        let trouble = random.pick(&[
            Proxy::Down(ProxyFault::Died),
            Proxy::Down(ProxyFault::Died),
            Proxy::Down(ProxyFault::Hung),
            Proxy::Down(ProxyFault::Stopped),
            Proxy::Down(ProxyFault::CannotStart),
            Proxy::Serving(Servers::AllDown),
        ]);
        let mut steps = vec![trouble];
        if matches!(trouble, Proxy::Down(_)) {
            steps.extend([Proxy::Starting, Proxy::Serving(Servers::Pending)]);
        }
        steps.push(random.pick(&[Proxy::Serving(Servers::Usable); 3]));
        for step in steps {
            if now < later {
                scenario.incidents.push((now, Incident::Proxy(node, step)));
            }
            now += random.up_to(beat * 3);
        }
    }
}

/// From here on all is well, except for nodes that never come back and proxies without servers.
fn heal(random: &mut Random, scenario: &mut Scenario) {
    let at = scenario.heals_at;
    let survivor = random.below(scenario.nodes.len());
    let good = Quality {
        loss: 0,
        duplicates: 0,
        ..scenario.network
    };
    let healthy = random.pick(&[Servers::Usable, Servers::Usable, Servers::Pending]);
    let mut end = vec![Incident::Mend, Incident::Network(good)];
    for (node, plan) in scenario.nodes.iter().enumerate() {
        end.push(Incident::Thaw(node));
        end.push(Incident::Source(node, true));
        let trackers = 0..plan.effects.len();
        end.extend(trackers.map(|t| Incident::Track(node, TrackerId(t), Reading::Up)));
        if plan.proxy != Proxy::Absent {
            let servers = match plan.proxy {
                Proxy::Serving(Servers::Unchecked) => Servers::Unchecked,
                _ => healthy,
            };
            end.push(Incident::Proxy(node, Proxy::Serving(servers)));
        }
        if node != survivor && random.chance(20) {
            end.push(
                random
                    .pick(&[Incident::Crash(node), Incident::Stop(node)].each_ref())
                    .clone(),
            );
        } else {
            end.push(Incident::Start(node));
        }
    }
    scenario.incidents.retain(|(when, _)| *when < at);
    scenario
        .incidents
        .extend(end.into_iter().map(|incident| (at, incident)));
}
