//! What readings do to a priority, and to a role.

use super::timetable::{Node, advert, instance, settings, tracking};
use crate::vrrp::{
    Priority, Role, TrackerId,
    action::{Reason, Report},
    event::Reading::{self, Down, Up, Value},
    settings::Effect::{self, Fault, FaultReversed, Weight, WeightReversed},
};

/// The priority that comes of a base and some readings.
fn priority(base: u8, read: &[(Effect, Reading)]) -> u8 {
    let effects: Vec<Effect> = read.iter().map(|(effect, _)| *effect).collect();
    let mut node = Node::new(tracking(settings(instance(base)), &effects));
    for (index, (_, reading)) in read.iter().enumerate() {
        node.read(index, *reading);
    }
    node.view().priority.0
}

#[test]
fn positive_weights_count_while_up_and_negative_ones_while_down() {
    assert_eq!(priority(100, &[(Weight(2), Up)]), 102);
    assert_eq!(priority(100, &[(Weight(2), Down)]), 100);
    assert_eq!(priority(100, &[(Weight(-20), Up)]), 100);
    assert_eq!(priority(100, &[(Weight(-20), Down)]), 80);
    assert_eq!(
        priority(
            100,
            &[(Weight(2), Up), (Weight(-20), Down), (Weight(5), Up)]
        ),
        87
    );
}

#[test]
fn reversed_weights_exchange_up_and_down() {
    assert_eq!(priority(100, &[(WeightReversed(2), Down)]), 102);
    assert_eq!(priority(100, &[(WeightReversed(2), Up)]), 100);
    assert_eq!(priority(100, &[(WeightReversed(-20), Up)]), 80);
    assert_eq!(priority(100, &[(WeightReversed(-20), Down)]), 100);
}

#[test]
fn sums_are_limited_only_at_the_end() {
    assert_eq!(priority(200, &[(Weight(253), Up)]), 254);
    assert_eq!(priority(50, &[(Weight(-253), Down)]), 1);
    assert_eq!(
        priority(200, &[(Weight(253), Up), (Weight(-253), Down)]),
        200
    );
    assert_eq!(priority(1, &[(Value(0).effect(), Value(0))]), 1);
}

#[test]
fn an_owner_is_immune_to_weights() {
    assert_eq!(priority(255, &[(Weight(-100), Down)]), 255);
}

#[test]
fn numbers_of_files_are_added() {
    assert_eq!(priority(100, &[(Weight(1), Value(7))]), 107);
    assert_eq!(priority(100, &[(Weight(1), Value(-7))]), 93);
    assert_eq!(priority(100, &[(WeightReversed(1), Value(7))]), 93);
    assert_eq!(priority(100, &[(Weight(1), Value(254))]), 254);
}

/// Nor does it tell of a priority that nobody will ever see.
#[test]
fn a_number_that_faults_leaves_the_priority_alone() {
    assert_eq!(priority(100, &[(Weight(1), Value(-254))]), 100);
    assert_eq!(priority(100, &[(WeightReversed(1), Value(254))]), 100);
    assert_eq!(priority(100, &[(Weight(1), Value(-253))]), 1);
}

impl Reading {
    /// A weight for it.
    fn effect(self) -> Effect {
        Weight(1)
    }
}

/// The role after a first reading.
fn role(effect: Effect, reading: Reading) -> Role {
    let mut node = Node::new(tracking(settings(instance(100)), &[effect]));
    node.until(0.0);
    node.read(0, reading);
    node.view().role
}

#[test]
fn what_faults_and_what_does_not() {
    let faulting = [
        (Fault, Down),
        (FaultReversed, Up),
        (Weight(1), Value(-254)),
        (WeightReversed(1), Value(254)),
        (Fault, Value(1)),
        (FaultReversed, Value(0)),
    ];
    for (effect, reading) in faulting {
        assert_eq!(role(effect, reading), Role::Fault, "{effect:?} {reading:?}");
    }
    let harmless = [
        (Fault, Up),
        (FaultReversed, Down),
        (Weight(-253), Down),
        (Weight(253), Up),
        (Weight(1), Value(-253)),
        (Weight(1), Value(254)),
        (Fault, Value(0)),
        (FaultReversed, Value(3)),
    ];
    for (effect, reading) in harmless {
        assert_eq!(
            role(effect, reading),
            Role::Backup,
            "{effect:?} {reading:?}"
        );
    }
}

#[test]
fn init_lasts_until_what_could_fault_is_known() {
    let mut node = Node::new(tracking(
        settings(instance(100)),
        &[Fault, Weight(-5), Fault],
    ));
    node.until(10.0);
    assert_eq!(node.view().role, Role::Init);
    assert!(node.read(0, Up).is_empty());
    assert_eq!(node.read(2, Up), ["10.000 BACKUP"]);
    assert_eq!(node.until(14.0)[0], "13.609 send 100");
}

#[test]
fn one_that_is_down_is_a_fault_though_others_are_unknown() {
    let mut node = Node::new(tracking(settings(instance(100)), &[Fault, Fault]));
    node.until(1.0);
    assert_eq!(node.read(1, Down), ["1.000 FAULT"]);
    assert_eq!(node.view().reason, Reason::TrackerDown(TrackerId(1)));
    assert!(node.read(1, Up).is_empty(), "the other is still unknown");
    assert_eq!(node.view().role, Role::Fault);
    assert_eq!(node.read(0, Up), ["1.000 BACKUP"]);
    assert_eq!(node.view().reason, Reason::TrackersUp);
}

#[test]
fn a_master_whose_tracker_fails_resigns_at_once() {
    let mut node = Node::new(tracking(settings(instance(100)), &[Fault]));
    node.until(0.0);
    node.read(0, Up);
    node.until(4.0);
    assert_eq!(
        node.read(0, Down),
        ["4.000 send 0", "4.000 release", "4.000 FAULT"]
    );
    assert!(node.until(60.0).is_empty());
    assert_eq!(node.read(0, Up), ["60.000 BACKUP"]);
}

#[test]
fn a_check_that_flaps_does_not_move_the_addresses_each_time() {
    let mut node = Node::new(tracking(settings(instance(200)), &[Fault]));
    node.until(0.0);
    node.read(0, Up);
    for second in 1..60 {
        node.until(f64::from(second));
        node.read(0, if second % 3 == 0 { Down } else { Up });
        node.until(f64::from(second) + 0.5);
        node.hear(&advert(2, 100));
        assert!(second < 3 || node.view().role != Role::Master);
    }
    assert_eq!(node.until(61.3)[0], "61.218 acquire", "up since 58");
}

#[test]
fn a_fault_names_what_is_down_now() {
    let mut node = Node::new(tracking(settings(instance(100)), &[Fault, Fault]));
    node.until(0.0);
    for (tracker, reading) in [(0, Down), (1, Down), (0, Up)] {
        node.read(tracker, reading);
    }
    assert_eq!(node.view().reason, Reason::TrackerDown(TrackerId(1)));
}

#[test]
fn a_changed_priority_is_told_and_sent_from_the_next_advert_on() {
    let mut node = Node::new(tracking(settings(instance(100)), &[Weight(-20)]));
    node.until(4.0);
    node.reports();
    assert!(node.read(0, Down).is_empty());
    let instance = crate::vrrp::InstanceId(0);
    let (from, to) = (Priority(100), Priority(80));
    assert_eq!(node.reports(), [Report::Priority { instance, from, to }]);
    assert_eq!(node.until(5.0), ["4.659 send 80"]);
    assert_eq!(
        node.hear(&advert(2, 90)),
        ["5.000 send 80"],
        "and now it yields"
    );
}

#[test]
fn contributions_are_shown_in_the_order_of_the_file() {
    let mut node = Node::new(tracking(
        settings(instance(100)),
        &[Weight(2), Fault, Weight(-9)],
    ));
    node.until(0.0);
    node.read(0, Up);
    node.read(1, Down);
    let view = node.view();
    let seen = view.contributions.iter();
    let seen: Vec<_> = seen
        .map(|one| (one.tracker.0, one.reading, one.weight, one.faults))
        .collect();
    assert_eq!(
        seen,
        [
            (0, Some(Up), 2, false),
            (1, Some(Down), 0, true),
            (2, None, 0, false)
        ]
    );
    assert_eq!(
        (view.base_priority, view.priority),
        (Priority(100), Priority(102))
    );
}
