//! Another file for a network that works.

use std::sync::Arc;

use pontoon::election::network::{NetworkError, NetworkEvent};
use pontoon_config::keepalived::model::{Instance, Model};
use pontoon_engine::vrrp::{InstanceId, Vrid};
use pontoon_lab::netns::{hardware_address, neighbour};

use super::{
    on_a_stage,
    stage::{Node, Stage, VI, advert, extra_addresses, instance, model, ping, same},
};
use crate::harness::{Outcome, Test};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(on_a_stage("held_addresses_follow_the_new_lists", lists));
    tests.push(on_a_stage("adverts_that_wait_survive_a_reload", sockets));
    tests.push(on_a_stage(
        "a_file_that_cannot_work_changes_nothing",
        refused,
    ));
}

fn second(addresses: &[&str]) -> Instance {
    Instance {
        name: "VI_2".into(),
        vrid: Vrid::new(52).expect("not 0"),
        ..instance(addresses)
    }
}

fn reload(node: &mut Node<'_>, after: Model) -> Outcome {
    let prepared = node.acts(|network| {
        network.prepare(&after)?;
        network.reload(Arc::new(after));
        Ok::<_, NetworkError>(())
    })?;
    prepared.map_err(|error| error.to_string().into())
}

fn lists() -> Outcome {
    let stage = Stage::new()?;
    let before = model(vec![
        instance(&["10.0.1.9/24", "10.0.1.10/24", "10.0.1.12/24", "fd00::9/128"]),
        second(&["10.0.1.20/24"]),
    ]);
    let mut node = stage.node(&stage.a, before)?;
    node.acts(|network| {
        network.acquire(VI);
        network.acquire(InstanceId(1));
    })?;
    // `b` remembers 10.0.1.11 at a place that no longer has it.
    super::stage::ip(
        &stage.b,
        "neigh add 10.0.1.11 lladdr 02:00:00:00:00:99 dev eth0 nud stale",
    )?;
    let third = Instance {
        name: "VI_3".into(),
        vrid: Vrid::new(53).ok_or("0")?,
        ..instance(&["10.0.1.30/24"])
    };
    let after = model(vec![
        third,
        instance(&[
            "10.0.1.10/24",
            "10.0.1.11/24",
            "10.0.1.12/32",
            "fd00::9/127",
        ]),
    ]);
    reload(&mut node, after)?;
    let mut there = extra_addresses(&stage.a)?;
    there.sort();
    let wanted = [
        "10.0.1.10/24",
        "10.0.1.11/24",
        "10.0.1.12/32",
        "fd00::9/127",
    ];
    same(
        there,
        wanted.map(str::to_owned).to_vec(),
        "only what the held instance lists now",
    )?;
    let here = Some(hardware_address(&stage.a, "eth0")?);
    node.works_until("the neighbour to hear of the new address", || {
        neighbour(&stage.b, "10.0.1.11").is_ok_and(|now| now == here)
    })?;
    ping(&stage.b, "10.0.1.11")?;
    node.acts(|network| network.release(InstanceId(1)))?;
    same(extra_addresses(&stage.a)?, vec![], "under its new number")?;
    node.says("cannot", 0)
}

fn sockets() -> Outcome {
    let stage = Stage::new()?;
    let first = instance(&["10.0.1.9/24"]);
    let mut a = stage.node(&stage.a, model(vec![first.clone()]))?;
    let mut b = stage.node(&stage.b, model(vec![first.clone()]))?;
    a.network.send(VI, &advert(&first));
    let after = model(vec![second(&["10.0.1.20/24"]), first]);
    reload(&mut b, after)?;
    let to = b.hears("what was sent before", |event| match event {
        NetworkEvent::Heard { instance, .. } => Some(instance),
        _ => None,
    })?;
    same(to, InstanceId(1), "by its name")
}

fn refused() -> Outcome {
    let stage = Stage::new()?;
    let mut node = stage.node(&stage.a, model(vec![instance(&["10.0.1.9/24"])]))?;
    node.acts(|network| network.acquire(VI))?;
    let elsewhere = Instance {
        interface: "eth7".into(),
        ..instance(&["10.0.1.10/24"])
    };
    let outcome = node.acts(|network| network.prepare(&model(vec![elsewhere])))?;
    let said = outcome.err().map(|error| error.to_string());
    let said = said.unwrap_or_default();
    same(said.contains("eth7"), true, &said)?;
    same(
        extra_addresses(&stage.a)?,
        vec!["10.0.1.9/24".into()],
        "as before",
    )
}
