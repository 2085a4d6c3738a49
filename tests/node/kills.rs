//! Processes of a pair killed at random: afterwards one node has the address, everybody knows which,
//! and nothing is left over.

use std::{
    fs,
    net::IpAddr,
    time::{Duration, Instant},
};

use pontoon_lab::{
    needs::{self, Need},
    netns,
    node::{Node, Programs},
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
    let test = Test::new("node::kills_at_random_leave_one_master", || {
        seeded(at_random)
    });
    let test = test.needs(Need::Root).needs(Need::Namespaces);
    tests.push(test.needs(Need::Hosts).needs(Need::User("haproxy")));
}

const ROUNDS: u32 = 6;
const ROUNDS_IN_FULL: u32 = 60;
/// A process that was killed many times waits this long before it is started again.
const PATIENCE: Duration = Duration::from_secs(70);
/// How long the children of a dead supervisor may take to end.
const GRACE: Duration = Duration::from_secs(6);
/// No process of ours needs as many.
const DESCRIPTORS: usize = 48;

/// The processes of a node, by their names.
const NAMES: [&str; 3] = ["pontoon", "keepalived", "haproxy"];

fn at_random(mut dice: Dice) -> Outcome {
    let [first, second] = [0, 1].map(keepalived_conf);
    let mut pair = Pair::build(Programs::Together(pontoon()), [&first, &second])?;
    let probe = pair.start()?;
    let rounds = match needs::full() {
        true => ROUNDS_IN_FULL,
        false => ROUNDS,
    };
    let mut struck = Vec::new();
    for _ in 0..rounds {
        let which = dice.below(2) as usize;
        let victim = dice.pick(&["haproxy", "keepalived", "pontoon", "all", "hang"]);
        struck.push(format!("{which}: {victim}"));
        strike(&pair, which, victim)?;
        std::thread::sleep(Duration::from_millis(dice.below(900).into()));
        mend(&mut pair, which)?;
    }
    let began = Instant::now();
    settles(&mut pair).map_err(|failure| failure.with(&format!("{struck:?}")))?;
    measured(&format!("{struck:?} settled after {:?}", began.elapsed()));
    pair.await_service(&probe)?;
    nothing_is_left(&pair)
}

fn strike(pair: &Pair, which: usize, victim: &str) -> Lab<()> {
    let host = &pair.nodes[which].host;
    match victim {
        // At one moment: none sees another's end.
        "all" => {
            host.pause();
            for name in NAMES {
                host.signal_all(name, Signal::KILL)?;
            }
            host.resume();
        }
        "hang" => {
            host.signal_all("keepalived", Signal::STOP)?;
        }
        name => {
            host.signal_all(name, Signal::KILL)?;
        }
    }
    Ok(())
}

/// Whoever starts nodes starts one again that has ended.
fn mend(pair: &mut Pair, which: usize) -> Lab<()> {
    let node = &mut pair.nodes[which];
    if !node.host.processes("pontoon").is_empty() {
        return Ok(());
    }
    // Its children notice that their supervisor is gone. One that hangs cannot: whoever starts a
    // unit again kills first what is left of it.
    let host = &node.host;
    let left = || NAMES.iter().any(|name| !host.processes(name).is_empty());
    if wait::until("the rest to end", GRACE, || (!left()).then_some(())).is_err() {
        for name in NAMES {
            host.signal_all(name, Signal::KILL)?;
        }
        node.wait_for("what is left to end", || !left())?;
    }
    node.start()
}

/// One node has the address and has said so, and the client knows where it is.
fn settles(pair: &mut Pair) -> Outcome {
    let mut since = None;
    let settled = wait::until("the pair to settle", PATIENCE, || {
        if !is_settled(pair) {
            since = None;
            return None;
        }
        let since = *since.get_or_insert_with(Instant::now);
        (since.elapsed() > Duration::from_secs(1)).then_some(())
    });
    settled.map_err(|problem| {
        let [first, second] = [0, 1].map(|which| {
            let (said, told) = (pair.nodes[which].output(), pair.notes(which));
            let held = pair.holds(which);
            format!("{said}\nholds: {held}\ntold: {told:?}")
        });
        Failure::from(format!(
            "{problem}\n-- first:\n{first}\n-- second:\n{second}"
        ))
    })
}

fn is_settled(pair: &Pair) -> bool {
    let [first, second] = [0, 1].map(|which| pair.holds(which));
    let notes = [0, 1].map(|which| pair.last_note(which));
    let holder = usize::from(second);
    // A proxy that was killed often may still wait to be started.
    let complete = |node: &Node| {
        NAMES
            .iter()
            .all(|name| node.host.processes(name).len() == 1)
    };
    first != second
        && notes[holder] == "MASTER"
        && notes[1 - holder] != "MASTER"
        && pair.nodes.iter().all(complete)
}

fn nothing_is_left(pair: &Pair) -> Outcome {
    let holder = usize::from(pair.holds(1));
    let believed = netns::neighbour(pair.client(), &SHARED.to_string())?;
    let real = netns::hardware_address(pair.namespace(holder), "eth0")?;
    assert_eq!(believed, Some(real), "the client's neighbour");
    for node in &pair.nodes {
        let host = &node.host;
        assert!(host.holds(IpAddr::V4(SHARED)) || host.addresses()?.len() < 3);
        for name in NAMES {
            let pids = host.processes(name);
            assert_eq!(pids.len(), 1, "{name}: {pids:?}; {}", node.output());
            let open = fs::read_dir(format!("/proc/{}/fd", pids[0]))?.count();
            assert!(open < DESCRIPTORS, "{name} has {open} descriptors");
            let status = fs::read_to_string(format!("/proc/{}/status", pids[0]))?;
            assert!(!status.contains("State:\tZ"), "{status}");
        }
    }
    Ok(())
}

fn keepalived_conf(which: usize) -> String {
    let (own, peer, priority) = (NODES[which], NODES[1 - which], [101, 100][which]);
    format!(
        "global_defs {{
    vrrp_version 3
    script_user root
    proxy_stable_time 1
}}
vrrp_instance VI_1 {{
    interface eth0
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
