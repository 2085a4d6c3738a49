//! Whether VRRP, IP protocol 112, passes between this node and its peers.
//!
//! An election answers nothing, so this cannot be asked for as one asks for an echo. What can be known:
//! - A packet of the protocol that arrives from the peer, or that the running node has heard, proves the
//!   way here. Only a master sends.
//! - Our packet may be refused: by this machine, by a router, by the peer ("host unreachable",
//!   "prohibited"), which disproves the way there; or with "protocol unreachable", which proves it: it
//!   came to a machine where no election listens.
//! - Silence proves nothing. A security group drops without a word.
//!
//! The packet that is sent bears virtual router 0, which nobody can have (RFC 9568, 5.2.3: 1 to 255), so
//! that every election ignores it.

use std::{
    io,
    net::IpAddr,
    os::fd::{AsFd as _, OwnedFd},
    time::{Duration, Instant},
};

use pontoon_sys::{process::wait, vrrp};

use super::{Subject, preflight::Verdict};
use crate::{cli::status::age::duration, election::status::InstanceStatus, files::without_number};

/// For how long a refusal or an advertisement is waited for, at least and at most.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5);
/// Who has not been heard for so many of its intervals is silent.
const MISSED: f64 = 3.5;
/// Version 2, type 1, virtual router 0, priority 0, no addresses, no authentication, 1 s, checksum.
const PROBE: [u8; 8] = [0x21, 0, 0, 0, 0, 1, 0xde, 0xfe];

const RULES: &str = "allow IP protocol 112 in both directions: in the security groups of both \
                     nodes, in network ACLs, and in the machines' own firewalls";

/// What a probe has met.
#[derive(Debug)]
enum Met {
    /// A packet of the peer's.
    Packet,
    /// It reached a machine on which nobody listens to the protocol.
    NobodyListens,
    /// It was refused on the way.
    Refused(io::Error),
    /// It could not be sent.
    Unsent(io::Error),
    /// Nothing.
    Silence,
}

/// What is known of the way to each peer of the address's instance.
pub(super) fn peers(subject: &Subject) -> Vec<(String, Verdict)> {
    let Some(peers) = &subject.instance.unicast_peers else {
        let text = "the instance has no unicast_peer and sends by multicast".to_owned();
        let advice = "clouds do not carry multicast: name the other node in unicast_peer";
        return vec![("vrrp".to_owned(), Verdict::Problem(text, advice.to_owned()))];
    };
    let verdict = |peer: IpAddr| {
        let heard = subject.running.as_ref().and_then(|it| last_heard(it, peer));
        let met = probe(subject, peer);
        (
            format!("vrrp {peer}"),
            judge(&met, heard.as_ref(), subject.running.as_ref()),
        )
    };
    peers.iter().map(|peer| verdict(peer.address)).collect()
}

/// When the running node has last heard a peer.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Heard {
    ago: f64,
    interval: f64,
}

impl Heard {
    fn is_recent(self) -> bool {
        self.ago < MISSED * self.interval.max(0.1)
    }
}

fn last_heard(instance: &InstanceStatus, peer: IpAddr) -> Option<Heard> {
    let found = instance.peers.iter().find(|it| it.address == peer)?;
    Some(Heard {
        ago: found.heard_ago,
        interval: found.interval,
    })
}

fn probe(subject: &Subject, peer: IpAddr) -> Met {
    let socket = match vrrp::open_peer(peer, subject.instance.source) {
        Ok(socket) => socket,
        Err(error) => return Met::Unsent(error),
    };
    if let Err(error) = vrrp::send_to_peer(&socket, &PROBE) {
        return Met::Unsent(error);
    }
    let patience = subject.instance.interval.mul_f64(1.2);
    listen(&socket, patience.clamp(SHORTEST, LONGEST))
}

fn listen(socket: &OwnedFd, patience: Duration) -> Met {
    let until = Instant::now() + patience;
    loop {
        match vrrp::receive(socket) {
            Ok(Some(_)) => return Met::Packet,
            Ok(None) => {}
            Err(error) if error.raw_os_error() == Some(NO_PROTOCOL) => return Met::NobodyListens,
            Err(error) => return Met::Refused(error),
        }
        let left = until.saturating_duration_since(Instant::now());
        let waited = wait::readable([Some(socket.as_fd())], Some(left));
        if left.is_zero() || waited.is_err() {
            return Met::Silence;
        }
    }
}

/// `ENOPROTOOPT`: what ICMP calls "protocol unreachable".
const NO_PROTOCOL: i32 = rustix::io::Errno::NOPROTOOPT.raw_os_error();

fn judge(met: &Met, heard: Option<&Heard>, running: Option<&InstanceStatus>) -> Verdict {
    let heard = heard.filter(|heard| heard.is_recent());
    let there = "the way there is proved when the peer's own preflight hears this node as master";
    match (met, heard) {
        (Met::Unsent(error), None) => unsent(error),
        (Met::Unsent(error), Some(heard)) => {
            let ago = duration(heard.ago);
            let why = without_number(&error.to_string());
            Verdict::Unproved(format!(
                "the node heard it {ago} ago; a packet to it could not be sent from here: {why}"
            ))
        }
        (Met::Refused(error), _) => Verdict::Problem(
            format!(
                "a packet to it was refused: {}",
                without_number(&error.to_string())
            ),
            RULES.to_owned(),
        ),
        (Met::NobodyListens, _) => Verdict::Fine(
            "a packet reached it, and it said that no election listens there now".to_owned(),
        ),
        (Met::Packet, _) => Verdict::Fine(format!(
            "its advertisements arrive, and nothing refused ours; {there}"
        )),
        (Met::Silence, Some(heard)) => {
            let ago = duration(heard.ago);
            Verdict::Fine(format!(
                "the node heard it {ago} ago, and nothing refused a packet to it; {there}"
            ))
        }
        (Met::Silence, None) => Verdict::Unproved(silence(running)),
    }
}

fn unsent(error: &io::Error) -> Verdict {
    if error.kind() == io::ErrorKind::PermissionDenied {
        let text = "a packet of protocol 112 may not be sent from here".to_owned();
        let advice = "run this as root (or with CAP_NET_RAW); if it is, this machine's firewall \
                      forbids it";
        return Verdict::Problem(text, advice.to_owned());
    }
    let why = without_number(&error.to_string());
    let advice = "is unicast_src_ip an address of this machine, and is there a route to the peer?";
    Verdict::Problem(
        format!("no packet can be sent to it: {why}"),
        advice.to_owned(),
    )
}

/// Only a master sends, so silence may be right.
fn silence(running: Option<&InstanceStatus>) -> String {
    let why = match running.map(|it| it.role.as_str()) {
        Some("MASTER") => {
            "This node is master, and a backup that hears it is silent; so is one that does not run, \
             or one that is cut off. Run preflight on the peer: it must hear this node"
        }
        Some(_) => {
            "This node is not master, and hears nobody: the peer's election does not run, or its \
             packets are dropped on the way. Start it; if nothing is heard then, protocol 112 is \
             filtered"
        }
        None => {
            "No node runs here with this address, so nobody listens all the time. Start both nodes \
             and run this again on the backup"
        }
    };
    format!("nothing refused a packet to it, and nothing came from it. {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_is_a_whole_packet_of_a_router_that_nobody_can_have() {
        let words = PROBE.chunks(2);
        let words = words.map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
        assert_eq!(words.sum::<u32>(), 0xffff);
        assert_eq!(PROBE[1], 0, "the virtual router");
    }

    #[test]
    fn silence_is_never_a_proof() {
        let verdict = judge(&Met::Silence, None, None);
        assert!(matches!(verdict, Verdict::Unproved(_)), "{verdict:?}");
        let long_ago = Heard {
            ago: 60.0,
            interval: 1.0,
        };
        let verdict = judge(&Met::Silence, Some(&long_ago), None);
        assert!(matches!(verdict, Verdict::Unproved(_)), "{verdict:?}");
    }

    #[test]
    fn what_is_heard_or_refused_proves() {
        let now = Heard {
            ago: 0.4,
            interval: 1.0,
        };
        for met in [Met::Silence, Met::Packet, Met::NobodyListens] {
            let verdict = judge(&met, Some(&now), None);
            assert!(matches!(verdict, Verdict::Fine(_)), "{verdict:?}");
        }
        let refused = Met::Refused(io::Error::from_raw_os_error(113));
        let Verdict::Problem(text, advice) = judge(&refused, Some(&now), None) else {
            panic!("no problem");
        };
        assert!(text.contains("No route to host"), "{text}");
        assert!(advice.contains("protocol 112"), "{advice}");
    }
}
