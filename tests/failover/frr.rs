//! Pairs of one Pontoon and one FRR: whoever has the higher priority gets the address, and both
//! understand a resignation.

use std::{
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    capture::Capture,
    frr::{self, Frr, Router},
    host::Host,
    needs::Need,
    netns::Network,
    node::{Node, Programs},
    wait,
};

use super::{
    keepalived::packets_are_right,
    on_hosts,
    setup::{Place, ROUTER, Setup},
};
use crate::harness::{Failure, Outcome, Test, pontoon};

/// Version 3, multicast, IPv4, an advert every second.
const SETUP: Setup = Setup::v3(false, false, false);

/// By then a node that hears nobody, or nothing it takes for valid, has become master.
const DEAF: Duration = Duration::from_millis(4500);

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (ours, role) in [(Place::First, "preferred"), (Place::Second, "standby")] {
        let name = format!("with_frr_{SETUP}_as_{role}");
        let test = on_hosts(&name, move || share_with_frr(ours));
        tests.push(
            test.needs(Need::File(frr::VRRPD))
                .needs(Need::Program("vtysh"))
                .needs(Need::Program("tcpdump"))
                .needs(Need::Program("tshark")),
        );
    }
}

fn share_with_frr(ours: Place) -> Outcome {
    let theirs = ours.other();
    let mut network = Network::new()?;
    let space = network.host("o", &[&format!("{}/24", ours.addresses()[0])])?;
    let mut node = Node::boot(&space, Programs::Apart(pontoon()))?;
    node.configure("", &SETUP.keepalived_conf(ours))?;
    let peer = Host::boot(
        &network.host("f", &[&format!("{}/24", theirs.addresses()[0])])?,
        &[],
    )?;
    let capture = Capture::start(&space, "eth0", "ip proto 112 or arp")?;
    let router = Router {
        id: ROUTER,
        priority: theirs.priority(),
        interval: 1000,
        shared: ("10.0.1.100", 24),
    };

    let running = Frr::start(&peer, router)?;
    peer_becomes(&peer, &node, "Master")?;
    node.start_election()?;
    let (mine, its) = match ours {
        Place::First => (true, "Backup"),
        Place::Second => (false, "Master"),
    };
    placed(&peer, &node, mine, its)?;
    if mine {
        node.stop()?;
        peer_becomes(&peer, &node, "Master")?;
        node.start_election()?;
        placed(&peer, &node, true, "Backup")?;
    } else {
        running.stop()?;
        node.wait_until_holds(SETUP.shared())?;
        node.stop()?;
    }
    packets_are_right(&capture.finish()?, SETUP, ours)
}

fn placed(peer: &Host, node: &Node, mine: bool, its: &str) -> Outcome {
    peer_becomes(peer, node, its)?;
    if mine {
        return Ok(node.wait_until_holds(SETUP.shared())?);
    }
    let until = Instant::now() + DEAF;
    while Instant::now() < until {
        if node.host.holds(SETUP.shared()) {
            return Err(Failure::from(
                "it does not hear FRR, or does not obey".to_owned(),
            ));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn peer_becomes(peer: &Host, node: &Node, wanted: &str) -> Outcome {
    let became = wait::until(wanted, wait::PATIENCE, || {
        (frr::status(peer)? == wanted).then_some(())
    });
    became.map_err(|problem| {
        let is = frr::status(peer);
        Failure::from(format!("{}: FRR is {is:?}", node.complain(&problem)))
    })
}
