//! This node's own proxy: an event instead of a poll, and no address to and fro.

use std::time::Duration;

use super::timetable::{Node, advert, instance, settings};
use crate::vrrp::{
    Role,
    action::{Hold, Reason},
    event::{
        Proxy::{self, Absent, Down, Serving, Starting},
        ProxyFault::{CannotStart, Died, Hung, Stopped},
        Servers::{AllDown, Pending, Unchecked, Usable},
    },
    settings::{Instance, Settings},
};

const NOTHING: [&str; 0] = [];

fn master() -> Node {
    let mut node = Node::with(instance(200));
    node.proxy(Serving(Usable));
    node.until(4.0);
    assert_eq!(node.view().role, Role::Master);
    node
}

#[test]
fn a_proxy_that_is_not_bound_yet_keeps_the_node_in_init() {
    let mut node = Node::with(instance(200));
    node.proxy(Starting);
    assert_eq!(node.until(60.0), NOTHING);
    assert_eq!(node.proxy(Serving(Pending)), ["60.000 BACKUP"]);
}

#[test]
fn a_proxy_that_cannot_start_is_a_fault() {
    let mut node = Node::with(instance(200));
    node.proxy(Starting);
    node.until(0.0);
    assert_eq!(node.proxy(Down(CannotStart)), ["0.000 FAULT"]);
    assert_eq!(node.proxy(Starting), NOTHING);
    assert_eq!(node.view().reason, Reason::ProxyDown(CannotStart));
}

#[test]
fn its_death_resigns_within_the_same_turn() {
    for fault in [Died, Hung, CannotStart, Stopped] {
        let mut node = master();
        assert_eq!(
            node.proxy(Down(fault)),
            ["4.000 send 0", "4.000 release", "4.000 FAULT"]
        );
        assert_eq!(node.view().reason, Reason::ProxyDown(fault));
        assert_eq!(node.proxy(Starting), NOTHING, "not back yet");
        assert_eq!(node.proxy(Serving(Usable)), ["4.000 BACKUP"]);
        assert_eq!(node.view().reason, Reason::ProxyServes);
    }
}

/// A node of priority 200 beside a master of 100 heard every second, at `x.5`. When it is master,
/// after its proxy serves again now.
fn back_at(node: &mut Node) -> f64 {
    let begin = node.now().floor();
    for second in 0..2000 {
        node.until(begin + f64::from(second) + 0.5);
        if node.view().role == Role::Master {
            return node.clock(node.view().since);
        }
        node.hear(&advert(2, 100));
    }
    panic!("never");
}

#[test]
fn after_a_crash_a_living_master_is_left_alone_for_the_stable_time() {
    let mut node = master();
    node.proxy(Down(Died));
    node.until(5.0);
    node.proxy(Serving(Usable));
    node.hear(&advert(2, 100));
    let stable = Duration::from_secs(10);
    assert_eq!(node.view().hold, Some(Hold::Unstable(stable)));
    // The hold ends at 15.0; the wait began again at 14.5.
    assert_eq!(back_at(&mut node), 17.718);
}

#[test]
fn a_stop_on_purpose_needs_no_stable_time() {
    let mut node = master();
    node.proxy(Down(Stopped));
    node.until(5.0);
    node.proxy(Serving(Usable));
    assert_eq!(back_at(&mut node), 8.218);
}

#[test]
fn a_crash_holds_for_what_it_has_to_even_if_nobody_resigns_in_the_end() {
    let mut node = master();
    node.proxy(Down(Died));
    node.until(5.0);
    node.proxy(Serving(Usable));
    node.hear(&advert(2, 100));
    node.until(6.0);
    node.hear(&advert(2, 0));
    assert_eq!(
        node.until(6.3)[0],
        "6.218 send 200",
        "resigned: nobody serves"
    );

    let mut node = master();
    node.proxy(Down(Died));
    node.until(5.0);
    node.proxy(Serving(Usable));
    node.hear(&advert(2, 100));
    assert_eq!(
        node.until(8.3)[0],
        "8.218 send 200",
        "silent: nobody serves"
    );
}

/// The stable time after each of these crashes; each number is for how long the proxy had run.
fn stable_times(runs: &[f64]) -> Vec<u64> {
    let mut node = master();
    let mut now = 4.0;
    let hold = |node: &Node| match node.view().hold {
        Some(Hold::Unstable(time)) => time.as_secs(),
        _ => 0,
    };
    let mut times = Vec::new();
    for run in runs {
        now += run;
        node.until(now);
        node.proxy(Down(Died));
        node.proxy(Starting);
        node.proxy(Serving(Usable));
        times.push(hold(&node));
    }
    times
}

#[test]
fn crashes_that_repeat_double_the_stable_time_up_to_the_longest() {
    assert_eq!(
        stable_times(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        [10, 20, 40, 80, 160, 300, 300]
    );
    assert_eq!(stable_times(&[1.0, 19.0, 39.0, 81.0]), [10, 20, 40, 10]);
}

#[test]
fn a_proxy_that_cannot_start_again_is_one_crash() {
    let mut node = master();
    node.proxy(Down(Died));
    for _ in 0..10 {
        node.proxy(Starting);
        node.proxy(Down(CannotStart));
    }
    node.proxy(Serving(Usable));
    assert_eq!(
        node.view().hold,
        Some(Hold::Unstable(Duration::from_secs(10)))
    );
}

#[test]
fn without_a_usable_server_a_living_master_is_left_alone() {
    for servers in [Pending, AllDown] {
        let mut node = Node::with(instance(200));
        node.proxy(Serving(servers));
        for second in 1..20 {
            node.until(f64::from(second));
            assert_eq!(node.hear(&advert(2, 100)), NOTHING);
        }
        assert_eq!(node.view().hold, Some(Hold::NoUsableServer));
        node.proxy(Serving(Usable));
        assert_eq!(node.view().hold, None);
        assert!(back_at(&mut node) < 23.0);
    }
}

#[test]
fn that_is_no_veto_when_nobody_is_heard() {
    for servers in [Pending, AllDown, Unchecked] {
        let mut node = Node::with(instance(200));
        node.proxy(Serving(servers));
        node.until(0.0);
        assert_eq!(node.until(3.3)[4], "3.268 MASTER");
    }
}

#[test]
fn what_is_not_checked_never_counts() {
    for proxy in [Absent, Serving(Unchecked)] {
        let mut node = Node::with(instance(200));
        node.proxy(proxy);
        node.until(0.5);
        node.hear(&advert(2, 100));
        assert_eq!(node.until(0.8)[3], "0.718 MASTER");
    }
}

#[test]
fn a_master_keeps_the_addresses_when_all_servers_are_down() {
    let mut node = master();
    assert_eq!(node.proxy(Serving(AllDown)), NOTHING);
    assert_eq!(node.view().role, Role::Master);
}

#[test]
fn unless_it_was_told_to_resign_then() {
    let mut resigning: Settings = settings(instance(200));
    resigning.proxy.resign_without_servers = true;
    let mut node = Node::new(resigning);
    node.proxy(Serving(Usable));
    node.until(4.0);
    assert_eq!(
        node.proxy(Serving(AllDown)),
        ["4.000 send 0", "4.000 release", "4.000 FAULT"]
    );
    assert_eq!(node.view().reason, Reason::NoUsableServer);
    assert_eq!(node.proxy(Serving(Usable)), ["4.000 BACKUP"]);
    assert_eq!(node.view().hold, None);
}

#[test]
fn pending_servers_do_not_make_it_resign() {
    let mut resigning: Settings = settings(instance(200));
    resigning.proxy.resign_without_servers = true;
    let mut node = Node::new(resigning);
    node.proxy(Serving(Pending));
    node.until(0.0);
    assert_eq!(node.until(4.0)[4], "3.268 MASTER");
}

#[test]
fn servers_lost_while_waiting_stop_the_preemption() {
    let mut node = Node::with(instance(100));
    node.proxy(Serving(Usable));
    node.until(1.0);
    node.hear(&advert(2, 200));
    node.until(2.0);
    node.hear(&advert(2, 50));
    node.until(4.0);
    node.proxy(Serving(AllDown));
    assert_eq!(node.until(4.7), NOTHING, "the master of priority 50 lives");
}

#[test]
fn dont_track_proxy_means_it() {
    let mut node = Node::with(Instance {
        track_proxy: false,
        ..instance(200)
    });
    for proxy in [Starting, Down(Died), Serving(AllDown)] {
        node.proxy(proxy);
    }
    assert_eq!(node.until(4.0)[5], "3.268 MASTER");
    let faults: [Proxy; 2] = [Down(Hung), Down(CannotStart)];
    for fault in faults {
        assert_eq!(node.proxy(fault), NOTHING);
    }
}

#[test]
fn an_owner_whose_proxy_crashed_waits_like_others() {
    let mut node = Node::with(instance(255));
    node.proxy(Serving(Usable));
    node.until(1.0);
    node.proxy(Down(Died));
    assert_eq!(node.proxy(Serving(Usable)), ["1.000 BACKUP"]);
    node.hear(&advert(2, 100));
    assert_eq!(back_at(&mut node), 13.503);
}

#[test]
fn a_twin_that_appears_later_does_not_move_the_address() {
    let mut node = Node::with(instance(100));
    node.until(4.0);
    assert_eq!(node.proxy(Starting), NOTHING);
    assert_eq!(node.proxy(Serving(Pending)), NOTHING);
    assert_eq!(node.view().role, Role::Master);
}
