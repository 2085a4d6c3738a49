//! Scripts, files and signals that try to keep the election from its work.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::wait;
use pontoon_sys::process::{Pid, Signal, child::signal_pid};

use super::{
    Seeded,
    flood::Forger,
    register_seeded,
    supervision::{HAPROXY, KEEPALIVED, Scene},
};
use crate::{
    chaos::dice::Dice,
    harness::{Failure, Outcome, Test, measured},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let all: &[(&str, Seeded)] = &[
        ("scripts_of_any_kind_do_not_delay_adverts", any_kind),
        ("storm_of_reloads_is_no_failover", reloads),
        ("without_descriptors_the_master_stays", no_descriptors),
        ("stop_at_any_moment_leaves_nothing", stops),
        ("stop_of_all_processes_at_once_is_a_stop", whole_group),
        ("stop_does_not_wait_for_a_script_that_hangs", hanging_script),
    ];
    register_seeded(tests, all);
}

/// Adverts come every 100 ms; a peer would take over after this.
const TOO_LATE: Duration = Duration::from_millis(300);

/// Fails if the master falls silent, or gives the address up, while this happens.
pub(super) fn in_step(scene: &Scene, work: impl FnOnce() -> Outcome) -> Outcome {
    let listener = Forger::listener(scene)?;
    let times = thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let times = scope.spawn(move || {
            let mut times = Vec::new();
            let ended = || stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Empty);
            while !ended() {
                times.extend(listener.listen(Instant::now() + Duration::from_millis(50)));
            }
            times
        });
        let done = work();
        drop(stop);
        let times = times
            .join()
            .map_err(|_| Failure::from("the listener panicked"));
        done.and(times)
    })?;
    let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    let gap = gap.ok_or("the master was silent")?;
    measured(&format!(
        "longest silence {gap:?} of {} adverts",
        times.len()
    ));
    assert!(gap < TOO_LATE, "{gap:?}; {}", scene.said());
    Ok(())
}

fn script(scene: &Scene, name: &str, text: &str) -> Result<String, Failure> {
    let path = scene.folder.write(name, format!("#!/bin/sh\n{text}\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path.display().to_string())
}

const SCRIPTS: [(&str, &str); 6] = [
    ("floods", "head -c 20000000 /dev/zero | tr '\\\\0' x"),
    ("forks", "sleep 2 &\n(trap '' TERM HUP; sleep 3) &"),
    (
        "ignores",
        "trap '' TERM INT HUP; sleep 5 & wait; wait; sleep 5",
    ),
    ("fails", "echo no >&2; exit 7"),
    ("dies", "kill -9 $$"),
    ("closes", "exec >&- 2>&-; sleep 0.3"),
];

fn any_kind(_: Dice) -> Outcome {
    let mut scene = Scene::new()?;
    let mut text = KEEPALIVED.to_owned();
    let mut tracked = String::new();
    for (name, body) in SCRIPTS {
        let path = script(&scene, name, body)?;
        text += &format!(
            "vrrp_script {name} {{\n script \"{path}\"\n interval 1\n timeout 1\n weight 2\n}}\n"
        );
        tracked += &format!("        {name}\n");
    }
    let notify = script(&scene, "notify", "(yes & sleep 1; kill $!) ; sleep 30")?;
    let fifo = scene.folder.path().join("fifo");
    let text = text
        .replace(
            "always\n    }",
            &format!("always\n{tracked}    }}\n notify {notify}\n notify_master /nowhere/at/all"),
        )
        .replace(
            "vrrp_version 3",
            &format!(
                "vrrp_version 3\n vrrp_notify_priority_changes true\n vrrp_notify_fifo {}",
                fifo.display()
            ),
        );
    in_step(&scene, || {
        scene.folder.write("ka.conf", text)?;
        scene.node.signal(Signal::HUP)?;
        thread::sleep(Duration::from_secs(2));
        for signal in [Signal::USR2, Signal::HUP] {
            scene.node.signal(signal)?;
        }
        scene.status_now()?;
        thread::sleep(Duration::from_secs(2));
        Ok(())
    })?;
    assert!(scene.holds(), "{}", scene.said());
    scene.must_run()
}

const BAD: [&str; 4] = [
    "",
    "vrrp_instance {",
    "vrrp_instance VI_1 {\n interface eth7\n virtual_router_id 51\n virtual_ipaddress {\n 10.0.1.100\n }\n}\n",
    "\u{0}\u{1}nonsense",
];

fn reloads(mut dice: Dice) -> Outcome {
    let mut scene = Scene::new()?;
    let more = KEEPALIVED.replace("10.0.1.100/24", "10.0.1.100/24\n        10.0.1.101/24");
    let higher = KEEPALIVED.replace("priority 100", "priority 120");
    let script = KEEPALIVED.replace("/bin/true", "/bin/false");
    let good = [KEEPALIVED, more.as_str(), higher.as_str(), script.as_str()];
    let election = scene.child("keepalived")?.as_raw_nonzero();
    let folder = format!("/proc/{election}/fd");
    let open = || fs::read_dir(&folder).map_or(usize::MAX, Iterator::count);
    let before = open();
    in_step(&scene, || {
        for _ in 0..60 {
            let text = match dice.chance(60) {
                true => dice.pick(&good),
                false => dice.pick(&BAD),
            };
            scene.folder.write("ka.conf", text)?;
            for _ in 0..=dice.below(3) {
                scene.node.signal(Signal::HUP)?;
            }
            thread::sleep(Duration::from_millis(dice.below(40).into()));
            assert!(scene.holds(), "{}", scene.said());
        }
        scene.folder.write("ka.conf", &more)?;
        scene.node.signal(Signal::HUP)?;
        wait::until("the last file to rule", wait::PATIENCE, || {
            scene.shown().contains("10.0.1.101/24").then_some(())
        })?;
        Ok(())
    })?;
    wait::until("descriptors to be closed", wait::PATIENCE, || {
        (open() <= before).then_some(())
    })?;
    let said = scene.said();
    assert_eq!(said.matches("Entering MASTER STATE").count(), 1, "{said}");
    scene.must_run()
}

/// Neither scripts nor sockets can be opened any more, in the election as in its supervisor.
fn no_descriptors(_: Dice) -> Outcome {
    let mut scene = Scene::new()?;
    let election = scene.child("keepalived")?.as_raw_nonzero().get();
    let proxy = scene.child("haproxy")?;
    let limit = |pid: i64, limit: &str| -> Outcome {
        let mut command = Command::new("prlimit");
        let status = command.args(["--pid", &pid.to_string(), limit]).status()?;
        assert!(status.success(), "{status}");
        Ok(())
    };
    let more = KEEPALIVED
        .replace("interface eth0", "interface lo")
        .replace("VI_1", "VI_2");
    let more = more
        .replace("id 51", "id 52")
        .replace("1.100/24", "1.102/32");
    let more = more
        .split_once("vrrp_instance")
        .map_or("", |(_, rest)| rest);
    let more = format!("{KEEPALIVED}vrrp_instance{more}");
    in_step(&scene, || {
        for pid in [election.into(), scene.node.pid().into()] {
            limit(pid, "--nofile=3:4096")?;
        }
        scene.folder.write("ka.conf", &more)?;
        scene.node.signal(Signal::HUP)?;
        thread::sleep(Duration::from_secs(2));
        Ok(())
    })?;
    // Nothing new can be started either, and what is there does its work.
    signal_pid(proxy, Signal::KILL)?;
    scene.until_held(false)?;
    for pid in [election.into(), scene.node.pid().into()] {
        limit(pid, "--nofile=1024:4096")?;
    }
    scene.until_held(true)?;
    scene.must_run()
}

fn stops(mut dice: Dice) -> Outcome {
    for _ in 0..10 {
        let files = [("haproxy.cfg", HAPROXY), ("ka.conf", KEEPALIVED)];
        let mut scene = Scene::starting(&files, &[])?;
        // `ip netns exec` becomes the supervisor, which takes signals once its signals are held.
        let comm = format!("/proc/{}/comm", scene.node.pid());
        wait::until("the program to start", wait::PATIENCE, || {
            let name = fs::read_to_string(&comm).unwrap_or_default();
            (name == "pontoon\n").then_some(())
        })?;
        let moment = dice.below(700);
        thread::sleep(Duration::from_millis(moment.into()));
        let signal = dice.pick(&[Signal::TERM, Signal::INT, Signal::USR1]);
        scene.node.signal(signal)?;
        let begun = Instant::now();
        let status = scene.node.wait(wait::PATIENCE)?;
        let took = begun.elapsed();
        let said = scene.said();
        assert!(
            took < Duration::from_secs(3),
            "{moment} ms: {took:?}; {said}"
        );
        assert!(!scene.holds(), "{moment} ms; {said}");
        // Before it holds its signals back, it dies of them, as any program.
        let by_signal = std::os::unix::process::ExitStatusExt::signal(&status).is_some();
        assert!(
            status.code() == Some(0) || by_signal && moment < 100,
            "{moment} ms: {status}; {said}"
        );
    }
    Ok(())
}

/// As a terminal does at Ctrl-C, and systemd with its usual `KillMode`.
fn whole_group(mut dice: Dice) -> Outcome {
    for signal in [Signal::TERM, Signal::INT] {
        let mut scene = Scene::new()?;
        let mut all = vec![scene.child("keepalived")?, scene.child("haproxy")?];
        let supervisor = i32::try_from(scene.node.pid()).ok().and_then(Pid::from_raw);
        all.insert(dice.below(3) as usize, supervisor.ok_or("no supervisor")?);
        for pid in all {
            signal_pid(pid, signal)?;
        }
        let code = scene.node.wait(wait::PATIENCE)?.code();
        let said = scene.said();
        assert_eq!(code, Some(0), "{said}");
        assert!(!scene.holds(), "{said}");
        // Whether the election hears of the signal or of the proxy first, nobody knows.
        for wrong in ["started again", "it is killed"] {
            assert!(!said.contains(wrong), "{wrong}: {said}");
        }
    }
    Ok(())
}

fn hanging_script(_: Dice) -> Outcome {
    let mut scene = Scene::new()?;
    let path = script(
        &scene,
        "hangs",
        "trap '' TERM INT HUP\nwhile :; do sleep 1; done",
    )?;
    let text = KEEPALIVED.replace("priority 100", &format!("priority 100\n notify {path}"));
    scene.folder.write("ka.conf", text)?;
    scene.node.signal(Signal::HUP)?;
    scene
        .node
        .wait_for_line("the reload", |line| line.contains("Reload complete"))?;
    scene.network.unplug(&scene.namespace)?;
    scene.until_held(false)?;
    scene.network.plug(&scene.namespace)?;
    scene.until_held(true)?;
    scene.node.signal(Signal::TERM)?;
    let took = scene.until_held(false)?;
    assert!(took < Duration::from_millis(500), "{took:?}");
    let begun = Instant::now();
    let code = scene.node.wait(wait::PATIENCE)?.code();
    let took = begun.elapsed();
    measured(&format!("stopped {took:?} after a script that hangs"));
    assert_eq!(code, Some(0), "{}", scene.said());
    assert!(took < Duration::from_secs(6), "{took:?}");
    let said = scene.said();
    assert!(!said.contains("takes too long to stop"), "{said}");
    Ok(())
}
