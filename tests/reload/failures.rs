//! Reloads that fail, and change nothing.

use std::time::Duration;

use pontoon_lab::{client::Client, wait};
use pontoon_sys::process::Signal;

use super::{
    node::kill,
    scene::{Scene, goes_on, proxy, said},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: &[(&str, Run)] = &[
        ("of_a_wrong_file_changes_nothing", wrong_file),
        (
            "of_a_missing_certificate_changes_nothing",
            missing_certificate,
        ),
        ("of_a_taken_address_says_so", taken_address),
        ("whose_proxy_dies_at_once_changes_nothing", dies_at_once),
        ("whose_proxy_is_killed_changes_nothing", is_killed),
        ("whose_proxy_never_gets_ready_ends", never_ready),
        ("is_given_up_for_a_stop", stopped),
        ("of_another_language_is_refused", other_language),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("reload::failed_{name}"), run));
    }
}

/// A reload that must fail for this reason, after which everything is as before.
fn fails(scene: &Scene, reason: &str) -> Outcome {
    let mut session = scene.session()?;
    let before = proxy(&scene.status()?)?;
    let output = scene.pontoon(&["reload"])?;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains(reason), "{}", said(&output));
    unchanged(scene, before)?;
    goes_on(&mut session)?;
    let status = scene.status()?;
    let why = status.failed_reload.ok_or("it is no secret")?;
    assert!(why.contains(reason), "{why}");
    // And it is over: the next one succeeds.
    assert!(!status.reloading);
    Ok(())
}

fn unchanged(scene: &Scene, before: u32) -> Outcome {
    let status = scene.status()?;
    assert_eq!(proxy(&status)?, before, "{}", scene.said());
    assert!(status.leaving.is_empty());
    goes_on(&mut Client::connect(scene.listens)?)?;
    Ok(())
}

fn wrong_file() -> Outcome {
    let scene = Scene::new()?;
    scene.write(|text| text + "global\n maxcon 5\n")?;
    fails(&scene, "did you mean `maxconn`?")?;
    let told = scene.pontoon(&["status"])?;
    assert!(
        said(&told).contains("the last one failed"),
        "{}",
        said(&told)
    );
    scene.node.signal(Signal::HUP)?;
    scene
        .node
        .wait_for_line("the reason", |line| line.contains("did you mean"))?;
    scene.write(|text| text)?;
    assert_eq!(scene.reload()?.failed_reload, None);
    Ok(())
}

fn missing_certificate() -> Outcome {
    let scene = Scene::new()?;
    let more = " check check-ssl verify required ca-file /nonexistent.pem\n";
    scene.write(|text| text.trim_end().to_owned() + more)?;
    fails(&scene, "/nonexistent.pem")
}

fn taken_address() -> Outcome {
    let scene = Scene::new()?;
    let taken = scene.server.address();
    scene
        .write(|text| text.replace("listen relay\n", &format!("listen relay\n bind {taken}\n")))?;
    fails(&scene, "Address already in use")?;
    scene.write(|text| text)?;
    scene.reload()?;
    Ok(())
}

fn dies_at_once() -> Outcome {
    let scene = Scene::new()?;
    scene.replace_program("exit 7")?;
    fails(&scene, "exited with code 7")
}

/// After it has begun to take over: its script lets it do so for a moment.
fn is_killed() -> Outcome {
    let scene = Scene::new()?;
    scene.replace_program("echo $$ >started\nexec sleep 100")?;
    let mut session = scene.session()?;
    let before = proxy(&scene.status()?)?;
    scene.node.signal(Signal::HUP)?;
    let started = scene.folder.path().join("started");
    let pid = wait::until("the new proxy", wait::PATIENCE, || {
        std::fs::read_to_string(&started).ok()?.trim().parse().ok()
    })?;
    assert!(scene.status()?.reloading);
    kill(pid)?;
    scene.until("the reload to fail", |status| {
        status
            .failed_reload
            .as_deref()
            .is_some_and(|why| why.contains("was ended by SIGKILL"))
    })?;
    unchanged(&scene, before)?;
    goes_on(&mut session)
}

fn never_ready() -> Outcome {
    let scene = Scene::new()?;
    scene.replace_program("exec sleep 100")?;
    let mut session = scene.session()?;
    let before = proxy(&scene.status()?)?;
    let output = scene.pontoon(&["reload"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("was not ready after 20 s"),
        "{}",
        said(&output)
    );
    unchanged(&scene, before)?;
    goes_on(&mut session)
}

fn stopped() -> Outcome {
    let mut scene = Scene::new()?;
    scene.replace_program("echo $$ >started\nexec sleep 100")?;
    scene.node.signal(Signal::HUP)?;
    let started = scene.folder.path().join("started");
    wait::until("the new proxy", wait::PATIENCE, || {
        started.exists().then_some(())
    })?;
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(Duration::from_secs(5))?.code(), Some(0));
    Ok(())
}

fn other_language() -> Outcome {
    let scene = Scene::new()?;
    scene.write(|_| "vrrp_instance a {\n interface lo\n virtual_router_id 1\n}\n".into())?;
    fails(&scene, "a file has changed its language")
}
