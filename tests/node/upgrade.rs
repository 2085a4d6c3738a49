//! The election becomes the program on the disk: when it does not, and what it finds there.

use std::{fs, os::unix::fs::PermissionsExt as _, thread, time::Duration};

use pontoon_lab::{needs::Need, wait};
use pontoon_sys::process::Signal;

use super::{
    nuisance::in_step,
    supervision::{HAPROXY, KEEPALIVED, Scene},
};
use crate::harness::{Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: &[(&str, Run)] = &[
        (
            "that_cannot_read_what_is_left_keeps_the_master",
            other_version,
        ),
        ("hears_signals_of_that_moment", hears_signals),
        ("is_left_alone_if_it_cannot_go_on", cannot),
        ("is_left_alone_if_the_file_has_changed_since", changed),
        ("waits_for_notify_scripts_and_keeps_readers", notifies),
    ];
    for (name, run) in all {
        let test = Test::new(format!("node::new_program_{name}"), run);
        tests.push(test.needs(Need::Root).needs(Need::Namespaces));
    }
}

/// A node whose program can be replaced.
fn scene(keepalived: &str) -> Result<Scene, crate::harness::Failure> {
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", keepalived)];
    let wrap = ["sh", "-c", "ln -s \"$0\" pontoon; exec ./pontoon \"$@\""];
    let scene = Scene::starting(&files, &wrap)?;
    scene.until_held(true)?;
    Ok(scene)
}

/// The program on the disk is a script now that does this before it executes the real one.
fn replace(scene: &Scene, before: &str) -> Outcome {
    let script = format!(
        "#!/bin/bash\n{before}\ncase $1 in\nrun|can-resume*) name=pontoon;;\n-n) name=keepalived;;\n\
         *) name=haproxy;;\nesac\nexec -a $name {real} \"$@\"\n",
        real = pontoon().display()
    );
    let new = scene.folder.write("new", script)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
    fs::rename(new, scene.folder.path().join("pontoon"))?;
    Ok(())
}

fn reload_until_told(scene: &Scene, what: &str) -> Outcome {
    scene.node.signal(Signal::HUP)?;
    let told = scene.node.wait_for_line(what, |line| line.contains(what));
    told.map_err(|problem| format!("{problem}; {}", scene.said()))?;
    Ok(())
}

/// So long adverts are watched afterwards: several intervals.
const WATCHED: Duration = Duration::from_millis(600);

/// Adverts go on, and nobody is told that anything has changed.
fn goes_on(scene: &mut Scene, what: &str) -> Outcome {
    let election = scene.child("keepalived")?;
    in_step(scene, || {
        reload_until_told(scene, what)?;
        thread::sleep(WATCHED);
        Ok(())
    })?;
    assert_eq!(scene.child("keepalived")?, election);
    assert!(scene.holds(), "{}", scene.said());
    let said = scene.said();
    assert_eq!(said.matches("Entering MASTER STATE").count(), 1, "{said}");
    scene.must_run()
}

fn other_version() -> Outcome {
    let mut scene = scene(KEEPALIVED)?;
    replace(
        &scene,
        "left=/proc/self/fd/$PONTOON_ELECTION_RESUME_FD\nif [ $1 = -n ]; then\n\
         text=$(sed 's/\"version\":1,/\"version\":99,/' $left)\nprintf %s \"$text\" >$left\nfi",
    )?;
    let told = "it is of version 99, ours is 1): VI_1 stays master, all else begins anew";
    goes_on(&mut scene, told)?;
    // It is a master like any other: it tracks, resigns and lets go.
    scene
        .node
        .wait_for_line("the script to be run again", |line| {
            line.contains("The election is pontoon")
        })?;
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    assert!(!scene.holds());
    Ok(())
}

/// A reload that is asked for while the new program does not handle signals yet: it is done, and does
/// not end the election.
fn hears_signals() -> Outcome {
    let mut scene = scene(KEEPALIVED)?;
    let early = "[ $1 = -n ] && [ ! -e once ] && touch once && \
                 sed -i s/100$/120/ ka.conf && kill -HUP $$";
    replace(&scene, early)?;
    goes_on(&mut scene, "effective priority from 102 to 122")
}

fn cannot() -> Outcome {
    let mut scene = scene(KEEPALIVED)?;
    replace(&scene, "[ $1 = can-resume-election ] && exit 1")?;
    goes_on(
        &mut scene,
        "pontoon: warning: the election stays what it is until a restart",
    )
}

/// It would be another election, which a reload has to look at first.
fn changed() -> Outcome {
    let mut scene = scene(KEEPALIVED)?;
    replace(
        &scene,
        "[ $1 = can-resume-election ] && sed -i s/100$/120/ ka.conf",
    )?;
    goes_on(&mut scene, "its file has been changed since it was read")?;
    reload_until_told(&scene, "effective priority from 102 to 122")
}

/// A script that runs is neither killed nor run again; a program that reads a FIFO is the same after
/// it, and misses nothing.
fn notifies() -> Outcome {
    let mut scene = scene(KEEPALIVED)?;
    let folder = scene.folder.path().display().to_string();
    let write = |name: &str, text: String| -> Outcome {
        let path = scene.folder.write(name, format!("#!/bin/bash\n{text}\n"))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        Ok(())
    };
    let wait_for = |file: &str| format!("while [ ! -e {folder}/{file} ]; do sleep 0.01; done");
    write(
        "notify",
        format!(
            "echo $3 >>{folder}/notes\n{}\necho end >>{folder}/notes",
            wait_for("go")
        ),
    )?;
    write(
        "reader",
        format!(
            "echo $$ >>{folder}/readers\nwhile read line; do echo $line >>{folder}/lines; done <$1"
        ),
    )?;
    let fifo = format!(
        "global_defs {{\n    script_user root\n    notify_fifo {folder}/fifo\n    \
         notify_fifo_script {folder}/reader"
    );
    let second = KEEPALIVED.replace("global_defs {", &fifo).replace(
        "    track_script",
        &format!("    notify {folder}/notify\n    track_script"),
    );
    // An instance of another name has something to tell.
    let second = second.replace("VI_1", "VI_2").replace("id 51", "id 52");
    scene.folder.write("ka.conf", &second)?;
    replace(&scene, "")?;
    scene.node.signal(Signal::HUP)?;
    let read = |file: &str| fs::read_to_string(format!("{folder}/{file}")).unwrap_or_default();
    wait::until("the master to tell", wait::PATIENCE, || {
        read("lines").contains("MASTER").then_some(())
    })
    .map_err(|problem| format!("{problem}; {}", scene.said()))?;
    let election = scene.child("keepalived")?;
    assert!(
        !scene.said().contains("The election is pontoon"),
        "{}",
        scene.said()
    );
    scene.folder.write("go", "")?;
    scene.node.wait_for_line("the new program", |line| {
        line.contains("The election is pontoon")
    })?;
    assert_eq!(scene.child("keepalived")?, election);
    scene.until_held(true)?;
    assert_eq!(read("notes"), "BACKUP\nend\nMASTER\nend\n");
    // What is told from now on goes to the same reader.
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    assert_eq!(read("readers").lines().count(), 1);
    let lines = read("lines");
    assert!(lines.contains("STOP"), "{lines}");
    Ok(())
}
