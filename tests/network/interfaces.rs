//! Interfaces that go down, vanish and come back, and the addresses to send from.

use std::{net::IpAddr, time::Duration};

use pontoon::election::network::NetworkEvent;
use pontoon_config::keepalived::model::{Instance, TrackedInterface, Tracks};
use pontoon_lab::{
    netns,
    wait::{self, PATIENCE},
};

use super::{
    on_a_stage,
    stage::{Node, Stage, VI, advert, extra_addresses, instance, ip, model, same, unicast},
};
use crate::harness::{Failure, Outcome, Test};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(on_a_stage("a_missing_interface_is_named", missing));
    tests.push(on_a_stage("an_interface_that_goes_down_is_told", down));
    tests.push(on_a_stage("an_interface_may_come_later", later));
    tests.push(on_a_stage(
        "an_interface_that_comes_back_is_used_again",
        comes_back,
    ));
    tests.push(on_a_stage("the_source_follows_the_interface", source));
    tests.push(on_a_stage(
        "the_source_of_unicast_must_exist",
        unicast_source,
    ));
}

fn goes(node: &mut Node<'_>, interface: &str, state: bool) -> Outcome {
    node.hears(
        &format!("{interface} to be up: {state}"),
        |event| match event {
            NetworkEvent::Interface { name, up } => {
                (name == interface && up == state).then_some(())
            }
            _ => None,
        },
    )
}

fn source_of(node: &mut Node<'_>) -> Result<Option<IpAddr>, Failure> {
    node.hears("another source", |event| match event {
        NetworkEvent::Source { source, .. } => Some(source),
        _ => None,
    })
}

fn missing() -> Outcome {
    let stage = Stage::new()?;
    let tracks = Tracks {
        interfaces: vec![TrackedInterface {
            name: "eth7".into(),
            weight: 0,
            reverse: false,
        }],
        ..Tracks::default()
    };
    let settings = Instance {
        tracks,
        ..instance(&["10.0.1.9/24"])
    };
    let refused = stage.try_node(&stage.a, model(vec![settings]))?.err();
    let said = refused.map(|error| error.to_string()).unwrap_or_default();
    let names = said.contains("eth7") && said.contains("VI_1");
    same(names, true, &said)
}

fn down() -> Outcome {
    let stage = Stage::new()?;
    let mut node = stage.node(&stage.a, model(vec![instance(&["10.0.1.9/24"])]))?;
    same(node.network.interface_up("eth0"), true, "at the start")?;
    stage.bridge.unplug(&stage.a)?;
    goes(&mut node, "eth0", false)?;
    same(
        node.network.interface_up("eth0"),
        false,
        "without a carrier",
    )?;
    stage.bridge.plug(&stage.a)?;
    goes(&mut node, "eth0", true)?;
    ip(&stage.a, "link set eth0 down")?;
    goes(&mut node, "eth0", false)
}

fn later() -> Outcome {
    let stage = Stage::new()?;
    let settings = Instance {
        interface: "near".into(),
        ..instance(&["10.0.2.9/24"])
    };
    let mut file = model(vec![settings]);
    file.global.dynamic_interfaces = true;
    let mut node = stage.node(&stage.a, file)?;
    same(node.network.source(VI), None, "nowhere")?;
    node.acts(|network| network.acquire(VI))?;
    ip(&stage.a, "link add near type veth peer name far")?;
    ip(&stage.a, "addr add 10.0.2.1/24 dev near")?;
    ip(&stage.a, "link set far up")?;
    ip(&stage.a, "link set near up")?;
    goes(&mut node, "near", true)?;
    same(
        node.network.source(VI),
        "10.0.2.1".parse().ok(),
        "its address",
    )?;
    node.works_until("the address", || {
        netns::addresses(&stage.a, "near").is_ok_and(|all| all.contains(&"10.0.2.9/24".into()))
    })
}

fn comes_back() -> Outcome {
    let stage = Stage::new()?;
    ip(&stage.a, "link add near type veth peer name far")?;
    let settings = |name: &str| Instance {
        interface: name.into(),
        source: "10.0.2.1".parse().ok(),
        ..instance(&["10.0.2.9/24"])
    };
    let mut node = stage.node(&stage.a, model(vec![settings("near")]))?;
    let raise = || -> Outcome {
        for line in [
            "link set near up",
            "link set far up",
            "addr add 10.0.2.1/24 dev near",
        ] {
            ip(&stage.a, line)?;
        }
        Ok(())
    };
    raise()?;
    goes(&mut node, "near", true)?;
    node.acts(|network| network.acquire(VI))?;
    ip(&stage.a, "link del near")?;
    goes(&mut node, "near", false)?;
    ip(&stage.a, "link add near type veth peer name far")?;
    raise()?;
    goes(&mut node, "near", true)?;
    node.works_until("the address on the new interface", || {
        netns::addresses(&stage.a, "near").is_ok_and(|all| all.contains(&"10.0.2.9/24".into()))
    })?;
    // Somebody at the other end of the new cable, who speaks until he is heard: it may swallow
    // what is sent at first.
    let far = Instance {
        source: "10.0.2.2".parse().ok(),
        ..settings("far")
    };
    let mut other = stage.node(&stage.a, model(vec![far.clone()]))?;
    wait::until("an advertisement on the new interface", PATIENCE, || {
        other.network.send(VI, &advert(&far));
        let heard = node.hears_within(Duration::from_millis(100), |event| match event {
            NetworkEvent::Heard { heard, .. } => Some(heard),
            _ => None,
        });
        heard.ok().flatten()
    })?;
    node.says("cannot", 0)
}

fn source() -> Outcome {
    let stage = Stage::new()?;
    let mut node = stage.node(&stage.a, model(vec![instance(&["10.0.1.9/32"])]))?;
    let own = "10.0.1.1".parse().ok();
    same(node.network.source(VI), own, "the main address")?;
    node.acts(|network| network.acquire(VI))?;
    ip(&stage.a, "addr del 10.0.1.1/24 dev eth0")?;
    same(
        source_of(&mut node)?,
        None,
        "a virtual address is no source",
    )?;
    ip(&stage.a, "addr add 10.0.1.3/24 dev eth0")?;
    same(
        source_of(&mut node)?,
        "10.0.1.3".parse().ok(),
        "the new main address",
    )?;
    same(
        extra_addresses(&stage.a)?.contains(&"10.0.1.9/32".into()),
        true,
        "still held",
    )?;

    let mut node = stage.node(&stage.a, model(vec![instance(&["fd00::9/128"])]))?;
    let before = node.network.source(VI);
    same(
        before.is_some_and(|one| one.to_string().starts_with("fe80::")),
        true,
        "link-local",
    )?;
    ip(&stage.a, "link set eth0 down")?;
    same(source_of(&mut node)?, None, "gone with the link")?;
    ip(&stage.a, "link set eth0 up")?;
    same(source_of(&mut node)?, before, "back with the link")
}

fn unicast_source() -> Outcome {
    let stage = Stage::new()?;
    let settings = Instance {
        source: "10.0.1.77".parse().ok(),
        ..unicast(&["10.0.1.9/24"], &["10.0.1.2"])
    };
    let mut node = stage.node(&stage.a, model(vec![settings]))?;
    same(node.network.source(VI), None, "not there yet")?;
    ip(&stage.a, "addr add 10.0.1.77/32 dev lo")?;
    let there = "10.0.1.77".parse().ok();
    same(source_of(&mut node)?, there, "on whatever interface")
}
