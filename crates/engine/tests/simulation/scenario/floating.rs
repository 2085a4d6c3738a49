//! Anything goes wrong in the election and at the provider of a floating IP, until all is well.

use std::time::Duration;

use pontoon_engine::floating_ip::settings::Settings;

use super::{Incident, Scenario, chaos::chaos_with};
use crate::simulation::{
    cloud::{Place, Plan, Weather},
    random::Random,
};

/// So long all is well at the end.
const TAIL: Duration = Duration::from_secs(130);

/// As chaos, with a provider that is slow, unwell, out of reach, and answers late or never, and
/// with somebody who moves the address by hand.
pub(crate) fn floating(seed: u64) -> Scenario {
    let mut scenario = chaos_with(seed, &[Duration::from_secs(1), Duration::from_millis(500)]);
    let mut random = Random::new(seed.rotate_left(16) ^ 0xc10d);
    scenario.ends_at = scenario.heals_at + TAIL;
    scenario.cloud = Some(plan(&mut random));
    for _ in 0..random.below(6) {
        trouble(&mut random, &mut scenario);
    }
    let end = Incident::Weather(fine(&mut random));
    scenario.incidents.push((scenario.heals_at, end));
    scenario.incidents.sort_by_key(|(at, _)| *at);
    scenario
}

/// Settings of all kinds, and weather as it usually is.
pub(super) fn plan(random: &mut Random) -> Plan {
    let seconds = Duration::from_secs;
    Plan {
        settings: Settings {
            verify_interval: random.pick(&[seconds(10), seconds(10), seconds(40)]),
            call_timeout: random.pick(&[seconds(5), seconds(5), seconds(3)]),
            backoff_first: seconds(1),
            backoff_longest: random.pick(&[seconds(8), seconds(15)]),
            burst: random.pick(&[10, 10, 5]),
            refill: seconds(1),
            source: None,
            preferred: false,
        },
        weather: fine(random),
    }
}

pub(super) fn fine(random: &mut Random) -> Weather {
    let milliseconds = Duration::from_millis;
    Weather::good(
        random.pick(&[milliseconds(5), milliseconds(50), milliseconds(300)]),
        random.pick(&[milliseconds(5), milliseconds(200)]),
        random.pick(&[Duration::ZERO, Duration::ZERO, milliseconds(2500)]),
    )
}

/// The provider is not well for a while, or somebody moves the address.
fn trouble(random: &mut Random, scenario: &mut Scenario) {
    let at = random.up_to(scenario.heals_at);
    let later = random.between(at, scenario.heals_at);
    let nodes = scenario.nodes.len();
    if random.chance(20) {
        let node = Place::Node(random.below(nodes));
        let place = random.pick(&[Place::Nowhere, Place::Stranger, node]);
        scenario.incidents.push((at, Incident::Meddle(place)));
        return;
    }
    let mut weather = fine(random);
    match random.below(6) {
        0 => weather.latency = random.between(Duration::ZERO, Duration::from_secs(4)),
        1 => weather.throttled = random.pick(&[30, 90]),
        2 => weather.unwell = random.pick(&[30, 100]),
        3 => weather.lost = random.pick(&[30, 60, 100]),
        4 => weather.without_rights = vec![random.below(nodes)],
        _ => weather.out_of_reach = (0..nodes).filter(|_| random.chance(60)).collect(),
    }
    let mend = Incident::Weather(fine(random));
    scenario
        .incidents
        .extend([(at, Incident::Weather(weather)), (later, mend)]);
}
