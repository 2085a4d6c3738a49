use std::{fs, time::Duration};

use pontoon_config::keepalived::model::{self, InitFile};
use pontoon_lab::wait::PATIENCE;
use tokio::time::timeout;

use super::*;
use crate::election::testing::{Room, command, model};

fn script(name: &str, line: &str, interval: Duration) -> TrackScript {
    TrackScript {
        name: name.into(),
        command: command(line),
        interval,
        timeout: interval,
        rise: 1,
        fall: 1,
        weight: 0,
        reverse: false,
        init_fail: false,
    }
}

fn interest(index: usize) -> model::Tracked {
    model::Tracked {
        index,
        weight: 0,
        reverse: false,
    }
}

/// A model whose first instance tracks all of these.
fn with_scripts(scripts: Vec<TrackScript>) -> Model {
    let mut model = model();
    model.instances[0].tracks.scripts = (0..scripts.len()).map(interest).collect();
    model.scripts = scripts;
    model
}

fn with_file(file: TrackFile) -> Model {
    let mut model = model();
    model.instances[0].tracks.files = vec![interest(0)];
    model.files = vec![file];
    model
}

fn with_processes(processes: Vec<TrackProcess>) -> Model {
    let mut model = model();
    model.instances[0].tracks.processes = (0..processes.len()).map(interest).collect();
    model.processes = processes;
    model
}

async fn next(trackers: &mut Trackers) -> Tracked {
    timeout(PATIENCE, trackers.next()).await.unwrap()
}

/// Lets the tasks run until a file has so many lines.
async fn lines(room: &Room, file: &str, count: usize, trackers: &mut Trackers) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while room.read(file).lines().count() < count {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{}",
            room.read(file)
        );
        let _quiet = timeout(Duration::from_millis(5), trackers.next()).await;
    }
}

const SOON: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(3600);

const fn up(index: usize) -> Tracked {
    Tracked::Script { index, up: true }
}

const fn down(index: usize) -> Tracked {
    Tracked::Script { index, up: false }
}

#[tokio::test]
async fn a_script_is_run_at_once_and_its_change_is_news() {
    let room = Room::new("track");
    let check = room.program("check", "test ! -e @/bad || { echo broken; exit 4; }");
    let mut trackers = Trackers::start(
        &with_scripts(vec![script("chk", &check, SOON)]),
        room.log.clone(),
    );
    assert_eq!(trackers.known(), []);
    assert_eq!(trackers.views()[0].state, ScriptState::Unknown);
    assert_eq!(next(&mut trackers).await, up(0));
    fs::write(room.path("bad"), "").unwrap();
    assert_eq!(next(&mut trackers).await, down(0));
    let view = trackers.views().remove(0);
    assert_eq!(view.state, ScriptState::Down);
    assert_eq!(view.status.as_deref(), Some("exited with status 4"));
    assert_eq!(trackers.known(), [down(0)]);
    fs::remove_file(room.path("bad")).unwrap();
    assert_eq!(next(&mut trackers).await, up(0));
    trackers.stop().await;
    let log = room.logged();
    assert!(log.contains("VRRP_Script(chk) succeeded"), "{log}");
    assert!(
        log.contains("VRRP_Script(chk) failed (exited with status 4 after "),
        "{log}"
    );
    assert!(log.contains(" ms: broken)"), "{log}");
}

#[tokio::test]
async fn a_script_that_takes_too_long_has_failed_and_is_not_run_twice_at_a_time() {
    let room = Room::new("track");
    let slow = room.program(
        "slow",
        "mkdir @/running || echo twice >> @/twice; trap 'rmdir @/running; exit 0' TERM; \
         echo run >> @/runs; while :; do sleep 0.01; done",
    );
    let mut slow = script("slow", &slow, SOON);
    slow.timeout = Duration::from_millis(400);
    let mut trackers = Trackers::start(&with_scripts(vec![slow]), room.log.clone());
    assert_eq!(next(&mut trackers).await, down(0));
    lines(&room, "runs", 3, &mut trackers).await;
    trackers.stop().await;
    assert_eq!(room.read("twice"), "");
    let log = room.logged();
    assert!(log.contains("VRRP_Script(slow) timed_out after "), "{log}");
    let skipped = "Track script slow is already running, expect idle - skipping run";
    assert!(log.contains(skipped), "{log}");
}

#[tokio::test]
async fn stopping_ends_what_runs() {
    let room = Room::new("track");
    let long = room.program(
        "long",
        "trap 'echo ended > @/ended; exit' TERM; echo > @/begun; \
                             while :; do sleep 0.01; done",
    );
    let model = with_scripts(vec![script("long", &long, LONG)]);
    let mut trackers = Trackers::start(&model, room.log.clone());
    lines(&room, "begun", 1, &mut trackers).await;
    trackers.stop().await;
    assert_eq!(room.read("ended"), "ended\n");
}

#[tokio::test]
async fn what_nobody_tracks_is_not_run() {
    let room = Room::new("track");
    let check = room.program("check", "echo run >> @/$1");
    let mut model = with_scripts(vec![
        script("idle", &format!("{check} idle"), SOON),
        script("busy", &format!("{check} busy"), SOON),
    ]);
    model.instances[0].tracks.scripts.remove(0);
    let mut trackers = Trackers::start(&model, room.log.clone());
    assert_eq!(next(&mut trackers).await, up(1));
    lines(&room, "busy", 3, &mut trackers).await;
    assert_eq!(room.read("idle"), "");
    assert_eq!(trackers.views()[0].state, ScriptState::Untracked);
    assert!(!trackers.is_disabled(0));
    trackers.stop().await;
}

#[tokio::test]
async fn a_script_that_cannot_be_run_is_disabled_until_a_reload_finds_it() {
    let room = Room::new("track");
    let path = room.path("late").display().to_string();
    let model = with_scripts(vec![script("late", &path, SOON)]);
    let mut trackers = Trackers::start(&model, room.log.clone());
    assert!(trackers.is_disabled(0));
    assert_eq!(trackers.views()[0].state, ScriptState::Disabled);
    let log = room.logged();
    let said = format!("Disabling track script late: Script {path} cannot be accessed");
    assert!(log.contains(&said), "{log}");
    room.program("late", "exit 0");
    trackers.reload(&model);
    assert!(!trackers.is_disabled(0));
    assert_eq!(next(&mut trackers).await, up(0));
    trackers.stop().await;
}

#[tokio::test]
async fn a_reload_keeps_what_is_written_as_before() {
    let room = Room::new("track");
    let check = room.program("check", "echo run >> @/$1; exit 1");
    let script = |name: &str| script(name, &format!("{check} {name}"), LONG);
    let first = with_scripts(vec![script("a"), script("b")]);
    let mut trackers = Trackers::start(&first, room.log.clone());
    next(&mut trackers).await;
    next(&mut trackers).await;
    let mut second = with_scripts(vec![script("c"), script("a"), script("b")]);
    second.scripts[1].command.location.line = 7;
    second.scripts[2].rise = 5;
    trackers.reload(&second);
    assert_eq!(trackers.known(), [down(1), down(2)], "c is new");
    assert_eq!(next(&mut trackers).await, down(0));
    // b has changed, and is run again; its result is none that is news.
    lines(&room, "b", 2, &mut trackers).await;
    let runs = ["a", "b", "c"].map(|name| room.read(name).lines().count());
    assert_eq!(runs, [1, 2, 1]);
    trackers.stop().await;
}

fn number(number: i64) -> Tracked {
    Tracked::File { index: 0, number }
}

#[tokio::test]
async fn a_file_is_heard_of_when_it_is_written_moved_or_removed() {
    let room = Room::new("track");
    let path = room.path("number");
    let file = TrackFile {
        name: "tf".into(),
        path: path.clone(),
        weight: 1,
        reverse: false,
        init: Some(InitFile {
            value: 5,
            overwrite: false,
        }),
    };
    let mut model = with_file(file);
    let mut trackers = Trackers::start(&model, room.log.clone());
    assert_eq!(trackers.known(), [number(5)]);
    fs::write(&path, "7\n").unwrap();
    assert_eq!(next(&mut trackers).await, number(7));
    fs::write(room.path("new"), "-300").unwrap();
    fs::rename(room.path("new"), &path).unwrap();
    assert_eq!(next(&mut trackers).await, number(-300));
    fs::write(&path, "garbage").unwrap();
    assert_eq!(next(&mut trackers).await, number(0));
    fs::write(&path, "1").unwrap();
    assert_eq!(next(&mut trackers).await, number(1));
    fs::remove_file(&path).unwrap();
    assert_eq!(next(&mut trackers).await, number(0));
    fs::write(&path, "2").unwrap();
    assert_eq!(next(&mut trackers).await, number(2));
    let overwrite = InitFile {
        value: 9,
        overwrite: true,
    };
    model.files[0].init = Some(overwrite);
    trackers.reload(&model);
    assert_eq!(
        trackers.known(),
        [number(2)],
        "initialised at the start only"
    );
    trackers.stop().await;
    let log = room.logged();
    assert!(
        log.contains("`garbage` is not a number; it counts as 0"),
        "{log}"
    );
}

#[tokio::test]
async fn a_file_may_come_with_its_directory_and_go_with_it() {
    let room = Room::new("track");
    let directory = room.path("later");
    let file = TrackFile {
        name: "tf".into(),
        path: directory.join("number"),
        weight: 1,
        reverse: false,
        init: None,
    };
    let mut trackers = Trackers::start(&with_file(file), room.log.clone());
    assert_eq!(trackers.known(), [number(0)]);
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("number"), "3").unwrap();
    assert_eq!(next(&mut trackers).await, number(3));
    fs::remove_dir_all(&directory).unwrap();
    assert_eq!(next(&mut trackers).await, number(0));
    trackers.stop().await;
}

/// A process with a name of its own, which ends when it is dropped.
struct Sleeper(std::process::Child);

impl Sleeper {
    fn start(room: &Room, name: &str) -> Self {
        let program = room.path(name);
        if !program.exists() {
            fs::copy("/bin/sleep", &program).unwrap();
        }
        let mut command = std::process::Command::new(program);
        Self(command.arg("60").spawn().unwrap())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test]
async fn processes_are_heard_of_when_they_start_and_end() {
    let room = Room::new("track");
    let name = format!("pt{}", std::process::id());
    let wanted = |quorum| TrackProcess {
        name: "tp".into(),
        process: name.clone(),
        parameters: None,
        full_command: false,
        weight: 0,
        reverse: false,
        quorum,
        quorum_max: None,
        gained_delay: Duration::ZERO,
        lost_delay: Duration::ZERO,
    };
    let first = Sleeper::start(&room, &name);
    let model = with_processes(vec![wanted(1), wanted(2)]);
    let mut trackers = Trackers::start(&model, room.log.clone());
    let news = |index, up| Tracked::Process { index, up };
    assert_eq!(trackers.known(), [news(0, true), news(1, false)]);
    let second = Sleeper::start(&room, &name);
    assert_eq!(next(&mut trackers).await, news(1, true));
    drop(first);
    assert_eq!(next(&mut trackers).await, news(1, false));
    drop(second);
    assert_eq!(next(&mut trackers).await, news(0, false));
    trackers.stop().await;
    let log = room.logged();
    assert!(
        log.contains(&format!("quorum lost: 0 of {name}, at least 1 wanted")),
        "{log}"
    );
}
