//! What others see on the wire, read by Wireshark's decoder.

use pontoon_config::keepalived::model::Instance;
use pontoon_engine::vrrp::Version;
use pontoon_lab::{
    capture::{Capture, Frame, Trace},
    needs::Need,
};

use super::{
    on_a_stage,
    stage::{Stage, VI, advert, instance, model, same, unicast},
};
use crate::harness::{Failure, Outcome, Test};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    let decoded = on_a_stage("a_decoder_has_no_complaint", decoded);
    let decoded = decoded.needs(Need::Program("tcpdump"));
    tests.push(decoded.needs(Need::Program("tshark")));
}

/// These fields of the frames that fit the filter, each frame a line.
fn lines(trace: &Trace, filter: &str, names: &[&str]) -> Result<Vec<String>, Failure> {
    let frames = trace.frames(filter, names)?.into_iter();
    let line = |frame: Frame| {
        let values = names.iter().filter_map(|name| frame.get(*name));
        values.cloned().collect::<Vec<_>>().join(" ")
    };
    Ok(frames.map(line).collect())
}

const NEIGHBOURS: &str = "arp.isgratuitous==1 or icmpv6.type==136 and ipv6.src==fd00::9";
const ALL: &str =
    "vrrp and not icmpv6 or arp.isgratuitous==1 or icmpv6.type==136 and ipv6.src==fd00::9";

fn decoded() -> Outcome {
    let stage = Stage::new()?;
    let capture = Capture::start(
        &stage.b,
        "eth0",
        "proto 112 or ip6 proto 112 or arp or icmp6",
    )?;
    let v2 = Instance {
        password: Some(*b"secret\0\0"),
        ..instance(&["10.0.1.9/24", "10.0.1.10/24"])
    };
    let v3 = Instance {
        version: Version::V3,
        ..v2.clone()
    };
    let plain = Instance {
        password: None,
        ..v3
    };
    let v6 = instance(&["fd00::9/128"]);
    let peer = unicast(&["10.0.1.9/24"], &["10.0.1.2"]);
    let peer_6 = unicast(&["fd00::9/128"], &["fd00::2"]);
    for settings in [v2, plain, v6, peer, peer_6] {
        let mut node = stage.node(&stage.a, model(vec![settings.clone()]))?;
        node.acts(|network| {
            network.send(VI, &advert(&settings));
            network.acquire(VI);
            network.announce(VI, 1);
            network.release(VI);
        })?;
    }
    capture.wait_for("vrrp and not icmpv6", 5)?;
    capture.wait_for(NEIGHBOURS, 7)?;
    let trace = capture.finish()?;
    same(trace.complaints(ALL)?, vec![], "complaints")?;
    check_adverts(&trace)?;
    check_neighbours(&trace)
}

fn check_adverts(trace: &Trace) -> Outcome {
    let names = [
        "vrrp.version",
        "vrrp.prio",
        "vrrp.virt_rtr_id",
        "ip.ttl",
        "ip.dsfield",
    ];
    let expected = [
        "2 100 51 255 0xc0",
        "3 100 51 255 0xc0",
        "2 100 51 255 0xc0",
    ];
    same(
        lines(trace, "vrrp and ip", &names)?,
        expected.map(str::to_owned).to_vec(),
        "IPv4",
    )?;
    let names = [
        "vrrp.version",
        "vrrp.prio",
        "ipv6.hlim",
        "ipv6.tclass",
        "ipv6.dst",
    ];
    let expected = ["3 100 255 0xc0 ff02::12", "3 100 64 0xc0 fd00::2"];
    let shown = lines(trace, "vrrp and ipv6 and not icmpv6", &names)?.into_iter();
    let shown = shown.map(|line| line.replace("0x000000c0", "0xc0"));
    same(
        shown.collect(),
        expected.map(str::to_owned).to_vec(),
        "IPv6",
    )
}

fn check_neighbours(trace: &Trace) -> Outcome {
    let names = [
        "arp.opcode",
        "arp.src.proto_ipv4",
        "arp.dst.proto_ipv4",
        "arp.dst.hw_mac",
        "eth.dst",
    ];
    let told = lines(trace, "arp.isgratuitous==1", &names)?;
    let wanted = "1 10.0.1.9 10.0.1.9 ff:ff:ff:ff:ff:ff ff:ff:ff:ff:ff:ff".to_owned();
    same(
        told.iter().filter(|line| **line == wanted).count(),
        3,
        "as keepalived's",
    )?;
    let names = [
        "ipv6.src",
        "ipv6.dst",
        "icmpv6.nd.na.flag.o",
        "icmpv6.checksum.status",
    ];
    let told = lines(trace, "icmpv6.type==136 and ipv6.src==fd00::9", &names)?;
    same(
        told,
        vec!["fd00::9 ff02::1 1 1".to_owned(); 2],
        "unsolicited, override",
    )
}
