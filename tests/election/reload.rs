//! SIGHUP: what the file changes is changed, and nothing else.

use std::net::IpAddr;

use pontoon_lab::{host::Inmate, wait};
use pontoon_sys::process::Signal;

use super::{
    on_hosts,
    stage::{Kind, PARENT, Stage, instance, with_script},
};
use crate::harness::{Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, run) in [
        (
            "a_reload_keeps_a_master_master",
            keeps_master as fn() -> Outcome,
        ),
        ("a_faulty_file_changes_nothing", refuses_errors),
        ("a_missing_interface_changes_nothing", refuses_interfaces),
        ("a_missing_socket_changes_nothing", refuses_sockets),
        ("a_reload_adds_and_removes_instances", instances),
        ("a_reload_keeps_what_scripts_have_said", scripts),
    ] {
        tests.push(on_hosts(name, run));
    }
}

fn reload(stage: &Stage, election: &Inmate, file: &str, told: &str) -> Outcome {
    let before = count(election, told);
    stage.write(file)?;
    stage.signal(PARENT, Signal::HUP)?;
    wait::until(told, wait::PATIENCE, || {
        (count(election, told) > before).then_some(())
    })
    .map_err(|problem| format!("{problem}:\n{}", election.output().join("\n")))?;
    Ok(())
}

fn count(election: &Inmate, text: &str) -> usize {
    let output = election.output();
    output.iter().filter(|line| line.contains(text)).count()
}

fn holds(stage: &Stage, address: &str) -> bool {
    let address = address.parse::<IpAddr>();
    address.is_ok_and(|address| stage.host.holds(address))
}

fn keeps_master() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let election = stage.start_master("")?;
    let more = instance("").replace("10.0.1.100/24\n", "10.0.1.100/24\n 10.0.1.101/24\n");
    let more = more.replace("priority 100", "priority 120");
    reload(&stage, &election, &more, "Reload complete")?;
    wait::until("the second address", wait::PATIENCE, || {
        (stage.holds() && holds(&stage, "10.0.1.101")).then_some(())
    })?;
    reload(&stage, &election, &instance(""), "Reload complete")?;
    wait::until("the second address to go", wait::PATIENCE, || {
        (stage.holds() && !holds(&stage, "10.0.1.101")).then_some(())
    })?;
    assert_eq!(count(&election, "Entering MASTER STATE"), 1);
    assert_eq!(count(&election, "Entering BACKUP STATE"), 1);
    Ok(())
}

fn refuses_errors() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let election = stage.start_master("")?;
    let faulty = instance("").replace("virtual_router_id 51", "");
    reload(
        &stage,
        &election,
        &faulty,
        "Reload refused, nothing has changed",
    )?;
    assert_eq!(count(&election, "has no `virtual_router_id`"), 1);
    assert!(stage.holds());
    reload(&stage, &election, &instance(""), "Reload complete")
}

fn refuses_interfaces() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let election = stage.start_master("")?;
    let missing = instance("track_interface {\n nope0\n }");
    reload(
        &stage,
        &election,
        &missing,
        "interface nope0 does not exist",
    )?;
    assert!(stage.holds());
    assert_eq!(count(&election, "Reload complete"), 0);
    Ok(())
}

fn refuses_sockets() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let election = stage.start_master("")?;
    // There is no IPv6 on an interface with so small packets, nor a group to join.
    stage
        .host
        .run(&["ip", "link", "set", "eth0", "mtu", "1000"])?;
    let sixth = instance("")
        .replace("VI_1", "VI_6")
        .replace("router_id 51", "router_id 56")
        .replace("10.0.1.100/24", "fd00::100/64");
    reload(
        &stage,
        &election,
        &(sixth + &instance("")),
        "Reload refused, nothing has changed",
    )?;
    assert_eq!(count(&election, "cannot open a socket for ff02::12"), 1);
    assert_eq!(count(&election, "VI_6"), 0);
    assert!(stage.holds());
    reload(&stage, &election, &instance(""), "Reload complete")
}

fn instances() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    let election = stage.start_master("")?;
    let second = instance("")
        .replace("VI_1", "VI_2")
        .replace("router_id 51", "router_id 52")
        .replace("10.0.1.100", "10.0.1.102");
    // The second one first, so that the indices change as well.
    let both = second.clone() + &instance("");
    reload(&stage, &election, &both, "Reload complete")?;
    wait::until("the second instance to be master", wait::PATIENCE, || {
        holds(&stage, "10.0.1.102").then_some(())
    })?;
    assert!(stage.holds());
    reload(&stage, &election, &second, "Reload complete")?;
    stage.wait_until_held(false)?;
    assert!(holds(&stage, "10.0.1.102"));
    assert_eq!(count(&election, "(VI_2) Entering MASTER STATE"), 1);
    Ok(())
}

fn scripts() -> Outcome {
    let stage = Stage::new(Kind::Pontoon)?;
    stage.write(&with_script())?;
    let election = stage.start_master("")?;
    reload(&stage, &election, &with_script(), "Reload complete")?;
    reload(&stage, &election, &with_script(), "Reload complete")?;
    assert_eq!(count(&election, "Changing effective priority"), 1);
    assert_eq!(count(&election, "Entering MASTER STATE"), 1);
    Ok(())
}
