use std::time::Duration;

use super::{
    super::testing::{Defect, Scene, TICK, World},
    *,
};

/// How long the tour may take, in the worst case in which it still passes.
fn longest() -> Duration {
    let acts = STEPS.iter().flat_map(|step| step.acts);
    acts.map(|act| act.patience).sum()
}

/// Plays it to its end; what it said, and the summary.
fn play(defect: Option<Defect>) -> (Vec<String>, Summary) {
    let mut scene = Scene::new(defect.map_or_else(World::new, World::with));
    let mut tour = Tour::new(STEPS);
    let mut said = Vec::new();
    let deadline = scene.now() + longest() * 2;
    loop {
        scene.tick();
        for order in tour.advance(&scene.picture, scene.now()) {
            match order {
                Order::Say(text) => said.push(text),
                Order::Do(deed) => scene.act(deed),
                Order::End => return (said, tour.summary()),
            }
        }
        assert!(scene.now() < deadline, "it never ends: {tour:?}");
    }
}

#[test]
fn where_everything_works_every_step_passes() {
    let (said, summary) = play(None);
    assert!(summary.passed(), "{summary}");
    assert_eq!(summary.rows.len(), STEPS.len());
    assert_eq!(said.len(), STEPS.len(), "{said:?}");
}

#[test]
fn the_figures_are_those_of_their_step() {
    let (_, summary) = play(None);
    let power = &summary.rows[2];
    // The fake site fails over between two attempts, and back.
    assert_eq!((power.moves, power.failed, power.outage), (2, 0, None));
    let api = &summary.rows[4];
    assert_eq!((api.moves, api.failed), (2, 1));
    assert_eq!(api.outage, Some(2 * TICK));
}

#[test]
fn an_address_that_stays_fails_the_step_and_ends_the_tour() {
    let (said, summary) = play(Some(Defect::AddressStays));
    assert!(!summary.passed());
    let verdicts: Vec<_> = summary.rows.iter().map(|row| &row.verdict).collect();
    assert_eq!(verdicts[0], &Verdict::Passed);
    assert!(matches!(verdicts[1], Verdict::Failed(why) if why.contains("34.249.49.35")));
    assert_eq!(verdicts[2..], [&Verdict::NotPlayed; 4]);
    assert!(
        said.last()
            .is_some_and(|last| last.starts_with("FAILED: waited 10.0 s"))
    );
}

#[test]
fn two_masters_after_the_link_has_healed_fail_it() {
    let (_, summary) = play(Some(Defect::SplitBrain));
    assert!(!summary.passed());
    // After the first takeover node 2 does not give way.
    let failed = summary
        .rows
        .iter()
        .find(|row| row.verdict != Verdict::Passed);
    let failed = failed.expect("one failed");
    assert_eq!(failed.ends_with, None, "{summary}");
}

#[test]
fn a_tour_that_is_interrupted_has_not_passed() {
    let mut scene = Scene::new(World::new());
    let mut tour = Tour::new(STEPS);
    for _ in 0..5 {
        scene.tick();
        tour.advance(&scene.picture, scene.now());
    }
    tour.interrupt("stopped by a signal", &scene.picture, scene.now() + TICK);
    let orders = tour.advance(&scene.picture, scene.now());
    assert_eq!(orders, [Order::End]);
    assert!(!tour.summary().passed());
}
