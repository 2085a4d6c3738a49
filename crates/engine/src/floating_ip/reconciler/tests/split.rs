//! Two masters, and the provider is within reach of both.

use super::timetable::{Bench, peer, settings, stranger};
use crate::{
    floating_ip::{
        event::{Event, FailureKind, Whereabouts},
        settings::Settings,
        view::Phase,
    },
    vrrp::Priority,
};

/// Holds the address, is no new master, and looks next at 23.
fn settled() -> Bench {
    let mut bench = Bench::holding();
    bench.while_found(&Whereabouts::Here, 20.0).calls();
    bench
}

/// The same, and has heard this of a peer long ago.
fn settled_knowing(last: u8, priority: u8) -> Bench {
    let mut bench = Bench::holding();
    bench.hear(last, priority);
    bench.while_found(&Whereabouts::Here, 20.0).calls();
    bench
}

#[test]
fn it_is_left_to_a_peer_whose_word_counts_more() {
    let mut bench = settled();
    bench.hear(2, 150).until(23.0).found(peer(2));
    bench.expect(&["23.000 describe", "23.000 alarm: yielded to node 2"]);
    bench.while_found(&peer(2), 50.0);
    bench.expect(&["33.000 describe", "43.000 describe"]);
    assert_eq!(bench.view().phase, Phase::Yielded);
    assert_eq!(bench.view().counters.yields, 1);
    assert_eq!(bench.view().counters.losses, 1);
}

#[test]
fn between_equal_priorities_the_address_decides() {
    let mut bench = settled();
    bench.hear(2, 100).until(23.0).found(peer(2));
    assert_eq!(bench.view().phase, Phase::Yielded);
    let mut bench = settled();
    bench.tell(Event::Priority(Priority(101)));
    bench.hear(2, 100).until(23.0).found(peer(2));
    assert_eq!(bench.view().phase, Phase::Moving);
}

#[test]
fn it_is_taken_back_from_a_peer_whose_word_counts_less() {
    for word in [50, 0] {
        let mut bench = settled_knowing(2, word);
        bench
            .until(23.0)
            .found(peer(2))
            .agreed()
            .found(Whereabouts::Here);
        bench.expect(&[
            "23.000 describe",
            "23.000 taken back from node 2",
            "23.000 associate",
            "23.000 describe",
            "23.000 here after 0.000 and 2",
        ]);
    }
}

#[test]
fn of_two_that_never_heard_each_other_the_preferred_one_takes_it_back_and_the_other_does_not() {
    for (preferred, phase) in [(true, Phase::Moving), (false, Phase::Yielded)] {
        let mut bench = Bench::holding_with(Settings {
            preferred,
            ..settings()
        });
        bench.while_found(&Whereabouts::Here, 20.0);
        bench.until(23.0).found(peer(2));
        assert_eq!(bench.view().phase, phase, "preferred: {preferred}");
    }
}

#[test]
fn it_is_taken_back_once() {
    let mut bench = settled_knowing(2, 50);
    bench.until(23.0).found(peer(2)).agreed();
    bench.found(Whereabouts::Here).until(33.0).found(peer(2));
    bench.calls();
    assert_eq!(bench.view().phase, Phase::Yielded);
    bench.while_found(&peer(2), 60.0);
    assert_eq!(bench.view().phase, Phase::Yielded);
}

#[test]
fn ten_minutes_of_peace_earn_the_right_to_take_it_back_again() {
    for (peace, phase) in [(500.0, Phase::Yielded), (700.0, Phase::Moving)] {
        let mut bench = settled_knowing(2, 50);
        bench.until(23.0).found(peer(2)).agreed();
        bench.found(Whereabouts::Here);
        bench.while_found(&Whereabouts::Here, peace);
        bench.until(peace + 10.0).found(peer(2));
        assert_eq!(bench.view().phase, phase, "{peace} s");
    }
}

#[test]
fn failures_do_not_end_the_attempt_to_take_it_back() {
    let mut bench = settled_knowing(2, 50);
    bench.until(23.0).found(peer(2));
    bench
        .fails(FailureKind::Unanswered)
        .until(25.0)
        .found(peer(2));
    bench.until(26.0).agreed().found(Whereabouts::Here);
    assert_eq!(bench.view().phase, Phase::Here);
}

#[test]
fn a_word_from_the_peer_earns_the_right_to_take_it_back_again() {
    for (speaker, priority, right) in [(2, 50, true), (2, 0, true), (3, 0, false), (2, 150, false)]
    {
        let mut bench = settled_knowing(2, 50);
        bench.until(23.0).found(peer(2)).agreed();
        bench.found(Whereabouts::Here).hear(speaker, priority);
        bench.until(33.0).found(peer(2));
        let yielded = bench.view().phase == Phase::Yielded;
        assert_eq!(yielded, !right, "{speaker} {priority}");
    }
}

#[test]
fn what_was_yielded_is_taken_when_the_peer_resigns_or_has_to_give_way() {
    for priority in [0, 50] {
        let mut bench = settled();
        bench.hear(2, 150).until(23.0).found(peer(2)).calls();
        bench.until(24.0).hear(2, priority).found(peer(2)).agreed();
        bench.found(Whereabouts::Here).expect(&[
            "24.000 describe",
            "24.000 over: yielded to node 2",
            "24.000 moving from node 2",
            "24.000 associate",
            "24.000 describe",
            "24.000 here after 0.000 and 3",
        ]);
    }
}

#[test]
fn what_was_yielded_is_not_taken_on_the_word_of_another() {
    let mut bench = settled();
    bench.hear(2, 150).until(23.0).found(peer(2)).calls();
    bench
        .hear(3, 0)
        .hear(2, 160)
        .tell(Event::Priority(Priority(200)));
    bench.while_found(&peer(2), 50.0);
    assert_eq!(bench.view().phase, Phase::Yielded);
    assert_eq!(bench.calls(), [33.0, 43.0]);
}

#[test]
fn what_was_yielded_and_is_let_go_is_taken() {
    for left in [Whereabouts::Nowhere, stranger()] {
        let mut bench = settled();
        bench.hear(2, 150).until(23.0).found(peer(2)).calls();
        bench.until(33.0).found(left).until(35.0).agreed();
        bench.found(Whereabouts::Here);
        assert_eq!(bench.view().phase, Phase::Here);
        assert_eq!(bench.view().alarm, None);
    }
}

#[test]
fn somebody_may_say_that_it_is_wanted_here() {
    let mut bench = settled();
    bench.hear(2, 150).until(23.0).found(peer(2)).calls();
    bench
        .until(25.0)
        .tell(Event::Asserted)
        .found(peer(2))
        .agreed();
    assert_eq!(bench.calls(), [25.0, 25.0, 25.0]);
}

#[test]
fn a_new_mastership_takes_it_whatever_was_yielded() {
    let mut bench = settled();
    bench.hear(2, 150).until(23.0).found(peer(2)).calls();
    bench.tell(Event::NotMaster).master(100).found(peer(2));
    bench.expect(&[
        "23.000 over: yielded to node 2",
        "23.000 describe",
        "23.000 moving from node 2",
        "23.000 associate",
    ]);
}

#[test]
fn a_master_that_hears_a_rival_looks_as_after_its_beginning() {
    for priority in [50, 0] {
        let mut bench = settled();
        bench.hear(2, priority);
        bench.while_found(&Whereabouts::Here, 45.0);
        let looks = [20.0, 21.0, 22.0, 24.0, 28.0, 33.0, 43.0];
        assert_eq!(bench.calls(), looks);
    }
}

#[test]
fn a_rival_that_is_heard_all_the_time_does_not_make_it_look_all_the_time() {
    let mut bench = settled();
    for second in 20..60 {
        bench.while_found(&Whereabouts::Here, f64::from(second));
        bench.hear(2, 50);
    }
    let calls = bench.calls();
    assert!(calls.len() <= 20, "{calls:?}");
}

#[test]
fn a_rival_that_is_heard_does_not_shorten_the_wait_after_a_failure() {
    let mut bench = settled();
    bench.until(23.0).fails(FailureKind::Unwell);
    let next = bench.view().next_call;
    bench.hear(2, 50);
    assert_eq!(bench.view().next_call, next);
}
