//! Log lines that scripts and dashboards look for, from ours and from the real one.

use pontoon_lab::{host::Inmate, syslog::Syslog, wait};
use pontoon_sys::process::Signal;

use super::{
    of_both, on_hosts,
    stage::{Kind, PARENT, Stage, instance, with_script},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    of_both(
        tests,
        "roles_and_priorities_are_told_in_known_words",
        known_words,
    );
    of_both(tests, "interfaces_are_told_in_known_words", interfaces);
    of_both(tests, "syslog_gets_lines_of_both_processes", syslog);
    tests.push(on_hosts("a_file_gets_the_lines_of_each_process", file));
}

fn expects(election: &Inmate, text: &str) -> Outcome {
    election.wait_for_line(text, |line| line.contains(text))?;
    Ok(())
}

fn known_words(kind: Kind) -> Outcome {
    let stage = Stage::new(kind)?;
    stage.write(&with_script())?;
    let mut election = stage.start_master("")?;
    for text in [
        "Starting Keepalived v2.2.7 (",
        "Command line: 'keepalived' '-n' '-l'",
        "Configuration file /etc/keepalived/keepalived.conf",
        "(VI_1) Entering BACKUP STATE (init)",
        "VRRP_Script(chk) succeeded",
        "(VI_1) Changing effective priority from 100 to 102",
    ] {
        expects(&election, text)?;
    }
    stage.host.write("/tmp/bad", "")?;
    expects(&election, "VRRP_Script(chk) failed (exited with status 1")?;
    expects(
        &election,
        "(VI_1) Changing effective priority from 102 to 100",
    )?;
    stage.signal(PARENT, Signal::HUP)?;
    expects(&election, "Reloading ...")?;
    expects(&election, "Reload complete")?;
    stage.signal(PARENT, Signal::TERM)?;
    election.wait(wait::PATIENCE)?;
    expects(&election, "Stopping")?;
    expects(&election, "Stopped Keepalived v2.2.7 (")
}

fn interfaces(kind: Kind) -> Outcome {
    let stage = Stage::new(kind)?;
    let election = stage.start_master("")?;
    stage.host.run(&["ip", "link", "set", "eth0", "down"])?;
    expects(&election, "Netlink reports eth0 down")?;
    expects(&election, "(VI_1) Entering FAULT STATE")?;
    stage.host.run(&["ip", "link", "set", "eth0", "up"])?;
    expects(&election, "Netlink reports eth0 up")?;
    // Only the first time it is told as a beginning.
    let again =
        |line: &str| line.contains("(VI_1) Entering BACKUP STATE") && !line.contains("(init)");
    election.wait_for_line("a backup again", again)?;
    Ok(())
}

fn syslog(kind: Kind) -> Outcome {
    for (options, priority) in [("", 30), ("-S 1", 142), ("-S user", 14)] {
        let stage = Stage::new(kind)?;
        let daemon = Syslog::at(&stage.host.path("/dev/log"))?;
        stage.run(&format!("-D {options}"))?;
        let parent = stage.number_in(PARENT)?;
        let begins = format!("<{priority}>");
        let from_parent = format!("Keepalived[{parent}]: ");
        daemon.wait_for("a line of the parent", |line| {
            line.starts_with(&begins) && line.contains(&from_parent)
        })?;
        let line = daemon.wait_for("a line of the election", |line| {
            line.contains("]: (VI_1) Entering BACKUP STATE (init)")
        })?;
        assert!(line.starts_with(&begins), "{line}");
        assert!(line.contains(" Keepalived_vrrp["), "{line}");
    }
    Ok(())
}

/// Debian's keepalived is built without `-g`.
fn file() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    stage.write(&instance(""))?;
    let _election = stage.start_master("-G -g /var/log/ka.log")?;
    let child = stage.host.read("/var/log/ka_vrrp.log");
    assert!(child.contains(": (VI_1) Entering MASTER STATE"), "{child}");
    let parent = stage.host.read("/var/log/ka_parent.log");
    assert!(parent.contains(": Starting Keepalived v"), "{parent}");
    Ok(())
}
