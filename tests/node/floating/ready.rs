//! A node that is not master makes itself ready for the failover, and says before it what is missing.

use std::{net::IpAddr, time::Duration};

use pontoon_lab::cloud::{Call, Down};

use super::stage::{ADDRESS, NODES, Node, Stage, floating_ip, text};
use crate::harness::{Failure, Outcome};

/// What the log says of a node that is not ready.
const WARNING: &str = "floating IP 34.249.49.35 could not be taken by this node: ";

pub(super) fn register(add: &mut impl FnMut(&str, fn() -> Outcome)) {
    add("backup_is_ready_without_a_call", ready);
    add("comes_sooner_to_a_node_that_is_ready", sooner);
    add("backup_says_what_is_missing", missing);
    add("backup_says_that_the_api_is_out_of_reach", out_of_reach);
}

/// Metadata are gone when the backup needs to know who it is.
fn ready() -> Outcome {
    let mut stage = Stage::build()?;
    stage.start()?;
    until_ready(&stage.nodes[1])?;
    assert_eq!(calls(&stage, 1), 0, "a backup makes no calls");
    let shown = text(&stage.nodes[1].pontoon(&["status"])?);
    assert!(shown.contains("left alone, not master; ready "), "{shown}");

    stage.cloud.metadata_faults().down(Some(Down::Silent));
    stage.nodes[0].stop()?;
    stage.until_held_by(1)?;
    let seen = stage.nodes[1].until_address("it to be seen", |it| it.phase == "here")?;
    assert_eq!(seen.counters.failures, 0);
    assert!(!stage.nodes[1].said().contains(WARNING));
    Ok(())
}

/// Who finds out only now asks the metadata six times, one after the other: it is here after 1.2 s.
fn sooner() -> Outcome {
    let mut stage = Stage::build()?;
    let slow = Duration::from_millis(200);
    stage.cloud.metadata_faults().slow(slow);
    stage.start()?;
    until_ready(&stage.nodes[1])?;
    let asked = metadata_calls(&stage, 1);
    assert_eq!(asked, 6);
    stage.nodes[0].stop()?;
    let after = arrival(&stage.nodes[1])?;
    assert_eq!(metadata_calls(&stage, 1), asked, "it has asked again");
    assert!(after < slow * 3, "{after:?}");
    Ok(())
}

/// Metadata are gone before the backup has asked.
fn missing() -> Outcome {
    let mut stage = Stage::build()?;
    stage.nodes[0].start()?;
    stage.nodes[0].until_address("it to be seen", |it| it.phase == "here")?;
    stage.cloud.metadata_faults().down(Some(Down::Reset));
    stage.nodes[1].start()?;
    let told = stage.nodes[1].until_address("trouble", |it| it.not_ready.is_some())?;
    let told = told.not_ready.map(|it| it.text).unwrap_or_default();
    assert!(told.starts_with("instance metadata: "), "{told}");
    let shown = text(&stage.nodes[1].pontoon(&["status"])?);
    let wanted = format!("NOT READY  this node could not take it: {told}");
    assert!(shown.contains(&wanted), "{shown}");

    stage.cloud.metadata_faults().none();
    stage.nodes[1].until_address("the trouble to end", |it| it.not_ready.is_none())?;
    until_ready(&stage.nodes[1])?;
    stage.nodes[1].until_said("floating IP 34.249.49.35 could be taken by this node again")?;
    let said = stage.nodes[1].said();
    assert_eq!(said.matches(WARNING).count(), 1, "{said}");
    assert_eq!(calls(&stage, 1), 0, "a backup makes no calls");
    Ok(())
}

/// As in a subnet without a way out.
fn out_of_reach() -> Outcome {
    let mut stage = Stage::build()?;
    let elsewhere = floating_ip(ADDRESS, "").replacen(":8000", ":8009", 1);
    stage.nodes[1].configure(&elsewhere)?;
    stage.start()?;
    let told = stage.nodes[1].until_address("trouble", |it| it.not_ready.is_some())?;
    let told = told.not_ready.map(|it| it.text).unwrap_or_default();
    let wanted = "10.0.1.2 port 8009 cannot be reached: Connection refused";
    assert_eq!(told, wanted);
    stage.nodes[1].until_said(&format!("{WARNING}{wanted}"))
}

fn until_ready(node: &Node) -> Outcome {
    node.until_address("it to be ready", |it| it.ready_ago.is_some())?;
    Ok(())
}

/// How long it took from mastership until the address was seen here, as the log says.
fn arrival(node: &Node) -> Result<Duration, Failure> {
    const HERE: &str = "floating IP 34.249.49.35 is here after ";
    node.until_said(HERE)?;
    let said = node.said();
    let words = said.split_once(HERE).map(|(_, rest)| rest);
    let mut words = words.unwrap_or_default().split(' ');
    let number = words.next().and_then(|word| word.parse().ok());
    let number: f64 = number.ok_or_else(|| format!("no time is in {said}"))?;
    let unit = words.next();
    Ok(Duration::from_secs_f64(match unit {
        Some("ms") => number / 1000.0,
        _ => number,
    }))
}

/// The calls of a node to EC2.
fn calls(stage: &Stage, which: usize) -> usize {
    count(&stage.cloud.calls(), which)
}

/// Its questions to the metadata service.
fn metadata_calls(stage: &Stage, which: usize) -> usize {
    count(&stage.cloud.metadata_calls(), which)
}

fn count(calls: &[Call], which: usize) -> usize {
    let by_it = |call: &&Call| call.source == IpAddr::V4(NODES[which]);
    calls.iter().filter(by_it).count()
}
