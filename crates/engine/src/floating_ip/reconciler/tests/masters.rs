//! What a master does while the provider is well.

use std::time::Duration;

use super::timetable::{Bench, peer, settings, stranger};
use crate::{
    floating_ip::{
        CallId,
        event::{Event, Whereabouts},
        settings::Settings,
        view::Phase,
    },
    vrrp::Priority,
};

#[test]
fn a_new_master_brings_the_address_and_looks_until_it_is_seen() {
    let mut bench = Bench::new(settings());
    bench.master(100).expect(&["0.000 describe"]);
    bench.until(0.2).found(peer(2));
    bench.expect(&["0.200 moving from node 2", "0.200 associate"]);
    bench.until(0.7).agreed().expect(&["0.700 describe"]);
    bench.until(0.8).found(Whereabouts::Here);
    bench.expect(&["0.800 here after 0.800 and 3"]);
    assert_eq!(bench.view().phase, Phase::Here);
    assert_eq!(bench.view().counters.arrivals, 1);
}

#[test]
fn an_address_that_is_here_is_left_alone() {
    let mut bench = Bench::new(settings());
    bench.master(100).until(0.1).found(Whereabouts::Here);
    bench.expect(&["0.000 describe", "0.100 here after 0.100 and 1"]);
    assert_eq!(bench.view().counters.associates, 0);
}

#[test]
fn a_new_master_looks_again_until_a_rivals_last_call_has_landed() {
    let mut bench = Bench::holding();
    bench.while_found(&Whereabouts::Here, 60.0);
    assert_eq!(
        bench.calls(),
        [1.0, 2.0, 4.0, 8.0, 13.0, 23.0, 33.0, 43.0, 53.0]
    );
}

#[test]
fn looks_never_wait_for_longer_than_the_interval() {
    let mut bench = Bench::new(Settings {
        verify_interval: Duration::from_millis(2500),
        ..settings()
    });
    bench.master(100).while_found(&Whereabouts::Here, 11.0);
    assert_eq!(bench.calls(), [0.0, 1.0, 2.0, 4.0, 6.5, 8.0, 10.5]);
}

#[test]
fn an_answer_that_lags_behind_is_not_taken_for_a_loss() {
    let mut bench = Bench::new(settings());
    bench.master(100).found(peer(2)).agreed().found(peer(2));
    bench.expect(&[
        "0.000 describe",
        "0.000 moving from node 2",
        "0.000 associate",
        "0.000 describe",
    ]);
    assert_eq!(bench.view().phase, Phase::Moving);
    bench.until(1.0).found(Whereabouts::Here);
    bench.expect(&["1.000 describe", "1.000 here after 1.000 and 4"]);
    bench
        .until(2.0)
        .found(peer(2))
        .until(4.0)
        .found(Whereabouts::Here);
    bench.expect(&["2.000 describe", "4.000 describe"]);
    assert_eq!(bench.view().counters.losses, 0);
}

#[test]
fn what_was_agreed_to_and_never_seen_is_asked_for_again() {
    let mut bench = Bench::new(settings());
    bench.master(100).found(Whereabouts::Nowhere).agreed();
    bench.found(Whereabouts::Nowhere).until(1.0);
    bench.found(Whereabouts::Nowhere).until(2.0);
    bench.found(Whereabouts::Nowhere).until(4.0);
    bench.found(Whereabouts::Nowhere).until(5.0);
    assert_eq!(bench.calls(), [0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 5.0]);
    bench.found(Whereabouts::Nowhere).until(6.0).agreed();
    assert_eq!(bench.view().counters.associates, 2);
}

#[test]
fn an_address_that_a_stranger_takes_is_taken_back_ever_later() {
    let mut bench = Bench::holding();
    bench.while_found(&Whereabouts::Here, 13.0).calls();
    for loss in 1..=4 {
        bench.until_asked().found(stranger());
        let begin = bench.time();
        bench.until_asked().agreed().found(Whereabouts::Here);
        let wait = bench.time() - begin;
        let limit = f64::from(1 << (loss - 1));
        assert!(wait > 0.0 && wait <= limit, "{wait} after loss {loss}");
        assert_eq!(bench.view().counters.losses, loss);
        let later = bench.time() + 6.0;
        bench.while_found(&Whereabouts::Here, later);
    }
}

#[test]
fn what_is_found_nowhere_is_fetched() {
    let mut bench = Bench::holding();
    bench.while_found(&Whereabouts::Here, 20.0).calls();
    bench.until(23.0).found(Whereabouts::Nowhere).until(24.0);
    bench.expect(&[
        "23.000 describe",
        "23.000 taken back from nowhere",
        "23.390 associate",
    ]);
}

#[test]
fn nothing_starts_without_mastership() {
    let mut bench = Bench::new(settings());
    bench.hear(2, 50).tell(Event::Asserted);
    bench.tell(Event::NotMaster).tell(Event::Timeout);
    bench
        .tell(Event::Priority(Priority(3)))
        .until(100.0)
        .expect(&[]);
    assert_eq!(bench.view().phase, Phase::Idle);
}

#[test]
fn the_end_of_mastership_ends_everything() {
    let mut bench = Bench::new(settings());
    bench.master(100).found(peer(2));
    let call = bench.asked();
    bench.until(0.3).tell(Event::NotMaster).until(60.0);
    bench.expect(&[
        "0.000 describe",
        "0.000 moving from node 2",
        "0.000 associate",
        "0.300 abandon",
    ]);
    let result = Ok(());
    bench.tell(Event::Associated { call, result });
    bench.until(100.0).expect(&[]);
    assert_eq!(bench.view().seen.map(|(found, _)| found), Some(peer(2)));
}

#[test]
fn a_late_answer_is_not_taken_for_that_of_a_later_call() {
    let mut bench = Bench::new(settings());
    bench.master(100);
    let late = bench.asked();
    bench.tell(Event::NotMaster).master(100);
    bench.expect(&["0.000 describe", "0.000 abandon", "0.000 describe"]);
    let result = Ok(Whereabouts::Here);
    bench.tell(Event::Described { call: late, result });
    let call = CallId(late.0 + 1);
    assert_eq!(bench.asked(), call);
    bench.tell(Event::Associated {
        call,
        result: Ok(()),
    });
    bench.expect(&[]);
    assert_eq!(bench.view().phase, Phase::Looking);
}

#[test]
fn a_reload_brings_the_next_look_forward() {
    let mut bench = Bench::holding();
    bench.while_found(&Whereabouts::Here, 14.0).calls();
    bench.reload(Settings {
        verify_interval: Duration::from_secs(2),
        ..settings()
    });
    bench.while_found(&Whereabouts::Here, 18.5);
    assert_eq!(bench.calls(), [16.0, 18.0]);
}
