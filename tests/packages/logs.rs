//! The rule for rsyslog: a real one understands it, and still logs what others say.

use std::{fs, process::Command};

use pontoon_lab::{needs::Need, program::Program, temp::TempDir, wait};

use super::packaging;
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    let test = Test::new("packages::rsyslog_sorts_our_lines", sorts);
    let programs = ["rsyslogd", "logger"];
    let needs = |test: Test, program| test.needs(Need::Program(program));
    tests.push(programs.into_iter().fold(test, needs));
}

/// The file as it is, but for the places it names.
fn sorts() -> Outcome {
    let folder = TempDir::new("rsyslog")?;
    let place = |name: &str| folder.path().join(name).display().to_string();
    let rule = fs::read_to_string(packaging("etc/rsyslog.conf"))?
        .replace("/var/lib/pontoon/dev/log", &place("chroot"))
        .replace("/var/log/pontoon.log", &place("ours"));
    let rule = folder.write("rule.conf", rule)?;
    let whole = format!(
        "module(load=\"imuxsock\" SysSock.Use=\"off\")\ninput(type=\"imuxsock\" Socket=\"{}\")\n\
         $IncludeConfig {}\n*.* -{}\n",
        place("machine"),
        rule.display(),
        place("others"),
    );
    let whole = folder.write("whole.conf", whole)?;
    let mut command = Command::new("rsyslogd");
    command.arg("-n").arg("-f").arg(whole);
    let program = Program::start(command.args(["-i", &place("pid")]))?;
    for socket in ["machine", "chroot"] {
        let there = || folder.path().join(socket).exists().then_some(());
        let found = wait::until("rsyslog to listen", wait::PATIENCE, there);
        found.map_err(|problem| format!("{problem}\n{}", program.output().join("\n")))?;
    }
    let lines = [
        ("machine", "haproxy", "ours"),
        ("chroot", "haproxy", "ours"),
        ("machine", "pontoon", "ours"),
        ("machine", "Keepalived_vrrp", "ours"),
        ("machine", "sshd", "others"),
    ];
    for (socket, name, file) in lines {
        let line = format!("{name} at {socket}");
        let mut logger = Command::new("logger");
        logger.args(["--socket", &place(socket), "--tag", name, &line]);
        assert!(logger.status()?.success(), "{line}");
        let logged = || {
            let text = fs::read_to_string(place(file)).ok()?;
            text.contains(&line).then_some(())
        };
        wait::until("the line", wait::PATIENCE, logged)
            .map_err(|problem| Failure::from(format!("{line}: {problem}")))?;
    }
    let others = fs::read_to_string(place("others"))?;
    assert!(!others.contains("haproxy at "), "{others}");
    Ok(())
}
