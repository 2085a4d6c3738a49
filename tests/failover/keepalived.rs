//! Pairs of one Pontoon and one Keepalived, in both roles.

use pontoon_lab::{
    capture::{Frame, Trace},
    needs::{self, Need},
    node::Programs,
};

use super::{
    on_hosts,
    setup::{PASSWORD, Place, ROUTER, Setup},
    street::Street,
};
use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds them: all with `PONTOON_FULL=1`.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (setup, short) in Setup::all() {
        if !short && !needs::full() {
            continue;
        }
        for (ours, role) in [(Place::First, "preferred"), (Place::Second, "standby")] {
            let name = format!("with_keepalived_{setup}_as_{role}");
            let test = on_hosts(&name, move || share_an_address(setup, ours));
            tests.push(
                test.needs(Need::Program("keepalived"))
                    .needs(Need::Program("ping"))
                    .needs(Need::Program("tcpdump"))
                    .needs(Need::Program("tshark")),
            );
        }
    }
}

fn share_an_address(setup: Setup, ours: Place) -> Outcome {
    let (pontoon, keepalived) = (Programs::Apart(pontoon()), Programs::Debian);
    let programs = match ours {
        Place::First => [pontoon, keepalived],
        Place::Second => [keepalived, pontoon],
    };
    let mut street = Street::build(setup, programs)?;

    street.second.start_election()?;
    street.only_master(Place::Second)?;
    // It preempts.
    street.first.start_election()?;
    street.only_master(Place::First)?;
    // It resigns.
    street.first.stop()?;
    street.only_master(Place::Second)?;
    street.first.start_election()?;
    street.only_master(Place::First)?;
    // It falls silent, and speaks again.
    street.network.silence(street.first.host.namespace())?;
    street.serves(Place::Second)?;
    street.network.heal()?;
    match ours {
        // A Keepalived that yields does so without a word: nobody tells the winner that there was
        // a rival, so that it does not announce itself.
        Place::First => street.alone(Place::First)?,
        // Ours speaks once more before it yields, and so the winner does.
        Place::Second => street.only_master(Place::First)?,
    }

    packets_are_right(&street.leave()?, setup, ours)
}

/// Ours are what they should be, and nobody has anything against them.
pub(super) fn packets_are_right(trace: &Trace, setup: Setup, ours: Place) -> Outcome {
    let complaints = trace.complaints("vrrp || arp || icmpv6")?;
    if !complaints.is_empty() {
        return Err(Failure::from(format!("tshark says: {complaints:#?}")));
    }
    let priority = ours.priority();
    let sent = format!("vrrp && vrrp.virt_rtr_id == {ROUTER} && vrrp.prio == {priority}");
    let adverts = trace.frames(&sent, &FIELDS)?;
    if adverts.is_empty() {
        return Err(Failure::from("none of our adverts was seen".to_owned()));
    }
    for advert in &adverts {
        if let Some(wrong) = wrong_in(advert, setup, ours) {
            return Err(Failure::from(format!("{wrong} in {advert:?}")));
        }
    }
    // The first node has resigned once.
    let resigned = trace.frames("vrrp && vrrp.prio == 0", &FIELDS)?;
    if resigned.is_empty() {
        return Err(Failure::from("nobody has resigned".to_owned()));
    }
    Ok(())
}

const FIELDS: [&str; 12] = [
    "vrrp.version",
    "vrrp.checksum.status",
    "vrrp.addr_count",
    "vrrp.adver_int",
    "vrrp.short_adver_int",
    "vrrp.auth_string",
    "vrrp.ip_addr",
    "vrrp.ipv6_addr",
    "ip.src",
    "ip.ttl",
    "ip.dsfield",
    "ipv6.hlim",
];

/// The first thing that is not as the RFCs, and Keepalived, have it.
fn wrong_in(advert: &Frame, setup: Setup, ours: Place) -> Option<String> {
    let mut wanted = vec![
        ("vrrp.version", setup.version.to_string()),
        // 1: good, in tshark's words.
        ("vrrp.checksum.status", "1".to_owned()),
    ];
    if setup.ipv6 {
        wanted.push(("vrrp.addr_count", "2".to_owned()));
        wanted.push(("vrrp.ipv6_addr", "fe80::100,fd00:1::100".to_owned()));
    } else {
        wanted.push(("vrrp.ip_addr", "10.0.1.100".to_owned()));
        wanted.push(("ip.src", ours.addresses()[0].to_owned()));
        wanted.push(("ip.ttl", "255".to_owned()));
        wanted.push(("ip.dsfield", "0xc0".to_owned()));
    }
    match (setup.version, setup.fast) {
        (2, _) => wanted.push(("vrrp.adver_int", "1".to_owned())),
        (_, false) => wanted.push(("vrrp.short_adver_int", "100".to_owned())),
        (_, true) => wanted.push(("vrrp.short_adver_int", "10".to_owned())),
    }
    if setup.password {
        wanted.push(("vrrp.auth_string", PASSWORD.to_owned()));
    }
    let differs = |(field, value): &(&str, String)| advert.get(*field) != Some(value);
    let (field, value) = wanted.into_iter().find(differs)?;
    Some(format!("{field} should be {value}"))
}
