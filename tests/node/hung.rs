//! Processes and threads that neither work nor end: what a half-dead node does about itself.

use std::{
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::{
    freeze::{Frozen, threads},
    needs::Need,
};
use pontoon_sys::process::{Pid, Signal, child::signal_pid};

use super::{
    apart,
    supervision::{HAPROXY, KEEPALIVED, Scene, until_gone},
};
use crate::harness::{Failure, Outcome, Test, measured};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: &[(&str, Run)] = &[
        ("election_of_a_node_is_killed_and_restarted", of_a_node),
        (
            "election_of_a_drop_in_is_killed_and_restarted",
            of_a_drop_in,
        ),
        ("election_does_not_keep_a_stop_from_giving_back", at_a_stop),
        ("supervisor_does_not_hide_the_death_of_a_proxy", supervisor),
        ("machine_is_not_taken_for_a_hung_election", whole_machine),
    ];
    for (name, run) in all {
        let test = Test::new(format!("node::hung_{name}"), run);
        tests.push(test.needs(Need::Root).needs(Need::Namespaces));
    }
    let threads: &[(&str, &'static str)] = &[("data", "data-1"), ("control", "haproxy")];
    for (name, thread) in threads {
        let test = Test::new(
            format!("node::hung_{name}_thread_makes_the_node_resign_and_restart_its_proxy"),
            move || one_thread(thread),
        );
        let test = test.needs(Need::Root).needs(Need::Namespaces);
        tests.push(test.needs(Need::Program("perl")));
    }
}

/// Silence of three seconds, and what a busy machine needs.
const NOTICED: Duration = Duration::from_secs(4);

fn of_a_node() -> Outcome {
    let mut scene = Scene::new()?;
    let election = scene.child("keepalived")?;
    is_replaced(&scene, election)?;
    scene.must_run()
}

fn of_a_drop_in() -> Outcome {
    let mut scene = apart::scene()?;
    let _proxy = apart::Daemon::start(&scene)?;
    scene.until_held(true)?;
    let election = scene.child("keepalived")?;
    is_replaced(&scene, election)?;
    scene.must_run()
}

/// Its addresses are removed, and another one takes them again.
fn is_replaced(scene: &Scene, election: Pid) -> Outcome {
    signal_pid(election, Signal::STOP)?;
    let took = scene.until_held(false)?;
    measured(&format!("address removed {took:?} after the election hung"));
    assert!(took < NOTICED, "{took:?}");
    until_gone(election)?;
    let number = election.as_raw_nonzero();
    let told = format!(
        "the election (process {number}) has not answered for 3 s; it is killed, and its \
         addresses are removed"
    );
    let told = |line: &str| line.contains(&told);
    scene.node.wait_for_line("the kill to be told", told)?;
    scene.until_held(true)?;
    assert_ne!(scene.child("keepalived")?, election);
    Ok(())
}

/// Its addresses do not stay for as long as it may take to stop.
fn at_a_stop() -> Outcome {
    let mut scene = Scene::new()?;
    signal_pid(scene.child("keepalived")?, Signal::STOP)?;
    scene.node.signal(Signal::TERM)?;
    let took = scene.until_held(false)?;
    assert!(took < NOTICED, "{took:?}");
    let code = scene.node.wait(Duration::from_secs(6))?.code();
    assert_eq!(code, Some(0), "{}", scene.said());
    Ok(())
}

/// It is the one to tell; but silence tells, too.
fn supervisor() -> Outcome {
    let mut scene = Scene::new()?;
    let proxy = scene.child("haproxy")?;
    scene.node.signal(Signal::STOP)?;
    signal_pid(proxy, Signal::KILL)?;
    let took = scene.until_held(false)?;
    measured(&format!("address given up {took:?} without the supervisor"));
    assert!(took < Duration::from_secs(3), "{took:?}");
    scene.node.signal(Signal::CONT)?;
    scene.until_held(true)?;
    scene.must_run()
}

/// A machine that slept (a virtual one that was paused, say) wakes up with its processes in any
/// order: none of them was hung.
fn whole_machine() -> Outcome {
    let mut scene = Scene::new()?;
    let election = scene.child("keepalived")?;
    scene.node.signal(Signal::STOP)?;
    signal_pid(election, Signal::STOP)?;
    thread::sleep(Duration::from_secs(5));
    scene.node.signal(Signal::CONT)?;
    // Long enough for the supervisor to see the silence alone.
    thread::sleep(Duration::from_millis(300));
    signal_pid(election, Signal::CONT)?;
    assert_eq!(scene.child("keepalived")?, election, "{}", scene.said());
    assert!(scene.holds(), "{}", scene.said());
    scene.must_run()
}

/// One of several, while the others run on.
fn one_thread(name: &str) -> Outcome {
    let haproxy = format!("global\n nbthread 3\n{HAPROXY}");
    let files = [("haproxy.cfg", haproxy.as_str()), ("ka.conf", KEEPALIVED)];
    let mut scene = Scene::starting(&files, &[])?;
    scene.until_held(true)?;
    let proxy = scene.child("haproxy")?;
    let number = proxy.as_raw_nonzero().get().unsigned_abs();
    let threads = threads(number)?;
    let thread = threads.iter().find(|(_, it)| it == name);
    let (thread, _) =
        thread.ok_or_else(|| Failure::from(format!("no thread {name} in {threads:?}")))?;
    let begun = Instant::now();
    let frozen = Frozen::thread(*thread)?;
    scene.until_held(false)?;
    let took = begun.elapsed();
    measured(&format!("address given up {took:?} after {name} hung"));
    assert!(took < Duration::from_secs(3), "{took:?}");
    scene.node.wait_for_line("the kill", |line| {
        line.contains("has not answered for 10 s; it is killed")
    })?;
    until_gone(proxy)?;
    drop(frozen);
    scene.until_held(true)?;
    assert_ne!(scene.child("haproxy")?, proxy);
    scene.must_run()
}
