//! The supervisor becomes the program on the disk, and stays the same process with the same children.

use std::fs;

use pontoon_lab::wait;
use pontoon_sys::process::Signal;

use super::{
    node::kill,
    scene::{Scene, goes_on, proxy},
};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: &[(&str, Run)] = &[
        ("goes_on_where_it_was", goes_on_where_it_was),
        ("knows_who_leaves", knows_who_leaves),
        ("hears_signals_of_that_moment", hears_signals),
        ("is_left_if_the_new_program_cannot", cannot),
        ("is_left_if_the_new_program_hangs", hangs),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("reload::renewal_{name}"), run));
    }
}

/// A new version: it tells when it becomes the supervisor.
const NEW: &str = "case $1 in\nrun) echo run >>became; exec -a pontoon $REAL \"$@\";;\n\
                   can-resume) exec -a pontoon $REAL \"$@\";;\n\
                   *) exec -a haproxy $REAL \"$@\";;\nesac";

/// Reloads, and waits until the supervisor has become the program on the disk so many times.
fn renewed(scene: &Scene, times: usize) -> Result<u32, Failure> {
    scene.reload()?;
    let became = scene.folder.path().join("became");
    wait::until("the new supervisor", wait::PATIENCE, || {
        let told = fs::read_to_string(&became).ok()?;
        (told.lines().count() == times).then_some(())
    })
    .map_err(|problem| format!("{problem}: {}", scene.said()))?;
    let status = scene.status()?;
    assert_eq!(status.pid, scene.node.pid());
    assert_eq!(status.reloads, u32::try_from(times).unwrap_or(0));
    proxy(&status)
}

fn goes_on_where_it_was() -> Outcome {
    let mut scene = Scene::new()?;
    let mut session = scene.session()?;
    let running_for = scene.status()?.running_for;
    scene.replace_program(NEW)?;
    let descriptors = || -> Result<usize, Failure> {
        // Whoever leaves is watched through one.
        scene.until("the old one to end", |status| status.leaving.is_empty())?;
        Ok(fs::read_dir(format!("/proc/{}/fd", scene.node.pid()))?.count())
    };
    renewed(&scene, 1)?;
    let after_one = descriptors()?;
    for times in 2..=5 {
        renewed(&scene, times)?;
        goes_on(&mut session)?;
    }
    assert_eq!(descriptors()?, after_one);
    assert!(scene.status()?.running_for > running_for);
    // It watches, restarts, plans and stops as before.
    let pid = proxy(&scene.status()?)?;
    kill(pid)?;
    scene.until("the restart", |status| {
        let proxy = status.proxy.as_ref();
        proxy.is_some_and(|it| it.up_for.is_some() && it.restarts == 1 && it.pid != Some(pid))
    })?;
    assert_eq!(scene.pontoon(&["plan"])?.status.code(), Some(0));
    let pid = proxy(&scene.status()?)?;
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    assert!(!scene.socket().exists());
    let cmdline = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(cmdline.is_empty(), "{pid} is still there");
    Ok(())
}

/// The one whose session cannot move is still watched.
fn knows_who_leaves() -> Outcome {
    let scene = Scene::new()?;
    let mut session = scene.session()?;
    let old = proxy(&scene.status()?)?;
    scene.write(|text| text.replace("server s1 ", "server s2 "))?;
    scene.replace_program(NEW)?;
    renewed(&scene, 1)?;
    let leaving = scene.status()?.leaving;
    assert_eq!(leaving.iter().map(|it| it.pid).collect::<Vec<_>>(), [old]);
    goes_on(&mut session)?;
    drop(session);
    scene.until("the old one to end", |status| status.leaving.is_empty())?;
    Ok(())
}

/// A reload that is asked for while the new program does not handle signals yet: it is done, and does
/// not end the process.
fn hears_signals() -> Outcome {
    let scene = Scene::new()?;
    let mut session = scene.session()?;
    let early = "[ $1 = run ] && [ ! -e once ] && : >once && kill -HUP $$";
    scene.replace_program(&format!("{early}\n{NEW}"))?;
    renewed(&scene, 2)?;
    goes_on(&mut session)
}

fn cannot() -> Outcome {
    let scene = Scene::new()?;
    scene.replace_program("[ $1 = can-resume ] && exit 1\nexec -a haproxy $REAL \"$@\"")?;
    scene.reload()?;
    scene.node.wait_for_line("what is not done", |line| {
        line.contains("the supervisor stays what it is until a restart")
    })?;
    scene.session()?;
    scene.reload()?;
    Ok(())
}

fn hangs() -> Outcome {
    let scene = Scene::new()?;
    scene.replace_program("[ $1 = can-resume ] && exec sleep 100\nexec -a haproxy $REAL \"$@\"")?;
    scene.reload()?;
    scene.node.wait_for_line("what is not done", |line| {
        line.contains("the supervisor stays what it is until a restart")
    })?;
    scene.session()?;
    Ok(())
}
