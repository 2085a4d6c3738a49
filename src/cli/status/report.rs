//! The whole answer for people: what matters at three in the morning comes first.

use jiff::tz::TimeZone;

use super::{age, process, router};
use crate::{election::status::Status, node::status::NodeStatus};

/// All of it.
///
/// # Errors
/// The election speaks of things that this version does not know.
pub(super) fn of(node: &NodeStatus) -> Result<String, serde_json::Error> {
    let zone = TimeZone::system();
    let vrrp: Option<Status> = node.vrrp.clone().map(serde_json::from_value).transpose()?;
    Ok(text(node, vrrp.as_ref(), &zone))
}

fn text(node: &NodeStatus, vrrp: Option<&Status>, zone: &TimeZone) -> String {
    let mut out = String::new();
    if let Some(vrrp) = vrrp {
        for instance in &vrrp.instances {
            out += &router::instance(instance, zone);
            out.push('\n');
        }
        out += &router::groups(&vrrp.groups);
    }
    out += &process::all(node, vrrp);
    if let Some(vrrp) = vrrp {
        out += &router::scripts(&vrrp.scripts);
        out += &transitions(vrrp, zone);
    }
    out
}

fn transitions(vrrp: &Status, zone: &TimeZone) -> String {
    if vrrp.transitions.is_empty() {
        return String::new();
    }
    let mut out = String::from("\nlast transitions\n");
    for it in &vrrp.transitions {
        let at = age::moment(it.at, zone);
        out += &format!(
            "  {at}  {}  {} -> {}: {}\n",
            it.instance, it.from, it.to, it.reason
        );
    }
    out
}

/// A line of the report: a name and what is to be said of it, indented below a heading.
pub(in crate::cli) fn line(name: &str, value: &str) -> String {
    format!("  {name:<10} {value}\n")
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::{
        election::status::{
            AddressStatus, Counters, GroupStatus, InstanceStatus, PeerStatus, PriorityStatus,
            ScriptStatus, TrackerStatus, TransitionStatus,
        },
        node::{
            message::Servers,
            status::{ProcessState, ProcessStatus},
        },
    };

    fn up(pid: u32) -> ProcessStatus {
        ProcessStatus {
            state: ProcessState::Up,
            pid: Some(pid),
            up_for: Some(12_000.0),
            restarts: 0,
            last_end: None,
        }
    }

    fn node() -> NodeStatus {
        NodeStatus {
            version: "0.1.0".into(),
            pid: 812,
            running_for: 12_001.0,
            stopping: false,
            reloading: false,
            reloads: 0,
            failed_reload: None,
            leaving: Vec::new(),
            proxy: Some(up(815)),
            servers: Some(Servers::Usable),
            election: Some(up(816)),
            vrrp: None,
        }
    }

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 1, last).into()
    }

    fn tracker(name: &str, adds: i16) -> TrackerStatus {
        TrackerStatus {
            name: name.into(),
            reading: "up".into(),
            adds,
            faults: false,
        }
    }

    fn instance() -> InstanceStatus {
        InstanceStatus {
            name: "VI_1".into(),
            interface: "eth0".into(),
            vrid: 51,
            version: 2,
            role: "MASTER".into(),
            role_for: 12_000.0,
            since: 1_700_000_000.0,
            reason: "nobody was heard".into(),
            priority: PriorityStatus {
                base: 100,
                trackers: vec![
                    tracker("interface eth0", 0),
                    tracker("script chk_haproxy", 2),
                ],
                effective: 102,
            },
            hold: None,
            hold_for: None,
            switchover: None,
            master: None,
            master_down_in: None,
            peers: vec![PeerStatus {
                address: address(12),
                priority: 101,
                heard_ago: 12_000.4,
                interval: 1.0,
                checksum: "message".into(),
            }],
            addresses: vec![AddressStatus {
                address: address(100),
                prefix: 24,
                interface: "eth0".into(),
                held: true,
            }],
            floating_ips: Vec::new(),
            counters: Counters {
                adverts_sent: 12_000,
                ..Counters::default()
            },
        }
    }

    fn election() -> Status {
        Status {
            router_id: "lb1".into(),
            pid: 816,
            running_for: 12_000.0,
            files: vec!["/etc/keepalived/keepalived.conf".into()],
            proxy: Some("serves".into()),
            instances: vec![instance()],
            groups: vec![GroupStatus {
                name: "VG_1".into(),
                role: "MASTER".into(),
                members: vec!["VI_1".into()],
            }],
            scripts: vec![ScriptStatus {
                name: "chk_haproxy".into(),
                state: "up".into(),
                last: Some("exited with status 0".into()),
                took: Some(0.003),
                ran_ago: Some(0.7),
            }],
            transitions: vec![TransitionStatus {
                at: 1_700_000_000.0,
                instance: "VI_1".into(),
                from: "BACKUP".into(),
                to: "MASTER".into(),
                reason: "nobody was heard".into(),
            }],
            events: Vec::new(),
        }
    }

    #[test]
    fn a_master_is_told_from_its_role_to_its_history() {
        let expected = "\
VI_1: MASTER for 3 h 20 min, since 2023-11-14 22:13:20 (nobody was heard)
  priority   102 = 100 + 2 (script chk_haproxy: up)
  tracks     interface eth0: up
  router     51 on eth0, VRRP version 2
  peer       10.0.1.12, priority 101, heard 3 h 20 min ago, sends every 1 s
  address    10.0.1.100/24 on eth0, held
  packets    12000 sent, 0 received, 0 dropped

group VG_1: MASTER (VI_1)

node: running for 3 h 20 min (process 812, pontoon 0.1.0)
  proxy      up for 3 h 20 min (process 815)
  servers    at least one is up and has passed a check
  election   up for 3 h 20 min (process 816), router id lb1

scripts
  chk_haproxy: up; exited with status 0 after 3 ms, 0.7 s ago

last transitions
  2023-11-14 22:13:20  VI_1  BACKUP -> MASTER: nobody was heard
";
        assert_eq!(text(&node(), Some(&election()), &TimeZone::UTC), expected);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let mut node = node();
        node.stopping = true;
        node.servers = None;
        node.proxy = Some(ProcessStatus {
            state: ProcessState::Waiting,
            pid: None,
            up_for: None,
            restarts: 3,
            last_end: Some("was ended by SIGKILL".into()),
        });
        let mut election = election();
        let broken = &mut election.instances[0];
        broken.role = "FAULT".into();
        broken.hold = Some("the proxy has crashed a moment ago".into());
        broken.peers.clear();
        broken.addresses[0].held = false;
        broken.priority.trackers.push(TrackerStatus {
            reading: "down".into(),
            faults: true,
            ..tracker("interface eth1", -4)
        });
        election.groups.clear();
        election.scripts.clear();
        election.transitions.clear();
        election.proxy = Some("died".into());
        let expected = "\
VI_1: FAULT for 3 h 20 min, since 2023-11-14 22:13:20 (nobody was heard)
  priority   102 = 100 + 2 (script chk_haproxy: up) - 4 (interface eth1: down, FAULT)
  tracks     interface eth0: up
  waits      the proxy has crashed a moment ago
  router     51 on eth0, VRRP version 2
  peer       nobody has been heard
  address    10.0.1.100/24 on eth0, not held
  packets    12000 sent, 0 received, 0 dropped

node: stopping, was running for 3 h 20 min (process 812, pontoon 0.1.0)
  proxy      waits to be started again; it was ended by SIGKILL; restarts so far: 3
  servers    not known: the proxy does not answer
  election   up for 3 h 20 min (process 816), router id lb1; sees the proxy: died
";
        assert_eq!(text(&node, Some(&election), &TimeZone::UTC), expected);
    }

    #[test]
    fn what_is_as_it_should_be_does_not_look_wrong() {
        let mut election = election();
        let it = &mut election.instances[0];
        it.peers.clear();
        it.addresses.clear();
        let master = text(&node(), Some(&election), &TimeZone::UTC);
        assert!(
            master.contains(
                "  peer       nobody has been heard: backups are silent\n  \
                 address    none in the file: moving one is up to notify scripts\n"
            ),
            "{master}"
        );
        let it = &mut election.instances[0];
        it.role = "BACKUP".into();
        it.master_down_in = Some(2.6);
        let backup = text(&node(), Some(&election), &TimeZone::UTC);
        let wanted = "  master     nobody so far; if that stays so, we are in 2.6 s\n";
        assert!(backup.contains(wanted), "{backup}");
    }

    #[test]
    fn a_disabled_script_is_not_waited_for() {
        let mut election = election();
        election.scripts[0].state = "disabled".into();
        election.scripts[0].last = None;
        let shown = text(&node(), Some(&election), &TimeZone::UTC);
        let wanted = "  chk_haproxy: disabled; it may not be run, the log says why\n";
        assert!(shown.contains(wanted), "{shown}");
    }

    #[test]
    fn a_rival_is_told_from_the_last_word_of_an_old_master() {
        let shows_rival = |role_for, heard_ago| {
            let mut election = election();
            let it = &mut election.instances[0];
            it.role_for = role_for;
            it.peers[0].heard_ago = heard_ago;
            text(&node(), Some(&election), &TimeZone::UTC).contains("MASTER AS WELL")
        };
        assert!(shows_rival(60.0, 0.8));
        assert!(!shows_rival(0.81, 0.8), "the last word");
        assert!(!shows_rival(60.0, 12.0), "it has been silent since");
    }

    #[test]
    fn an_election_that_does_not_answer_is_no_secret() {
        let expected = "\
node: running for 3 h 20 min (process 812, pontoon 0.1.0)
  proxy      up for 3 h 20 min (process 815)
  servers    at least one is up and has passed a check
  election   up for 3 h 20 min (process 816), but it does not answer
";
        assert_eq!(text(&node(), None, &TimeZone::UTC), expected);
    }
}
