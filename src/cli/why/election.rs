//! Why this node is or is not master, for people.

use jiff::tz::TimeZone;

use super::SHOWN;
use crate::{
    cli::status::{
        age::{duration, moment},
        report::line,
        router,
    },
    election::status::{InstanceStatus, PeerStatus, Status},
};

/// What is known of `master`, or of an instance of this name; `None` if neither is meant.
pub(super) fn about(status: &Status, subject: &str) -> Option<Status> {
    let mut status = status.clone();
    if subject == "master" {
        return Some(status);
    }
    status.instances.retain(|it| it.name == subject);
    let found = status.instances.first()?.name.clone();
    status.transitions.retain(|it| it.instance == found);
    let mark = format!("({found}) ");
    // What concerns no instance alone concerns this one as well.
    let concerns = |text: &str| text.starts_with(&mark) || !text.starts_with('(');
    status.events.retain(|it| concerns(&it.text));
    Some(status)
}

/// All of it, or, among other things, what is noteworthy.
pub(super) fn text(status: &Status, brief: bool, zone: &TimeZone) -> String {
    let mut out = String::new();
    for it in &status.instances {
        out += &instance(it, zone);
        out.push('\n');
    }
    let shown = if brief { SHOWN } else { status.events.len() };
    if !status.events.is_empty() {
        out += "timeline\n";
    }
    for it in status.events.iter().take(shown) {
        out += &format!("  {}  {}\n", moment(it.at, zone), it.text);
    }
    out
}

fn instance(it: &InstanceStatus, zone: &TimeZone) -> String {
    let mut out = format!(
        "{}: {} for {}, since {}\n",
        it.name,
        it.role,
        duration(it.role_for),
        moment(it.since, zone)
    );
    out += &line("because", &because(it));
    out += &router::priority_lines(&it.priority);
    if let Some(hold) = &it.hold {
        let left = it.hold_for.map_or_else(String::new, |seconds| {
            format!("; for another {}", duration(seconds))
        });
        out += &line("waits", &format!("{hold}{left}"));
    }
    out += &router::switchover_line(it);
    for tracker in it.priority.trackers.iter().filter(|it| it.faults) {
        let (name, reading) = (&tracker.name, &tracker.reading);
        out += &line(
            "fault",
            &format!("{name} is {reading}: no mastership with that"),
        );
    }
    out += &line("master", &master(it));
    for address in &it.floating_ips {
        if let Some(alarm) = &address.alarm {
            out += &line("floating", &format!("{}: {}", address.address, alarm.text));
        }
    }
    out
}

/// Why it has the role it has, in one sentence.
fn because(it: &InstanceStatus) -> String {
    let heard = leader(it);
    match (it.role.as_str(), heard) {
        ("BACKUP", Some(peer)) => follows(it, peer),
        ("BACKUP", None) => format!("no master is heard ({})", it.reason),
        _ => it.reason.clone(),
    }
}

fn follows(it: &InstanceStatus, peer: &PeerStatus) -> String {
    let (theirs, ours) = (peer.priority, it.priority.effective);
    let PeerStatus { address, .. } = peer;
    match (theirs.cmp(&ours), &it.hold) {
        (std::cmp::Ordering::Greater, _) => {
            format!("{address} is master: its priority, {theirs}, is higher than ours, {ours}")
        }
        (std::cmp::Ordering::Equal, _) => format!(
            "{address} is master: its priority is ours, {ours}, and among equals the master stays, \
             or the highest address wins"
        ),
        (std::cmp::Ordering::Less, Some(hold)) => format!(
            "{address} is master and left alone though its priority, {theirs}, is lower than ours, \
             {ours}: {hold}"
        ),
        (std::cmp::Ordering::Less, None) => format!(
            "{address} is master for now: its priority, {theirs}, is lower than ours, {ours}; we \
             take over when its last advertisement has run out"
        ),
    }
}

/// The master that a backup hears.
fn leader(it: &InstanceStatus) -> Option<&PeerStatus> {
    let master = it.master?;
    it.peers.iter().find(|peer| peer.address == master)
}

fn master(it: &InstanceStatus) -> String {
    if it.role == "MASTER" {
        return "this node".to_owned();
    }
    let silence = it.master_down_in.map_or_else(String::new, |seconds| {
        format!("; if it stays silent, we are in {}", duration(seconds))
    });
    match leader(it).or_else(|| it.peers.first().filter(|peer| peer.priority > 0)) {
        Some(peer) => format!(
            "{}, priority {}, last heard {} ago, sends every {}{silence}",
            peer.address,
            peer.priority,
            duration(peer.heard_ago),
            duration(peer.interval)
        ),
        None => format!("nobody is heard{silence}"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::election::status::{
        Counters, EventStatus, PriorityStatus, SwitchoverStatus, TrackerStatus,
    };

    fn peer(priority: u8) -> PeerStatus {
        PeerStatus {
            address: IpAddr::from([10, 0, 0, 2]),
            priority,
            heard_ago: 0.3,
            interval: 1.0,
            checksum: String::new(),
        }
    }

    fn backup(theirs: u8, hold: Option<&str>) -> InstanceStatus {
        InstanceStatus {
            name: "VI_1".into(),
            interface: "eth0".into(),
            vrid: 51,
            version: 2,
            role: "BACKUP".into(),
            role_for: 61.0,
            since: 1_700_000_000.0,
            reason: "ready".into(),
            priority: PriorityStatus {
                base: 100,
                trackers: vec![TrackerStatus {
                    name: "script chk".into(),
                    reading: "up".into(),
                    adds: 2,
                    faults: false,
                }],
                effective: 102,
            },
            hold: hold.map(Into::into),
            hold_for: None,
            switchover: None,
            master: Some([10, 0, 0, 2].into()),
            master_down_in: Some(3.2),
            peers: vec![peer(theirs)],
            addresses: Vec::new(),
            floating_ips: Vec::new(),
            counters: Counters::default(),
        }
    }

    #[test]
    fn a_backup_says_whom_it_follows_and_why() {
        let expected = "\
VI_1: BACKUP for 1 min 1 s, since 2023-11-14 22:13:20
  because    10.0.0.2 is master: its priority, 150, is higher than ours, 102
  priority   102 = 100 + 2 (script chk: up)
  master     10.0.0.2, priority 150, last heard 0.3 s ago, sends every 1 s; if it stays silent, we are in 3.2 s
";
        assert_eq!(instance(&backup(150, None), &TimeZone::UTC), expected);
    }

    #[test]
    fn what_keeps_it_from_preempting_is_named() {
        let mut it = backup(50, Some("it was handed over on purpose"));
        it.switchover = Some(SwitchoverStatus::HandedOver);
        let told = instance(&it, &TimeZone::UTC);
        let because = "10.0.0.2 is master and left alone though its priority, 50, is lower than \
                       ours, 102: it was handed over on purpose\n";
        assert!(told.contains(because), "{told}");
        assert!(
            told.contains("  switchover handed over on purpose"),
            "{told}"
        );
    }

    #[test]
    fn a_fault_is_named() {
        let mut it = backup(50, None);
        it.role = "FAULT".into();
        it.reason = "script chk is down".into();
        it.master = None;
        it.priority.trackers[0].faults = true;
        it.priority.trackers[0].reading = "down".into();
        let told = instance(&it, &TimeZone::UTC);
        assert!(told.contains("  because    script chk is down\n"), "{told}");
        let fault = "  fault      script chk is down: no mastership with that\n";
        assert!(told.contains(fault), "{told}");
    }

    #[test]
    fn an_instance_sees_its_own_events_only() {
        let event = |text: &str| EventStatus {
            at: 1_700_000_000.0,
            text: text.into(),
        };
        let status = Status {
            instances: vec![backup(150, None)],
            events: vec![
                event("(VI_1) x"),
                event("(VI_2) y"),
                event("The proxy serves"),
            ],
            ..Status::default()
        };
        assert_eq!(about(&status, "VI_2"), None);
        let ours = about(&status, "VI_1").unwrap();
        let texts: Vec<_> = ours.events.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts, ["(VI_1) x", "The proxy serves"]);
        let told = text(&ours, false, &TimeZone::UTC);
        let last =
            "timeline\n  2023-11-14 22:13:20  (VI_1) x\n  2023-11-14 22:13:20  The proxy serves\n";
        assert!(told.ends_with(last), "{told}");
    }
}
