//! A packet filter table over `NETLINK_NETFILTER`, written whole in one transaction: a public
//! address that stands for a private one, as a cloud's gateway maps it.

mod rule;

use std::{io, net::Ipv4Addr};

use rustix::net::{SendFlags, netlink, send};

use super::{
    message::{Body, attribute, flag, messages, nested, text},
    open_family, receive,
};
use rule::Rule;

/// Of all messages here; `NFPROTO_IPV4`.
const IPV4: u8 = 2;
/// The subsystem of the packet filter, `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u8 = 10;
/// The one table that is written here.
const TABLE: &str = "pontoon";

const fn message(number: u8) -> u16 {
    u16::from_be_bytes([SUBSYSTEM, number])
}

/// A public address and the private one it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// What is reached from outside.
    pub public: Ipv4Addr,
    /// Who is reached; `None`: nobody, packets vanish.
    pub private: Option<Ipv4Addr>,
    /// The interface that leads outside.
    pub outside: &'a str,
}

/// Makes this the one mapping of the calling thread's network namespace, at once and whole.
/// Connections that the kernel remembers keep theirs: see
/// [`forget_all`](super::conntrack::forget_all).
///
/// # Errors
/// Not allowed, or the kernel cannot (`nf_tables` or `nft_nat` is missing).
pub fn map_one_to_one(mapping: Mapping<'_>) -> io::Result<()> {
    let mut bodies = vec![new_table(), delete_table(), new_table()];
    bodies.extend(Chain::ALL.map(new_chain));
    if let Some(private) = mapping.private {
        let inward = Rule::new()
            .sent_to(mapping.public)
            .destination_becomes(private);
        let outward = Rule::new()
            .sent_by(private)
            .out_of(mapping.outside)
            .source_becomes(mapping.public);
        bodies.push(new_rule(Chain::Inward, inward));
        bodies.push(new_rule(Chain::Outward, outward));
    }
    let unmapped = Rule::new().sent_to(mapping.public).drop();
    bodies.push(new_rule(Chain::Unmapped, unmapped));
    commit(&bodies)
}

/// The chains of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chain {
    /// Changes where packets go to.
    Inward,
    /// Sees what is left of the public address after that.
    Unmapped,
    /// Changes where packets come from.
    Outward,
}

impl Chain {
    const ALL: [Self; 3] = [Self::Inward, Self::Unmapped, Self::Outward];

    const fn name(self) -> &'static str {
        match self {
            Self::Inward => "inward",
            Self::Unmapped => "unmapped",
            Self::Outward => "outward",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Inward | Self::Outward => "nat",
            Self::Unmapped => "filter",
        }
    }

    /// Where it hooks in, and in which order: the kernel's `NF_INET_*` and `NF_IP_PRI_*`.
    const fn hook(self) -> (u32, i32) {
        const PREROUTING: u32 = 0;
        const POSTROUTING: u32 = 4;
        match self {
            Self::Inward => (PREROUTING, -100),
            Self::Unmapped => (PREROUTING, 0),
            Self::Outward => (POSTROUTING, 100),
        }
    }
}

fn new_table() -> Body {
    named_table(0, flag::CREATE)
}

/// Its creation just before makes sure that it exists.
fn delete_table() -> Body {
    named_table(2, 0)
}

fn named_table(number: u8, flags: u16) -> Body {
    Body::new(message(number), flags, &family()).attribute(1, &text(TABLE))
}

fn new_chain(chain: Chain) -> Body {
    const TABLE_NAME: u16 = 1;
    const NAME: u16 = 3;
    const HOOK: u16 = 4;
    const KIND: u16 = 7;
    let (hook, priority) = chain.hook();
    let hook = [
        attribute(1, &hook.to_be_bytes()),
        attribute(2, &priority.to_be_bytes()),
    ];
    Body::new(message(3), flag::CREATE, &family())
        .attribute(TABLE_NAME, &text(TABLE))
        .attribute(NAME, &text(chain.name()))
        .nested(HOOK, &hook)
        .attribute(KIND, &text(chain.kind()))
}

fn new_rule(chain: Chain, rule: Rule) -> Body {
    const TABLE_NAME: u16 = 1;
    const CHAIN: u16 = 2;
    const EXPRESSIONS: u16 = 4;
    const ELEMENT: u16 = 1;
    let expressions = rule.expressions();
    let expressions: Vec<_> = expressions
        .iter()
        .map(|parts| nested(ELEMENT, parts))
        .collect();
    Body::new(message(6), flag::CREATE | flag::APPEND, &family())
        .attribute(TABLE_NAME, &text(TABLE))
        .attribute(CHAIN, &text(chain.name()))
        .nested(EXPRESSIONS, &expressions)
}

/// `nfgenmsg`: family, version, resource.
const fn family() -> [u8; 4] {
    [IPV4, 0, 0, 0]
}

/// Carries out all of it or nothing.
fn commit(bodies: &[Body]) -> io::Result<()> {
    const BEGIN: u16 = 16;
    const END: u16 = 17;
    let edge = |kind| Body::new(kind, 0, &[0, 0, 0, SUBSYSTEM]);
    let mut packet = edge(BEGIN).encode(0, 0);
    let mut sequence = 0;
    for body in bodies {
        sequence += 1;
        packet.extend(body.encode(flag::ACK, sequence));
    }
    packet.extend(edge(END).encode(0, sequence + 1));
    let socket = open_family(Some(netlink::NETFILTER), 0)?;
    send(&socket, &packet, SendFlags::NOSIGNAL)?;
    let mut missing = bodies.len();
    while missing > 0 {
        let packet = receive(&socket)?;
        for message in messages(&packet) {
            if let Some(outcome) = message.acknowledgement() {
                outcome?;
                missing = missing.saturating_sub(1);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::testing::in_private_network;

    const PUBLIC: Ipv4Addr = Ipv4Addr::new(34, 249, 49, 35);

    /// What `nft` makes of it; `None` if there is no such program.
    fn shown() -> Option<String> {
        let output = Command::new("nft").args(["list", "ruleset"]).output();
        let output = output.ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // Its own words differ between versions; what counts does not.
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn map(private: Option<[u8; 4]>) {
        map_one_to_one(Mapping {
            public: PUBLIC,
            private: private.map(Ipv4Addr::from),
            outside: "internet",
        })
        .unwrap();
    }

    #[test]
    fn the_table_reads_as_it_is_meant() {
        in_private_network(|| {
            map(Some([10, 0, 1, 207]));
            let Some(shown) = shown() else {
                eprintln!("skipped: no nft to read the table with");
                return;
            };
            for part in [
                "type nat hook prerouting priority dstnat; policy accept; \
                 ip daddr 34.249.49.35 dnat to 10.0.1.207 }",
                "type filter hook prerouting priority filter; policy accept; \
                 ip daddr 34.249.49.35 drop }",
                "type nat hook postrouting priority srcnat; policy accept; \
                 ip saddr 10.0.1.207 oifname \"internet\" snat to 34.249.49.35 }",
            ] {
                assert!(shown.contains(part), "{part}\nis not in\n{shown}");
            }
        });
    }

    #[test]
    fn a_new_mapping_replaces_the_old_one() {
        in_private_network(|| {
            for private in [Some([10, 0, 1, 207]), Some([10, 0, 1, 190]), None] {
                map(private);
                let Some(shown) = shown() else { return };
                let expected = private.map(|private| Ipv4Addr::from(private).to_string());
                assert_eq!(shown.matches("ip daddr 34.249.49.35 drop").count(), 1);
                assert_eq!(shown.matches("dnat to").count(), private.iter().count());
                let holds = |text: &str| shown.contains(text);
                assert!(expected.as_deref().is_none_or(holds), "{shown}");
                assert!(!holds("10.0.1.207") || private == Some([10, 0, 1, 207]));
            }
        });
    }

    #[test]
    fn nothing_is_carried_out_if_one_part_is_refused() {
        in_private_network(|| {
            map(Some([10, 0, 1, 207]));
            let nowhere = new_rule(Chain::Inward, Rule::new().drop());
            let refused = commit(&[delete_table(), nowhere]).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::NotFound);
            let Some(shown) = shown() else { return };
            assert!(shown.contains("dnat to 10.0.1.207"), "{shown}");
        });
    }
}
