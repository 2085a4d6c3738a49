//! Instances that stand and fall together.

use super::timetable::{A_SECOND, Node, advert, instance, pair, tracking, unicast};
use crate::vrrp::{
    GroupId, Role, TrackerId,
    action::{Reason, Report},
    event::{Event, Reading},
    settings::{Effect, Instance, Track},
};

const NOTHING: [&str; 0] = [];

fn roles(node: &Node) -> [Role; 2] {
    [0, 1].map(|id| node.election.instance(crate::vrrp::InstanceId(id)).role)
}

fn masters() -> Node {
    let mut node = Node::new(pair(instance(100), instance(100)));
    node.until(5.0);
    assert_eq!(roles(&node), [Role::Master; 2]);
    node
}

/// Both heard a master of priority 200 at 1 s.
fn followers(peers: crate::vrrp::settings::Peers) -> Node {
    let member = Instance {
        peers,
        ..instance(100)
    };
    let mut node = Node::new(pair(member.clone(), member));
    node.until(1.0);
    node.hear_on(0, &advert(2, 200));
    node.hear_on(1, &advert(2, 200));
    node
}

#[test]
fn members_claim_and_become_master_together() {
    let mut node = Node::new(pair(instance(100), instance(90)));
    assert_eq!(
        node.until(0.0),
        ["0.000 BACKUP", "0.000 VI_2: BACKUP", "0.000 group 0 BACKUP"]
    );
    assert_eq!(node.until(3.65), ["3.609 send 100", "3.609 VI_2: send 90"]);
    assert_eq!(
        node.until(3.7),
        [
            "3.659 send 100",
            "3.659 acquire",
            "3.659 announce 5",
            "3.659 MASTER",
            "3.659 VI_2: send 90",
            "3.659 VI_2: acquire",
            "3.659 VI_2: announce 5",
            "3.659 VI_2: MASTER",
            "3.659 group 0 MASTER"
        ]
    );
}

#[test]
fn members_yield_together_and_those_who_lost_nothing_resign() {
    let mut node = masters();
    assert_eq!(
        node.hear_on(1, &advert(2, 101)),
        ["5.000 VI_2: send 100", "5.000 send 0"]
    );
    assert_eq!(
        node.until(5.1),
        [
            "5.020 release",
            "5.020 BACKUP",
            "5.020 VI_2: release",
            "5.020 VI_2: BACKUP",
            "5.020 group 0 BACKUP"
        ]
    );
}

#[test]
fn one_fault_faults_all() {
    let mut settings = tracking(pair(instance(100), instance(100)), &[Effect::Fault]);
    settings.trackers[0].initially = Some(Reading::Up);
    let mut node = Node::new(settings);
    node.until(5.0);
    assert_eq!(
        node.read(0, Reading::Down),
        [
            "5.000 send 0",
            "5.000 release",
            "5.000 FAULT",
            "5.000 VI_2: send 0",
            "5.000 VI_2: release",
            "5.000 VI_2: FAULT",
            "5.000 group 0 FAULT"
        ]
    );
    assert_eq!(node.view().reason, Reason::TrackerDown(TrackerId(0)));
    let second = node.election.instance(crate::vrrp::InstanceId(1));
    assert_eq!(second.reason, Reason::Group(GroupId(0)));
    assert_eq!(
        node.read(0, Reading::Up),
        ["5.000 BACKUP", "5.000 VI_2: BACKUP", "5.000 group 0 BACKUP"]
    );
}

#[test]
fn a_member_that_is_not_ready_keeps_all_in_init() {
    let mut node = Node::new(tracking(
        pair(instance(100), instance(100)),
        &[Effect::Fault],
    ));
    assert_eq!(node.until(10.0), NOTHING);
    assert_eq!(roles(&node), [Role::Init; 2]);
    node.read(0, Reading::Up);
    assert_eq!(roles(&node), [Role::Backup; 2]);
}

#[test]
fn what_a_group_tracks_counts_for_each_member() {
    let mut settings = tracking(pair(instance(100), instance(50)), &[Effect::Weight(-30)]);
    settings.instances[0].tracks.clear();
    settings.groups[0].tracks.push(Track {
        tracker: TrackerId(0),
        effect: Effect::Weight(-30),
    });
    let mut node = Node::new(settings);
    node.until(0.0);
    node.read(0, Reading::Down);
    let priority = |id| {
        node.election
            .instance(crate::vrrp::InstanceId(id))
            .priority
            .0
    };
    assert_eq!((priority(0), priority(1)), (70, 20));
}

#[test]
fn a_dead_master_of_both_is_replaced_when_the_first_wait_ends() {
    let mut node = followers(unicast([2]));
    node.until(1.8);
    node.hear_on(1, &advert(2, 200));
    let orders = node.until(4.7);
    assert_eq!(orders[0], "4.609 send 100");
    assert!(orders.contains(&"4.609 VI_2: MASTER".to_owned()));
    assert!(orders.contains(&"4.609 group 0 MASTER".to_owned()));
}

#[test]
fn one_silent_network_does_not_contradict_a_master_that_lives_on_the_other() {
    let mut node = followers(unicast([2]));
    for second in 2..30 {
        assert_eq!(node.until(f64::from(second)), NOTHING);
        node.hear_on(1, &advert(2, 200));
    }
    assert_eq!(roles(&node), [Role::Backup; 2]);
    let orders = node.until(32.7);
    assert_eq!(
        orders[0], "31.000 send 100",
        "two intervals after its last word"
    );
    assert_eq!(roles(&node), [Role::Master; 2]);
}

#[test]
fn a_resigning_only_peer_is_replaced_with_its_last_resignation() {
    let mut node = followers(unicast([2]));
    assert_eq!(node.hear_on(0, &advert(2, 0)), NOTHING);
    assert_eq!(
        node.hear_on(1, &advert(2, 0)),
        [
            "1.000 VI_2: send 100",
            "1.000 VI_2: acquire",
            "1.000 VI_2: announce 5",
            "1.000 VI_2: MASTER",
            "1.000 send 100",
            "1.000 acquire",
            "1.000 announce 5",
            "1.000 MASTER",
            "1.000 group 0 MASTER"
        ]
    );
}

#[test]
fn preemption_takes_all_addresses_before_it_says_so() {
    let member = Instance {
        peers: unicast([2]),
        ..instance(200)
    };
    let mut node = Node::new(pair(member.clone(), member));
    node.until(1.0);
    assert_eq!(
        node.hear_on(0, &advert(2, 100)),
        [
            "1.000 acquire",
            "1.000 announce 5",
            "1.000 send 200",
            "1.000 MASTER",
            "1.000 VI_2: acquire",
            "1.000 VI_2: announce 5",
            "1.000 VI_2: send 200",
            "1.000 VI_2: MASTER",
            "1.000 group 0 MASTER"
        ]
    );
}

#[test]
fn a_claim_leaves_the_living_master_of_another_member_in_peace_until_the_addresses_are_there() {
    let recovered = tracking(pair(instance(200), instance(200)), &[Effect::Fault]);
    let mut node = Node::new(recovered);
    node.until(0.0);
    node.read(0, Reading::Down);
    node.read(0, Reading::Up);
    for at in [1.0, 2.0, 3.0] {
        node.until(at);
        node.hear_on(1, &advert(2, 100));
    }
    assert_eq!(
        node.until(3.3),
        [
            "3.218 send 200",
            "3.218 VI_2: acquire",
            "3.218 VI_2: announce 5",
            "3.218 VI_2: send 200",
            "3.218 VI_2: MASTER",
            "3.218 acquire",
            "3.218 announce 5",
            "3.218 send 200",
            "3.218 MASTER",
            "3.218 group 0 MASTER"
        ]
    );
}

#[test]
fn groups_with_opposed_priorities_do_not_fight() {
    // We would win VI_1 and lose VI_2.
    let mut node = Node::new(pair(instance(200), instance(50)));
    node.until(1.0);
    for second in 1..30 {
        node.until(f64::from(second));
        node.hear_on(1, &advert(2, 100));
        node.hear_on(0, &advert(2, 100));
    }
    assert_eq!(roles(&node), [Role::Backup; 2]);
    let changed = |report: &Report| {
        matches!(
            report,
            Report::Transition {
                to: Role::Master,
                ..
            }
        )
    };
    assert!(!node.reports().iter().any(changed));
}

#[test]
fn a_stop_tells_the_group_too() {
    let mut node = masters();
    let orders = node.tell(Event::Stop);
    assert_eq!(orders.last().unwrap(), "5.000 group 0 STOP");
    assert_eq!(orders.len(), 7);
    assert_eq!(node.until(60.0 + A_SECOND.as_secs_f64()), NOTHING);
}

#[test]
fn a_group_that_never_began_is_told_of_its_stop() {
    let mut node = Node::new(tracking(
        pair(instance(100), instance(100)),
        &[Effect::Fault],
    ));
    assert_eq!(
        node.tell(Event::Stop),
        ["0.000 STOP", "0.000 VI_2: STOP", "0.000 group 0 STOP"]
    );
}
