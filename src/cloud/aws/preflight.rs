//! Everything that a failover needs, tried out before it is needed.

use std::time::Duration;

use super::{Ec2, query::Undone, whereabouts};
use crate::cloud::{client::Finding, fence::Permit, http::Call, problem::Problem};
use pontoon_engine::floating_ip::event::Whereabouts;

/// Each step on terms of its own: a slow one does not starve those after it.
pub(super) async fn run(ec2: &mut Ec2, limit: Duration) -> Vec<Finding> {
    let permit = Permit::by_hand();
    let call = || Call::within(limit, &permit);
    let mut findings = vec![Finding::of("metadata", metadata(ec2, &call()).await)];
    let region = ec2.region(&call()).await;
    findings.push(Finding::of("region", region.clone()));
    let place = ec2.place(&call()).await.map(|place| place.name());
    findings.push(Finding::of("this node", place));
    let keys = credentials(ec2, region, &call()).await;
    let usable = keys.is_ok();
    findings.push(Finding::of("credentials", keys));
    if !usable {
        return findings;
    }
    let allowed = ec2.ask_to_describe(&[("DryRun", "true")], &call()).await;
    findings.push(Finding::of("ec2:DescribeAddresses", dry(allowed)));
    findings.push(Finding::of("address", address(ec2, &call()).await));
    let allowed = ec2.ask_to_associate(&[("DryRun", "true")], &call()).await;
    findings.push(Finding::of("ec2:AssociateAddress", dry(allowed)));
    findings
}

/// Silence is no problem where nothing has to be asked.
async fn metadata(ec2: &mut Ec2, call: &Call<'_>) -> Result<String, Problem> {
    let answer = ec2.metadata.expect("meta-data/instance-id", call).await;
    let named = ec2.file.network_interface.is_some() || ec2.file.instance_id.is_some();
    let told = named && ec2.told_region()?.is_some();
    match answer {
        Ok(instance) => Ok(format!("this is {instance}, {}", ec2.metadata.version())),
        Err(problem) if told => Ok(format!(
            "not needed for region and interface, which are told; {}",
            problem.text
        )),
        Err(problem) => Err(problem),
    }
}

async fn credentials(
    ec2: &mut Ec2,
    region: Result<String, Problem>,
    call: &Call<'_>,
) -> Result<String, Problem> {
    let keys = ec2.keys(&region?, call).await?;
    Ok(match keys.expires {
        Some(end) => format!("of {}, until {end}", keys.origin),
        None => format!("of {}", keys.origin),
    })
}

async fn address(ec2: &mut Ec2, call: &Call<'_>) -> Result<String, Problem> {
    let address = ec2.address(call).await?;
    let place = ec2.place(call).await?;
    let at = match whereabouts(&address, &place, &ec2.file.peers) {
        Whereabouts::Here => "here".to_owned(),
        Whereabouts::Nowhere => "with nobody".to_owned(),
        Whereabouts::With(holder) => match holder.peer {
            Some(_) => format!("with the peer {}", holder.name),
            None => format!("with {}, which is no configured peer", holder.name),
        },
    };
    Ok(format!(
        "{} ({}) is {at}",
        address.public_ip, address.allocation_id
    ))
}

/// A call that was only tried out ends with an error of its own if it would have been carried out.
fn dry(answer: Result<String, Undone>) -> Result<String, Problem> {
    match answer {
        Err(Undone {
            complaint: Some(complaint),
            ..
        }) if complaint.is_dry_run() => Ok("allowed".to_owned()),
        Err(undone) => Err(undone.problem),
        Ok(_) => Err(Problem::unanswered(
            "the endpoint has ignored DryRun",
            "it is no EC2: look at endpoint",
        )),
    }
}
