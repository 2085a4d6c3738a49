use std::{
    fs::Permissions,
    os::unix::fs::{PermissionsExt as _, symlink},
    time::{Duration, Instant},
};

use pontoon_lab::{needs::Need, temp::TempDir, wait};

use super::*;
use crate::election::testing::command;

const GRACE: Duration = Duration::from_millis(200);

/// Scripts run as whoever runs the test.
fn scripts(security: bool) -> Scripts {
    let default = Identity::of(&pontoon_config::keepalived::model::Account {
        name: "root".into(),
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    });
    Scripts { default, security }
}

fn prepared(line: &str) -> Script {
    scripts(false)
        .judge(&command(line), &mut Vec::new())
        .unwrap()
}

fn refused(scripts: &Scripts, line: &str) -> String {
    let refused = scripts.judge(&command(line), &mut Vec::new());
    refused.unwrap_err().to_string()
}

async fn run(script: &Script, more: &[&str]) -> Ran {
    let more: Vec<String> = more.iter().map(|&it| it.into()).collect();
    let mut running = script.start(&more).await.unwrap();
    let end = running.ended().await;
    let ran = running.account(end);
    running.let_go();
    ran
}

/// A program that writes how it was called into `out` beside it.
fn witness(room: &TempDir, name: &str) -> PathBuf {
    let text = format!(
        "#!/bin/sh\n{{ for a in \"$@\"; do echo \"<$a>\"; done; }} > {}/out\n",
        room.path().display()
    );
    program(room, name, &text)
}

fn program(room: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = room.write(name, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn out(room: &TempDir) -> String {
    fs::read_to_string(room.path().join("out")).unwrap()
}

#[tokio::test]
async fn arguments_arrive_as_they_are_written() {
    let room = TempDir::new("script").unwrap();
    let path = witness(&room, "witness");
    let line = format!("{} 'a b' \\$HOME '*' \"\"", path.display());
    let ran = run(&prepared(&line), &["INSTANCE", "VI 1"]).await;
    assert_eq!(ran.end, End::Exited(0));
    assert_eq!(out(&room), "<a b>\n<$HOME>\n<*>\n<>\n<INSTANCE>\n<VI 1>\n");
}

#[tokio::test]
async fn a_line_for_the_shell_gets_the_added_arguments_too() {
    let room = TempDir::new("script").unwrap();
    let path = witness(&room, "witness");
    let added = format!("true && {}", path.display());
    run(&prepared(&added), &["INSTANCE", "VI 1"]).await;
    assert_eq!(out(&room), "<INSTANCE>\n<VI 1>\n");
    let chosen = format!("{} $2; true", path.display());
    run(&prepared(&chosen), &["INSTANCE", "VI_2"]).await;
    assert_eq!(out(&room), "<VI_2>\n");
}

/// `</dev/tcp/…`, as many files have it.
#[tokio::test]
async fn a_port_is_tried_by_redirection() {
    if !Path::new(BASH).exists() {
        eprintln!("skipped: there is no {BASH}");
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!(
        "</dev/tcp/127.0.0.1/{}",
        listener.local_addr().unwrap().port()
    );
    assert_eq!(run(&prepared(&line), &[]).await.end, End::Exited(0));
    drop(listener);
    assert_eq!(run(&prepared(&line), &[]).await.end, End::Exited(1));
}

#[tokio::test]
async fn there_is_nothing_to_read() {
    assert_eq!(run(&prepared("cat"), &[]).await.end, End::Exited(0));
}

#[tokio::test]
async fn shell_words_are_understood_without_a_program() {
    let ran = run(&prepared("exit 3"), &[]).await;
    assert_eq!(ran.end, End::Exited(3));
}

/// `pidof`, `killall5` and the like are one program behind several names.
#[tokio::test]
async fn a_program_behind_a_link_knows_by_which_name_it_was_called() {
    let room = TempDir::new("script").unwrap();
    symlink("/bin/sleep", room.path().join("doze")).unwrap();
    let doze = room.path().join("doze");
    let script = prepared(&format!("{} 60", doze.display()));
    let running = script.start(&[]).await.unwrap();
    let pid = running.child.id().unwrap();
    let called = wait::until("the program runs", wait::PATIENCE, || {
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        line.ends_with("60\0").then_some(line)
    });
    assert_eq!(called.unwrap(), format!("{}\x0060\0", doze.display()));
    running.stop(GRACE).await;
}

/// The seed's own check.
#[tokio::test]
async fn pidof_finds_a_program_that_runs() {
    if let Some(why) = Need::Program("pidof").missing() {
        eprintln!("skipped: {why}");
        return;
    }
    let room = TempDir::new("script").unwrap();
    let name = format!("pontoon{}", std::process::id());
    fs::copy("/bin/sleep", room.path().join(&name)).unwrap();
    let pidof = prepared(&format!("pidof {name}"));
    assert_eq!(pidof.name, "pidof");
    assert_eq!(
        run(&pidof, &[]).await.end,
        End::Exited(1),
        "not started yet"
    );
    let sleep = prepared(&format!("{} 60", room.path().join(&name).display()));
    let running = sleep.start(&[]).await.unwrap();
    assert_eq!(run(&pidof, &[]).await.end, End::Exited(0));
    running.stop(GRACE).await;
}

#[tokio::test]
async fn a_script_without_a_first_line_is_run_by_the_shell() {
    let room = TempDir::new("script").unwrap();
    let path = program(&room, "plain", "exit 5\n");
    let ran = run(&prepared(&path.display().to_string()), &[]).await;
    assert_eq!(ran.end, End::Exited(5));
}

#[tokio::test]
async fn the_last_line_of_a_failing_script_is_shown() {
    let ran = run(
        &prepared("/bin/sh -c 'echo one; echo \"two  \" >&2; echo; exit 3'"),
        &[],
    )
    .await;
    let shown = ran.to_string();
    assert!(shown.starts_with("exited with status 3 after "), "{shown}");
    assert!(shown.ends_with(" ms: two"), "{shown}");
    let killed = run(&prepared("/bin/sh -c 'kill -9 $$'"), &[]).await;
    assert_eq!(killed.end.to_string(), "due to signal 9");
}

#[tokio::test]
async fn much_output_neither_blocks_nor_grows() {
    let script = prepared("/bin/sh -c 'head -c 1000000 /dev/zero; echo; echo end; exit 1'");
    assert_eq!(run(&script, &[]).await.last_line.unwrap(), "end");
}

/// A daemon that a notify script starts outlives it, and its output disturbs nobody.
#[tokio::test]
async fn what_a_script_leaves_behind_may_go_on() {
    let room = TempDir::new("script").unwrap();
    let left = room.path().join("left");
    let line = format!(
        "/bin/sh -c '(while ! test -e {0}.go; do sleep 0.01; done; echo late; echo done > {0}) & exit 0'",
        left.display()
    );
    assert_eq!(run(&prepared(&line), &[]).await.end, End::Exited(0));
    fs::write(left.with_extension("go"), "").unwrap();
    let deadline = Instant::now() + wait::PATIENCE;
    while !left.exists() {
        assert!(Instant::now() < deadline, "it was killed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Alive, and no zombie that nobody has reaped yet.
fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn stopping_a_script_ends_its_children_even_those_that_ignore_it() {
    let room = TempDir::new("script").unwrap();
    let file = room.path().join("pids");
    let line = format!(
        "/bin/sh -c 'trap \"\" TERM; sleep 60 & echo $! $$ > {0}.new; mv {0}.new {0}; wait; wait; sleep 60'",
        file.display()
    );
    let running = prepared(&line).start(&[]).await.unwrap();
    let pids = wait::until("it has written its numbers", wait::PATIENCE, || {
        fs::read_to_string(&file).ok()
    });
    let pids = pids.unwrap();
    assert!(pids.split_whitespace().all(alive));
    running.stop(GRACE).await;
    wait::until("all are dead", wait::PATIENCE, || {
        (!pids.split_whitespace().any(alive)).then_some(())
    })
    .unwrap();
}

#[tokio::test]
async fn a_script_that_is_stopped_may_clean_up() {
    let room = TempDir::new("script").unwrap();
    let (ready, clean) = (room.path().join("ready"), room.path().join("clean"));
    let line = format!(
        "/bin/sh -c 'trap \"echo clean > {}; exit 0\" TERM; echo > {}; while :; do sleep 0.01; done'",
        clean.display(),
        ready.display()
    );
    let running = prepared(&line).start(&[]).await.unwrap();
    let is_ready = || ready.exists().then_some(());
    wait::until("it has begun", wait::PATIENCE, is_ready).unwrap();
    running.stop(wait::PATIENCE).await;
    assert_eq!(fs::read_to_string(clean).unwrap(), "clean\n");
}

#[tokio::test]
async fn dropping_a_script_kills_it() {
    let running = prepared("/bin/sleep 60").start(&[]).await.unwrap();
    let pid = running.child.id().unwrap().to_string();
    drop(running);
    wait::until("it is dead", wait::PATIENCE, || {
        (!alive(&pid)).then_some(())
    })
    .unwrap();
}

#[tokio::test]
async fn a_script_runs_as_the_user_that_is_written() {
    if let Some(why) = Need::Root.missing() {
        eprintln!("skipped: {why}");
        return;
    }
    let nobody = pontoon_sys::process::account::user("nobody").unwrap();
    let mut written = command("/bin/sh -c 'id -u; exit 1'");
    written.user = Some(pontoon_config::keepalived::model::Account {
        name: nobody.name,
        uid: nobody.uid,
        gid: nobody.gid,
    });
    let script = scripts(true).judge(&written, &mut Vec::new()).unwrap();
    let ran = run(&script, &[]).await;
    assert_eq!(ran.last_line, Some(nobody.uid.to_string()));
}

#[test]
fn a_script_that_cannot_be_run_is_refused_with_what_to_do() {
    let room = TempDir::new("script").unwrap();
    let plain = room.write("plain.sh", "#!/bin/sh\n").unwrap();
    fs::set_permissions(&plain, Permissions::from_mode(0o644)).unwrap();
    let (plain, directory) = (plain.display(), room.path().display());
    let all = scripts(false);
    assert_eq!(
        refused(&all, "/nonexistent/x 1"),
        "Script /nonexistent/x cannot be accessed - No such file or directory: \
         put it there, or correct the path"
    );
    let said = refused(&all, &format!("{plain} 1"));
    assert!(said.ends_with(&format!(": chmod +x {plain}")), "{said}");
    let said = refused(&all, &directory.to_string());
    assert!(said.contains("is not a file that can be run"), "{said}");
    let said = refused(&all, "no-such-program-anywhere 1");
    assert!(
        said.starts_with("Cannot find script no-such-program-anywhere in path ("),
        "{said}"
    );
    assert!(refused(&all, "''").contains("no command"));
}

#[test]
fn a_script_of_somebody_else_is_refused_with_what_to_do() {
    if let Some(why) = Need::Root.missing() {
        eprintln!("skipped: {why}");
        return;
    }
    let room = TempDir::new("script").unwrap();
    let own = program(&room, "own.sh", "#!/bin/sh\n");
    fs::set_permissions(&own, Permissions::from_mode(0o700)).unwrap();
    let all = Scripts {
        default: Identity::plain("keepalived_script", 4242, 4242),
        security: false,
    };
    let own = own.display();
    assert_eq!(
        refused(&all, &own.to_string()),
        format!(
            "script '{own}' is not executable for keepalived_script: chown keepalived_script {own}"
        )
    );
    fs::set_permissions(own.to_string(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(room.path(), Permissions::from_mode(0o700)).unwrap();
    let said = refused(&all, &own.to_string());
    let directory = room.path().display();
    assert!(said.ends_with(&format!(": chmod +x {directory}")), "{said}");
}

#[test]
fn script_security_disables_what_others_could_change() {
    if let Some(why) = Need::Root.missing() {
        eprintln!("skipped: {why}");
        return;
    }
    let room = TempDir::new("script").unwrap();
    let open = program(&room, "open.sh", "#!/bin/sh\n");
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    let line = open.display().to_string();
    assert_eq!(
        refused(&scripts(true), &line),
        format!(
            "Unsafe permissions found for script '{line}': \
             {line} can be written by everybody: chmod o-w {line}"
        )
    );
    let for_the_shell = format!("{line} | cat");
    assert!(refused(&scripts(true), &for_the_shell).starts_with("Unsafe permissions"));
    let mut remarks = Vec::new();
    scripts(false).judge(&command(&line), &mut remarks).unwrap();
    assert!(matches!(&remarks[..], [Remark::Unsafe { .. }]));
}

#[test]
fn only_our_own_variables_are_kept_from_scripts() {
    for ours in [
        "PONTOON_NODE_FD",
        "NOTIFY_SOCKET",
        "LISTEN_FDS",
        "WATCHDOG_USEC",
    ] {
        assert!(is_ours(OsStr::new(ours)), "{ours}");
    }
    for theirs in ["PATH", "HOME", "LANG", "AWS_REGION"] {
        assert!(!is_ours(OsStr::new(theirs)), "{theirs}");
    }
}
