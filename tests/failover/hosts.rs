//! What the tests below stand on: hosts do not see each other, and cables can be pulled.

use std::{path::Path, time::Duration};

use pontoon_lab::{
    host::{Host, Installed},
    netns::{Network, neighbour},
    problem::Result as Lab,
    wait,
};
use rustix::process::Signal;

use super::on_hosts;
use crate::harness::{Failure, Outcome, Test};

/// Adds them.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(on_hosts(
        "hosts_have_their_own_files_and_processes",
        own_files,
    ));
    tests.push(on_hosts("a_host_ends_with_everything_in_it", ends_whole));
    tests.push(on_hosts("cables_can_be_pulled", cables));
    tests.push(on_hosts("a_paused_host_goes_on", pause));
}

fn own_files() -> Outcome {
    let mut network = Network::new()?;
    let sleep = Path::new("/bin/sleep");
    let installed = [Installed {
        program: sleep,
        at: "/usr/sbin/pontoon-test-sleep",
    }];
    let one = Host::boot(&network.host("a", &["10.0.1.1/24"])?, &installed)?;
    let two = Host::boot(&network.host("b", &["10.0.1.2/24"])?, &[])?;
    for path in [
        "/tmp/MASTER",
        "/run/test.pid",
        "/etc/keepalived/keepalived.conf",
        "/dev/log",
    ] {
        one.write(path, "one")?;
        assert!(
            one.has(path) && !two.has(path) && !Path::new(path).exists(),
            "{path}"
        );
    }
    assert_eq!(one.run(&["cat", "/var/run/test.pid"])?, "one");
    assert_eq!(one.run(&["hostname"])?.trim(), one.namespace());
    one.write_script(
        "/usr/libexec/keepalived/notify.sh",
        "#!/bin/bash\necho $1 >/tmp/said\n",
    )?;
    one.run(&["/usr/libexec/keepalived/notify.sh", "MASTER"])?;
    assert_eq!(one.read("/tmp/said"), "MASTER\n");

    let inmate = one.start(&["/usr/sbin/pontoon-test-sleep", "60"])?;
    wait::until("a process with its name", wait::PATIENCE, || {
        (one.processes("pontoon-test-sl").len() == 1).then_some(())
    })?;
    assert_eq!(
        one.processes("pontoon-test-sl"),
        [inmate.pid().expect("it runs")]
    );
    assert!(two.processes("pontoon-test-sl").is_empty());
    assert!(one.run(&["pidof", "pontoon-test-sleep"]).is_ok());
    assert!(two.run(&["pidof", "pontoon-test-sleep"]).is_err());
    drop(inmate);
    Ok(wait::until("the process to end", wait::PATIENCE, || {
        one.processes("pontoon-test-sl").is_empty().then_some(())
    })?)
}

fn ends_whole() -> Outcome {
    let mut network = Network::new()?;
    let mut host = Host::boot(&network.host("a", &[])?, &[])?;
    let mut inmate = host.start(&["sleep", "60"])?;
    host.run(&["sh", "-c", "sleep 60 >/dev/null 2>&1 & exit"])?;
    let inside = host.processes("sleep");
    assert_eq!(inside.len(), 2);
    host.power_off();
    inmate.wait(Duration::from_secs(5))?;
    for pid in inside {
        wait::until("a process to be gone", wait::PATIENCE, || {
            (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        })?;
    }
    Ok(())
}

fn cables() -> Outcome {
    let mut network = Network::new()?;
    let names = ["a", "b", "c"].iter().zip(1..);
    let hosts = names
        .map(|(name, n)| network.host(name, &[&format!("10.0.1.{n}/24")]))
        .collect::<Lab<Vec<_>>>()?;
    let hosts = hosts
        .iter()
        .map(|space| Host::boot(space, &[]))
        .collect::<Lab<Vec<_>>>()?;
    let [a, b, c] = hosts.as_slice() else {
        return Err(Failure::from("three hosts".to_owned()));
    };
    assert!(answers(a, "10.0.1.2") && answers(a, "10.0.1.3"));
    assert!(neighbour(a.namespace(), "10.0.1.2")?.is_some());

    network.sever(a.namespace(), b.namespace())?;
    assert!(!answers(a, "10.0.1.2") && answers(a, "10.0.1.3") && answers(c, "10.0.1.2"));
    network.heal()?;
    assert!(answers(a, "10.0.1.2"));

    network.silence(a.namespace())?;
    assert!(!answers(a, "10.0.1.3") && !answers(c, "10.0.1.1") && answers(c, "10.0.1.2"));
    assert!(carrier(a)?);
    network.heal()?;
    assert!(answers(c, "10.0.1.1"));

    network.unplug(a.namespace())?;
    assert!(!carrier(a)? && !answers(c, "10.0.1.1"));
    network.plug(a.namespace())?;
    assert!(carrier(a)? && answers(c, "10.0.1.1"));
    Ok(())
}

fn pause() -> Outcome {
    let mut network = Network::new()?;
    let host = Host::boot(&network.host("a", &[])?, &[])?;
    let count = "i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.01; done";
    let mut inmate = host.start(&["sh", "-c", count])?;
    let goes_on = || {
        let before = host.read("/tmp/count");
        wait::until("the count to go on", Duration::from_secs(1), || {
            let now = host.read("/tmp/count");
            (!now.is_empty() && now != before).then_some(())
        })
    };
    goes_on()?;
    host.pause();
    assert!(goes_on().is_err());
    host.resume();
    goes_on()?;
    inmate.signal(Signal::TERM)?;
    inmate.wait(wait::PATIENCE)?;
    Ok(())
}

fn answers(host: &Host, address: &str) -> bool {
    host.run(&["ping", "-c1", "-W1", address]).is_ok()
}

fn carrier(host: &Host) -> Lab<bool> {
    Ok(host
        .run(&["ip", "link", "show", "eth0"])?
        .contains("LOWER_UP"))
}
