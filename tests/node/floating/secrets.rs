//! What a provider's keys are seen by: nobody who reads what a node says.

use pontoon_lab::{cloud::Lost, host::wait_for_file};
use pontoon_sys::process::Signal;

use super::stage::{ADDRESS, NODES, Stage, text};
use crate::harness::Outcome;

pub(super) fn register(add: &mut impl FnMut(&str, fn() -> Outcome)) {
    add("keys_are_in_no_line_status_or_dump", nowhere);
}

/// Both kinds of programs, as talkative as they get: keys are fetched, used, refused, and fetched anew.
fn nowhere() -> Outcome {
    let mut stage = Stage::build()?;
    stage.nodes[0].start()?;
    stage.until_held_by(0)?;
    stage.nodes[1].start_as_keepalived()?;
    stage.cloud.expire_role_keys();
    stage.cloud.forget_metadata_tokens();
    stage
        .cloud
        .faults()
        .lose_answers_of("DescribeAddresses", 1, Lost::Dies);
    stage.nodes[0].until_address("a failure", |it| it.counters.failures > 0)?;
    stage.nodes[0].until_address("it to be seen again", |it| it.phase == "here")?;
    let mut told = String::new();
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["why"],
        &["floating-ip", "status"],
        &["floating-ip", "verify"],
        &[
            "floating-ip",
            "preflight",
            "/etc/keepalived/keepalived.conf",
        ],
    ] {
        told += &text(&stage.nodes[0].pontoon(arguments)?);
    }
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    stage.nodes[1].until_said("floating IP 34.249.49.35 is here after")?;
    for (signal, file) in [
        (Signal::USR1.as_raw(), "keepalived.data"),
        (Signal::USR2.as_raw(), "keepalived.stats"),
        (libc::SIGRTMIN() + 2, "keepalived.json"),
    ] {
        let host = &stage.nodes[1].host;
        let kill = format!("kill -{signal} $(cat /run/keepalived.pid)");
        host.run(&["sh", "-c", &kill])?;
        told += &wait_for_file(host, &format!("/tmp/{file}"), |text| text.contains("VI_1"))?;
    }
    told += &[stage.nodes[0].said(), stage.nodes[1].said()].concat();

    let secrets = stage.cloud.secrets();
    assert!(secrets.len() >= 6, "two keys and two tokens: {secrets:?}");
    assert_eq!(stage.cloud.holder(ADDRESS), Some(NODES[1]));
    let seen = secrets.iter().find(|secret| told.contains(*secret));
    match seen {
        Some(secret) => Err(format!("{secret} is in\n{told}").into()),
        None => Ok(()),
    }
}
