//! Addresses and interfaces that others take away from a master: afterwards all is as it was.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::wait;
use pontoon_sys::process::{Signal, child::signal_pid};

use super::{
    Seeded,
    nuisance::in_step,
    register_seeded,
    supervision::{HAPROXY, KEEPALIVED, Scene},
};
use crate::{
    chaos::dice::Dice,
    harness::{Failure, Outcome, Test, measured},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let all: &[(&str, Seeded)] = &[
        ("address_deleted_by_hand_comes_back", deleted),
        ("interface_emptied_by_hand_comes_back", emptied),
        ("interface_that_flaps_is_left_and_taken", flaps),
        ("interface_that_is_replaced_is_taken", replaced),
        ("more_changes_than_can_be_told_are_survived", kernel_floods),
        ("many_addresses_come_and_go_at_once", many_addresses),
        ("many_instances_and_groups_move_together", many_instances),
    ];
    register_seeded(tests, all);
}

fn ip(namespace: &str, line: &str) -> Outcome {
    let mut command = Command::new("ip");
    let output = command
        .args(["-n", namespace])
        .args(line.split(' '))
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(Failure::from(format!("ip {line}: {said}"))),
    }
}

/// Version 6 beside version 4, so that both are lost and found.
fn both_families() -> Result<Scene, Failure> {
    let text = format!(
        "{KEEPALIVED}\nvrrp_instance VI_6 {{\n interface eth0\n virtual_router_id 61\n \
         priority 100\n advert_int 0.1\n virtual_ipaddress {{\n  fe80::100\n  fd00:1::100/64\n }}\n}}\n"
    );
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", text.as_str())];
    let scene = Scene::starting(&files, &[])?;
    holds_all(&scene)?;
    Ok(scene)
}

/// Both families, and again a moment later.
fn holds_all(scene: &Scene) -> Outcome {
    let all = ["10.0.1.100/24", "fe80::100/", "fd00:1::100/64"];
    let mut since = None;
    let held = wait::until("all addresses", wait::PATIENCE, || {
        let shown = scene.shown();
        if !all.iter().all(|address| shown.contains(address)) {
            since = None;
            return None;
        }
        let since = *since.get_or_insert_with(Instant::now);
        (since.elapsed() > Duration::from_millis(500)).then_some(())
    });
    held.map_err(|problem| format!("{problem}: {}\n{}", scene.shown(), scene.said()).into())
}

fn deleted(mut dice: Dice) -> Outcome {
    let mut scene = both_families()?;
    for _ in 0..10 {
        let address = dice.pick(&["10.0.1.100/24", "fd00:1::100/64", "fe80::100/128"]);
        // It may just be put back.
        let _gone = ip(&scene.namespace, &format!("addr del {address} dev eth0"));
        thread::sleep(Duration::from_millis(dice.below(300).into()));
    }
    holds_all(&scene)?;
    scene.must_run()
}

/// With the addresses that it sends from.
fn emptied(mut dice: Dice) -> Outcome {
    let mut scene = both_families()?;
    for _ in 0..3 {
        ip(&scene.namespace, "addr flush dev eth0")?;
        thread::sleep(Duration::from_millis(dice.below(400).into()));
        ip(&scene.namespace, "addr add 10.0.1.1/24 dev eth0")?;
        ip(&scene.namespace, "addr add fe80::1/64 dev eth0 nodad")?;
        thread::sleep(Duration::from_millis(dice.below(400).into()));
    }
    holds_all(&scene)?;
    scene.must_run()
}

fn flaps(mut dice: Dice) -> Outcome {
    let mut scene = both_families()?;
    for _ in 0..10 {
        let cable = dice.chance(50);
        match cable {
            true => scene.network.unplug(&scene.namespace)?,
            false => ip(&scene.namespace, "link set eth0 down")?,
        }
        thread::sleep(Duration::from_millis(dice.below(200).into()));
        match cable {
            true => scene.network.plug(&scene.namespace)?,
            false => ip(&scene.namespace, "link set eth0 up")?,
        }
        thread::sleep(Duration::from_millis(dice.below(200).into()));
        if dice.chance(30) {
            scene.node.signal(Signal::HUP)?;
        }
    }
    holds_all(&scene)?;
    // Down for good: nothing stays.
    scene.network.unplug(&scene.namespace)?;
    wait::until("all addresses to go", wait::PATIENCE, || {
        let shown = scene.shown();
        (!shown.contains("10.0.1.100/") && !shown.contains("fd00:1::100/")).then_some(())
    })?;
    scene.must_run()
}

/// Deleted and made anew under its old name.
fn replaced(mut dice: Dice) -> Outcome {
    let mut scene = both_families()?;
    for round in 0..3 {
        ip(&scene.namespace, "link del eth0")?;
        thread::sleep(Duration::from_millis(dice.below(400).into()));
        let (bridge, port) = (scene.network.bridge(), format!("q{round}"));
        ip(
            bridge,
            &format!(
                "link add {port} type veth peer name eth0 netns {}",
                scene.namespace
            ),
        )?;
        ip(bridge, &format!("link set {port} master br0 up"))?;
        ip(&scene.namespace, "link set eth0 up")?;
        ip(&scene.namespace, "addr add 10.0.1.1/24 dev eth0")?;
    }
    holds_all(&scene)?;
    scene.must_run()
}

/// Other programs change addresses so fast that the kernel loses notices of it.
fn kernel_floods(_: Dice) -> Outcome {
    use std::fmt::Write as _;
    const CHANGES: u32 = 30_000;
    let mut scene = both_families()?;
    let mut batch = String::new();
    for number in 0..CHANGES {
        let verb = if number % 2 == 0 { "add" } else { "del" };
        let (high, low) = (number / 2 / 200, number / 2 % 200 + 1);
        let _infallible = writeln!(batch, "addr {verb} 10.77.{high}.{low}/32 dev lo");
    }
    let batch = scene.folder.write("batch", batch)?;
    let election = scene.child("keepalived")?;
    in_step(&scene, || {
        // It cannot read for a moment; that is short enough for the peers.
        signal_pid(election, Signal::STOP)?;
        let mut command = Command::new("timeout");
        command.args(["0.15", "ip", "-n", &scene.namespace, "-batch"]);
        let _cut_off = command.arg(&batch).status()?;
        signal_pid(election, Signal::CONT)?;
        let mut command = Command::new("ip");
        command.args(["-n", &scene.namespace, "-force", "-batch"]);
        let _partly_done = command.arg(&batch).output()?;
        ip(&scene.namespace, "addr del 10.0.1.100/24 dev eth0")?;
        holds_all(&scene)
    })?;
    scene.must_run()
}

fn many_addresses(_: Dice) -> Outcome {
    use std::fmt::Write as _;
    let mut list = String::from("10.0.1.100/24\n");
    for number in 1..200 {
        let _infallible = writeln!(list, "10.0.7.{number}/24");
    }
    let text = KEEPALIVED.replace("10.0.1.100/24", &list);
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", text.as_str())];
    let scene = Scene::starting(&files, &[])?;
    let count = || scene.shown().matches(" 10.0.7.").count();
    wait::until("200 addresses", wait::PATIENCE, || {
        (count() == 199).then_some(())
    })?;
    let election = scene.child("keepalived")?;
    signal_pid(scene.child("haproxy")?, Signal::KILL)?;
    let begun = Instant::now();
    wait::until("200 addresses to go", wait::PATIENCE, || {
        (count() == 0).then_some(())
    })?;
    let took = begun.elapsed();
    measured(&format!("200 addresses gone after {took:?}"));
    assert!(took < Duration::from_secs(1), "{took:?}");
    wait::until("200 addresses", wait::PATIENCE, || {
        (count() == 199).then_some(())
    })?;
    signal_pid(election, Signal::KILL)?;
    let begun = Instant::now();
    wait::until("200 addresses to be removed", wait::PATIENCE, || {
        (count() == 0).then_some(())
    })?;
    let took = begun.elapsed();
    measured(&format!("200 addresses removed after {took:?}"));
    assert!(took < Duration::from_secs(1), "{took:?}");
    Ok(())
}

const INSTANCES: usize = 20;
const GROUPS: usize = 5;

fn many_instances(mut dice: Dice) -> Outcome {
    let mut text = String::from("vrrp_version 3\n");
    text = format!("global_defs {{\n {text}}}\n");
    for group in 0..GROUPS {
        let members = (0..INSTANCES).filter(|number| number % GROUPS == group);
        let members: Vec<_> = members.map(|number| format!("  VI_{number}")).collect();
        let members = members.join("\n");
        text += &format!("vrrp_sync_group G{group} {{\n group {{\n{members}\n }}\n}}\n");
    }
    for number in 0..INSTANCES {
        let router = number + 1;
        text += &format!(
            "vrrp_instance VI_{number} {{\n interface eth0\n virtual_router_id {router}\n \
             priority 100\n advert_int 0.1\n virtual_ipaddress {{\n  10.0.9.{router}/24\n }}\n}}\n"
        );
    }
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", text.as_str())];
    let mut scene = Scene::starting(&files, &[])?;
    let count = |scene: &Scene| scene.shown().matches(" 10.0.9.").count();
    let until = |scene: &Scene, wanted: usize| {
        let found = wait::until("all addresses", wait::PATIENCE, || {
            (count(scene) == wanted).then_some(())
        });
        found.map_err(|problem| Failure::from(format!("{problem}; {}", scene.said())))
    };
    until(&scene, INSTANCES)?;
    for _ in 0..3 {
        scene.network.unplug(&scene.namespace)?;
        thread::sleep(Duration::from_millis(dice.below(300).into()));
        scene.network.plug(&scene.namespace)?;
        thread::sleep(Duration::from_millis(dice.below(300).into()));
    }
    until(&scene, INSTANCES)?;
    signal_pid(scene.child("haproxy")?, Signal::KILL)?;
    until(&scene, 0)?;
    until(&scene, INSTANCES)?;
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    assert_eq!(count(&scene), 0, "{}", scene.said());
    Ok(())
}
