//! A node that hears a master, and what it makes of it.

use std::time::Duration;

use super::timetable::{Node, advert, host, instance, unicast};
use crate::vrrp::{
    Role, Version,
    action::{Hold, Reason, Report},
    settings::{Instance, Preempt},
};

const NOTHING: [&str; 0] = [];

/// A backup of priority 100 that follows a master of priority 200, heard at 1 s.
fn follower() -> Node {
    let mut node = Node::with(instance(100));
    node.until(1.0);
    assert_eq!(node.hear(&advert(2, 200)), NOTHING);
    node
}

#[test]
fn backup_takes_over_after_three_missed_adverts_without_claiming_first() {
    let mut node = follower();
    assert_eq!(node.until(4.609), NOTHING);
    assert_eq!(
        node.until(4.650),
        [
            "4.609 send 100",
            "4.609 acquire",
            "4.609 announce 5",
            "4.609 MASTER"
        ]
    );
    assert_eq!(node.view().reason, Reason::MasterSilent);
}

#[test]
fn each_advert_starts_the_wait_again() {
    let mut node = follower();
    for second in 2..20 {
        assert_eq!(node.until(f64::from(second)), NOTHING);
        node.hear(&advert(2, 200));
    }
    let view = node.view();
    assert_eq!(view.role, Role::Backup);
    assert_eq!(view.master, Some(host(2)));
    assert_eq!(node.clock(view.master_down_at.unwrap()), 22.609);
}

#[test]
fn of_two_with_the_same_priority_the_master_stays() {
    for (peer, ours) in [(2, 1), (1, 2)] {
        let source = Some(host(ours));
        let mut node = Node::with(Instance {
            source,
            ..instance(100)
        });
        node.until(1.0);
        node.hear(&advert(peer, 100));
        assert_eq!(node.until(4.609), NOTHING);
    }
}

#[test]
fn higher_backup_takes_over_sooner() {
    let mut node = Node::with(instance(254));
    node.until(1.0);
    node.hear(&advert(2, 254));
    assert_eq!(node.until(4.1)[0], "4.007 send 254");
}

#[test]
fn a_resigning_master_is_replaced_after_the_skew() {
    let mut node = follower();
    node.until(1.5);
    assert_eq!(node.hear(&advert(2, 0)), NOTHING);
    assert_eq!(
        node.until(2.2),
        [
            "2.109 send 100",
            "2.109 acquire",
            "2.109 announce 5",
            "2.109 MASTER"
        ]
    );
    assert_eq!(node.view().reason, Reason::MasterResigned);
}

#[test]
fn a_resigning_only_peer_is_replaced_at_once() {
    let mut node = Node::with(Instance {
        peers: unicast([2]),
        ..instance(100)
    });
    node.until(1.0);
    node.hear(&advert(2, 200));
    assert_eq!(
        node.hear(&advert(2, 0)),
        [
            "1.000 send 100",
            "1.000 acquire",
            "1.000 announce 5",
            "1.000 MASTER"
        ]
    );
}

#[test]
fn a_list_of_peers_with_ourselves_in_it_is_no_longer_for_that() {
    let mut node = Node::with(Instance {
        peers: unicast([1, 2]),
        ..instance(100)
    });
    node.until(1.0);
    node.hear(&advert(2, 200));
    assert_eq!(node.hear(&advert(2, 0)).len(), 4);
}

#[test]
fn with_two_peers_the_skew_decides() {
    let mut node = Node::with(Instance {
        peers: unicast([2, 3]),
        ..instance(100)
    });
    node.until(1.0);
    node.hear(&advert(2, 200));
    assert_eq!(node.hear(&advert(2, 0)), NOTHING);
    assert_eq!(node.until(1.7)[0], "1.609 send 100");
}

#[test]
fn a_stranger_who_resigns_is_not_the_only_peer() {
    let mut node = Node::with(Instance {
        peers: unicast([2]),
        ..instance(100)
    });
    node.until(1.0);
    node.hear(&advert(2, 200));
    assert_eq!(node.hear(&advert(66, 0)), NOTHING);
}

#[test]
fn a_third_that_resigns_does_not_hurry_it_while_the_master_is_heard() {
    let mut node = follower();
    node.until(2.9);
    node.hear(&advert(3, 0));
    assert_eq!(node.until(4.609), NOTHING);
    let mut node = follower();
    node.until(3.1);
    node.hear(&advert(3, 0));
    assert_eq!(
        node.until(3.8)[0],
        "3.709 send 100",
        "that master may be gone"
    );
}

#[test]
fn a_node_that_has_just_started_preempts_a_lower_master_in_its_turn_addresses_first() {
    let mut node = Node::with(instance(200));
    node.until(0.7);
    assert_eq!(node.hear(&advert(2, 100)), NOTHING);
    assert_eq!(
        node.until(0.95),
        [
            "0.918 acquire",
            "0.918 announce 5",
            "0.918 send 200",
            "0.918 MASTER"
        ]
    );
    assert_eq!(node.view().reason, Reason::Preempting);
}

#[test]
fn in_its_first_election_it_claims_what_a_lower_one_claims() {
    let mut node = Node::with(instance(200));
    node.until(2.0);
    assert_eq!(node.hear(&advert(2, 100)), ["2.000 send 200"]);
    assert_eq!(
        node.until(2.050),
        [
            "2.050 acquire",
            "2.050 announce 5",
            "2.050 send 200",
            "2.050 MASTER"
        ]
    );
    assert_eq!(node.view().reason, Reason::Preempting);
}

#[test]
fn a_lower_one_that_answers_the_claim_is_master_and_lets_go() {
    let mut node = Node::with(instance(200));
    node.until(2.0);
    node.hear(&advert(2, 100));
    node.until(2.002);
    assert_eq!(
        node.hear(&advert(2, 100)),
        [
            "2.002 acquire",
            "2.002 announce 5",
            "2.002 send 200",
            "2.002 MASTER"
        ]
    );
}

#[test]
fn a_lower_one_that_resigns_ends_the_wait_for_its_answer() {
    let mut node = Node::with(instance(200));
    node.until(2.0);
    node.hear(&advert(2, 100));
    node.until(2.002);
    assert_eq!(node.hear(&advert(2, 0))[1], "2.002 acquire");
    assert_eq!(node.view().reason, Reason::MasterResigned);
}

#[test]
fn a_lower_third_that_claims_as_well_is_told_again_once_it_must_have_heard() {
    let mut node = Node::with(instance(200));
    node.until(2.0);
    node.hear(&advert(2, 100));
    node.until(2.002);
    assert_eq!(node.hear(&advert(3, 150)), NOTHING);
    node.until(2.030);
    assert_eq!(node.hear(&advert(3, 150)), ["2.030 send 200"]);
}

#[test]
fn who_took_the_place_of_a_master_now_silent_is_not_preempted_by_one_that_holds_back() {
    let mut node = Node::with(Instance {
        preempt: Preempt::Never,
        ..instance(100)
    });
    node.until(1.0);
    node.hear(&advert(2, 200));
    node.until(4.6);
    node.hear(&advert(3, 50));
    assert_eq!(node.until(5.5), NOTHING);
    assert_eq!(node.view().master, Some(host(3)));
}

#[test]
fn an_only_peer_of_lower_priority_is_preempted_at_once_addresses_first() {
    let mut node = Node::with(Instance {
        peers: unicast([2]),
        ..instance(200)
    });
    node.until(1.0);
    assert_eq!(
        node.hear(&advert(2, 100)),
        [
            "1.000 acquire",
            "1.000 announce 5",
            "1.000 send 200",
            "1.000 MASTER"
        ]
    );
    assert_eq!(node.until(1.2), ["1.100 announce 5"]);
}

#[test]
fn a_better_third_heard_in_time_stops_the_preemption() {
    let mut node = Node::with(instance(101));
    node.until(2.0);
    node.hear(&advert(2, 100));
    node.until(2.001);
    node.hear(&advert(3, 102));
    assert_eq!(node.until(4.6), NOTHING);
    assert_eq!(node.view().master, Some(host(3)));
}

#[test]
fn a_master_whose_priority_falls_is_preempted_when_the_wait_for_its_old_one_ends() {
    let mut node = follower();
    for tenth in [20, 30, 40] {
        node.until(f64::from(tenth) / 10.0);
        assert_eq!(node.hear(&advert(2, 50)), NOTHING);
    }
    assert_eq!(
        node.until(4.7),
        [
            "4.609 acquire",
            "4.609 announce 5",
            "4.609 send 100",
            "4.609 MASTER"
        ]
    );
}

#[test]
fn a_lower_third_does_not_hurry_it_while_the_better_lives() {
    let mut node = follower();
    node.until(1.5);
    node.hear(&advert(3, 50));
    assert_eq!(node.view().master, Some(host(2)));
    assert_eq!(node.until(4.609), NOTHING);
}

#[test]
fn nopreempt_leaves_a_living_master_alone_and_takes_over_from_a_silent_one() {
    let mut node = Node::with(Instance {
        preempt: Preempt::Never,
        ..instance(200)
    });
    for second in 1..10 {
        assert_eq!(
            node.until(f64::from(second)),
            if second == 1 {
                vec!["0.000 BACKUP"]
            } else {
                vec![]
            }
        );
        assert_eq!(node.hear(&advert(2, 100)), NOTHING);
    }
    assert_eq!(node.view().hold, Some(Hold::NoPreempt));
    let held = |report: &Report| matches!(report, Report::Holding { .. });
    assert_eq!(
        node.reports().iter().filter(|report| held(report)).count(),
        1
    );
    assert_eq!(node.until(12.3)[0], "12.218 send 200");
}

#[test]
fn preempt_delay_counts_from_the_first_word_of_the_lower_master() {
    let wait = Duration::from_secs(10);
    let mut node = Node::with(Instance {
        preempt: Preempt::After(wait),
        ..instance(200)
    });
    node.until(1.0);
    for second in 1..11 {
        assert_eq!(node.until(f64::from(second) + 0.5), NOTHING);
        assert_eq!(node.hear(&advert(2, 100)), NOTHING);
        assert_eq!(node.view().hold, Some(Hold::PreemptDelay(wait)));
    }
    assert_eq!(
        node.until(11.55),
        [
            "11.500 acquire",
            "11.500 announce 5",
            "11.500 send 200",
            "11.500 MASTER"
        ]
    );
}

#[test]
fn preempt_delay_does_not_delay_a_takeover_from_a_silent_master() {
    let preempt = Preempt::After(Duration::from_secs(100));
    let mut node = Node::with(Instance {
        preempt,
        ..instance(200)
    });
    node.until(1.0);
    node.hear(&advert(2, 100));
    assert_eq!(node.until(4.3)[0], "4.218 send 200");
}

#[test]
fn a_better_master_ends_the_preempt_delay() {
    let preempt = Preempt::After(Duration::from_secs(2));
    let mut node = Node::with(Instance {
        preempt,
        ..instance(100)
    });
    node.until(1.0);
    node.hear(&advert(2, 50));
    node.until(2.0);
    node.hear(&advert(3, 200));
    assert_eq!(node.until(4.9), NOTHING);
}

#[test]
fn version_3_waits_at_the_masters_pace() {
    let mut node = Node::with(Instance {
        version: Version::V3,
        ..instance(100)
    });
    node.until(1.0);
    let tenth = Duration::from_millis(100);
    node.hear(&advert(2, 200).v3(tenth));
    let orders = node.until(3.0);
    assert_eq!(orders[0], "1.360 send 100");
    assert_eq!(orders[4], "2.360 send 100", "its own pace as master");
}

#[test]
fn startup_delay_only_listens() {
    let mut settings = super::timetable::settings(instance(100));
    settings.startup_delay = Duration::from_secs(5);
    let mut node = Node::new(settings);
    assert_eq!(node.until(4.9), NOTHING);
    node.hear(&advert(2, 50));
    assert_eq!(node.view().role, Role::Init);
    assert_eq!(node.view().peers.len(), 1);
    assert_eq!(node.until(8.5), ["5.000 BACKUP"]);
    assert_eq!(node.until(8.7)[0], "8.609 send 100");
}

#[test]
fn a_backup_that_slept_through_its_deadline_listens_once_more() {
    let mut node = follower();
    node.sleep(60.0);
    assert_eq!(node.until(60.0), NOTHING);
    node.hear(&advert(2, 200));
    assert_eq!(node.until(63.6), NOTHING);
    node.sleep(100.0);
    assert_eq!(node.until(100.06)[0], "100.050 send 100");
}

#[test]
fn a_claim_ends_when_somebody_better_is_heard_and_nobody_was_told() {
    let mut node = Node::with(instance(100));
    node.until(3.63);
    assert_eq!(node.hear(&advert(2, 101)), NOTHING);
    assert_eq!(node.until(7.2), NOTHING);
    let view = node.view();
    assert_eq!((view.role, view.counters.became_master), (Role::Backup, 0));
}

#[test]
fn a_claim_stands_against_somebody_worse_who_hears_so() {
    let mut node = Node::with(instance(101));
    node.until(3.64);
    assert_eq!(node.hear(&advert(2, 100)), ["3.640 send 101"]);
    assert_eq!(node.until(3.7)[3], "3.655 MASTER");
}

#[test]
fn of_two_equal_claims_the_higher_address_stands() {
    let mut low = Node::with(instance(100));
    low.until(3.63);
    low.hear(&advert(2, 100));
    assert_eq!(low.until(3.7), NOTHING);
    let mut high = Node::with(Instance {
        source: Some(host(9)),
        ..instance(100)
    });
    high.until(3.63);
    high.hear(&advert(2, 100));
    assert_eq!(high.view().role, Role::Backup);
    assert_eq!(high.until(3.7)[3], "3.659 MASTER");
}
