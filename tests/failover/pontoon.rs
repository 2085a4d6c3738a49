//! Pairs of two Pontoons: what a client sees when something breaks, and who has the address then.
//!
//! The bounds are generous, for a busy machine; `benches/failover` measures.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use pontoon_lab::{
    needs::Need,
    node::Programs,
    pair::{NODES, NOTIFY, Pair, SHARED},
    probe::{Outage, Probe},
    problem::Result as Lab,
    wait,
};

use super::on_hosts;
use crate::harness::{Failure, Outcome, Test, pontoon};

/// Something that happens to the preferred node, which is master.
struct Event {
    name: &'static str,
    strike: fn(&mut Pair) -> Lab<()>,
    /// Who has the address in the end.
    then: usize,
    /// The longest time without service.
    bound: Duration,
    /// Whether it makes sense only for a node started by one command.
    together_only: bool,
}

const EVENTS: [Event; 8] = [
    Event {
        name: "proxy_killed",
        strike: |pair| pair.nodes[0].kill_proxy(),
        then: 1,
        bound: Duration::from_millis(500),
        together_only: false,
    },
    Event {
        name: "proxy_hung",
        strike: |pair| pair.nodes[0].hang_proxy(),
        then: 1,
        bound: Duration::from_millis(3500),
        together_only: false,
    },
    Event {
        name: "daemon_stopped",
        strike: |pair| pair.nodes[0].stop_daemon(),
        then: 1,
        bound: Duration::from_millis(500),
        together_only: false,
    },
    Event {
        name: "supervisor_killed",
        strike: |pair| pair.nodes[0].kill_first(),
        then: 1,
        bound: Duration::from_millis(1000),
        together_only: true,
    },
    Event {
        name: "carrier_lost",
        strike: |pair| pair.network.unplug(pair.namespace(0)),
        then: 1,
        bound: Duration::from_millis(1000),
        together_only: true,
    },
    Event {
        name: "partition_heals",
        strike: partition_and_heal,
        then: 0,
        bound: Duration::from_millis(1000),
        together_only: true,
    },
    Event {
        name: "failback",
        strike: leave_and_come_back,
        then: 0,
        bound: Duration::from_millis(500),
        together_only: false,
    },
    Event {
        name: "node_killed",
        strike: |pair| {
            pair.network.silence(pair.namespace(0))?;
            pair.nodes[0].host.power_off();
            Ok(())
        },
        then: 1,
        bound: Duration::from_millis(1000),
        together_only: true,
    },
];

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    for together in [true, false] {
        let way = if together { "together" } else { "apart" };
        for event in EVENTS {
            if together || !event.together_only {
                let name = format!("pontoon_{way}_{}", event.name);
                tests.push(with_proxy(on_hosts(&name, move || play(&event, together))));
            }
        }
        let name = format!("pontoon_{way}_starts_with_one_master");
        tests.push(with_proxy(on_hosts(&name, move || {
            one_master_at_start(together)
        })));
    }
    let test = on_hosts("pontoon_election_killed_leaves_one_holder", election_killed);
    tests.push(with_proxy(test));
}

fn with_proxy(test: Test) -> Test {
    test.needs(Need::User("haproxy"))
}

fn play(event: &Event, together: bool) -> Outcome {
    let mut pair = build(together)?;
    let probe = pair.start()?;
    let began = Instant::now();
    (event.strike)(&mut pair)?;
    settles(&pair, event.then)?;
    pair.await_service(&probe)?;
    let outage = outage_since(probe, began)?;
    if !outage.recovered || outage.length > event.bound {
        return Err(complain(&pair, &format!("the client saw {outage:?}")));
    }
    Ok(())
}

fn partition_and_heal(pair: &mut Pair) -> Lab<()> {
    pair.network.silence(pair.namespace(0))?;
    pair.await_master(1)?;
    pair.network.heal()
}

fn leave_and_come_back(pair: &mut Pair) -> Lab<()> {
    pair.nodes[0].stop()?;
    pair.await_master(1)?;
    pair.nodes[0].start()
}

fn election_killed() -> Outcome {
    let mut pair = build(true)?;
    let probe = pair.start()?;
    let began = Instant::now();
    pair.nodes[0].kill_election()?;
    // Its supervisor starts another; whoever is master then, it is one.
    wait::until("a new election", wait::PATIENCE, || {
        let started = !pair.nodes[0].host.processes("keepalived").is_empty();
        (started && pair.holders() == 1).then_some(())
    })?;
    settles(&pair, 0)?;
    pair.await_service(&probe)?;
    let outage = outage_since(probe, began)?;
    if outage.length > Duration::from_secs(2) {
        return Err(complain(&pair, &format!("the client saw {outage:?}")));
    }
    Ok(())
}

fn one_master_at_start(together: bool) -> Outcome {
    const STARTS: usize = 5;
    let mut pair = build(together)?;
    for _ in 0..STARTS {
        pair.start_at_once(together)?;
        settles(&pair, 0)?;
        pair.await_standby(1)?;
        let notes = pair.notes(1);
        if notes.contains("MASTER") {
            return Err(complain(
                &pair,
                &format!("the second node was told {notes:?}"),
            ));
        }
        // The standby first, or it would be master in between.
        pair.nodes[1].stop()?;
        pair.nodes[0].stop()?;
    }
    Ok(())
}

pub(super) fn build(together: bool) -> Lab<Pair> {
    let programs = match together {
        true => Programs::Together(pontoon()),
        false => Programs::Apart(pontoon()),
    };
    let [first, second] = [0, 1].map(keepalived_conf);
    Pair::build(programs, [&first, &second])
}

/// One node has the address and the other has not, unless it is dead or cut off.
pub(super) fn settles(pair: &Pair, holder: usize) -> Outcome {
    let node = &pair.nodes[holder];
    node.wait_until_holds(IpAddr::V4(SHARED))?;
    let settled = wait::until("the pair to settle", wait::PATIENCE, || {
        let other = pair.holds(1 - holder);
        (pair.holds(holder) && !other && pair.last_note(holder) == "MASTER").then_some(())
    });
    settled.map_err(|problem| complain(pair, &problem.to_string()))
}

fn outage_since(probe: Probe, began: Instant) -> Lab<Outage> {
    const BEFORE: Duration = Duration::from_millis(250);
    let from = began.checked_sub(BEFORE).unwrap_or(began);
    let mut attempts = probe.finish()?;
    attempts.retain(|attempt| attempt.began >= from);
    Ok(Outage::longest(&attempts))
}

pub(super) fn complain(pair: &Pair, what: &str) -> Failure {
    let [first, second] = [0, 1].map(|which| {
        let (said, told) = (pair.nodes[which].output(), pair.notes(which));
        format!("{said}\ntold: {told:?}")
    });
    Failure::from(format!("{what}\n-- first:\n{first}\n-- second:\n{second}"))
}

pub(super) fn keepalived_conf(which: usize) -> String {
    let (own, peer, priority) = (NODES[which], NODES[1 - which], [101, 100][which]);
    format!(
        "global_defs {{
    vrrp_version 3
    script_user root
}}

vrrp_instance VI_1 {{
    interface eth0
    state BACKUP
    virtual_router_id 51
    priority {priority}
    advert_int 0.1
    unicast_src_ip {own}
    unicast_peer {{
        {peer}
    }}
    virtual_ipaddress {{
        {SHARED}/24
    }}
    notify {NOTIFY}
}}
"
    )
}
