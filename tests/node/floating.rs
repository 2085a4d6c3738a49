//! The floating IP of a pair: it is where the master is, whatever becomes of nodes, links and the
//! provider.

mod by_hand;
mod programs;
mod ready;
mod secrets;
mod stage;
mod weather;

use pontoon_lab::{
    cloud::{Down, Lost},
    needs::Need,
    wait,
};
use rustix::process::Signal;

use self::stage::{ADDRESS, NODES, OTHER, SECOND, Stage, first, floating_ip};
use crate::harness::{Outcome, Test};

/// Adds this area's tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        let test = Test::new(format!("node::floating_ip_{name}"), run);
        tests.push(
            test.needs(Need::Root)
                .needs(Need::Namespaces)
                .needs(Need::Hosts),
        );
    };
    add("follows_the_master", follows_the_master);
    add("settles_in_a_lasting_split", settles_in_a_split);
    add("down_api_costs_no_mastership", api_down);
    add("silent_api_delays_no_advertisement", api_silent);
    add("call_under_way_ends_with_mastership", call_is_abandoned);
    add("lost_answer_is_asked_about", answer_is_lost);
    add("forbidden_call_is_an_alarm", forbidden);
    add("stranger_who_takes_it_loses_it", stranger);
    add("reload_keeps_what_has_not_changed", reload);
    by_hand::register(&mut add);
    programs::register(&mut add);
    ready::register(&mut add);
    secrets::register(&mut add);
    weather::register(&mut add);
}

fn follows_the_master() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    let calls = stage.cloud.calls();
    let by_backup = calls.iter().filter(|call| call.source == NODES[1]);
    assert_eq!(by_backup.count(), 0, "a backup makes no calls");

    // Resigned, killed with its cable pulled, and back again.
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    stage.nodes[1].until_address("it to be seen", |it| it.phase == "here")?;
    stage.nodes[0].start()?;
    stage.until_held_by(0)?;
    let dead = stage.nodes[0].host.namespace().to_owned();
    stage.network.silence(&dead)?;
    stage.nodes[0].host.power_off();
    stage.until_held_by(1)?;
    stage.nodes[1].until_said("floating IP 34.249.49.35 is here after")?;
    Ok(())
}

/// Both are master and reach the provider: each takes it once, the one whose word counts more takes it
/// back, and there it stays.
fn settles_in_a_split() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    stage.cut()?;
    stage.nodes[1].until("it to be master", |it| it.role == "MASTER")?;
    let yielded = stage.nodes[1].until_address("it to yield", |it| it.phase == "yielded")?;
    let alarm = yielded.alarm.ok_or_else(|| "no alarm".to_owned())?;
    assert_eq!(alarm.kind, "yielded", "{alarm:?}");
    assert!(alarm.text.contains("do not hear each other"), "{alarm:?}");
    assert_eq!(stage.cloud.holder(ADDRESS), Some(NODES[0]));
    let moves = |stage: &Stage| [0, 1].map(|which| stage.done(which, "AssociateAddress"));
    let before = moves(&stage);
    assert_eq!(before, [2, 1], "the first, the second's, and one back");
    // Both look again, more than once.
    let looked = [0, 1].map(|which| stage.done(which, "DescribeAddresses"));
    wait::until("both to look again", wait::PATIENCE, || {
        let now = [0, 1].map(|which| stage.done(which, "DescribeAddresses"));
        (now[0] >= looked[0] + 2 && now[1] >= looked[1] + 2).then_some(())
    })?;
    assert_eq!(moves(&stage), before, "it moves once");

    stage.network.heal()?;
    stage.nodes[1].until("the split to end", |it| {
        it.role == "BACKUP" && first(it).is_some_and(|it| it.alarm.is_none())
    })?;
    assert_eq!(stage.cloud.holder(ADDRESS), Some(NODES[0]));
    Ok(())
}

fn api_down() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    stage.cloud.faults().down(Some(Down::Reset));
    stage.nodes[0].stop()?;
    stage.nodes[1].until_address("a failure", |it| it.last_failure.is_some())?;
    let alarmed = stage.nodes[1].until_address("the alarm", |it| it.alarm.is_some())?;
    assert_eq!(alarmed.alarm.map(|it| it.kind).as_deref(), Some("not_here"));
    let instance = stage.nodes[1].until("its role", |it| it.role == "MASTER")?;
    assert_eq!(instance.counters.released_master, 0);
    assert_eq!(stage.cloud.holder(ADDRESS), Some(NODES[0]));

    stage.cloud.faults().none();
    stage.until_held_by(1)?;
    stage.nodes[1].until_address("the alarm to end", |it| {
        it.phase == "here" && it.alarm.is_none()
    })?;
    stage.nodes[1].until_said("alarm over:")
}

/// Connections that hang until the timeout: three advertisements are due in that time.
fn api_silent() -> Outcome {
    let mut stage = Stage::build()?;
    stage.cloud.faults().down(Some(Down::Silent));
    stage.nodes[0].start()?;
    stage.nodes[0].until("it to be master", |it| it.role == "MASTER")?;
    stage.nodes[1].start()?;
    let hung = stage.nodes[0].until_address("calls to time out", |it| it.counters.failures >= 2)?;
    assert_eq!(hung.counters.arrivals, 0);
    let backup = stage.nodes[1].until("it to stand by", |it| it.role == "BACKUP")?;
    assert_eq!(
        backup.counters.became_master, 0,
        "an advertisement was late"
    );
    let master = stage.nodes[0].until("its role", |it| it.role == "MASTER")?;
    assert_eq!(master.counters.became_master, 1);
    stage.cloud.faults().none();
    stage.until_held_by(0)
}

/// A call hangs while mastership ends: it is let go at once, and nothing follows it.
fn call_is_abandoned() -> Outcome {
    let mut stage = Stage::build()?;
    stage.cloud.faults().down(Some(Down::Silent));
    stage.nodes[1].start()?;
    stage.nodes[1].until_address("a call", |it| it.call.is_some())?;
    stage.nodes[0].start()?;
    let idle = stage.nodes[1].until("mastership to end", |it| it.role == "BACKUP")?;
    let idle = first(&idle).ok_or_else(|| "no floating IP".to_owned())?;
    assert!(idle.call.is_none() && idle.phase == "idle", "{idle:?}");
    stage.cloud.faults().none();
    stage.until_held_by(0)?;
    let by_backup = stage.done(1, "AssociateAddress") + stage.done(1, "DescribeAddresses");
    assert_eq!(by_backup, 0, "a node that is not master has called");
    Ok(())
}

/// The address moves, and nobody says so: the node finds out, and does not move it again.
fn answer_is_lost() -> Outcome {
    let mut stage = Stage::build()?;
    let faults = stage.cloud.faults();
    faults.lose_answers_of("AssociateAddress", 1, Lost::Dies);
    stage.nodes[0].start()?;
    stage.until_held_by(0)?;
    stage.nodes[0].until_address("it to be seen", |it| it.phase == "here")?;
    assert_eq!(stage.done(0, "AssociateAddress"), 1);
    Ok(())
}

fn forbidden() -> Outcome {
    let mut stage = Stage::allowing(&["ec2:DescribeAddresses"])?;
    stage.nodes[0].start()?;
    let alarmed = stage.nodes[0].until_address("the alarm", |it| it.alarm.is_some())?;
    let text = alarmed.alarm.map(|it| it.text).unwrap_or_default();
    assert!(text.contains("ec2:AssociateAddress"), "{text}");
    let it = stage.nodes[0].until("its role", |it| it.role == "MASTER")?;
    assert_eq!(it.counters.released_master, 0);
    stage.nodes[0].until_said("ALARM: this node is master and the address is not here")
}

/// Not a peer: somebody's script, or an operator on the wrong machine.
fn stranger() -> Outcome {
    let mut stage = Stage::build()?;
    stage.cloud.instance(pontoon_lab::cloud::Instance {
        id: "i-0cccccccccccccccc".to_owned(),
        interface: "eni-0cccccccccccccccc".to_owned(),
        private_ips: vec![[10, 0, 1, 99].into()],
        region: "eu-west-1".to_owned(),
    });
    stage.nodes[0].start()?;
    stage.until_held_by(0)?;
    stage.nodes[0].until_address("it to be seen", |it| it.phase == "here")?;
    stage.cloud.move_to(ADDRESS, Some([10, 0, 1, 99].into()));
    stage.until_held_by(0)?;
    let back = stage.nodes[0].until_address("it to be back", |it| {
        it.phase == "here" && it.counters.losses == 1
    })?;
    assert_eq!(back.counters.arrivals, 2);
    stage.nodes[0].until_said("was here and is now with")
}

fn reload() -> Outcome {
    let mut stage = Stage::build()?;
    let node = &mut stage.nodes[0];
    node.start()?;
    node.until_address("it to be seen", |it| it.phase == "here")?;

    // Another interval, and one more address: the first goes on, the second begins.
    let slower = floating_ip(ADDRESS, "verify_interval 2").replacen("verify_interval 1\n", "", 1);
    let places = format!(
        "private_ip {}\n  peer {} {}",
        SECOND[0], NODES[1], SECOND[1]
    );
    let both = slower.clone() + &floating_ip(OTHER, &places);
    node.configure(&both)?;
    node.signal(Signal::HUP)?;
    let seen = node.until("the second to come", |it| {
        it.floating_ips.get(1).is_some_and(|it| it.phase == "here")
    })?;
    let old = first(&seen).ok_or_else(|| "no floating IP".to_owned())?;
    assert_eq!((old.counters.arrivals, old.counters.associates), (1, 1));

    // One is taken out: it stays where it is, and nobody looks after it.
    node.configure(&slower)?;
    node.signal(Signal::HUP)?;
    node.until("the second to be gone", |it| it.floating_ips.len() == 1)?;
    assert_eq!(stage.cloud.holder(OTHER), Some(SECOND[0]));
    // The first is reached by another way: it starts over, and finds what it has.
    let node = &stage.nodes[0];
    node.configure(&floating_ip(ADDRESS, "api_timeout 3").replacen("api_timeout 2\n", "", 1))?;
    node.signal(Signal::HUP)?;
    let fresh = node.until_address("it to begin again", |it| {
        it.phase == "here" && it.counters.associates == 0
    })?;
    assert_eq!(fresh.counters.arrivals, 1);
    assert_eq!(stage.done(0, "AssociateAddress"), 2, "one for each address");
    let it = node.until("its role", |it| it.role == "MASTER")?;
    assert_eq!(it.counters.became_master, 1);
    Ok(())
}
