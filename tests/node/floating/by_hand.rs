//! `pontoon floating-ip` and the status.

use super::stage::{ADDRESS, NODES, Stage, text};
use crate::harness::Outcome;

const FILE: &str = "/etc/keepalived/keepalived.conf";

pub(super) fn register(add: &mut impl FnMut(&str, fn() -> Outcome)) {
    add("is_shown_to_people", shown);
    add("is_verified_by_hand", verified);
    add("is_brought_by_hand", brought);
    add("preflight_tells_what_is_wrong", preflight);
}

fn shown() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    stage.nodes[0].until_address("it to be seen", |it| it.phase == "here")?;
    let master = text(&stage.nodes[0].pontoon(&["status"])?);
    let wanted = "  floating   34.249.49.35 (aws): here; seen here ";
    assert!(master.contains(wanted), "{master}");
    let backup = text(&stage.nodes[1].pontoon(&["floating-ip", "status"])?);
    let wanted = "34.249.49.35 (aws): left alone, not master";
    assert!(
        backup.contains("VI_1: BACKUP") && backup.contains(wanted),
        "{backup}"
    );
    Ok(())
}

fn verified() -> Outcome {
    let mut stage = Stage::build()?;
    let none = stage.nodes[0].pontoon(&["floating-ip", "verify"])?;
    assert_eq!(none.status.code(), Some(2), "{none:?}");
    assert!(text(&none).contains("name its keepalived.conf"), "{none:?}");
    let nowhere = stage.nodes[0].pontoon(&["floating-ip", "verify", FILE])?;
    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
    assert!(text(&nowhere).contains("with nobody"), "{nowhere:?}");
    stage.start()?;
    let here = stage.nodes[0].pontoon(&["floating-ip", "verify"])?;
    assert_eq!(here.status.code(), Some(0), "{here:?}");
    assert!(
        text(&here).contains("34.249.49.35 (aws, VI_1): here"),
        "{here:?}"
    );
    let there = stage.nodes[1].pontoon(&["floating-ip", "verify", "34.249.49.35"])?;
    assert_eq!(there.status.code(), Some(1), "{there:?}");
    assert!(text(&there).contains("(peer 10.0.1.207)"), "{there:?}");
    let unknown = stage.nodes[1].pontoon(&["floating-ip", "verify", "34.249.49.99"])?;
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    assert!(
        text(&unknown).contains("there is 34.249.49.35"),
        "{unknown:?}"
    );
    Ok(())
}

fn brought() -> Outcome {
    let mut stage = Stage::build()?;
    let moved = stage.nodes[1].pontoon(&["floating-ip", "associate", FILE])?;
    assert!(moved.status.success(), "{moved:?}");
    assert_eq!(stage.cloud.holder(ADDRESS), Some(NODES[1]));
    stage.start()?;

    let backup = stage.nodes[1].pontoon(&["floating-ip", "associate"])?;
    assert_eq!(backup.status.code(), Some(1), "{backup:?}");
    assert!(
        text(&backup).contains("VI_1 is not master here"),
        "{backup:?}"
    );
    assert_eq!(stage.cloud.holder(ADDRESS), Some(NODES[0]));

    let master = stage.nodes[0].pontoon(&["floating-ip", "associate"])?;
    assert!(master.status.success(), "{master:?}");
    let forced = stage.nodes[1].pontoon(&["floating-ip", "associate", "--force"])?;
    assert!(text(&forced).contains("34.249.49.35"), "{forced:?}");
    assert!(stage.done(1, "AssociateAddress") == 2, "{forced:?}");
    stage.until_held_by(0)
}

fn preflight() -> Outcome {
    let mut stage = Stage::allowing(&["ec2:DescribeAddresses"])?;
    let alone = stage.nodes[0].pontoon(&["floating-ip", "preflight", FILE])?;
    let said = text(&alone);
    assert_eq!(alone.status.code(), Some(1), "{said}");
    assert!(said.contains("ec2:AssociateAddress"), "{said}");
    // The peer's kernel says that nobody listens, so the packet got there.
    assert!(
        said.contains("vrrp 10.0.1.190: a packet reached it"),
        "{said}"
    );

    stage.nodes[0].start()?;
    stage.nodes[0].until("it to be master", |it| it.role == "MASTER")?;
    stage.nodes[1].start()?;
    stage.nodes[1].until("it to stand by", |it| it.role == "BACKUP")?;
    let backup = text(&stage.nodes[1].pontoon(&["floating-ip", "preflight"])?);
    let wanted = "ok        vrrp 10.0.1.207: its advertisements arrive";
    assert!(backup.contains(wanted), "{backup}");
    let master = text(&stage.nodes[0].pontoon(&["floating-ip", "preflight"])?);
    let wanted = "UNPROVED  vrrp 10.0.1.190: nothing refused a packet to it";
    assert!(master.contains(wanted), "{master}");
    let dropped = stage.nodes[1].said();
    assert!(
        !dropped.contains("dropped"),
        "the probe disturbs: {dropped}"
    );

    stage.cut()?;
    stage.nodes[1].until("it to be master", |it| it.role == "MASTER")?;
    let split = text(&stage.nodes[1].pontoon(&["floating-ip", "preflight"])?);
    assert!(split.contains("UNPROVED  vrrp 10.0.1.207"), "{split}");
    Ok(())
}
