//! What the user is told.

use super::timetable::{Bench, peer, settings};
use crate::floating_ip::event::{Event, FailureKind, Whereabouts};

#[test]
fn an_address_that_does_not_come_is_an_alarm_after_ten_seconds() {
    let mut bench = Bench::new(settings());
    bench.master(100).found(peer(2)).fails(FailureKind::Unwell);
    bench.until(5.0).fails(FailureKind::Unwell).until_asked();
    bench.found(peer(2)).until(9.9).calls();
    bench.until(10.0).expect(&["10.000 alarm: not here, why"]);
    bench.until(10.5).agreed().found(Whereabouts::Here);
    bench.expect(&[
        "10.500 describe",
        "10.500 here after 10.500 and 6",
        "10.500 over: not here, no failure",
    ]);
}

#[test]
fn a_refusal_is_an_alarm_at_once_and_is_told_once() {
    let mut bench = Bench::new(settings());
    bench.master(100).fails(FailureKind::Refused);
    bench
        .until_asked()
        .found(peer(2))
        .fails(FailureKind::Refused);
    bench
        .until_asked()
        .found(peer(2))
        .agreed()
        .found(Whereabouts::Here);
    bench.expect(&[
        "0.000 describe",
        "0.000 failed 1",
        "0.000 alarm: not here, why",
        "0.390 describe",
        "0.390 moving from node 2",
        "0.390 associate",
        "0.390 failed 2",
        "0.423 describe",
        "0.423 associate",
        "0.423 describe",
        "0.423 here after 0.423 and 6",
        "0.423 over: not here, no failure",
    ]);
}

#[test]
fn an_address_that_cannot_be_verified_any_more_is_an_alarm() {
    let mut bench = Bench::holding();
    bench.while_found(&Whereabouts::Here, 20.0).calls();
    bench.until(23.0).fails(FailureKind::Refused);
    bench.expect(&["23.000 describe", "23.000 failed 1"]);
    for _ in 0..4 {
        bench.until_asked().fails(FailureKind::Refused);
    }
    bench.until_asked().calls();
    bench.until(43.0).expect(&["43.000 alarm: unverified, why"]);
    bench.found(Whereabouts::Here);
    bench.expect(&["43.000 over: unverified, why"]);
}

#[test]
fn a_provider_that_is_away_for_a_moment_is_no_alarm() {
    let mut bench = Bench::holding();
    bench.while_found(&Whereabouts::Here, 20.0);
    bench.until(23.0).fails(FailureKind::Unanswered);
    bench.until(25.0).found(Whereabouts::Here);
    bench.while_found(&Whereabouts::Here, 26.0);
    bench.calls();
    bench.while_found(&Whereabouts::Here, 60.0);
    bench.expect(&["35.000 describe", "45.000 describe", "55.000 describe"]);
}

#[test]
fn alarms_end_with_mastership() {
    let mut bench = Bench::new(settings());
    bench.master(100).fails(FailureKind::Refused).until(0.1);
    bench.tell(Event::NotMaster);
    bench.expect(&[
        "0.000 describe",
        "0.000 failed 1",
        "0.000 alarm: not here, why",
        "0.100 over: not here, why",
    ]);
}
