//! Addresses and routes: taken, announced, put back, given up.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use pontoon_config::keepalived::model::{Instance, Model, Route};
use pontoon_engine::vrrp::Priority;
use pontoon_lab::{
    needs::Need,
    netns::{self, hardware_address, neighbour},
    problem::Trying as _,
};

use super::{
    on_a_stage,
    stage::{Stage, VI, address, extra_addresses, instance, ip, model, ping, same},
};
use crate::harness::{Outcome, Test};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(on_a_stage("addresses_come_and_go", come_and_go));
    tests.push(on_a_stage("routes_come_and_go_with_the_addresses", routes));
    tests.push(on_a_stage(
        "one_address_that_fails_keeps_no_other",
        one_fails,
    ));
    tests.push(on_a_stage("a_neighbour_follows_the_address", neighbours));
    tests.push(on_a_stage(
        "an_ipv6_neighbour_follows_the_address",
        neighbours_6,
    ));
    tests.push(on_a_stage("an_address_taken_away_is_put_back", put_back));
    tests.push(on_a_stage("what_a_predecessor_left_is_removed", clean));
    tests.push(on_a_stage("an_owner_keeps_its_own", owner));
    tests.push(on_a_stage("fixed_addresses_stay_until_the_end", fixed));
    let paced = on_a_stage("announcements_keep_their_pace", pace);
    tests.push(paced.needs(Need::Program("tcpdump")));
}

fn come_and_go() -> Outcome {
    let stage = Stage::new()?;
    let mut labelled = address("10.0.1.9/24");
    labelled.label = Some("eth0:1".into());
    labelled.broadcast = "10.0.1.255".parse().ok();
    let settings = Instance {
        addresses: vec![labelled, address("10.0.1.10/32")],
        excluded: vec![address("fd00::9/128")],
        ..instance(&[])
    };
    let mut node = stage.node(&stage.a, model(vec![settings]))?;
    let would = node.network.would_hold(VI);
    same(node.network.held(), vec![], "nothing yet")?;
    node.acts(|network| network.acquire(VI))?;
    let wanted = ["10.0.1.10/32", "10.0.1.9/24", "fd00::9/128"];
    let mut there = extra_addresses(&stage.a)?;
    there.sort();
    same(there, wanted.map(str::to_owned).to_vec(), "all at once")?;
    same(node.network.held(), would, "as promised")?;
    same(
        node.network.held().len(),
        3,
        "the supervisor must know of all",
    )?;
    node.acts(|network| network.acquire(VI))?;
    node.acts(|network| network.release(VI))?;
    same(extra_addresses(&stage.a)?, vec![], "all gone at once")?;
    node.acts(|network| network.release(VI))?;
    node.says("cannot", 0)
}

fn routes() -> Outcome {
    let stage = Stage::new()?;
    let route = Route {
        destination: "10.7.0.0/16".parse().map_err(|_| "no network")?,
        gateway: "10.0.1.2".parse().ok(),
        interface: None,
        source: "10.0.1.9".parse().ok(),
        metric: None,
        table: None,
        scope: None,
    };
    let settings = Instance {
        routes: vec![route],
        ..instance(&["10.0.1.9/24"])
    };
    let mut node = stage.node(&stage.a, model(vec![settings]))?;
    let shown = || {
        let mut command = netns::command(&stage.a, "ip");
        let output = command.args(["route", "show", "10.7.0.0/16"]).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    node.acts(|network| network.acquire(VI))?;
    let there = shown()?;
    same(
        there.contains("via 10.0.1.2 dev eth0 proto keepalived src 10.0.1.9"),
        true,
        &there,
    )?;
    // With the interface the kernel drops its routes, and says nothing of it.
    ip(&stage.a, "link set eth0 down")?;
    ip(&stage.a, "link set eth0 up")?;
    same(shown()?, String::new(), "dropped")?;
    node.works_until("the route to be back", || {
        shown().is_ok_and(|shown| shown == there)
    })?;
    node.acts(|network| network.release(VI))?;
    same(shown()?, String::new(), "gone")?;
    node.says("cannot", 0)
}

fn one_fails() -> Outcome {
    let stage = Stage::new()?;
    ip(&stage.a, "link add near type veth peer name far")?;
    let mut elsewhere = address("10.0.2.9/24");
    elsewhere.interface = Some("near".into());
    // Within one network the kernel wants one scope.
    let mut odd = address("10.0.1.10/24");
    odd.scope = Some(253);
    let settings = Instance {
        addresses: vec![odd, elsewhere, address("10.0.1.11/24")],
        ..instance(&[])
    };
    let mut node = stage.node(&stage.a, model(vec![settings]))?;
    node.acts(|network| network.acquire(VI))?;
    same(
        extra_addresses(&stage.a)?,
        vec!["10.0.1.11/24".into()],
        "the good one",
    )?;
    node.says(
        "(VI_1) cannot add 10.0.1.10/24 on eth0: Invalid argument",
        1,
    )?;
    ip(&stage.a, "link del near")?;
    node.acts(|network| network.release(VI))?;
    same(extra_addresses(&stage.a)?, vec![], "the good one is gone")?;
    node.says("cannot remove", 0)
}

/// `b` has spoken with `a` and must speak with `c` without a question.
fn follow(virtual_address: &str, prefixed: &str, on_c: &str) -> Outcome {
    let mut stage = Stage::new()?;
    let c = stage.bridge.host("c", &[on_c])?;
    ping(&stage.b, on_c.split('/').next().unwrap_or_default())?;
    let settings = || model(vec![instance(&[prefixed])]);
    let mut first = stage.node(&stage.a, settings())?;
    let mut second = stage.node(&c, settings())?;
    first.acts(|network| network.acquire(VI))?;
    ping(&stage.b, virtual_address)?;
    let believed = || neighbour(&stage.b, virtual_address);
    same(
        believed()?,
        Some(hardware_address(&stage.a, "eth0")?),
        "the first holds it",
    )?;
    first.acts(|network| network.release(VI))?;
    second.acts(|network| {
        network.acquire(VI);
        network.announce(VI, 5);
    })?;
    let there = Some(hardware_address(&c, "eth0")?);
    second.works_until("the neighbour to follow", || {
        believed().is_ok_and(|now| now == there)
    })?;
    ping(&stage.b, virtual_address)
}

fn neighbours() -> Outcome {
    follow("10.0.1.9", "10.0.1.9/32", "10.0.1.3/24")
}

fn neighbours_6() -> Outcome {
    follow("fd00::9", "fd00::9/128", "fd00::3/64")
}

fn put_back() -> Outcome {
    let stage = Stage::new()?;
    let settings = instance(&["10.0.1.9/24", "10.0.1.10/24"]);
    let mut node = stage.node(&stage.a, model(vec![settings]))?;
    node.acts(|network| network.acquire(VI))?;
    ip(&stage.a, "addr del 10.0.1.9/24 dev eth0")?;
    let held = || extra_addresses(&stage.a).is_ok_and(|all| all.len() == 2);
    node.works_until("the address to be back", held)?;
    node.says("(VI_1) 10.0.1.9 was taken from eth0: put back", 1)?;
    // A busy opponent is not answered faster than the file of the log can be read.
    let began = Instant::now();
    for _ in 0..3 {
        ip(&stage.a, "addr flush dev eth0")?;
        node.works_until("the addresses to be back", held)?;
    }
    same(
        began.elapsed() > Duration::from_millis(400),
        true,
        "no race",
    )?;
    node.acts(|network| network.release(VI))?;
    node.works_for(Duration::from_millis(300))?;
    same(extra_addresses(&stage.a)?, vec![], "given up for good")
}

fn clean() -> Outcome {
    let stage = Stage::new()?;
    let settings = || Instance {
        excluded: vec![address("fd00::9/128")],
        ..instance(&["10.0.1.9/24", "10.0.1.10/32"])
    };
    let mut killed = stage.node(&stage.a, model(vec![settings()]))?;
    killed.acts(|network| network.acquire(VI))?;
    drop(killed);
    ip(&stage.a, "addr add 10.0.1.99/32 dev eth0")?;
    // Left with another prefix length than the file has now.
    ip(&stage.a, "addr del 10.0.1.10/32 dev eth0")?;
    ip(&stage.a, "addr add 10.0.1.10/28 dev eth0")?;
    ip(&stage.a, "addr add 10.0.1.10/29 dev eth0")?;
    let mut node = stage.node(&stage.a, model(vec![settings()]))?;
    same(
        node.network.source(VI).map(|one| one.to_string()),
        Some("10.0.1.1".into()),
        "",
    )?;
    node.network.clean();
    same(
        extra_addresses(&stage.a)?,
        vec!["10.0.1.99/32".into()],
        "a stranger's stays",
    )?;
    node.says("(VI_1) removed 10.0.1.9/24 on eth0: left behind", 1)?;
    node.acts(|network| network.acquire(VI))?;
    node.network.clean();
    same(
        extra_addresses(&stage.a)?.len(),
        4,
        "what is held is not cleaned",
    )
}

fn owner() -> Outcome {
    let stage = Stage::new()?;
    let settings = Instance {
        priority: Priority::OWNER,
        ..instance(&["10.0.1.1/24", "10.0.1.9/24"])
    };
    let mut node = stage.node(&stage.a, model(vec![settings]))?;
    let own = "10.0.1.1/24".to_owned();
    let all = || netns::addresses(&stage.a, "eth0");
    same(
        node.network.source(VI).map(|one| one.to_string()),
        Some("10.0.1.1".into()),
        "",
    )?;
    node.network.clean();
    same(all()?.contains(&own), true, "not cleaned")?;
    same(
        node.network.would_hold(VI).len(),
        1,
        "only what was added may be removed",
    )?;
    node.acts(|network| network.acquire(VI))?;
    same(node.network.held().len(), 1, "the same afterwards")?;
    node.acts(|network| network.release(VI))?;
    same(all()?.contains(&own), true, "still there")?;
    same(extra_addresses(&stage.a)?, vec![], "the other one is gone")
}

fn fixed() -> Outcome {
    let stage = Stage::new()?;
    let mut fixed = address("10.0.1.50/32");
    fixed.interface = Some("eth0".into());
    let file = Model {
        static_addresses: vec![fixed],
        ..model(vec![instance(&["10.0.1.9/24"])])
    };
    let mut node = stage.node(&stage.a, file)?;
    same(
        extra_addresses(&stage.a)?,
        vec!["10.0.1.50/32".into()],
        "from the start",
    )?;
    same(node.network.held().len(), 1, "the supervisor knows")?;
    node.acts(|network| network.acquire(VI))?;
    node.acts(pontoon::election::network::Network::close)?;
    same(extra_addresses(&stage.a)?, vec![], "everything is gone")
}

fn pace() -> Outcome {
    let stage = Stage::new()?;
    let mut file = model(vec![instance(&["10.0.1.9/24", "10.0.1.10/24"])]);
    file.global.garp_interval = Duration::from_millis(50);
    let mut node = stage.node(&stage.a, file)?;
    let mut capture = netns::command(&stage.b, "tcpdump");
    let filter = ["-l", "-n", "-tt", "-i", "eth0", "arp"];
    let capture = capture
        .args(filter)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut capture = capture.spawn().trying("start tcpdump")?;
    let ready = BufReader::new(capture.stderr.take().ok_or("no messages")?);
    for line in ready.lines() {
        if line?.contains("listening on") {
            break;
        }
    }
    node.acts(|network| {
        network.acquire(VI);
        network.announce(VI, 3);
    })?;
    let mut lines = BufReader::new(capture.stdout.take().ok_or("no output")?).lines();
    let mut times = Vec::new();
    let mut order = Vec::new();
    node.works_for(Duration::from_millis(400))?;
    while order.len() < 6 {
        let line = lines.next().ok_or("tcpdump ended")??;
        let time: f64 = line
            .split(' ')
            .next()
            .and_then(|time| time.parse().ok())
            .ok_or("time")?;
        times.push(time);
        order.push(line.contains("10.0.1.10"));
    }
    same(order, [false, true].repeat(3), "round by round")?;
    let gaps = times.windows(2).all(|pair| pair[1] - pair[0] > 0.045);
    same(gaps, true, &format!("{times:?}"))?;

    node.acts(|network| {
        network.announce(VI, 100);
        network.release(VI);
    })?;
    node.works_for(Duration::from_millis(200))?;
    capture.kill()?;
    capture.wait()?;
    same(
        lines.count() <= 1,
        true,
        "what is given up is announced no more",
    )
}
