//! What a master does while the provider is not well.

use std::time::Duration;

use super::timetable::{Bench, peer, settings};
use crate::floating_ip::{
    event::{Event, FailureKind, Whereabouts},
    settings::Settings,
    view::Phase,
};

#[test]
fn waits_after_failures_grow_up_to_a_limit_and_are_anything_below_it() {
    let mut bench = Bench::new(settings());
    bench.master(100);
    let mut waits = Vec::new();
    for attempt in 0..200 {
        let begin = bench.time();
        bench.fails(FailureKind::Unwell).until_asked();
        let wait = bench.time() - begin;
        let limit = f64::from(1_u32 << attempt.min(5)).min(30.0);
        assert!(wait <= limit, "{wait} after failure {attempt}");
        waits.push(wait);
    }
    let longest = waits.split_off(5);
    let mean = longest.iter().sum::<f64>() / 195.0;
    assert!((12.0..18.0).contains(&mean), "{mean}");
    assert!(longest.iter().any(|wait| *wait < 3.0));
    assert!(longest.iter().any(|wait| *wait > 27.0));
}

#[test]
fn nodes_with_other_seeds_wait_otherwise() {
    use crate::{floating_ip::reconciler::Reconciler, vrrp::Priority};
    let now = std::time::Instant::now();
    let next = |seed| {
        let mut node = Reconciler::new(settings(), seed);
        let priority = Priority(100);
        node.handle(Event::Master { priority }, now);
        let call = crate::floating_ip::CallId(1);
        let result = Err(super::timetable::failure(FailureKind::Unwell));
        node.handle(Event::Described { call, result }, now);
        node.view().next_call
    };
    assert_eq!(next(1), next(1));
    assert_ne!(next(1), next(2));
}

#[test]
fn a_call_without_an_answer_may_have_been_carried_out_so_it_looks_first() {
    let mut bench = Bench::new(settings());
    bench.master(100).found(Whereabouts::Nowhere);
    bench.until(5.0).fails(FailureKind::Unanswered).until(6.0);
    bench.found(Whereabouts::Here);
    bench.expect(&[
        "0.000 describe",
        "0.000 moving from nowhere",
        "0.000 associate",
        "5.000 failed 1",
        "5.390 describe",
        "6.000 here after 6.000 and 3",
    ]);
    assert_eq!(bench.view().counters.associates, 1);
}

#[test]
fn failures_in_a_row_count_though_looking_works() {
    let mut bench = Bench::new(settings());
    bench.master(100);
    for _ in 1..=3 {
        bench.found(peer(2)).fails(FailureKind::Unwell);
        assert_eq!(bench.view().phase, Phase::Waiting);
        bench.until_asked();
    }
    bench.found(peer(2)).agreed().found(Whereabouts::Here);
    bench.expect(&[
        "0.000 describe",
        "0.000 moving from node 2",
        "0.000 associate",
        "0.000 failed 1",
        "0.390 describe",
        "0.390 associate",
        "0.390 failed 2",
        "0.423 describe",
        "0.423 associate",
        "0.423 failed 3",
        "4.026 describe",
        "4.026 associate",
        "4.026 describe",
        "4.026 here after 4.026 and 9",
    ]);
    assert_eq!(bench.view().counters.failures, 3);
}

#[test]
fn a_provider_that_says_when_to_come_back_is_not_called_before() {
    let mut bench = Bench::new(settings());
    let after = Some(Duration::from_secs(20));
    bench.master(100).fails(FailureKind::Throttled { after });
    bench.until(30.0);
    let calls = bench.calls();
    assert!((20.0..21.0).contains(&calls[1]), "{calls:?}");
    assert_eq!(bench.view().counters.throttled, 1);
}

#[test]
fn what_the_provider_says_outlasts_a_mastership_and_haste() {
    let mut bench = Bench::new(settings());
    let after = Some(Duration::from_secs(20));
    bench.master(100).fails(FailureKind::Throttled { after });
    bench.tell(Event::NotMaster).until(3.0).master(100);
    bench.tell(Event::Asserted).until(25.0);
    assert_eq!(bench.calls(), [0.0, 20.0]);
}

#[test]
fn calls_are_limited_however_often_mastership_changes() {
    let mut bench = Bench::new(settings());
    for _ in 0..50 {
        bench.master(100).tell(Event::NotMaster);
    }
    assert_eq!(bench.calls(), [0.0; 10]);
    bench.until(3.5).master(100);
    assert_eq!(bench.calls(), [3.5]);
    for _ in 0..50 {
        bench.tell(Event::NotMaster).master(100);
    }
    assert_eq!(bench.calls(), [3.5; 2]);
    bench.until(4.5);
    assert_eq!(bench.calls(), [4.0]);
}

#[test]
fn a_call_that_nobody_answers_does_not_stop_everything() {
    let mut bench = Bench::new(settings());
    bench.master(100).until(7.0);
    bench.expect(&[
        "0.000 describe",
        "6.000 abandon",
        "6.000 failed 1",
        "6.390 describe",
    ]);
}

#[test]
fn settings_without_waits_are_no_endless_loop() {
    let mut bench = Bench::new(Settings {
        verify_interval: Duration::ZERO,
        call_timeout: Duration::ZERO,
        backoff_first: Duration::ZERO,
        backoff_longest: Duration::ZERO,
        burst: 0,
        ..settings()
    });
    bench.master(100).while_found(&Whereabouts::Here, 5.0);
    assert_eq!(bench.calls(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}
