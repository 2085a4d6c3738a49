//! A master: what it says, to whom it yields, how it ends.

use std::time::Duration;

use super::timetable::{A_SECOND, Node, Word, advert, host, instance, unicast};
use crate::vrrp::{
    Priority, Role, Version,
    action::{Reason, Report},
    event::Event,
    settings::{Announcements, Instance},
};

const NOTHING: [&str; 0] = [];

fn master(instance: Instance) -> Node {
    let mut node = Node::with(instance);
    node.until(5.0);
    assert_eq!(node.view().role, Role::Master);
    node.reports();
    node
}

#[test]
fn yields_with_a_last_word_and_lets_go_after_the_grace() {
    let mut node = master(instance(100));
    assert_eq!(node.hear(&advert(2, 101)), ["5.000 send 100"]);
    assert_eq!(node.view().role, Role::Master);
    assert_eq!(node.until(8.6), ["5.020 release", "5.020 BACKUP"]);
    assert_eq!(
        node.view().reason,
        Reason::HigherPriority {
            peer: host(2),
            priority: Priority(101)
        }
    );
    assert_eq!(
        node.until(8.7)[0],
        "8.629 send 100",
        "if that one falls silent"
    );
}

#[test]
fn yields_to_the_higher_address_and_stands_against_the_lower() {
    let mut node = master(Instance {
        source: Some(host(5)),
        ..instance(100)
    });
    assert_eq!(
        node.hear(&advert(4, 100))[..2],
        ["5.000 send 100", "5.000 announce 5"]
    );
    assert_eq!(node.hear(&advert(6, 100)), ["5.000 send 100"]);
    assert_eq!(node.until(5.1), ["5.020 release", "5.020 BACKUP"]);
}

#[test]
fn addresses_are_compared_as_numbers() {
    let mut node = master(Instance {
        source: Some(host(9)),
        ..instance(100)
    });
    node.hear(&advert(10, 100));
    assert_eq!(node.until(5.1), ["5.020 release", "5.020 BACKUP"]);
}

#[test]
fn a_rival_of_lower_priority_hears_so_and_the_neighbours_are_told_now_and_again() {
    let mut node = master(instance(100));
    assert_eq!(node.until(8.7).len(), 5, "its own announcements are over");
    node.until(9.0);
    assert_eq!(
        node.hear(&advert(2, 50)),
        ["9.000 send 100", "9.000 announce 5"]
    );
    assert_eq!(
        node.until(15.0),
        [
            "9.100 announce 5",
            "10.000 send 100",
            "11.000 send 100",
            "12.000 send 100",
            "13.000 send 100",
            "14.000 send 100",
            "14.000 announce 5",
            "15.000 send 100"
        ]
    );
}

#[test]
fn a_rival_that_floods_gets_no_flood_back() {
    let mut node = master(instance(100));
    node.until(9.0);
    let mut orders = Vec::new();
    for hundredth in 0..100 {
        orders.extend(node.until(9.0 + f64::from(hundredth) / 100.0));
        orders.extend(node.hear(&advert(2, 50)));
    }
    assert!(orders.len() < 40, "{} orders for 100 adverts", orders.len());
    let rivals = node.reports().into_iter();
    let rivals = rivals.filter(|report| matches!(report, Report::Rival { .. }));
    assert!(rivals.count() <= 1, "one report for one rival");
}

#[test]
fn lower_prio_no_advert_announces_only() {
    let mut node = master(Instance {
        lower_prio_no_advert: true,
        ..instance(100)
    });
    assert_eq!(node.hear(&advert(2, 50)), ["5.000 announce 5"]);
}

#[test]
fn somebody_elses_resignation_is_answered() {
    let mut node = master(instance(100));
    assert_eq!(
        node.hear(&advert(2, 0)),
        ["5.000 send 100", "5.000 announce 5"]
    );
    assert_eq!(node.hear(&advert(2, 0)), ["5.000 send 100"]);
}

#[test]
fn refreshes_the_neighbours_memory() {
    let mut node = Node::with(Instance {
        announcements: Announcements {
            again_after: Duration::ZERO,
            refresh: Some(2 * A_SECOND),
            refresh_repeat: 2,
            ..instance(100).announcements
        },
        ..instance(100)
    });
    let orders = node
        .until(9.0)
        .into_iter()
        .filter(|order| order.contains("announce"));
    assert_eq!(
        orders.collect::<Vec<_>>(),
        ["3.659 announce 5", "5.659 announce 2", "7.659 announce 2"]
    );
}

#[test]
fn no_announcements_if_none_are_wanted() {
    let mut node = Node::with(Instance {
        announcements: Announcements {
            repeat: 0,
            ..instance(100).announcements
        },
        ..instance(100)
    });
    assert!(
        !node
            .until(20.0)
            .iter()
            .any(|order| order.contains("announce"))
    );
}

#[test]
fn a_stop_resigns_first_and_ends_everything() {
    let mut node = master(instance(100));
    assert_eq!(
        node.tell(Event::Stop),
        ["5.000 send 0", "5.000 release", "5.000 STOP"]
    );
    assert_eq!(node.tell(Event::Stop), NOTHING);
    assert_eq!(node.hear(&advert(2, 0)), NOTHING);
    assert_eq!(node.election.poll_timeout(), None);
    let view = node.view();
    assert_eq!((view.role, view.reason), (Role::Init, Reason::Stopping));
    assert_eq!(view.counters.resignations_sent, 1);
}

#[test]
fn a_backup_stops_without_a_word() {
    let mut node = Node::with(instance(100));
    node.until(1.0);
    assert_eq!(node.tell(Event::Stop), ["1.000 STOP"]);
}

#[test]
fn a_claim_is_taken_back_by_a_stop() {
    let mut node = Node::with(instance(100));
    node.until(3.62);
    assert_eq!(node.tell(Event::Stop), ["3.620 send 0", "3.620 STOP"]);
}

#[test]
fn a_stop_while_yielding_releases_once() {
    let mut node = master(instance(100));
    node.hear(&advert(2, 101));
    assert_eq!(
        node.tell(Event::Stop),
        ["5.000 send 0", "5.000 release", "5.000 STOP"]
    );
    assert_eq!(node.until(6.0), NOTHING);
}

#[test]
fn a_rival_that_resigns_during_the_grace_is_replaced_again_after_the_skew() {
    let mut node = master(instance(100));
    node.hear(&advert(2, 101));
    node.until(5.01);
    assert_eq!(node.hear(&advert(2, 0)), NOTHING);
    assert_eq!(
        node.until(5.7),
        [
            "5.020 release",
            "5.020 BACKUP",
            "5.629 send 100",
            "5.629 acquire",
            "5.629 announce 5",
            "5.629 MASTER"
        ]
    );
}

#[test]
fn during_the_grace_it_says_nothing_more() {
    let mut node = master(Instance {
        peers: unicast([2]),
        ..instance(100)
    });
    node.hear(&advert(2, 101));
    node.until(5.01);
    for word in [advert(2, 101), advert(2, 50), advert(3, 100)] {
        assert_eq!(node.hear(&word), NOTHING);
    }
    assert_eq!(node.until(6.0), ["5.020 release", "5.020 BACKUP"]);
}

#[test]
fn losing_the_source_address_is_a_fault() {
    let mut node = master(instance(100));
    let (instance, source) = (crate::vrrp::InstanceId(0), None);
    assert_eq!(
        node.tell(Event::Source { instance, source }),
        ["5.000 send 0", "5.000 release", "5.000 FAULT"]
    );
    assert_eq!(node.view().reason, Reason::NoSourceAddress);
    let source = Some(host(1));
    assert_eq!(
        node.tell(Event::Source { instance, source }),
        ["5.000 BACKUP"]
    );
}

/// An IPv6 address may be tentative for a while: that is no fault of a node that starts.
#[test]
fn who_starts_without_a_source_address_waits_for_it() {
    let homeless = || {
        Node::with(Instance {
            source: None,
            ..instance(100)
        })
    };
    let (instance, source) = (crate::vrrp::InstanceId(0), Some(host(1)));
    let mut node = homeless();
    assert_eq!(node.until(1.9), Vec::<String>::new());
    assert_eq!(
        node.tell(Event::Source { instance, source }),
        ["1.900 BACKUP"]
    );
    let mut node = homeless();
    assert_eq!(node.until(60.0), ["5.000 FAULT"]);
    assert_eq!(node.view().reason, Reason::NoSourceAddress);
    assert_eq!(
        node.tell(Event::Source { instance, source }),
        ["60.000 BACKUP"]
    );
}

#[test]
fn fast_adverts_leave_the_same_grace() {
    let tenth = Duration::from_millis(100);
    let mut node = master(Instance {
        version: Version::V3,
        interval: tenth,
        ..instance(100)
    });
    let word: Word = advert(2, 101).v3(tenth);
    node.until(5.001);
    node.hear(&word);
    assert_eq!(node.until(5.1)[0], "5.021 release");
}

#[test]
fn a_late_master_does_not_make_up_for_adverts_it_has_missed() {
    let mut node = master(instance(100));
    node.sleep(60.0);
    assert_eq!(
        node.until(61.5),
        ["60.000 send 100", "60.000 announce 5", "61.000 send 100"]
    );
}
