//! Virtual routers and what they track, for people.

use jiff::tz::TimeZone;

use super::{
    age::{duration, moment},
    floating,
    report::line,
};
use crate::election::status::{
    AddressStatus, GroupStatus, InstanceStatus, PeerStatus, PriorityStatus, ScriptStatus,
    SwitchoverStatus, TrackerStatus,
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
    out += &priority_lines(&it.priority);
    if let Some(hold) = &it.hold {
        let left = it.hold_for.map_or_else(String::new, |seconds| {
            format!("; for another {}", duration(seconds))
        });
        out += &line("waits", &format!("{hold}{left}"));
    }
    out += &switchover_line(it);
    out += &line(
        "router",
        &format!(
            "{} on {}, VRRP version {}",
            it.vrid, it.interface, it.version
        ),
    );
    out += &master(it);
    out += &peers(it);
    out += &addresses(it);
    out += &floating::all(&it.floating_ips);
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

/// How a priority comes about, and what is tracked without changing it.
pub(in crate::cli) fn priority_lines(it: &PriorityStatus) -> String {
    line("priority", &priority(it)) + &bystanders(it)
}

/// How far a switchover has come; nothing if there is none.
pub(in crate::cli) fn switchover_line(it: &InstanceStatus) -> String {
    it.switchover
        .map_or_else(String::new, |it| line("switchover", &switched(it)))
}

fn switched(switchover: SwitchoverStatus) -> String {
    match switchover {
        SwitchoverStatus::UnderWay { stays_in } => format!(
            "under way: it has resigned and keeps the addresses until a peer takes over; if none \
             does in {}, it stays",
            duration(stays_in)
        ),
        SwitchoverStatus::HandedOver => {
            "handed over on purpose: the master is left alone while it lives".to_owned()
        }
    }
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
    let in_time = it.master_down_in.map(duration);
    match (it.master, in_time) {
        (Some(master), Some(in_time)) => line(
            "master",
            &format!("{master}; if it stays silent, we are in {in_time}"),
        ),
        (Some(master), None) => line("master", &master.to_string()),
        (None, Some(in_time)) => line(
            "master",
            &format!("nobody so far; if that stays so, we are in {in_time}"),
        ),
        (None, None) => String::new(),
    }
}

fn peers(it: &InstanceStatus) -> String {
    if it.peers.is_empty() {
        // What is nobody's fault is not to look like one.
        let silence = if it.role == "MASTER" {
            "nobody has been heard: backups are silent"
        } else {
            "nobody has been heard"
        };
        return line("peer", silence);
    }
    let peers = it.peers.iter().map(|peer| {
        let rival = if is_rival(it, peer) {
            ": MASTER AS WELL, it does not hear us"
        } else {
            ""
        };
        let text = format!(
            "{}, priority {}, heard {} ago, sends every {}{rival}",
            peer.address,
            peer.priority,
            duration(peer.heard_ago),
            duration(peer.interval)
        );
        line("peer", &text)
    });
    peers.collect()
}

/// Only masters send. Right after a change of roles the old one may have a last word.
fn is_rival(it: &InstanceStatus, peer: &PeerStatus) -> bool {
    let still_sends = peer.heard_ago < 3.0 * peer.interval;
    let after_we_took_over = it.role_for - peer.heard_ago;
    it.role == "MASTER" && peer.priority > 0 && still_sends && after_we_took_over > peer.interval
}

fn addresses(it: &InstanceStatus) -> String {
    if it.addresses.is_empty() && it.floating_ips.is_empty() {
        return line(
            "address",
            "none in the file: moving one is up to notify scripts",
        );
    }
    let lines = it.addresses.iter();
    lines
        .map(|address| line("address", &address_line(address)))
        .collect()
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
        return match script.state.as_str() {
            "disabled" => "; it may not be run, the log says why",
            "not tracked" => "",
            _ => "; has not ended yet",
        }
        .to_owned();
    };
    let took = script.took.map(|took| format!(" after {}", duration(took)));
    let ago = script.ran_ago.map(|ago| format!(", {} ago", duration(ago)));
    format!(
        "; {last}{}{}",
        took.unwrap_or_default(),
        ago.unwrap_or_default()
    )
}
