//! The floating IP of other programs than `pontoon run`: the drop-in, and one that is killed.

use pontoon_lab::cloud::Lost;
use rustix::process::Signal;

use super::stage::{ADDRESS, NODES, Stage, first};
use crate::harness::Outcome;

pub(super) fn register(add: &mut impl FnMut(&str, fn() -> Outcome)) {
    add("follows_the_master_as_keepalived", as_keepalived);
    add("survives_an_election_killed_in_a_move", killed_in_a_move);
}

/// Started as `keepalived`, two nodes do the same.
fn as_keepalived() -> Outcome {
    let mut stage = Stage::build()?;
    for node in &mut stage.nodes {
        node.start_as_keepalived()?;
    }
    stage.until_held_by(0)?;
    stage.nodes[0].until_said("floating IP 34.249.49.35 is here after")?;
    stage.nodes[1].until_said("Entering BACKUP STATE")?;
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    stage.nodes[1].until_said("floating IP 34.249.49.35 is here after")
}

/// The election dies while its calls are under way. The other node takes the address; the first comes
/// back, is master again, and has it in the end.
fn killed_in_a_move() -> Outcome {
    let mut stage = Stage::build()?;
    stage.nodes[1].start()?;
    stage.nodes[1].until_address("it to be seen", |it| it.phase == "here")?;
    let faults = stage.cloud.faults();
    faults.lose_answers_of("AssociateAddress", 1, Lost::Hangs);
    stage.nodes[0].start()?;
    stage.nodes[0].until_address("a move", |it| it.phase == "moving")?;
    let killed = stage.nodes[0].host.signal_all("keepalived", Signal::KILL)?;
    assert_eq!(killed, 1, "elections");

    let back = stage.nodes[0].until("it to be master anew", |it| {
        it.role == "MASTER" && first(it).is_some_and(|it| it.phase == "here")
    })?;
    assert_eq!(back.counters.became_master, 1, "of the new election");
    assert_eq!(stage.cloud.holder(ADDRESS), Some(NODES[0]));
    stage.nodes[1].until("it to stand by", |it| it.role == "BACKUP")?;
    Ok(())
}
