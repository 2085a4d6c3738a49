//! What a running election has given up, as the kernel tells it of every thread, and who starts its
//! scripts instead.

use std::fs;

use pontoon_lab::{
    host::{Inmate, wait_for_file},
    needs::Need,
    wait,
};
use pontoon_sys::{
    process::Signal,
    sandbox::denied::lists::{KERNEL, KEYS, MACHINE, MOUNTS, OTHERS},
};

use super::{
    on_hosts,
    stage::{CHILD, Kind, PARENT, Stage, instance, with_script},
};
use crate::harness::{Failure, Outcome, Test};

/// `CAP_NET_ADMIN` and `CAP_NET_RAW`.
pub(crate) const KEPT: u64 = 1 << 12 | 1 << 13;
const DAC_READ_SEARCH: u64 = 1 << 2;
/// The name of the process that starts scripts.
const LAUNCHER: &str = "pontoon-scripts";
/// What a script writes about itself.
const WITNESS: &str = "/tmp/witness";

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        tests.push(on_hosts(&format!("sandbox_{name}"), run));
    };
    add("holds_for_all_threads_and_after_a_reload", confined);
    add("forbids_to_give_a_file_away", forbidden);
    add("leaves_reading_to_who_tracks_files", files);
    add("leaves_scripts_alone", scripts);
    add("lets_no_script_run_that_no_file_names", reloaded);
    add("ends_with_the_launcher", launcher_killed);
    add("takes_the_launcher_along", election_killed);
    add("of_the_election_is_off_if_told_so", off);
    let calls = on_hosts("sandbox_fails_what_is_nobodys_business_there", calls);
    tests.push(calls.needs(Need::Program("python3")));
}

/// A field of a thread's status, e.g. `CapEff:`.
pub(crate) fn field<'s>(status: &'s str, name: &str) -> &'s str {
    let found = status.lines().find_map(|line| line.strip_prefix(name));
    found
        .unwrap_or_else(|| panic!("no {name} in\n{status}"))
        .trim()
}

pub(crate) fn set(status: &str, name: &str) -> u64 {
    u64::from_str_radix(field(status, name), 16).expect("a hexadecimal number")
}

/// How many filters of system calls a thread has.
fn filters(status: &str) -> u32 {
    field(status, "Seccomp_filters:").parse().expect("a number")
}

/// Every thread of the process has these capabilities only, gets no more, and has one filter of system
/// calls, beside those that we have ourselves.
pub(crate) fn is_confined(pid: u32, kept: u64) -> Outcome {
    let ours = filters(&fs::read_to_string("/proc/self/status")?);
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        for name in ["CapEff:", "CapPrm:", "CapBnd:"] {
            assert_eq!(set(&status, name), kept, "{name} {status}");
        }
        for name in ["CapInh:", "CapAmb:"] {
            assert_eq!(set(&status, name), 0, "{name} {status}");
        }
        assert_eq!(field(&status, "NoNewPrivs:"), "1", "{status}");
        assert_eq!(field(&status, "Seccomp:"), "2", "{status}");
        assert_eq!(filters(&status), ours + 1, "{status}");
    }
    Ok(())
}

/// The election, as this machine numbers it: the child of the first of its name.
fn election(stage: &Stage) -> Result<u32, Failure> {
    let all = stage.host.processes("keepalived");
    let parent = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        field(&status, "PPid:").parse::<u32>().ok()
    };
    let child = all
        .iter()
        .find(|pid| parent(**pid).is_some_and(|parent| all.contains(&parent)));
    Ok(*child.ok_or("there is no election")?)
}

fn reload(stage: &Stage, running: &Inmate) -> Outcome {
    stage.signal(PARENT, Signal::HUP)?;
    running.wait_for_line("the reload", |line| line.contains("Reload complete"))?;
    Ok(())
}

fn confined() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let running = stage.start_master("")?;
    is_confined(election(&stage)?, KEPT)?;
    // Addresses come and go after it.
    let other = instance("").replace("10.0.1.100/24", "10.0.1.100/24\n 10.0.1.101/24");
    stage.write(&other)?;
    reload(&stage, &running)?;
    wait::until("the new address", wait::PATIENCE, || {
        stage.host.holds([10, 0, 1, 101].into()).then_some(())
    })?;
    is_confined(election(&stage)?, KEPT)?;
    let said = running.output().join("\n");
    assert!(!said.contains("sandbox"), "{said}");
    // What it writes later belongs to root.
    stage.signal(PARENT, Signal::USR1)?;
    wait::until("a dump", wait::PATIENCE, || {
        stage.host.has("/tmp/keepalived.data").then_some(())
    })?;
    Ok(())
}

/// A call that takes a right which the start has had, and the running election has not.
fn forbidden() -> Outcome {
    let fifo = |name: &str| format!("global_defs {{\n notify_fifo /tmp/{name} nobody\n}}\n");
    let owner = |stage: &Stage, name: &str| {
        let path = format!("/tmp/{name}");
        stage.host.run(&["stat", "-c", "%U %F", &path])
    };
    let stage = Stage::new(Kind::Pontoon)?;
    stage.write(&format!("{}{}", fifo("early"), instance("")))?;
    let running = stage.start_master("")?;
    assert_eq!(owner(&stage, "early")?.trim(), "nobody fifo");
    stage.write(&format!("{}{}", fifo("late"), instance("")))?;
    reload(&stage, &running)?;
    running.wait_for_line("the refusal", |line| {
        line.contains("notify FIFO /tmp/late cannot be used: Operation not permitted")
    })?;
    assert!(!stage.host.has("/tmp/late"));
    stage.wait_until_held(true)?;
    is_confined(election(&stage)?, KEPT)
}

/// Where the program is that is another one at a reload.
const PROGRAM: &str = "/opt/pontoon/keepalived";
/// Makes the calls of its arguments, with arguments that no call can do anything with, and tells the
/// errors: `NUMBER ERROR`. Then sockets: `socket FAMILY ERROR`.
const TRIES: &str = r#"
import ctypes, socket, sys
call = ctypes.CDLL(None, use_errno=True).syscall
for number in sys.argv[1:]:
    result = call(*map(ctypes.c_long, [int(number)] + [-1] * 6))
    print(number, ctypes.get_errno() if result == -1 else 0)
for family in range(1, 46):
    error = 0
    try:
        socket.socket(family, socket.SOCK_RAW, 0 if family == 17 else 1).close()
    except OSError as refused:
        error = refused.errno
    print("socket", family, error)
"#;

/// A program that the election becomes at an upgrade is where the election was. This one tries what is
/// denied there, and goes on as the usual one.
fn calls() -> Outcome {
    let lists = [OTHERS, MOUNTS, KERNEL, KEYS, MACHINE]
        .into_iter()
        .flatten();
    let spaces = [libc::SYS_unshare, libc::SYS_setns];
    let calls: Vec<_> = lists.chain(&spaces).map(i64::to_string).collect();
    let stage = Stage::new(Kind::Pontoon)?;
    let copy = format!("mkdir -p /opt/pontoon && cp /usr/sbin/keepalived {PROGRAM}");
    stage.host.run(&["sh", "-c", &copy])?;
    let running = stage
        .host
        .start(&[PROGRAM, "-n", "-l", "-f", super::stage::FILE])?;
    stage.wait_until_held(true)?;
    let before = election(&stage)?;
    stage.host.write("/opt/pontoon/tries", TRIES)?;
    let follower = format!(
        "#!/bin/bash\ncase $1 in can-resume*) exit 0; esac\n\
         if [ -n \"$PONTOON_ELECTION_RESUME_FD\" ]; then\n\
         python3 /opt/pontoon/tries {} >{WITNESS}.new 2>&1\nmv {WITNESS}.new {WITNESS}\nfi\n\
         exec /usr/sbin/keepalived \"$@\"\n",
        calls.join(" ")
    );
    stage.host.write_script("/opt/pontoon/new", follower)?;
    stage.host.run(&["mv", "/opt/pontoon/new", PROGRAM])?;
    stage.signal(PARENT, Signal::HUP)?;
    running.wait_for_line("the new election", |line| {
        line.contains("The election is pontoon ")
    })?;
    let within = wait_for_file(&stage.host, WITNESS, |text| !text.is_empty())?;
    is_denied(&within, &calls);
    // Some need no right: those errors are the filter's.
    let free = [
        libc::SYS_process_vm_readv,
        libc::SYS_kcmp,
        libc::SYS_pidfd_getfd,
        libc::SYS_setns,
        libc::SYS_keyctl,
        libc::SYS_personality,
    ];
    let free = free.map(|call| call.to_string());
    let mut line = vec!["python3", "/opt/pontoon/tries"];
    line.extend(free.iter().map(String::as_str));
    let without = stage.host.run(&line)?;
    for call in &free {
        assert_ne!(error(&without, call), libc::EPERM, "{call}: {without}");
    }
    assert_eq!(election(&stage)?, before);
    stage.wait_until_held(true)?;
    is_confined(before, KEPT)
}

/// The error that was told of this.
fn error(told: &str, of: &str) -> i32 {
    let mut lines = told.lines().filter_map(|line| line.rsplit_once(' '));
    let found = lines.find(|(what, _)| *what == of);
    let (_, error) = found.unwrap_or_else(|| panic!("nothing of {of} in\n{told}"));
    error.parse().expect("a number")
}

fn is_denied(told: &str, calls: &[String]) {
    for call in calls {
        assert_eq!(error(told, call), libc::EPERM, "{call}: {told}");
    }
    let [unix, packet] = [libc::AF_UNIX, libc::AF_PACKET];
    let others = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    for family in 1..46 {
        let error = error(told, &format!("socket {family}"));
        let needed = others.contains(&family) || family == unix || family == packet;
        assert_eq!(error == libc::EPERM, !needed, "{family}: {told}");
    }
}

/// A file that is somebody else's.
fn files() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    stage.host.write("/etc/keepalived/weight", "5\n")?;
    stage.host.run(&[
        "sh",
        "-c",
        "chown 65534 /etc/keepalived/weight && chmod 600 /etc/keepalived/weight",
    ])?;
    let tracks = instance("track_file {\n weight weight 1\n }");
    let text = format!("track_file weight {{\n file /etc/keepalived/weight\n }}\n{tracks}");
    stage.write(&text)?;
    let running = stage.start_master("")?;
    is_confined(election(&stage)?, KEPT | DAC_READ_SEARCH)?;
    stage
        .host
        .run(&["sh", "-c", "echo 7 >/etc/keepalived/weight"])?;
    running.wait_for_line("the new weight", |line| line.contains("107"))?;
    Ok(())
}

/// A script of root has root's rights.
fn scripts() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let witness =
        format!("#!/bin/sh\ncat /proc/self/status >{WITNESS}.new\nmv {WITNESS}.new {WITNESS}\n");
    stage.host.write_script("/usr/local/bin/witness", witness)?;
    let global = "global_defs {\n script_user root\n}\n";
    stage.write(&format!(
        "{global}{}",
        instance("notify_master /usr/local/bin/witness")
    ))?;
    let _running = stage.start_master("")?;
    let status = wait_for_file(&stage.host, WITNESS, |text| !text.is_empty())?;
    let init = stage.host.run(&["cat", "/proc/self/status"])?;
    for name in [
        "CapEff:",
        "CapBnd:",
        "NoNewPrivs:",
        "Seccomp:",
        "Seccomp_filters:",
        "SigBlk:",
        "Umask:",
    ] {
        let expected = if name == "Umask:" {
            "0177"
        } else {
            field(&init, name)
        };
        assert_eq!(field(&status, name), expected, "{name} {status}");
    }
    let launcher = stage.host.processes(LAUNCHER);
    assert_eq!(launcher.len(), 1);
    let status = fs::read_to_string(format!("/proc/{}/status", launcher[0]))?;
    assert_eq!(field(&status, "PPid:"), election(&stage)?.to_string());
    assert_eq!(filters(&status), filters(&init), "{status}");
    // SETUID, SETGID, KILL, DAC_READ_SEARCH.
    assert_eq!(
        set(&status, "CapEff:"),
        1 << 7 | 1 << 6 | 1 << 5 | DAC_READ_SEARCH,
        "{status}"
    );
    Ok(())
}

/// What the file says since the reload runs.
fn reloaded() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    stage.write(&with_script())?;
    let running = stage.start_master("")?;
    stage
        .write(&with_script().replace("/usr/bin/test ! -f /tmp/bad", "/usr/bin/touch /tmp/new"))?;
    reload(&stage, &running)?;
    wait::until("the new script's file", wait::PATIENCE, || {
        stage.host.has("/tmp/new").then_some(())
    })?;
    let said = running.output().join("\n");
    assert!(!said.contains("could not be started"), "{said}");
    Ok(())
}

/// An election that cannot start scripts is no election: the next one can.
fn launcher_killed() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let running = stage.start_master("")?;
    let before = stage.number_in(CHILD)?;
    assert_eq!(stage.host.signal_all(LAUNCHER, Signal::KILL)?, 1);
    running.wait_for_line("its reason", |line| {
        line.contains("the process that starts scripts has ended")
    })?;
    wait::until("another election", wait::PATIENCE, || {
        let now = stage.host.read(CHILD).trim().to_owned();
        (!now.is_empty() && now != before).then_some(())
    })?;
    stage.wait_until_held(true)?;
    assert_eq!(stage.host.processes(LAUNCHER).len(), 1);
    Ok(())
}

fn election_killed() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let _running = stage.start_master("-R")?;
    // It does not listen to signals for the election.
    assert_eq!(stage.host.signal_all(LAUNCHER, Signal::TERM)?, 1);
    stage.signal(PARENT, Signal::HUP)?;
    assert_eq!(stage.host.processes(LAUNCHER).len(), 1);
    stage.signal(CHILD, Signal::KILL)?;
    wait::until("the launcher to end", wait::PATIENCE, || {
        stage.host.processes(LAUNCHER).is_empty().then_some(())
    })?;
    Ok(())
}

fn off() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let line = "PONTOON_SANDBOX=off exec keepalived -n -l";
    let running = stage.host.start(&["bash", "-c", line])?;
    stage.wait_until_held(true)?;
    running.wait_for_line("a word on it", |line| {
        line.contains("without its sandbox: PONTOON_SANDBOX=off")
    })?;
    let status = fs::read_to_string(format!("/proc/{}/status", election(&stage)?))?;
    let init = stage.host.run(&["cat", "/proc/self/status"])?;
    for name in ["CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"] {
        assert_eq!(field(&status, name), field(&init, name), "{status}");
    }
    assert!(stage.host.processes(LAUNCHER).is_empty());
    Ok(())
}
