//! The best node's proxy crashes again and again.

use std::time::Duration;

use pontoon_engine::vrrp::{
    Version,
    event::{Proxy, ProxyFault, Servers},
};

use super::{Incident, Node, Quality, Scenario};
use crate::simulation::random::Random;

/// Two or three nodes; the proxy of the first, which has the highest priority, lives from half a
/// beat to a minute of beats, each time about as long, for ten minutes of beats.
pub(crate) fn crash_loop(seed: u64) -> Scenario {
    let mut random = Random::new(seed);
    let version = random.pick(&[Version::V2, Version::V3]);
    let beat = Duration::from_secs(1);
    let ends_at = beat * 600;
    let usable = Proxy::Serving(Servers::Usable);
    let mut nodes: Vec<_> = [150, 100, 50]
        .map(|priority| Node::plain(priority, beat))
        .into();
    nodes.truncate(random.pick(&[2, 3]));
    for node in &mut nodes {
        node.proxy = usable;
    }
    let mut incidents: Vec<_> = (0..nodes.len())
        .map(|node| (random.up_to(beat), Incident::Start(node)))
        .collect();
    let life = random.between(beat / 2, beat * 60);
    let mut now = beat * 20;
    let heals_at = ends_at - beat * 60;
    while now < heals_at - beat * 61 {
        for (proxy, lasts) in [
            (Proxy::Down(ProxyFault::Died), beat / 10),
            (Proxy::Starting, beat / 10),
            (usable, random.between(life / 2, life)),
        ] {
            incidents.push((now, Incident::Proxy(0, proxy)));
            now += lasts;
        }
    }
    incidents.sort_by_key(|(at, _): &(Duration, _)| *at);
    Scenario {
        seed,
        version,
        ipv6: false,
        multicast: random.chance(50),
        beat,
        nodes,
        routers: 1,
        grouped: false,
        network: Quality {
            least_delay: Duration::from_micros(50),
            jitter: beat / 500,
            loss: 0,
            duplicates: 0,
        },
        neighbours: vec![0],
        incidents,
        cloud: None,
        heals_at,
        ends_at,
    }
}
