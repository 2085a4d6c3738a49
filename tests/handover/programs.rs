//! Checks by programs: what they said goes on, and none of them outlives its process.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use pontoon_lab::wait;
use pontoon_sys::process::Signal;

use super::{Case, Chain};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let all: [Case; 2] = [
        ("what_a_program_said_goes_on", verdicts),
        ("a_program_that_runs_ends_with_its_process", running),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("handover::{name}"), run));
    }
}

const GLOBAL: &str = " external-check\n insecure-fork-wanted\n";

/// Writes a program; its path, for a configuration.
fn program(folder: &Path, text: &str) -> Result<String, Failure> {
    let path = folder.join("check.sh");
    fs::write(&path, format!("#!/bin/sh\n{text}\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path.display().to_string())
}

/// A backend that this program checks.
fn backend(program: &str, servers: &str) -> String {
    format!(
        "listen px\n bind {{front}}\n default_backend be\n\
         backend be\n option external-check\n external-check command {program}\n\
         \x20external-check path /usr/bin:/bin\n timeout check 10m\n{servers}"
    )
}

fn verdicts() -> Outcome {
    let folder = pontoon_lab::temp::TempDir::new("programs")?;
    let there = folder.path().join("there");
    let program = program(folder.path(), &format!("test -e {}", there.display()))?;
    // Of many servers the first is checked at once.
    let often = " server often 127.0.0.1:9 check inter 100ms rise 1 fall 1\n";
    let seldom = "backend seldom\n option external-check\n external-check command {program}\n \
                  external-check path /usr/bin:/bin\n server s1 127.0.0.1:9 check inter 1h rise 1 fall 1\n";
    let sections = seldom.replace("{program}", &program) + &backend(&program, often);
    let mut chain = Chain::start_with(GLOBAL, &sections)?;
    for server in ["be/often", "seldom/s1"] {
        chain.wait_for_value(server, "status", "DOWN")?;
    }
    fs::write(&there, "")?;
    chain.wait_for_value("be/often", "status", "UP")?;
    for _ in 0..3 {
        chain.reload(&sections)?.is_clean()?;
        for (server, status, check) in [
            ("be/often", "UP", "PROCOK"),
            ("seldom/s1", "DOWN", "PROCERR"),
        ] {
            let found = (
                chain.value(server, "status")?,
                chain.value(server, "check_status")?,
            );
            if (found.0.as_str(), found.1.as_str()) != (status, check) {
                return Err(format!("{server} after a reload: {found:?}").into());
            }
        }
    }
    // The next process checks, too.
    fs::remove_file(&there)?;
    chain.wait_for_value("be/often", "status", "DOWN")
}

/// The program's processes, in the order in which they began.
fn pids(file: &Path) -> Vec<u32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.split_inclusive('\n').filter(|it| it.ends_with('\n'));
    complete.filter_map(|it| it.trim().parse().ok()).collect()
}

fn wait_for_run(file: &Path, number: usize) -> Result<u32, Failure> {
    let what = format!("the program's run {number}");
    let pid = wait::until(&what, wait::PATIENCE, || {
        pids(file).get(number - 1).copied()
    })?;
    Ok(pid)
}

fn wait_for_end(pid: u32) -> Outcome {
    let what = format!("the end of the program's process {pid}");
    wait::until(&what, wait::PATIENCE, || {
        match fs::read_to_string(format!("/proc/{pid}/stat")) {
            // Dead, whoever is to reap it.
            Ok(stat) => stat.contains(") Z ").then_some(()),
            Err(_) => Some(()),
        }
    })?;
    Ok(())
}

fn running() -> Outcome {
    let folder = pontoon_lab::temp::TempDir::new("programs")?;
    let file = folder.path().join("pids");
    let script = format!("echo $$ >> {}\nexec sleep 600", file.display());
    let program = program(folder.path(), &script)?;
    let sections = backend(&program, " server s1 127.0.0.1:9 check inter 100ms\n");
    let mut chain = Chain::start_with(GLOBAL, &sections)?;
    let mut last = wait_for_run(&file, 1)?;
    for reload in 1..=2 {
        chain.reload(&sections)?.is_clean()?;
        wait_for_end(last)?;
        last = wait_for_run(&file, reload + 1)?;
    }
    // Not by SIGTERM, which ends it as it stands, as it does HAProxy.
    chain.current.signal(Signal::USR1)?;
    chain.current.wait(wait::PATIENCE)?;
    wait_for_end(last)
}
