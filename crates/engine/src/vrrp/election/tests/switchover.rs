//! Mastership handed over on purpose.

use std::time::Duration;

use super::timetable::{A_SECOND, Node, advert, instance, pair, settings, tracking};
use crate::vrrp::{
    InstanceId, Priority, Role,
    action::{Hold, Reason, Report},
    event::{Event, Proxy, ProxyFault, Reading, Servers},
    settings::{Effect, Instance, Preempt},
    view::{CannotHandOver, CannotTakeBack, Switchover},
};

const VI_1: InstanceId = InstanceId(0);
const HAND_OVER: Event = Event::HandOver { instance: VI_1 };
const TAKE_BACK: Event = Event::TakeBack { instance: VI_1 };
const NOTHING: [&str; 0] = [];

fn master_of(file: Instance) -> Node {
    let mut node = Node::with(file);
    node.until(5.0);
    assert_eq!(node.view().role, Role::Master);
    node.reports();
    node
}

fn master() -> Node {
    master_of(instance(150))
}

/// It has handed over to 10.0.0.2, of priority 100, at 5.1 s.
fn ceded_of(mut node: Node) -> Node {
    node.tell(HAND_OVER);
    node.until(5.1);
    node.hear(&advert(2, 100));
    node.until(5.2);
    assert_eq!(node.view().role, Role::Backup);
    node.reports();
    node
}

fn ceded() -> Node {
    ceded_of(master())
}

#[test]
fn the_address_stays_until_the_next_master_has_spoken() {
    let mut node = master();
    assert_eq!(node.tell(HAND_OVER), ["5.000 send 0"]);
    assert_eq!(node.view().role, Role::Master);
    assert!(matches!(
        node.view().switchover,
        Some(Switchover::UnderWay { .. })
    ));
    assert_eq!(node.until(5.1), NOTHING, "silent, and still there");
    assert_eq!(node.hear(&advert(2, 100)), NOTHING);
    assert_eq!(node.until(5.2), ["5.120 release", "5.120 BACKUP"]);
    assert_eq!(node.view().switchover, Some(Switchover::HandedOver));
    let reason = Reason::HandedOver {
        peer: super::timetable::host(2),
        priority: Priority(100),
    };
    assert_eq!(node.view().reason, reason);
}

#[test]
fn what_nobody_wants_stays_here() {
    let mut node = master();
    node.tell(HAND_OVER);
    assert_eq!(
        node.until(10.0),
        [
            "6.000 send 0",
            "7.000 send 0",
            "8.000 send 0",
            "9.000 send 0",
            "10.000 send 150",
            "10.000 announce 5"
        ]
    );
    assert_eq!(node.view().switchover, None);
    let waited = Some(Duration::from_secs(5));
    assert!(node.reports().contains(&Report::NotTakenOver {
        instance: VI_1,
        waited
    }));
    assert_eq!(
        node.until(11.0),
        ["11.000 send 150"],
        "as if nothing had been"
    );
    assert_eq!(
        node.hear(&advert(2, 100))[0],
        "11.000 send 150",
        "it contradicts again"
    );
}

#[test]
fn the_new_master_is_left_alone_for_as_long_as_it_lives() {
    let mut node = ceded();
    for second in 6..20 {
        assert_eq!(node.until(f64::from(second)), NOTHING);
        assert_eq!(node.hear(&advert(2, 100)), NOTHING);
    }
    assert_eq!(node.view().hold, Some(Hold::HandedOver));
    assert_eq!(
        node.reports(),
        [Report::Holding {
            instance: VI_1,
            why: Hold::HandedOver
        }],
        "told once"
    );
    // (256 - 150) / 256 s more than three intervals.
    let taken = node.until(30.0);
    assert_eq!(taken[0], "22.414 send 150");
    assert_eq!(node.view().switchover, None, "that is over");
}

#[test]
fn it_takes_over_from_one_that_resigns() {
    let mut node = ceded();
    node.hear(&advert(2, 0));
    assert_eq!(node.until(6.0)[0], "5.614 send 150");
}

#[test]
fn it_is_taken_back_at_once() {
    let mut node = ceded();
    node.until(6.0);
    node.hear(&advert(2, 100));
    assert_eq!(
        node.tell(TAKE_BACK),
        [
            "6.000 acquire",
            "6.000 announce 5",
            "6.000 send 150",
            "6.000 MASTER"
        ]
    );
    assert_eq!(node.view().reason, Reason::TakenBack);
}

#[test]
fn nopreempt_does_not_keep_its_operator_from_taking_it_back() {
    let file = Instance {
        preempt: Preempt::Never,
        ..instance(150)
    };
    let mut node = ceded_of(master_of(file));
    assert_eq!(node.election.can_take_back(VI_1), Ok(()));
    assert_eq!(node.tell(TAKE_BACK)[0], "5.200 acquire");
}

#[test]
fn a_switchover_under_way_can_be_called_off() {
    let mut node = master();
    node.tell(HAND_OVER);
    assert_eq!(
        node.election.can_hand_over(VI_1),
        Err(CannotHandOver::UnderWay(VI_1))
    );
    assert_eq!(node.tell(HAND_OVER), NOTHING, "once is enough");
    node.until(5.5);
    assert_eq!(node.tell(TAKE_BACK), ["5.500 send 150", "5.500 announce 5"]);
    assert_eq!(node.view().role, Role::Master);
}

#[test]
fn a_fault_ends_it_and_the_new_master_is_still_left_alone() {
    let mut node = Node::new(tracking(settings(instance(150)), &[Effect::Fault]));
    node.read(0, Reading::Up);
    node.until(5.0);
    node.tell(HAND_OVER);
    assert_eq!(
        node.read(0, Reading::Down),
        ["5.000 send 0", "5.000 release", "5.000 FAULT"]
    );
    node.hear(&advert(2, 100));
    node.read(0, Reading::Up);
    node.hear(&advert(2, 100));
    assert_eq!(node.view().hold, Some(Hold::HandedOver));
    assert_eq!(node.until(8.0), NOTHING);
}

#[test]
fn a_reload_forgets_it() {
    let mut node = ceded();
    node.until(6.0);
    node.reload(settings(instance(150)));
    node.hear(&advert(2, 100));
    assert_eq!(node.view().switchover, None);
    let taken = node.until(10.0);
    assert!(taken.contains(&"8.534 acquire".to_owned()), "{taken:?}");
}

#[test]
fn a_reload_does_not_call_off_what_is_under_way() {
    let mut node = master();
    node.tell(HAND_OVER);
    node.reload(settings(instance(150)));
    node.hear(&advert(2, 100));
    node.until(5.2);
    assert_eq!(node.view().switchover, Some(Switchover::HandedOver));
}

#[test]
fn a_group_hands_over_together() {
    let mut node = Node::new(pair(instance(150), instance(150)));
    node.until(5.0);
    assert_eq!(node.election.moves_with(VI_1).len(), 2);
    assert_eq!(node.tell(HAND_OVER), ["5.000 send 0", "5.000 VI_2: send 0"]);
    // The other one may not have spoken there yet: it hears the resignation again.
    assert_eq!(node.hear_on(1, &advert(2, 100)), ["5.000 send 0"]);
    let released = node.until(5.1);
    assert!(
        released.contains(&"5.020 release".to_owned()),
        "{released:?}"
    );
    assert!(
        released.contains(&"5.020 VI_2: release".to_owned()),
        "{released:?}"
    );
    node.hear_on(0, &advert(2, 100));
    node.hear_on(1, &advert(2, 100));
    let taken = node.tell(TAKE_BACK);
    assert!(taken.contains(&"5.100 MASTER".to_owned()), "{taken:?}");
    assert!(
        taken.contains(&"5.100 VI_2: MASTER".to_owned()),
        "{taken:?}"
    );
}

#[test]
fn a_group_that_nobody_takes_over_stays_together() {
    let slow = Instance {
        interval: A_SECOND * 2,
        ..instance(150)
    };
    let mut node = Node::new(pair(instance(150), slow));
    node.until(8.0);
    assert_eq!(node.election.instance(InstanceId(1)).role, Role::Master);
    node.tell(HAND_OVER);
    let until = node.until(13.5);
    assert!(until.contains(&"13.000 send 150".to_owned()), "{until:?}");
    assert!(
        until.contains(&"13.000 VI_2: send 150".to_owned()),
        "{until:?}"
    );
}

#[test]
fn who_has_nothing_hands_over_nothing() {
    let mut node = Node::with(instance(100));
    node.until(1.0);
    let refused = Err(CannotHandOver::NotMaster(VI_1, Role::Backup));
    assert_eq!(node.election.can_hand_over(VI_1), refused);
    assert_eq!(node.tell(HAND_OVER), NOTHING);
    assert_eq!(
        node.election.can_take_back(VI_1),
        Err(CannotTakeBack::NothingHandedOver)
    );
    assert_eq!(node.tell(TAKE_BACK), NOTHING);
    assert_eq!(
        node.election.can_hand_over(InstanceId(7)),
        Err(CannotHandOver::NotMaster(InstanceId(7), Role::Init))
    );
}

#[test]
fn what_could_not_serve_is_not_taken_back() {
    let mut node = ceded();
    node.proxy(Proxy::Serving(Servers::AllDown));
    let refused = Err(CannotTakeBack::Held(VI_1, Hold::NoUsableServer));
    assert_eq!(node.election.can_take_back(VI_1), refused);
    assert_eq!(node.tell(TAKE_BACK), NOTHING);
    node.proxy(Proxy::Down(ProxyFault::Died));
    let refused = Err(CannotTakeBack::Unfit(VI_1, Role::Fault));
    assert_eq!(node.election.can_take_back(VI_1), refused);
}

#[test]
fn a_better_master_is_not_replaced() {
    let mut node = ceded();
    node.hear(&advert(2, 200));
    let refused = Err(CannotTakeBack::Outranked(VI_1, Priority(200)));
    assert_eq!(node.election.can_take_back(VI_1), refused);
}

#[test]
fn an_owner_may_hand_over_too() {
    let mut node = ceded_of(master_of(instance(255)));
    node.hear(&advert(2, 100));
    assert_eq!(node.until(7.0), NOTHING);
    assert_eq!(node.view().hold, Some(Hold::HandedOver));
}

/// What it has just sent may arrive after a resignation.
#[test]
fn it_does_not_resign_on_the_heels_of_an_advertisement() {
    let mut node = master();
    assert_eq!(node.until(5.47), ["5.464 send 150"]);
    assert_eq!(node.tell(HAND_OVER), NOTHING);
    assert_eq!(node.until(6.0), ["5.514 send 0"]);
}
