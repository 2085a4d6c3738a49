//! What is dropped, what is odd, and how often either is told.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::timetable::{A_SECOND, Node, Word, advert, host, instance, unicast};
use crate::vrrp::{
    InstanceId, Role, Version,
    action::{Oddity, Offence, Report},
    event::{Advert, Checksum},
    settings::Instance,
    view::Counters,
};

const VI_1: InstanceId = InstanceId(0);

/// What is reported of an advertisement, and the counters after it. A dropped one leaves no trace
/// but that.
fn offence(node: Node, word: &Word) -> (Vec<Offence>, Counters) {
    let mut node = node;
    node.until(1.0);
    node.reports();
    for _ in 0..3 {
        node.hear(word);
    }
    assert!(node.view().peers.is_empty());
    assert_eq!(node.view().master, None);
    let offences = node.reports().into_iter().map(|report| match report {
        Report::Dropped {
            instance: VI_1,
            peer,
            offence,
        } if peer == word.0.from => offence,
        other => panic!("{other:?}"),
    });
    (offences.collect(), node.view().counters)
}

/// An advertisement of priority 200, otherwise.
fn other(change: impl FnOnce(&mut Advert)) -> Word {
    let mut word = advert(2, 200);
    change(&mut word.0.advert);
    word
}

#[test]
fn another_version_is_dropped() {
    let (told, counted) = offence(Node::with(instance(100)), &advert(2, 200).v3(A_SECOND));
    assert_eq!((told, counted.version_errors), (vec![Offence::Version], 3));
    assert_eq!(counted.adverts_received, 0);
}

#[test]
fn what_came_through_a_router_is_dropped_unless_it_is_unicast() {
    let mut word = advert(2, 200);
    word.0.hop_limit = Some(254);
    let (told, counted) = offence(Node::with(instance(100)), &word);
    assert_eq!(
        (told, counted.hop_limit_errors),
        (vec![Offence::HopLimit], 3)
    );
    let mut node = Node::with(Instance {
        peers: unicast([2]),
        ..instance(100)
    });
    node.until(1.0);
    node.hear(&word);
    assert_eq!(node.view().master, Some(host(2)));
}

#[test]
fn a_wrong_or_missing_or_needless_password_is_dropped() {
    let secret = Instance {
        password: Some(*b"secret\0\0"),
        ..instance(100)
    };
    let wrong = other(|advert| advert.password = Some(*b"Secret\0\0"));
    let right = other(|advert| advert.password = Some(*b"secret\0\0"));
    let cases = [
        (secret.clone(), wrong),
        (secret.clone(), advert(2, 200)),
        (instance(100), right.clone()),
    ];
    for (instance, word) in cases {
        let (told, counted) = offence(Node::with(instance), &word);
        assert_eq!(
            (told, counted.authentication_errors),
            (vec![Offence::Password], 3)
        );
    }
    let mut node = Node::with(secret);
    node.until(1.0);
    node.hear(&right);
    assert_eq!(node.view().counters.adverts_received, 1);
}

#[test]
fn version_2_drops_another_interval() {
    let word = other(|advert| advert.interval = 2 * A_SECOND);
    let (told, counted) = offence(Node::with(instance(100)), &word);
    assert_eq!(
        (told, counted.interval_errors),
        (vec![Offence::Interval], 3)
    );
}

#[test]
fn version_3_drops_an_interval_of_zero() {
    let node = Node::with(Instance {
        version: Version::V3,
        ..instance(100)
    });
    let (told, _) = offence(node, &advert(2, 200).v3(Duration::ZERO));
    assert_eq!(told, [Offence::Interval]);
}

#[test]
fn strangers_are_dropped_if_they_are_refused() {
    let peers = unicast([3]);
    let refusing = Instance {
        peers: peers.clone(),
        refuse_strangers: true,
        ..instance(100)
    };
    let (told, counted) = offence(Node::with(refusing), &advert(2, 200));
    assert_eq!((told, counted.strangers), (vec![Offence::Stranger], 3));
    let mut node = Node::with(Instance {
        peers,
        ..instance(100)
    });
    node.until(1.0);
    node.hear(&advert(2, 200));
    assert_eq!(
        node.view().master,
        Some(host(2)),
        "as keepalived does by default"
    );
}

#[test]
fn an_echo_of_ourselves_is_dropped() {
    let (told, _) = offence(Node::with(instance(100)), &advert(1, 200));
    assert_eq!(told, [Offence::Ourselves]);
}

/// What is odd about an advertisement that is accepted all the same.
fn oddity(instance: Instance, word: &Word) -> Vec<Oddity> {
    let mut node = Node::with(instance);
    node.until(1.0);
    node.reports();
    for _ in 0..3 {
        node.hear(word);
    }
    assert_eq!(node.view().counters.adverts_received, 3);
    let odd = node
        .reports()
        .into_iter()
        .filter_map(|report| match report {
            Report::Odd { oddity, .. } => Some(oddity),
            _ => None,
        });
    odd.collect()
}

#[test]
fn other_addresses_are_odd_unless_nobody_looks() {
    let word = other(|advert| advert.addresses = vec![host(101)]);
    assert_eq!(oddity(instance(100), &word), [Oddity::Addresses]);
    let blind = Instance {
        skip_address_check: true,
        ..instance(100)
    };
    assert_eq!(oddity(blind, &word), []);
}

#[test]
fn the_order_of_addresses_is_not_odd() {
    let addresses = vec![host(100), host(101)];
    let word = other(|advert| advert.addresses = vec![host(101), host(100)]);
    assert_eq!(
        oddity(
            Instance {
                addresses,
                ..instance(100)
            },
            &word
        ),
        []
    );
}

#[test]
fn version_3_finds_another_interval_odd() {
    let instance = Instance {
        version: Version::V3,
        ..instance(100)
    };
    assert_eq!(
        oddity(instance, &advert(2, 200).v3(2 * A_SECOND)),
        [Oddity::Interval]
    );
}

#[test]
fn a_second_owner_is_odd() {
    assert_eq!(
        oddity(instance(255), &advert(2, 255)),
        [Oddity::SecondOwner]
    );
}

#[test]
fn each_peers_checksum_is_told_once_and_again_when_it_changes() {
    let mut node = Node::with(instance(100));
    node.until(1.0);
    node.reports();
    let mut word = advert(2, 200);
    let mut told = |checksum: Checksum, last: u8| {
        word.0.checksum = checksum;
        word.0.from = host(last);
        node.hear(&word);
        node.reports().len()
    };
    assert_eq!(told(Checksum::Message, 2), 1);
    assert_eq!(told(Checksum::Message, 2), 0);
    assert_eq!(told(Checksum::Message, 3), 1);
    assert_eq!(told(Checksum::PseudoHeader, 2), 1);
    assert_eq!(told(Checksum::PseudoHeader, 2), 0);
}

#[test]
fn a_flood_of_forged_senders_neither_grows_nor_fills_the_log() {
    let mut node = Node::with(instance(100));
    node.until(1.0);
    let mut reports = 0;
    for forged in 0..10_000_u32 {
        let mut word = advert(2, 200);
        word.0.from = IpAddr::V4(Ipv4Addr::from(0x0a01_0000 + forged));
        node.hear(&word);
        word.0.advert.version = Version::V3;
        node.hear(&word);
        reports += node.reports().len();
    }
    assert!(reports < 100, "{reports} reports");
    assert!(node.view().peers.len() <= 32);
    assert_eq!(node.view().counters.adverts_received, 10_000);
    assert_eq!(node.view().role, Role::Backup);
}

#[test]
fn one_whose_adverts_count_takes_the_place_of_one_whose_never_did() {
    let mut node = Node::with(instance(100));
    node.until(1.0);
    for forged in 3..=200 {
        node.hear(&advert(forged, 200).v3(A_SECOND));
    }
    node.hear(&advert(2, 200));
    assert_eq!(node.view().peers[0].address, host(2));
}

#[test]
fn resignations_and_adverts_are_counted() {
    let mut node = Node::with(instance(100));
    node.until(1.0);
    node.hear(&advert(2, 200));
    node.hear(&advert(2, 0));
    node.until(5.0);
    let counters = node.view().counters;
    assert_eq!(
        (counters.adverts_received, counters.resignations_received),
        (2, 1)
    );
    assert_eq!((counters.adverts_sent, counters.became_master), (4, 1));
}

#[test]
fn an_instance_that_does_not_exist_hears_nothing() {
    let mut node = Node::with(instance(100));
    node.until(1.0);
    assert!(node.hear_on(7, &advert(2, 200)).is_empty());
    assert!(node.read(7, crate::vrrp::event::Reading::Down).is_empty());
}
