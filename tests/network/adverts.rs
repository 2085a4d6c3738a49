//! Advertisements: to whom they go, and for whom they are heard.

use std::net::IpAddr;

use pontoon::election::network::NetworkEvent;
use pontoon_config::keepalived::model::Instance;
use pontoon_engine::vrrp::{
    InstanceId, Version, Vrid,
    event::{Checksum, Heard},
    packet::emit,
};
use pontoon_lab::netns;
use pontoon_sys::vrrp::{Family, Way, open_unicast, send};

use super::{
    on_a_stage,
    stage::{Node, Stage, VI, advert, at, instance, ip, model, same, unicast},
};
use crate::harness::{Failure, Outcome, Test};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(on_a_stage("adverts_reach_the_group", groups));
    tests.push(on_a_stage("adverts_reach_unicast_peers", peers));
    tests.push(on_a_stage(
        "an_advert_is_for_its_own_vrid_and_way",
        dispatch,
    ));
    tests.push(on_a_stage("garbage_is_told_once_and_counted", garbage));
    tests.push(on_a_stage("what_cannot_be_sent_is_told_once", unsent));
    tests.push(on_a_stage("hop_limits_of_peers_are_kept", hop_limits));
}

fn heard(node: &mut Node<'_>) -> Result<(InstanceId, Heard), Failure> {
    node.hears("an advertisement", |event| match event {
        NetworkEvent::Heard { instance, heard } => Some((instance, heard)),
        _ => None,
    })
}

/// The advertisement of `a`, as `b` hears it.
fn exchange(stage: &Stage, a: Instance, b: Instance) -> Result<Heard, Failure> {
    let sent = advert(&a);
    let mut from = stage.node(&stage.a, model(vec![a]))?;
    let mut to = stage.node(&stage.b, model(vec![b]))?;
    from.network.send(VI, &sent);
    let (_, heard) = heard(&mut to)?;
    same(heard.advert.clone(), sent, "what was sent")?;
    Ok(heard)
}

fn groups() -> Outcome {
    let stage = Stage::new()?;
    let v2 = instance(&["10.0.1.9/24"]);
    let heard = exchange(&stage, v2.clone(), v2.clone())?;
    let expected = ("10.0.1.1".parse().ok(), Some(255), Checksum::Message);
    same(
        (Some(heard.from), heard.hop_limit, heard.checksum),
        expected,
        "version 2",
    )?;

    let v3 = Instance {
        version: Version::V3,
        ..v2.clone()
    };
    let heard = exchange(&stage, v3.clone(), v3)?;
    same(
        heard.checksum,
        Checksum::PseudoHeader,
        "as keepalived sends it",
    )?;

    let hidden = "10.0.1.200".parse().ok();
    let heard = exchange(
        &stage,
        Instance {
            source: hidden,
            ..v2.clone()
        },
        v2,
    )?;
    same(Some(heard.from), hidden, "mcast_src_ip needs not be ours")?;

    let v6 = instance(&["fd00::9/128"]);
    let heard = exchange(&stage, v6.clone(), v6)?;
    let link_local = |address| match address {
        IpAddr::V6(address) => address.is_unicast_link_local(),
        IpAddr::V4(_) => false,
    };
    same(
        (link_local(heard.from), heard.hop_limit),
        (true, Some(255)),
        "version 3, IPv6",
    )
}

fn peers() -> Outcome {
    let stage = Stage::new()?;
    let a = unicast(&["10.0.1.9/24"], &["10.0.1.2"]);
    let b = unicast(&["10.0.1.9/24"], &["10.0.1.1"]);
    let heard = exchange(&stage, a.clone(), b.clone())?;
    same(
        (heard.from, heard.hop_limit),
        (at("10.0.1.1"), Some(255)),
        "IPv4",
    )?;
    let near = Instance {
        unicast_ttl: Some(7),
        ..a
    };
    same(exchange(&stage, near, b)?.hop_limit, Some(7), "unicast_ttl")?;

    let a = unicast(&["fd00::9/128"], &["fd00::2"]);
    let b = unicast(&["fd00::9/128"], &["fd00::1"]);
    let heard = exchange(&stage, a, b)?;
    same(
        heard.from.to_string(),
        "fd00::1".into(),
        "peers are not link-local",
    )?;
    same(heard.hop_limit, Some(64), "IPv6, as keepalived")
}

fn dispatch() -> Outcome {
    let stage = Stage::new()?;
    let group = instance(&["10.0.1.9/24"]);
    let other_vrid = Instance {
        name: "VI_2".into(),
        vrid: Vrid::new(52).ok_or("0")?,
        ..group.clone()
    };
    let peer = |host: &str| Instance {
        name: "VI_3".into(),
        ..unicast(&["10.0.1.19/24"], &[host])
    };
    let all = |host| model(vec![group.clone(), other_vrid.clone(), peer(host)]);
    let mut a = stage.node(&stage.a, all("10.0.1.2"))?;
    let mut b = stage.node(&stage.b, all("10.0.1.1"))?;
    let sent = [
        (1, other_vrid.clone()),
        (2, peer("10.0.1.2")),
        (0, group.clone()),
    ];
    for (index, settings) in sent {
        let id = InstanceId(index);
        a.network.send(id, &advert(&settings));
        let (heard_for, heard) = heard(&mut b)?;
        same(heard_for, id, &settings.name)?;
        same(heard.advert, advert(&settings), &settings.name)?;
    }
    Ok(())
}

/// Something from `a` to `b` that our own code would not send.
fn raw(stage: &Stage, hop_limit: u8, payload: &[u8]) -> Outcome {
    let sent = netns::inside(&stage.a, || {
        let way = Way {
            from: at("10.0.1.1"),
            to: at("10.0.1.2"),
            interface: None,
            hop_limit,
        };
        Ok(open_unicast(Family::V4).and_then(|socket| send(socket, way, payload)))
    });
    Ok(sent??)
}

fn garbage() -> Outcome {
    let stage = Stage::new()?;
    let settings = unicast(&["10.0.1.9/24"], &["10.0.1.1"]);
    let mut b = stage.node(&stage.b, model(vec![settings.clone()]))?;
    let mut wrong = emit(&advert(&settings), at("10.0.1.1"), at("10.0.1.2"));
    for payload in [
        &[0x21, 51][..],
        &[0x21, 51, 0],
        &[],
        &[0x21],
        &[0x21, 99, 1, 1],
    ] {
        raw(&stage, 255, payload)?;
    }
    for broken in 0..10 {
        wrong[6] = broken;
        raw(&stage, 255, &wrong)?;
    }
    wrong = emit(&advert(&settings), at("10.0.1.1"), at("10.0.1.2"));
    raw(&stage, 255, &wrong)?;
    heard(&mut b)?;
    let unreadable = b.network.losses(VI).unreadable;
    same(
        (11..=12).contains(&unreadable),
        true,
        "one of ten checksums may be right",
    )?;
    b.says("dropped a packet from 10.0.1.1: it ends after", 1)?;
    b.says("dropped a packet from 10.0.1.1: its checksum", 1)
}

fn unsent() -> Outcome {
    let stage = Stage::new()?;
    let settings = unicast(&["10.0.1.9/24"], &["10.0.1.2", "192.0.2.1"]);
    let mut a = stage.node(&stage.a, model(vec![settings.clone()]))?;
    let mut b = stage.node(
        &stage.b,
        model(vec![unicast(&["10.0.1.9/24"], &["10.0.1.1"])]),
    )?;
    for _ in 0..3 {
        a.network.send(VI, &advert(&settings));
    }
    heard(&mut b)?;
    same(a.network.losses(VI).unsent, 3, "one peer cannot be reached")?;
    a.says("cannot send to 192.0.2.1: Network is unreachable", 1)?;
    ip(&stage.a, "addr flush dev eth0")?;
    a.hears("the loss of its address", |event| match event {
        NetworkEvent::Source { source: None, .. } => Some(()),
        _ => None,
    })?;
    a.network.send(VI, &advert(&settings));
    a.says("cannot send: no address to send from", 1)
}

fn hop_limits() -> Outcome {
    let stage = Stage::new()?;
    let mut settings = unicast(&["10.0.1.9/24"], &["10.0.1.1"]);
    settings.unicast_peers = settings.unicast_peers.map(|peers| {
        let strict = peers.into_iter().map(|mut peer| {
            peer.min_ttl = Some(254);
            peer
        });
        strict.collect()
    });
    let mut b = stage.node(&stage.b, model(vec![settings.clone()]))?;
    let from = at("10.0.1.1");
    let to = at("10.0.1.2");
    let good = emit(&advert(&settings), from, to);
    for hop_limit in [253, 64, 254] {
        raw(&stage, hop_limit, &good)?;
    }
    let (_, heard) = heard(&mut b)?;
    same(heard.hop_limit, Some(254), "the others are dropped")?;
    same(b.network.losses(VI).hop_limit, 2, "counted")?;
    b.says("TTL from 10.0.1.1 is not 254 to 255", 1)
}
