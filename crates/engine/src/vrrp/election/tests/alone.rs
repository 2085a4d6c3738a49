//! A node that hears nobody.

use std::time::Duration;

use super::timetable::{Node, instance};
use crate::vrrp::{Role, Version, settings::Instance};

#[test]
fn starts_as_backup_claims_after_three_intervals_and_skew_and_becomes_master() {
    let mut node = Node::with(instance(100));
    assert_eq!(node.until(0.0), ["0.000 BACKUP"]);
    assert_eq!(node.until(3.609), Vec::<String>::new());
    assert_eq!(node.until(3.610), ["3.609 send 100"]);
    assert_eq!(node.view().role, Role::Backup);
    assert_eq!(
        node.until(3.700),
        [
            "3.659 send 100",
            "3.659 acquire",
            "3.659 announce 5",
            "3.659 MASTER"
        ]
    );
    assert_eq!(node.view().role, Role::Master);
}

#[test]
fn master_advertises_every_interval_and_announces_once_more() {
    let mut node = Node::with(instance(100));
    node.until(3.7);
    assert_eq!(
        node.until(9.7),
        [
            "4.659 send 100",
            "5.659 send 100",
            "6.659 send 100",
            "7.659 send 100",
            "8.659 send 100",
            "8.659 announce 5",
            "9.659 send 100"
        ]
    );
}

#[test]
fn owner_does_not_wait() {
    let mut node = Node::with(instance(255));
    assert_eq!(
        node.until(0.0),
        [
            "0.000 send 255",
            "0.000 acquire",
            "0.000 announce 5",
            "0.000 MASTER"
        ]
    );
}

#[test]
fn version_3_at_a_tenth_of_a_second_claims_for_half_of_it() {
    let mut node = Node::with(Instance {
        version: Version::V3,
        interval: Duration::from_millis(100),
        ..instance(100)
    });
    assert_eq!(
        node.until(0.42),
        [
            "0.000 BACKUP",
            "0.360 send 100",
            "0.410 send 100",
            "0.410 acquire",
            "0.410 announce 5",
            "0.410 MASTER"
        ]
    );
}
