//! An election that is killed after a reload, or amid one: nothing of its addresses stays.

use std::{fs, process::Command};

use pontoon_lab::{needs::Need, program::Program, wait};
use pontoon_sys::process::{Signal, child::signal_pid};

use super::supervision::{KEEPALIVED, Scene};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let after = Test::new(
        "node::node_removes_what_a_reload_has_added",
        reloaded_and_killed,
    );
    tests.push(after.needs(Need::Root).needs(Need::Namespaces));
    let amid = Test::new(
        "node::node_removes_what_a_reload_is_adding",
        killed_amid_a_reload,
    );
    let amid = amid.needs(Need::Root).needs(Need::Namespaces);
    tests.push(amid.needs(Need::Program("strace")));
}

fn reloaded_and_killed() -> Outcome {
    killed_after_a_reload(&Scene::new()?)
}

/// As soon as the address is there, but the kernel takes its time to say so.
fn killed_amid_a_reload() -> Outcome {
    let scene = Scene::new()?;
    let election = scene.child("keepalived")?.as_raw_nonzero();
    let mut slow = Command::new("strace");
    slow.args(["-q", "-o", "/dev/null", "-e", "trace=sendto"]);
    slow.args(["-e", "inject=sendto:delay_exit=500ms", "-p"]);
    let _slowed = Program::start(slow.arg(election.to_string()))?;
    wait::until("the election to be slow", wait::PATIENCE, || {
        let status = fs::read_to_string(format!("/proc/{election}/status")).ok()?;
        (!status.contains("TracerPid:\t0\n")).then_some(())
    })?;
    killed_after_a_reload(&scene)
}

fn killed_after_a_reload(scene: &Scene) -> Outcome {
    let election = scene.child("keepalived")?;
    let more = KEEPALIVED.replace("10.0.1.100/24", "10.0.1.100/24\n        10.0.1.101/24");
    scene.folder.write("ka.conf", more)?;
    scene.node.signal(Signal::HUP)?;
    wait::until("the new address", wait::PATIENCE, || {
        scene.shown().contains("10.0.1.101/24").then_some(())
    })?;
    scene.folder.write("ka.conf", "vrrp_instance {")?;
    signal_pid(election, Signal::KILL)?;
    wait::until("both addresses to go", wait::PATIENCE, || {
        (!scene.shown().contains("10.0.1.10")).then_some(())
    })?;
    scene.folder.write("ka.conf", KEEPALIVED)?;
    scene.until_held(true)?;
    Ok(())
}
