//! A proxy that crashes and comes back, or cannot: where the address is meanwhile.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use pontoon_lab::{
    needs::Need,
    netns,
    node::Programs,
    pair::{NODES, NOTIFY, Pair, SHARED},
    problem::Trying as _,
    wait,
};
use pontoon_sys::process::{Signal, child::signal_pid};

use super::supervision::Scene;
use crate::harness::{Failure, Outcome, Test, measured, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    let test = Test::new(
        "node::crashed_proxy_that_cannot_bind_leaves_the_address_to_others",
        cannot_bind_again,
    );
    tests.push(test.needs(Need::Root).needs(Need::Namespaces));
    let test = Test::new(
        "node::crashing_proxy_does_not_move_the_address_to_and_fro",
        crash_loop,
    );
    let test = test.needs(Need::Root).needs(Need::Namespaces);
    tests.push(test.needs(Need::Hosts).needs(Need::User("haproxy")));
    let test = Test::new(
        "node::killed_election_is_replaced_by_the_other_node_at_once",
        killed_election,
    );
    let test = test.needs(Need::Root).needs(Need::Namespaces);
    tests.push(test.needs(Need::Hosts).needs(Need::User("haproxy")));
}

/// Somebody else took its port while it was dead.
fn cannot_bind_again() -> Outcome {
    let mut scene = Scene::new()?;
    signal_pid(scene.child("haproxy")?, Signal::KILL)?;
    let port = SocketAddr::from(([0, 0, 0, 0], 8563));
    let squatter = wait::until("the port to be free", wait::PATIENCE, || {
        netns::inside(&scene.namespace, || TcpListener::bind(port).trying("bind")).ok()
    })?;
    scene.until_held(false)?;
    for part in [
        "cannot bind socket",
        "the proxy exited with code 1; it will be started again in 2 s",
    ] {
        let told = |line: &str| line.contains(part);
        scene.node.wait_for_line("the reason to be told", told)?;
    }
    assert!(!scene.holds(), "{}", scene.said());
    let status = scene.status_now()?;
    let told = status.vrrp.map(|vrrp| vrrp.to_string()).unwrap_or_default();
    assert!(told.contains("cannot start"), "{told}");
    drop(squatter);
    scene.until_held(true)?;
    scene.must_run()
}

/// How long a proxy must run to be trusted again; the second time twice as long.
const STABLE: Duration = Duration::from_secs(3);

fn crash_loop() -> Outcome {
    let [first, second] = [0, 1].map(|which| keepalived_conf(which, 0.1));
    let mut pair = Pair::build(Programs::Together(pontoon()), [&first, &second])?;
    let probe = pair.start()?;
    for _ in 0..2 {
        pair.nodes[0].kill_proxy()?;
        pair.await_master(1)?;
        comes_back(&pair)?;
    }
    let began = Instant::now();
    pair.await_service(&probe)?;
    // Held for twice the time, from when it serves.
    while began.elapsed() < STABLE * 3 / 2 {
        assert!(pair.holds(1) && !pair.holds(0), "{}", said(&pair));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(pair.notes(1), "BACKUP\nMASTER\n", "{}", said(&pair));
    // The other one is gone: better one that has crashed than none.
    pair.network.silence(pair.namespace(1))?;
    pair.nodes[1].host.power_off();
    pair.await_master(0)?;
    assert!(
        began.elapsed() < STABLE * 2,
        "too late to prove that it need not be trusted"
    );
    Ok(())
}

/// Its supervisor resigns in its place: the other one need not wait until it misses it, which takes
/// three seconds and a half.
fn killed_election() -> Outcome {
    let [first, second] = [0, 1].map(|which| keepalived_conf(which, 1.0));
    let mut pair = Pair::build(Programs::Together(pontoon()), [&first, &second])?;
    let _probe = pair.start()?;
    pair.nodes[0].kill_election()?;
    let began = Instant::now();
    pair.nodes[1].wait_until_holds(IpAddr::V4(SHARED))?;
    let took = began.elapsed();
    measured(&format!(
        "address with the other node {took:?} after the election was killed"
    ));
    assert!(took < Duration::from_secs(2), "{took:?}\n{}", said(&pair));
    let told = |line: &str| line.contains("told 10.0.1.190 that the election resigns");
    let output = pair.nodes[0].output();
    assert!(output.lines().any(told), "{output}");
    // Started again, it is the preferred node as before.
    pair.await_master(0)?;
    Ok(pair.nodes[1].wait_until_free_of(IpAddr::V4(SHARED))?)
}

/// The first node's proxy serves again; it is not trusted yet.
fn comes_back(pair: &Pair) -> Outcome {
    let node = &pair.nodes[0];
    node.wait_for("the proxy to be back", || {
        pair.last_note(0) == "BACKUP" && !node.host.processes("haproxy").is_empty()
    })?;
    assert!(
        !pair.nodes[0].host.holds(IpAddr::V4(SHARED)),
        "{}",
        said(pair)
    );
    Ok(())
}

fn said(pair: &Pair) -> Failure {
    let [first, second] = [0, 1].map(|which| {
        let (said, told) = (pair.nodes[which].output(), pair.notes(which));
        format!("{said}\ntold: {told:?}")
    });
    Failure::from(format!("-- first:\n{first}\n-- second:\n{second}"))
}

fn keepalived_conf(which: usize, interval: f32) -> String {
    let (own, peer, priority) = (NODES[which], NODES[1 - which], [101, 100][which]);
    let stable = STABLE.as_secs();
    format!(
        "global_defs {{
    vrrp_version 3
    script_user root
    proxy_stable_time {stable}
}}
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int {interval}
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
