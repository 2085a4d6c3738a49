//! Another program goes on from what is remembered: nobody can tell.

use super::timetable::{Node, advert, instance, pair, settings, tracking};
use crate::vrrp::{
    InstanceId, Role,
    event::{Event, Proxy, Reading, Servers},
    settings::{Effect, Settings},
};

/// Everything that is remembered: a group, tracking, a proxy that crashes, peers of both kinds, a
/// switchover.
fn eventful() -> Settings {
    tracking(
        pair(instance(100), instance(100)),
        &[Effect::Weight(5), Effect::Fault],
    )
}

type Happens = fn(&mut Node) -> Vec<String>;

const STORY: [(f64, Happens); 14] = [
    (0.05, |node| node.read(0, Reading::Up)),
    (0.1, |node| node.read(1, Reading::Up)),
    (0.2, |node| node.proxy(Proxy::Serving(Servers::Usable))),
    (1.0, |node| node.hear(&advert(2, 110))),
    (1.1, |node| node.hear_on(1, &advert(2, 110))),
    (2.0, |node| node.hear(&advert(2, 110))),
    // Silence: it becomes master.
    (8.3, |node| node.hear(&advert(2, 90))),
    (9.3, |node| node.read(0, Reading::Down)),
    (10.0, |node| {
        node.tell(Event::HandOver {
            instance: InstanceId(0),
        })
    }),
    (10.2, |node| node.hear(&advert(2, 90))),
    (11.2, |node| node.hear(&advert(2, 90))),
    (12.0, |node| node.read(1, Reading::Down)),
    (13.0, |node| node.read(1, Reading::Up)),
    (14.0, |node| {
        node.proxy(Proxy::Down(crate::vrrp::event::ProxyFault::Died))
    }),
];

/// All that is ordered in this story; at this time another program takes over. Whether it could.
fn tell(becomes_at: Option<f64>) -> (Vec<String>, Node, bool) {
    let mut node = Node::new(eventful());
    let mut orders = Vec::new();
    let mut became = false;
    let mut happens: Vec<(f64, Option<Happens>)> = STORY.map(|(at, it)| (at, Some(it))).into();
    happens.extend(becomes_at.map(|at| (at, None)));
    happens.sort_by(|one, other| one.0.total_cmp(&other.0));
    for (at, happens) in happens {
        orders.extend(node.until(at));
        match happens {
            Some(happens) => orders.extend(happens(&mut node)),
            None => became = node.becomes_another_program(eventful()),
        }
    }
    orders.extend(node.until(30.0));
    (orders, node, became)
}

#[test]
fn whenever_it_happens_nothing_is_different() {
    let (wanted, before, _) = tell(None);
    assert!(wanted.len() > 40, "{wanted:?}");
    let mut times = 0;
    for tenths in 0..200 {
        let at = f64::from(tenths) / 10.0 + 0.01;
        let (orders, node, became) = tell(Some(at));
        assert_eq!(orders, wanted, "at {at}");
        for id in [0, 1].map(InstanceId) {
            let views = [&node, &before].map(|node| {
                let mut view = node.election.instance(id);
                // The two clocks did not begin at the same time.
                view.peers.clear();
                (
                    view.role,
                    view.reason,
                    view.priority,
                    view.counters,
                    view.hold,
                )
            });
            assert_eq!(views[0], views[1], "at {at}");
        }
        times += u32::from(became);
    }
    assert!(times > 180, "{times}");
}

#[test]
fn a_master_is_not_interrupted() {
    let mut node = Node::with(instance(100));
    node.until(5.0);
    let before = node.view();
    assert!(node.becomes_another_program(settings(instance(100))));
    assert_eq!(node.view(), before);
    assert_eq!(node.until(5.7), ["5.659 send 100"]);
}

#[test]
fn between_two_roles_it_has_to_wait() {
    let mut node = Node::with(instance(100));
    node.until(5.0);
    node.hear(&advert(2, 110));
    assert!(!node.becomes_another_program(settings(instance(100))));
    node.until(5.1);
    assert_eq!(node.view().role, Role::Backup);
    assert!(node.becomes_another_program(settings(instance(100))));
}

#[test]
fn of_which_only_the_masters_are_known_these_stay_and_speak_at_once() {
    let mut node = Node::with(instance(100));
    node.until(5.0);
    node.knows_only_its_masters(settings(instance(100)), &["VI_1".to_owned()]);
    assert_eq!(node.view().role, Role::Master);
    assert_eq!(node.until(5.0), ["5.000 send 100"]);
    assert_eq!(node.until(6.5), ["6.000 send 100"]);
    // Of the others nothing is known.
    node.knows_only_its_masters(settings(instance(100)), &[]);
    assert_eq!(node.view().role, Role::Init);
}
