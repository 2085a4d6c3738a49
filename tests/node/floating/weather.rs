//! Bad weather at the provider: it throttles, is slow, lags, and the keys end. The address is with the
//! master in the end, and the calls stay few.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use pontoon_lab::cloud::{Down, Lost};

use super::stage::{ADDRESS, NODES, Stage, floating_ip};
use crate::harness::Outcome;

pub(super) fn register(add: &mut impl FnMut(&str, fn() -> Outcome)) {
    add("comes_in_spite_of_throttling", throttled);
    add("comes_although_answers_are_lost", losing);
    add("taken_by_a_rivals_late_call_is_taken_back", late);
    add("is_waited_for_while_answers_lag", lagging);
    add("outlives_the_keys_of_the_role", expired);
    add("stays_while_metadata_is_down", no_metadata);
}

/// The account may call once a second, and a burst of two.
fn throttled() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    stage.cloud.faults().throttle_rate(Some((2, 1.0)));
    let before = stage.cloud.calls().len();
    let start = Instant::now();
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    stage.nodes[1].until_address("it to be seen", |it| it.phase == "here")?;
    let calls = stage.cloud.calls().len() - before;
    // One node is master: a burst of ten, then one a second.
    let most = 11 + usize::try_from(start.elapsed().as_secs()).unwrap_or(usize::MAX);
    assert!(calls <= most, "{calls} calls, at most {most} are allowed");
    Ok(())
}

/// The first answers of both kinds are lost, in both ways.
fn losing() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    for how in [Lost::Dies, Lost::Hangs] {
        for action in ["AssociateAddress", "DescribeAddresses"] {
            stage.cloud.faults().lose_answers_of(action, 1, how);
        }
    }
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    stage.nodes[1].until_address("it to be seen", |it| it.phase == "here")?;
    assert_eq!(stage.done(1, "AssociateAddress"), 1, "blindly once more");
    Ok(())
}

/// A call of the first node is under way when it stops being master, and lands when the second has the
/// address: that one looks again soon, although its interval is long, and takes it back.
fn late() -> Outcome {
    let mut stage = Stage::build()?;
    let patient = floating_ip(ADDRESS, "verify_interval 600");
    stage.nodes[1].configure(&patient.replacen("verify_interval 1\n", "", 1))?;
    stage.start()?;
    stage.nodes[0].until_address("it to be seen", |it| it.phase == "here")?;
    let slow = Duration::from_millis(1700);
    stage.cloud.faults().slow_from(IpAddr::V4(NODES[0]), slow);
    stage.cloud.move_to(ADDRESS, None);
    stage.nodes[0].until_address("the call", |it| {
        it.call
            .as_ref()
            .is_some_and(|call| call.what == "associate")
    })?;
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    stage.until_held_by(0)?;
    stage.until_held_by(1)?;
    let back = stage.nodes[1].until_address("it to be back", |it| {
        it.phase == "here" && it.counters.losses == 1
    })?;
    assert_eq!(back.counters.arrivals, 2);
    Ok(())
}

/// What is asked is two seconds old.
fn lagging() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    stage.cloud.faults().eventual(Duration::from_secs(2));
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    stage.nodes[1].until_address("it to be seen", |it| it.phase == "here")?;
    assert_eq!(stage.cloud.holder(ADDRESS), Some(NODES[1]));
    Ok(())
}

/// All keys that were handed out are worthless when the second node takes over.
fn expired() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    stage.cloud.expire_role_keys();
    stage.cloud.forget_metadata_tokens();
    stage.nodes[0].until_address("questions with new keys", |it| {
        it.phase == "here" && it.alarm.is_none()
    })?;
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    stage.nodes[1].until_address("it to be seen", |it| it.phase == "here")?;
    Ok(())
}

/// A master that has found out what it is does without.
fn no_metadata() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    stage.nodes[0].until_address("it to be seen", |it| it.phase == "here")?;
    stage.cloud.metadata_faults().down(Some(Down::Reset));
    stage.cloud.move_to(ADDRESS, None);
    stage.until_held_by(0)?;
    let seen = stage.nodes[0].until_address("it to be seen again", |it| it.phase == "here")?;
    assert!(seen.alarm.is_none(), "{seen:?}");
    Ok(())
}
