//! Virtual routers and what they track, for people.

use jiff::tz::TimeZone;

use super::{
    age::{duration, moment},
    report::line,
};
use crate::election::status::{
    AddressStatus, GroupStatus, InstanceStatus, PeerStatus, PriorityStatus, ScriptStatus,
    TrackerStatus,
};

/// One instance.
pub(super) fn instance(it: &InstanceStatus, zone: &TimeZone) -> String {
    let mut out = format!(
        "{}: {} for {}, since {} ({})\n",
        it.name,
        it.role,
        duration(it.role_for),
        moment(it.since, zone),
        it.reason
    );
    out += &line("priority", &priority(&it.priority));
    out += &bystanders(&it.priority);
    if let Some(hold) = &it.hold {
        out += &line("waits", hold);
    }
    out += &line(
        "router",
        &format!(
            "{} on {}, VRRP version {}",
            it.vrid, it.interface, it.version
        ),
    );
    out += &master(it);
    out += &peers(&it.peers);
    for address in &it.addresses {
        out += &line("address", &address_line(address));
    }
    let counters = &it.counters;
    out += &line(
        "packets",
        &format!(
            "{} sent, {} received, {} dropped",
            counters.adverts_sent, counters.adverts_received, counters.dropped
        ),
    );
    out
}

/// `102 = 100 + 2 (script chk_haproxy: up)`.
fn priority(it: &PriorityStatus) -> String {
    let mut out = format!("{} = {}", it.effective, it.base);
    for tracker in it.trackers.iter().filter(|tracker| counts(tracker)) {
        let sign = if tracker.adds < 0 { '-' } else { '+' };
        let adds = tracker.adds.unsigned_abs();
        let fault = if tracker.faults { ", FAULT" } else { "" };
        let (name, reading) = (&tracker.name, &tracker.reading);
        out += &format!(" {sign} {adds} ({name}: {reading}{fault})");
    }
    out
}

/// Whether it changes anything now.
const fn counts(tracker: &TrackerStatus) -> bool {
    tracker.adds != 0 || tracker.faults
}

/// What is tracked, but changes nothing now.
fn bystanders(it: &PriorityStatus) -> String {
    let others = it.trackers.iter().filter(|tracker| !counts(tracker));
    let others: Vec<_> = others
        .map(|tracker| format!("{}: {}", tracker.name, tracker.reading))
        .collect();
    if others.is_empty() {
        return String::new();
    }
    line("tracks", &others.join(", "))
}

fn master(it: &InstanceStatus) -> String {
    let Some(master) = it.master else {
        return String::new();
    };
    let takeover = it.master_down_in.map_or_else(String::new, |seconds| {
        format!("; if it stays silent, we are in {}", duration(seconds))
    });
    line("master", &format!("{master}{takeover}"))
}

fn peers(peers: &[PeerStatus]) -> String {
    if peers.is_empty() {
        return line("peer", "nobody has been heard");
    }
    let peers = peers.iter().map(|peer| {
        let text = format!(
            "{}, priority {}, heard {} ago, sends every {}",
            peer.address,
            peer.priority,
            duration(peer.heard_ago),
            duration(peer.interval)
        );
        line("peer", &text)
    });
    peers.collect()
}

fn address_line(it: &AddressStatus) -> String {
    let held = if it.held { "held" } else { "not held" };
    format!("{}/{} on {}, {held}", it.address, it.prefix, it.interface)
}

/// The sync groups.
pub(super) fn groups(groups: &[GroupStatus]) -> String {
    let lines = groups.iter().map(|group| {
        let members = group.members.join(", ");
        format!("group {}: {} ({members})\n", group.name, group.role)
    });
    let mut out: String = lines.collect();
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The scripts.
pub(super) fn scripts(scripts: &[ScriptStatus]) -> String {
    if scripts.is_empty() {
        return String::new();
    }
    let mut out = String::from("\nscripts\n");
    for script in scripts {
        out += &format!("  {}: {}{}\n", script.name, script.state, last_run(script));
    }
    out
}

fn last_run(script: &ScriptStatus) -> String {
    let Some(last) = &script.last else {
        return "; has not ended yet".to_owned();
    };
    let took = script.took.map(|took| format!(" after {}", duration(took)));
    let ago = script.ran_ago.map(|ago| format!(", {} ago", duration(ago)));
    format!(
        "; {last}{}{}",
        took.unwrap_or_default(),
        ago.unwrap_or_default()
    )
}
