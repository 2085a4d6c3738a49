//! Other settings for a running election: no failover.

use std::time::Duration;

use super::timetable::{A_SECOND, Node, advert, host, instance, pair, settings, tracking};
use crate::vrrp::{
    InstanceId, Priority, Role, Vrid,
    action::Reason,
    event::Reading,
    settings::{Effect, Instance},
};

const NOTHING: [&str; 0] = [];

fn master() -> Node {
    let mut node = Node::with(instance(100));
    node.until(5.0);
    assert_eq!(node.view().role, Role::Master);
    node
}

fn second(priority: u8) -> Instance {
    Instance {
        name: "VI_2".into(),
        vrid: Vrid::new(52).unwrap(),
        ..instance(priority)
    }
}

#[test]
fn the_same_settings_change_nothing() {
    let mut node = master();
    let before = node.view();
    assert_eq!(node.reload(settings(instance(100))), NOTHING);
    assert_eq!(node.view(), before);
    assert_eq!(node.until(5.7), ["5.659 send 100"]);
}

#[test]
fn another_priority_is_sent_without_a_failover() {
    let mut node = master();
    assert_eq!(node.reload(settings(instance(150))), NOTHING);
    assert_eq!(node.view().base_priority, Priority(150));
    assert_eq!(node.until(6.0), ["5.659 send 150"]);
}

#[test]
fn a_shorter_interval_counts_at_once() {
    let mut node = master();
    let interval = Duration::from_millis(100);
    assert_eq!(
        node.reload(settings(Instance {
            interval,
            ..instance(100)
        })),
        NOTHING
    );
    assert_eq!(node.until(5.25), ["5.100 send 100", "5.200 send 100"]);

    let mut node = Node::with(instance(100));
    node.until(1.0);
    node.reload(settings(Instance {
        interval: 2 * A_SECOND,
        ..instance(100)
    }));
    assert_eq!(node.until(7.6), NOTHING);
    assert_eq!(node.until(7.61), ["7.609 send 100"]);
}

#[test]
fn other_addresses_are_announced() {
    let mut node = master();
    let addresses = vec![host(100), host(101)];
    let orders = node.reload(settings(Instance {
        addresses,
        ..instance(100)
    }));
    assert_eq!(orders, ["5.000 announce 5"]);
}

#[test]
fn what_is_gone_resigns_and_what_is_new_begins() {
    let mut node = master();
    assert_eq!(
        node.reload(settings(second(100))),
        [
            "5.000 send 0",
            "5.000 release",
            "5.000 STOP",
            "5.000 BACKUP"
        ]
    );
}

#[test]
fn the_orders_of_what_is_gone_come_apart_under_the_old_indices() {
    let mut both = settings(instance(100));
    both.instances.push(second(100));
    let mut node = Node::new(both);
    node.until(5.0);
    let before = node.election.instance(InstanceId(1));
    assert_eq!(
        node.reload(settings(second(100))),
        ["5.000 send 0", "5.000 release", "5.000 STOP"]
    );
    assert_eq!(node.view(), before, "VI_2 is the first now");
}

#[test]
fn another_vrid_is_another_virtual_router() {
    let mut node = master();
    let vrid = Vrid::new(99).unwrap();
    let orders = node.reload(settings(Instance {
        vrid,
        ..instance(100)
    }));
    assert_eq!(
        orders,
        [
            "5.000 send 0",
            "5.000 release",
            "5.000 STOP",
            "5.000 BACKUP"
        ]
    );
}

#[test]
fn readings_stay_known_by_the_trackers_names() {
    let effects = [Effect::Fault, Effect::Weight(-20)];
    let mut node = Node::new(tracking(settings(instance(100)), &effects));
    node.until(0.0);
    node.read(0, Reading::Up);
    node.read(1, Reading::Down);
    let mut swapped = tracking(settings(instance(100)), &effects);
    swapped.trackers.swap(0, 1);
    swapped.instances[0].tracks[0].effect = Effect::Weight(-30);
    swapped.instances[0].tracks[1].effect = Effect::Fault;
    assert_eq!(node.reload(swapped), NOTHING);
    assert_eq!(node.view().priority, Priority(70));
    assert_eq!(node.view().role, Role::Backup);
}

#[test]
fn a_tracker_that_is_gone_takes_its_fault_with_it() {
    let mut node = Node::new(tracking(settings(instance(100)), &[Effect::Fault]));
    node.until(0.0);
    node.read(0, Reading::Down);
    assert_eq!(node.reload(settings(instance(100))), ["0.000 BACKUP"]);
}

#[test]
fn a_new_tracker_that_is_not_known_yet_moves_nothing() {
    let mut node = master();
    assert_eq!(
        node.reload(tracking(settings(instance(100)), &[Effect::Fault])),
        NOTHING
    );
    assert_eq!(node.view().role, Role::Master);
    assert_eq!(
        node.read(0, Reading::Down),
        ["5.000 send 0", "5.000 release", "5.000 FAULT"]
    );
}

#[test]
fn reasons_follow_their_trackers() {
    let mut node = Node::new(tracking(
        settings(instance(100)),
        &[Effect::Weight(1), Effect::Fault],
    ));
    node.until(0.0);
    node.read(1, Reading::Down);
    let mut other = tracking(settings(instance(100)), &[Effect::Fault]);
    other.trackers[0].name = "script 1".into();
    assert_eq!(node.reload(other), NOTHING);
    let view = node.view();
    assert_eq!(view.reason, Reason::TrackerDown(crate::vrrp::TrackerId(0)));
}

#[test]
fn members_of_a_new_group_follow_the_one_that_hears_a_master() {
    let mut apart = pair(instance(100), instance(100));
    let group = apart.groups.clone();
    apart.groups.clear();
    let mut node = Node::new(apart.clone());
    node.until(1.0);
    for at in [2.0, 3.0, 4.0, 5.0] {
        node.hear_on(1, &advert(2, 200));
        node.until(at);
    }
    node.hear_on(1, &advert(2, 200));
    assert_eq!(node.view().role, Role::Master);
    apart.groups = group;
    assert_eq!(node.reload(apart), ["5.000 send 0"]);
    assert_eq!(
        node.until(5.1),
        ["5.020 release", "5.020 BACKUP", "5.020 group 0 BACKUP"]
    );
}

#[test]
fn members_of_a_new_group_follow_the_master_if_nobody_else_is_heard() {
    let mut apart = pair(
        instance(100),
        Instance {
            interval: 10 * A_SECOND,
            ..instance(100)
        },
    );
    let group = apart.groups.clone();
    apart.groups.clear();
    let mut node = Node::new(apart.clone());
    node.until(5.0);
    apart.groups = group;
    assert_eq!(
        node.reload(apart),
        [
            "5.000 VI_2: send 100",
            "5.000 VI_2: acquire",
            "5.000 VI_2: announce 5",
            "5.000 VI_2: MASTER",
            "5.000 group 0 MASTER"
        ]
    );
}

#[test]
fn a_stopped_election_stays_stopped() {
    let mut node = master();
    node.tell(crate::vrrp::event::Event::Stop);
    assert_eq!(node.reload(settings(instance(200))), NOTHING);
    assert_eq!(node.until(60.0), NOTHING);
}
