use std::{fs, os::unix::fs::FileTypeExt as _};

use pontoon_config::keepalived::model::{Fifo, Group, Instance, Tracks};
use pontoon_engine::vrrp::GroupId;
use pontoon_lab::wait::PATIENCE;
use tokio::time::sleep;

use super::*;
use crate::election::testing::{Room, command, instance, model};

const VI_1: Subject = Subject::Instance(InstanceId(0));
const VI_2: Subject = Subject::Instance(InstanceId(1));
const HUNDRED: Priority = Priority(100);

/// A model whose first instance has these scripts.
fn with_notify(notify: Notify) -> Model {
    let mut model = model();
    model.instances[0].notify = notify;
    model
}

/// Waits until a file has so many lines.
async fn lines(room: &Room, file: &str, count: usize) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = room.read(file);
        if text.lines().count() >= count {
            return text;
        }
        assert!(Instant::now() < deadline, "only: {text}{}", room.logged());
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_states_own_script_comes_before_the_common_one_which_is_told_more() {
    let room = Room::new("notify");
    let tell = room.program("tell", "echo \"$@\" >> @/told");
    let mut model = with_notify(Notify {
        master: Some(command(format!("{tell} 'own argument'"))),
        any: Some(command(format!("{tell} any"))),
        ..Notify::default()
    });
    model.groups = vec![Group {
        name: "VG".into(),
        members: vec![0],
        tracks: Tracks::default(),
        notify: Notify {
            any: Some(command(format!("{tell} group"))),
            ..Notify::default()
        },
    }];
    let mut notifier = Notifier::new(&model, room.log.clone());
    notifier.notify(VI_1, NotifyState::Master, HUNDRED);
    lines(&room, "told", 2).await;
    notifier.notify(Subject::Group(GroupId(0)), NotifyState::Backup, HUNDRED);
    notifier.finish(PATIENCE).await;
    assert_eq!(
        room.read("told"),
        "own argument\nany INSTANCE VI_1 MASTER 100\ngroup GROUP VG BACKUP 0\n"
    );
    let log = room.logged();
    assert!(
        log.contains("(VI_1) notify_master script for MASTER exited with status 0 after "),
        "{log}"
    );
}

#[tokio::test]
async fn no_state_overtakes_another_however_slow_the_scripts_are() {
    let room = Room::new("notify");
    // The first of them takes the longest.
    let slow = room.program(
        "slow",
        "echo begin $4 >> @/told; sleep 0.$((3 - $4)); echo end $4 >> @/told",
    );
    let model = with_notify(Notify {
        any: Some(command(slow)),
        ..Notify::default()
    });
    let mut notifier = Notifier::new(&model, room.log.clone());
    notifier.notify(VI_1, NotifyState::Backup, Priority(0));
    notifier.notify(VI_1, NotifyState::Master, Priority(1));
    notifier.notify(VI_1, NotifyState::Stop, Priority(2));
    notifier.finish(PATIENCE).await;
    assert_eq!(
        room.read("told"),
        "begin 0\nend 0\nbegin 1\nend 1\nbegin 2\nend 2\n"
    );
}

#[tokio::test]
async fn one_instance_does_not_wait_for_another() {
    let room = Room::new("notify");
    let wait = room.program(
        "wait",
        "while ! test -e @/go; do sleep 0.01; done; echo waited >> @/told",
    );
    let tell = room.program("tell", "echo told >> @/told");
    let mut model = with_notify(Notify {
        master: Some(command(wait)),
        ..Notify::default()
    });
    model.instances.push(instance("VI_2"));
    model.instances[1].notify.master = Some(command(tell));
    let mut notifier = Notifier::new(&model, room.log.clone());
    notifier.notify(VI_1, NotifyState::Master, HUNDRED);
    notifier.notify(VI_2, NotifyState::Master, HUNDRED);
    lines(&room, "told", 1).await;
    fs::write(room.path("go"), "").unwrap();
    notifier.finish(PATIENCE).await;
    assert_eq!(room.read("told"), "told\nwaited\n");
}

fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_script_that_hangs_is_killed_with_its_children_and_the_next_one_is_run() {
    let room = Room::new("notify");
    let hang = room.program(
        "hang",
        "trap '' TERM; sleep 60 & echo $! $$ > @/pids; wait; wait; sleep 60",
    );
    let tell = room.program("tell", "echo told >> @/told");
    let mut model = with_notify(Notify {
        master: Some(command(hang)),
        backup: Some(command(tell)),
        ..Notify::default()
    });
    model.global.notify_timeout = Duration::from_millis(2500);
    let mut notifier = Notifier::new(&model, room.log.clone());
    notifier.notify(VI_1, NotifyState::Master, HUNDRED);
    notifier.notify(VI_1, NotifyState::Backup, HUNDRED);
    let pids = lines(&room, "pids", 1).await;
    lines(&room, "told", 1).await;
    // The kernel takes a moment for those that are not our own children.
    let deadline = Instant::now() + PATIENCE;
    while pids.split_whitespace().any(alive) {
        assert!(Instant::now() < deadline, "{pids}");
        sleep(Duration::from_millis(5)).await;
    }
    notifier.finish(PATIENCE).await;
    let log = room.logged();
    let waits = "(VI_1) notify_backup script for BACKUP waits for \
                 (VI_1) notify_master script for MASTER, which has been running for more than 1 s";
    assert!(log.contains(waits), "{log}");
    assert!(
        log.contains("(VI_1) notify_master script for MASTER timed_out after "),
        "{log}"
    );
    assert!(log.contains("its process group is ended"), "{log}");
}

#[tokio::test]
async fn the_stop_waits_no_longer_than_it_is_told() {
    let room = Room::new("notify");
    let hang = room.program("hang", "echo $$ > @/pids; exec sleep 60");
    let model = with_notify(Notify {
        stop: Some(command(hang)),
        any: Some(command("/bin/true")),
        ..Notify::default()
    });
    let mut notifier = Notifier::new(&model, room.log.clone());
    notifier.notify(VI_1, NotifyState::Stop, HUNDRED);
    let pids = lines(&room, "pids", 1).await;
    let before = Instant::now();
    notifier.finish(Duration::from_millis(100)).await;
    assert!(
        before.elapsed() < Duration::from_secs(30),
        "it sleeps for 60 s"
    );
    assert!(!alive(&pids));
    let log = room.logged();
    assert!(
        log.contains("notify script for STOP is not run: the stop does not wait"),
        "{log}"
    );
}

#[tokio::test]
async fn at_the_stop_many_that_hang_are_ended_as_fast_as_one() {
    const MANY: u8 = 40;
    let room = Room::new("notify");
    // It does not mind SIGTERM, so that all that is left is SIGKILL after 200 ms.
    let hang = room.program(
        "hang",
        "trap '' TERM; echo $$ >> @/pids; while :; do sleep 1; done",
    );
    let mut model = with_notify(Notify {
        stop: Some(command(hang)),
        ..Notify::default()
    });
    let first = model.instances[0].clone();
    model.instances = (0..MANY)
        .map(|number| Instance {
            name: format!("VI_{number}").into(),
            ..first.clone()
        })
        .collect();
    let mut notifier = Notifier::new(&model, room.log.clone());
    for number in 0..MANY {
        let instance = Subject::Instance(InstanceId(number.into()));
        notifier.notify(instance, NotifyState::Stop, HUNDRED);
    }
    let pids = lines(&room, "pids", MANY.into()).await;
    let before = Instant::now();
    notifier.finish(Duration::from_millis(100)).await;
    let took = before.elapsed();
    // One after the other, the 40 would take 8 s.
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(!pids.lines().any(alive));
}

#[tokio::test]
async fn a_reload_leaves_what_runs_and_keeps_the_order() {
    let room = Room::new("notify");
    let wait = room.program(
        "wait",
        "while ! test -e @/go; do sleep 0.01; done; echo old >> @/told",
    );
    let tell = room.program("tell", "echo new >> @/told");
    let old = with_notify(Notify {
        backup: Some(command(wait)),
        ..Notify::default()
    });
    let mut new = with_notify(Notify {
        master: Some(command(tell)),
        ..Notify::default()
    });
    new.instances.insert(0, instance("VI_0"));
    let mut notifier = Notifier::new(&old, room.log.clone());
    notifier.notify(VI_1, NotifyState::Backup, HUNDRED);
    notifier.reload(&new);
    notifier.notify(VI_2, NotifyState::Master, HUNDRED);
    fs::write(room.path("go"), "").unwrap();
    notifier.finish(PATIENCE).await;
    assert_eq!(room.read("told"), "old\nnew\n");
}

#[tokio::test]
async fn a_rival_is_told_of_once_at_a_time() {
    let room = Room::new("notify");
    let tell = room.program(
        "tell",
        "while ! test -e @/go; do sleep 0.01; done; echo rival $# >> @/told",
    );
    let model = with_notify(Notify {
        lower_priority: Some(command(tell)),
        ..Notify::default()
    });
    let mut notifier = Notifier::new(&model, room.log.clone());
    for _ in 0..10 {
        notifier.lower_priority_heard(InstanceId(0), HUNDRED);
    }
    fs::write(room.path("go"), "").unwrap();
    notifier.finish(PATIENCE).await;
    assert_eq!(room.read("told"), "rival 0\n");
}

/// A model with a FIFO in this room.
fn with_fifo(room: &Room, reader: Option<String>) -> Model {
    let mut model = model();
    model.global.notify_priority_changes = true;
    model.global.notify_fifos = vec![Fifo {
        owner: None,
        path: room.path("fifo"),
        reader: reader.map(command),
    }];
    model
}

fn tell_everything(notifier: &mut Notifier) {
    notifier.notify(VI_1, NotifyState::Backup, HUNDRED);
    notifier.priority_changed(InstanceId(0), Role::Backup, Priority(102));
    notifier.notify(VI_1, NotifyState::Master, Priority(102));
    notifier.priority_changed(InstanceId(0), Role::Master, Priority(103));
    notifier.lower_priority_heard(InstanceId(0), Priority(103));
    notifier.notify(VI_1, NotifyState::Stop, Priority(103));
}

/// As keepalived 2.2.7 writes it.
const EVERYTHING: &str = "\
INSTANCE \"VI_1\" BACKUP 100
INSTANCE \"VI_1\" BACKUP_PRIORITY 102
INSTANCE \"VI_1\" MASTER 102
INSTANCE \"VI_1\" MASTER_PRIORITY 103
INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 103
INSTANCE \"VI_1\" STOP 103
";

#[tokio::test]
async fn a_fifo_is_made_and_its_reader_hears_everything_up_to_the_stop() {
    let room = Room::new("notify");
    let reader = room.program("reader", "echo \"$1\" > @/first; cat \"$2\" > @/heard");
    let mut notifier = Notifier::new(
        &with_fifo(&room, Some(format!("{reader} first"))),
        room.log.clone(),
    );
    assert!(
        fs::metadata(room.path("fifo"))
            .unwrap()
            .file_type()
            .is_fifo()
    );
    tell_everything(&mut notifier);
    notifier.finish(PATIENCE).await;
    assert_eq!(room.read("first"), "first\n");
    assert_eq!(room.read("heard"), EVERYTHING);
}

#[tokio::test]
async fn lines_wait_for_a_reader_and_a_full_fifo_keeps_nobody_waiting() {
    let room = Room::new("notify");
    let mut notifier = Notifier::new(&with_fifo(&room, None), room.log.clone());
    tell_everything(&mut notifier);
    let mut fifo = fs::File::open(room.path("fifo")).unwrap();
    let mut heard = vec![0; EVERYTHING.len()];
    std::io::Read::read_exact(&mut fifo, &mut heard).unwrap();
    assert_eq!(String::from_utf8(heard).unwrap(), EVERYTHING);
    for _ in 0..4096 {
        notifier.notify(VI_1, NotifyState::Backup, HUNDRED);
    }
    let log = room.logged();
    assert_eq!(log.matches("loses lines: it is full").count(), 1, "{log}");
    notifier.finish(PATIENCE).await;
}

#[tokio::test]
async fn a_reader_that_does_not_end_is_ended() {
    let room = Room::new("notify");
    let reader = room.program(
        "reader",
        "echo $$ > @/pids; while :; do cat \"$1\" >> @/heard; done",
    );
    let mut notifier = Notifier::new(&with_fifo(&room, Some(reader)), room.log.clone());
    let pids = lines(&room, "pids", 1).await;
    tell_everything(&mut notifier);
    notifier.finish(PATIENCE).await;
    assert_eq!(room.read("heard"), EVERYTHING);
    assert!(!alive(&pids));
}

#[tokio::test]
async fn what_is_no_fifo_is_refused() {
    let room = Room::new("notify");
    fs::write(room.path("fifo"), "precious").unwrap();
    let mut notifier = Notifier::new(&with_fifo(&room, None), room.log.clone());
    tell_everything(&mut notifier);
    notifier.finish(PATIENCE).await;
    assert_eq!(room.read("fifo"), "precious");
    let log = room.logged();
    assert!(
        log.contains("cannot be used: it exists and is no FIFO; remove it"),
        "{log}"
    );
}

#[tokio::test]
async fn of_too_many_that_wait_the_oldest_are_given_up() {
    let room = Room::new("notify");
    let tell = room.program(
        "tell",
        "while ! test -e @/go; do sleep 0.01; done; echo $4 >> @/told",
    );
    let model = with_notify(Notify {
        any: Some(command(tell)),
        ..Notify::default()
    });
    let mut notifier = Notifier::new(&model, room.log.clone());
    for priority in 0..=200 {
        notifier.notify(VI_1, NotifyState::Backup, Priority(priority));
    }
    fs::write(room.path("go"), "").unwrap();
    notifier.finish(PATIENCE).await;
    let told: Vec<u8> = room
        .read("told")
        .lines()
        .map(|it| it.parse().unwrap())
        .collect();
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(told.last(), Some(&200));
    assert!(told.len() < 70, "{told:?}");
    assert!(room.logged().contains("is not run: 64 newer ones wait"));
}

/// The how-to's own scripts, unchanged, where they expect to be and with what they expect to find: in
/// a mount namespace of their own.
#[tokio::test]
async fn the_how_tos_scripts_run_unchanged() {
    use pontoon_lab::needs::Need;
    let needs = [Need::Root, Need::Namespaces, Need::Program("bash")];
    if let Some(why) = needs.into_iter().find_map(Need::missing) {
        eprintln!("skipped: {why}");
        return;
    }
    let room = Room::new("notify");
    for (name, text) in [
        (
            "notify.sh",
            include_str!("../../../tests/data/seed/notify.sh"),
        ),
        (
            "master.sh",
            include_str!("../../../tests/data/seed/master.sh"),
        ),
        (
            "backup.sh",
            include_str!("../../../tests/data/seed/backup.sh"),
        ),
    ] {
        fs::create_dir_all(room.path("scripts")).unwrap();
        fs::write(room.path("scripts").join(name), text).unwrap();
    }
    fs::create_dir_all(room.path("bin")).unwrap();
    fs::create_dir_all(room.path("tmp")).unwrap();
    // What the how-to installs, or Amazon's machines have.
    room.program("bin/curl", "echo from-${2##*/}");
    room.program("bin/ec2-associate-address", "echo associated \"$@\"");
    let host = room.program(
        "host",
        "exec unshare --mount --net sh -c '\
           mount -t tmpfs none /usr/libexec && mkdir /usr/libexec/keepalived && \
           cp @/scripts/*.sh /usr/libexec/keepalived && chmod 700 /usr/libexec/keepalived/*sh && \
           mount -t tmpfs none /opt && mkdir -p /opt/aws/bin && \
           cp @/bin/* /opt/aws/bin && export PATH=/opt/aws/bin:$PATH && \
           mount --bind @/tmp /tmp && exec \"$@\"' host \"$@\"",
    );
    let script = |state| command(format!("{host} /usr/libexec/keepalived/notify.sh {state}"));
    let mut model = with_notify(Notify {
        master: Some(script("MASTER")),
        backup: Some(script("BACKUP")),
        fault: Some(script("FAULT")),
        ..Notify::default()
    });
    model.global.script_user = None;
    let mut notifier = Notifier::new(&model, room.log.clone());
    for state in [NotifyState::Backup, NotifyState::Master] {
        notifier.notify(VI_1, state, HUNDRED);
    }
    lines(&room, "tmp/master.log", 2).await;
    assert!(room.path("tmp/MASTER").exists());
    notifier.notify(VI_1, NotifyState::Fault, HUNDRED);
    notifier.finish(PATIENCE).await;
    assert!(!room.path("tmp/MASTER").exists());
    let counter = room.read("tmp/COUNTER");
    let states: Vec<_> = counter
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(states, ["BACKUP", "MASTER", "FAULT"]);
    let master = room.read("tmp/master.log");
    let called = "associated -O Key -W Secret -U https://ec2.eu-west-1.amazonaws.com 34.249.49.35 \
                  -instance from-instance-id -p from-local-ipv4 --allow-reassociation";
    assert!(master.contains(called), "{master}");
    assert!(master.contains("I'm master now"), "{master}");
    assert_eq!(room.read("tmp/backup.log").matches("I'm backup").count(), 2);
}
