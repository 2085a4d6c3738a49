//! A pair in bad weather: cables, partitions, hosts that stand still, reloads, in any order and at
//! any moment. When it is over there is one master, everybody knows which, and nobody was told
//! anything twice or too late.

use std::{
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    needs::{self, Need},
    netns,
    node::Programs,
    pair::{NODES, NOTIFY, Pair, SHARED},
    problem::Result as Lab,
    wait,
};
use pontoon_sys::process::Signal;

use crate::{
    chaos::{dice::Dice, seeded},
    harness::{Failure, Outcome, Test, measured, pontoon},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    for (way, together) in [
        (Way::Unicast, true),
        (Way::Multicast, true),
        (Way::Unicast, false),
    ] {
        let programs = if together { "nodes" } else { "programs_apart" };
        let name = format!("node::storm_over_{way:?}_{programs}_leaves_one_master").to_lowercase();
        let run = move |dice| {
            let pair = build(way, together)?;
            storm(pair, dice)
        };
        let test = Test::new(name, move || seeded(run));
        let test = test.needs(Need::Root).needs(Need::Namespaces);
        tests.push(test.needs(Need::Hosts).needs(Need::User("haproxy")));
    }
}

/// How the nodes talk.
#[derive(Debug, Clone, Copy)]
enum Way {
    Unicast,
    Multicast,
}

const ROUNDS: u32 = 12;
const ROUNDS_IN_FULL: u32 = 150;
/// From the end of the storm until all is as it should be: three adverts and skew, the settling of
/// a rival, and what a busy machine needs.
const SETTLED: Duration = Duration::from_secs(5);
/// Of the other instance in the group.
const SECOND: &str = "10.0.1.101";

fn build(way: Way, together: bool) -> Lab<Pair> {
    let [first, second] = [0, 1].map(|which| keepalived_conf(which, way));
    let programs = match together {
        true => Programs::Together(pontoon()),
        false => Programs::Apart(pontoon()),
    };
    Pair::build(programs, [&first, &second])
}

fn storm(mut pair: Pair, mut dice: Dice) -> Outcome {
    let probe = pair.start()?;
    let rounds = match needs::full() {
        true => ROUNDS_IN_FULL,
        false => ROUNDS,
    };
    let mut past = Vec::new();
    for _ in 0..rounds {
        let which = dice.below(2) as usize;
        let event = dice.pick(&EVENTS);
        let lasts = Duration::from_millis(dice.below(900).into());
        past.push(format!("{event:?} of {which} for {lasts:?}"));
        strike(&pair, which, event)?;
        thread::sleep(lasts);
        calm(&pair, which, event)?;
        thread::sleep(Duration::from_millis(dice.below(400).into()));
    }
    let began = Instant::now();
    let hint = past.join("\n");
    settles(&pair).map_err(|failure| failure.with(&hint))?;
    measured(&format!("settled {:?} after the storm", began.elapsed()));
    pair.await_service(&probe)?;
    in_order(&pair).map_err(|failure| failure.with(&hint))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Unplugged,
    Silenced,
    Deaf,
    Paused,
    Reloaded,
    ElectionStopped,
}

const EVENTS: [Event; 6] = [
    Event::Unplugged,
    Event::Silenced,
    Event::Deaf,
    Event::Paused,
    Event::Reloaded,
    Event::ElectionStopped,
];

fn strike(pair: &Pair, which: usize, event: Event) -> Lab<()> {
    let host = &pair.nodes[which].host;
    match event {
        Event::Unplugged => pair.network.unplug(host.namespace()),
        Event::Silenced => pair.network.silence(host.namespace()),
        // One way only: the other is heard and does not hear.
        Event::Deaf => pair
            .network
            .sever(pair.namespace(1 - which), host.namespace()),
        Event::Paused => {
            host.pause();
            Ok(())
        }
        Event::Reloaded => {
            let name = match host.processes("pontoon").is_empty() {
                true => "keepalived",
                false => "pontoon",
            };
            host.signal_all(name, Signal::HUP).map(drop)
        }
        Event::ElectionStopped => host.signal_all("keepalived", Signal::STOP).map(drop),
    }
}

fn calm(pair: &Pair, which: usize, event: Event) -> Lab<()> {
    let host = &pair.nodes[which].host;
    match event {
        Event::Unplugged => pair.network.plug(host.namespace()),
        Event::Silenced | Event::Deaf => pair.network.heal(),
        Event::Paused => {
            host.resume();
            Ok(())
        }
        Event::Reloaded => Ok(()),
        Event::ElectionStopped => host.signal_all("keepalived", Signal::CONT).map(drop),
    }
}

/// The first node has both addresses, and the client knows.
fn settles(pair: &Pair) -> Outcome {
    let mut since = None;
    let settled = wait::until("the pair to settle", SETTLED, || {
        if !is_settled(pair) {
            since = None;
            return None;
        }
        let since = *since.get_or_insert_with(Instant::now);
        (since.elapsed() > Duration::from_secs(1)).then_some(())
    });
    settled.map_err(|problem| complain(pair, &problem.to_string()))
}

fn is_settled(pair: &Pair) -> bool {
    let second = SECOND.parse();
    let both = |which: usize| {
        let host = &pair.nodes[which].host;
        [
            pair.holds(which),
            second.as_ref().is_ok_and(|second| host.holds(*second)),
        ]
    };
    both(0) == [true; 2]
        && both(1) == [false; 2]
        && pair.last_note(0) == "MASTER"
        && pair.last_note(1) == "BACKUP"
}

fn in_order(pair: &Pair) -> Outcome {
    let real = netns::hardware_address(pair.namespace(0), "eth0")?;
    let believed = netns::neighbour(pair.client(), &SHARED.to_string())?;
    assert_eq!(believed, Some(real), "the client's neighbour");
    for which in [0, 1] {
        let notes = pair.notes(which);
        let states: Vec<_> = notes.lines().collect();
        if states.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(complain(pair, "somebody was told the same twice"));
        }
    }
    Ok(())
}

fn complain(pair: &Pair, what: &str) -> Failure {
    let [first, second] = [0, 1].map(|which| {
        let (said, told) = (pair.nodes[which].output(), pair.notes(which));
        let held = pair.nodes[which].host.addresses();
        format!("{said}\ntold: {told:?}\nholds: {held:?}")
    });
    Failure::from(format!("{what}\n-- first:\n{first}\n-- second:\n{second}"))
}

fn keepalived_conf(which: usize, way: Way) -> String {
    let (own, peer, priority) = (NODES[which], NODES[1 - which], [101, 100][which]);
    let way = match way {
        Way::Unicast => {
            format!("unicast_src_ip {own}\n unicast_peer {{\n  {peer}\n }}")
        }
        Way::Multicast => String::new(),
    };
    let instance = |number: u8, address: &str, notify: &str| {
        format!(
            "vrrp_instance VI_{number} {{
 interface eth0
 virtual_router_id {number}
 priority {priority}
 advert_int 0.1
 {way}
 virtual_ipaddress {{
  {address}/24
 }}
 {notify}
}}
"
        )
    };
    let (first, second) = (
        instance(51, &SHARED.to_string(), &format!("notify {NOTIFY}")),
        instance(52, SECOND, ""),
    );
    format!(
        "global_defs {{
 vrrp_version 3
 script_user root
}}
vrrp_sync_group G {{
 group {{
  VI_51
  VI_52
 }}
}}
{first}{second}"
    )
}
