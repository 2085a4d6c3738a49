use std::time::Duration;

use super::*;
use crate::demo::{
    testing::{Defect, TICK, World},
    tour::STEPS,
};

const PATIENCE: Duration = Duration::from_secs(300);

/// Plays the tour on lines; what was written, and the summary.
fn play(world: World) -> (String, Summary) {
    let mut out = Vec::new();
    let mut now = world.now;
    let deadline = now + PATIENCE;
    let face = Face::Lines(Lines::new(&mut out));
    let mut show = Show::new(world, face, Vec::new(), now).with_tour(Tour::new(STEPS));
    while show.turn(now).is_none() {
        now += TICK;
        assert!(now < deadline, "it never ends");
    }
    let summary = show.end(now).1.expect("there was a tour");
    (String::from_utf8(out).unwrap(), summary)
}

#[test]
fn the_tour_is_told_line_by_line() {
    let (told, summary) = play(World::new());
    assert!(summary.passed(), "{summary}");
    for line in [
        "step 1: both nodes start",
        "34.249.49.35 leads to node 1",
        "tour: cut the power of node 1",
        "all clients are served again: outage ",
        "node 1 finds database 10.0.1.12 DOWN",
    ] {
        assert!(told.contains(line), "no {line:?} in\n{told}");
    }
    assert!(!told.contains('\x1b'));
}

#[test]
fn a_step_that_fails_is_told_and_fails_the_whole() {
    let (told, summary) = play(World::with(Defect::AddressStays));
    assert!(!summary.passed());
    assert!(told.contains("FAILED: waited 10.0 s in vain"), "{told}");
}

#[test]
fn a_deed_that_cannot_be_done_fails_the_tour() {
    let (told, summary) = play(World::with(Defect::Untouchable));
    assert!(!summary.passed());
    assert!(
        told.contains("cannot kill the proxy of node 1: no hands"),
        "{told}"
    );
}

#[test]
fn quitting_a_tour_fails_it() {
    let world = World::new();
    let now = world.now;
    let face = Face::Lines(Lines::new(io::sink()));
    let mut show = Show::new(world, face, Vec::new(), now).with_tour(Tour::new(STEPS));
    assert_eq!(show.turn(now), None);
    assert_eq!(
        show.press('p', now),
        None,
        "the tour decides what is killed"
    );
    assert_eq!(show.press('q', now), Some(End::Quit));
    let (_, summary) = show.end(now);
    assert!(summary.is_some_and(|summary| !summary.passed()));
}
