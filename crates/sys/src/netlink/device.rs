//! Making interfaces, and changing what they are attached to. Each function makes a
//! [`Change`] for [`Requests::apply`](super::Requests::apply).

use std::os::fd::{AsRawFd as _, BorrowedFd};

use super::{
    Change,
    message::{Body, attribute, flag, kind, nested, text},
};

/// Attributes of an interface.
mod of_link {
    pub(super) const MAC: u16 = 1;
    pub(super) const NAME: u16 = 3;
    pub(super) const MASTER: u16 = 10;
    pub(super) const PROTOCOL: u16 = 12;
    pub(super) const INFO: u16 = 18;
    pub(super) const FAMILIES: u16 = 26;
    pub(super) const NAMESPACE: u16 = 28;
}
/// Attributes inside [`of_link::INFO`].
mod of_info {
    pub(super) const KIND: u16 = 1;
    pub(super) const DATA: u16 = 2;
}
/// `IFF_UP`.
const UP: u32 = 1;

/// A bridge of this name, down. `EEXIST`: the name is taken. Without a hardware address of its own
/// it has the lowest of its ports', another one whenever that port leaves.
#[must_use]
pub fn bridge(name: &str, mac: Option<[u8; 6]>) -> Change {
    let flags = flag::CREATE | flag::EXCLUSIVE;
    let body = Body::new(kind::NEW_LINK, flags, &header(0, 0, 0));
    let body = body.attribute(of_link::NAME, &text(name));
    let body = match mac {
        Some(mac) => body.attribute(of_link::MAC, &mac),
        None => body,
    };
    Change(body.nested(of_link::INFO, &[attribute(of_info::KIND, b"bridge")]))
}

/// One end of a virtual cable.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// The interface's name there.
    pub name: &'a str,
    /// In which network namespace; it must be open until the change was carried out.
    pub namespace: Option<BorrowedFd<'a>>,
    /// Its hardware address; one by chance if nothing is said.
    pub mac: Option<[u8; 6]>,
}

impl End<'_> {
    fn attributes(self) -> Vec<Vec<u8>> {
        let name = attribute(of_link::NAME, &text(self.name));
        let there = self.namespace.map(|there| there.as_raw_fd().to_ne_bytes());
        let there = there.map(|there| attribute(of_link::NAMESPACE, &there));
        let mac = self.mac.map(|mac| attribute(of_link::MAC, &mac));
        [Some(name), there, mac].into_iter().flatten().collect()
    }
}

/// A cable between two interfaces, both down (veth(4)). `EEXIST`: a name is taken.
#[must_use]
pub fn cable(near: End<'_>, far: End<'_>) -> Change {
    const PEER: u16 = 1;
    let mut peer = header(0, 0, 0).to_vec();
    peer.extend(far.attributes().concat());
    let info = [
        attribute(of_info::KIND, b"veth"),
        nested(of_info::DATA, &[attribute(PEER, &peer)]),
    ];
    let flags = flag::CREATE | flag::EXCLUSIVE;
    let body = Body::new(kind::NEW_LINK, flags, &header(0, 0, 0));
    let body = body.attributes(&near.attributes());
    Change(body.nested(of_link::INFO, &info))
}

/// Puts an interface up, or down.
#[must_use]
pub fn set_up(index: u32, up: bool) -> Change {
    let flags = if up { UP } else { 0 };
    Change(Body::new(kind::NEW_LINK, 0, &fixed(0, index, flags, UP)))
}

/// Gives an interface, which must be down, another name.
#[must_use]
pub fn rename(index: u32, name: &str) -> Change {
    Change(existing(index).attribute(of_link::NAME, &text(name)))
}

/// Makes an interface a port of a bridge, or of none.
#[must_use]
pub fn attach(index: u32, bridge: Option<u32>) -> Change {
    let bridge = bridge.unwrap_or(0);
    Change(existing(index).attribute(of_link::MASTER, &bridge.to_ne_bytes()))
}

/// Isolates a port of a bridge: it exchanges frames with ports that are not isolated only.
#[must_use]
pub fn isolate(port: u32, isolated: bool) -> Change {
    const BRIDGE: u8 = 7;
    const ISOLATED: u16 = 33;
    let body = Body::new(kind::SET_LINK, 0, &header(BRIDGE, port, 0));
    let isolated = attribute(ISOLATED, &[u8::from(isolated)]);
    Change(body.nested(of_link::PROTOCOL, &[isolated]))
}

/// Forwards IPv4 packets that come in by this interface, or drops them
/// (`net.ipv4.conf.*.forwarding`, where `/proc/sys` cannot be written).
#[must_use]
pub fn forward_ipv4(index: u32, forward: bool) -> Change {
    const IPV4: u16 = 2;
    const SETTINGS: u16 = 1;
    const FORWARDING: u16 = 1;
    let setting = attribute(FORWARDING, &u32::from(forward).to_ne_bytes());
    let family = nested(IPV4, &[nested(SETTINGS, &[setting])]);
    Change(existing(index).nested(of_link::FAMILIES, &[family]))
}

/// Removes an interface; a cable vanishes with both its ends.
#[must_use]
pub fn delete(index: u32) -> Change {
    Change(Body::new(kind::DEL_LINK, 0, &header(0, index, 0)))
}

fn existing(index: u32) -> Body {
    Body::new(kind::NEW_LINK, 0, &header(0, index, 0))
}

const fn header(family: u8, index: u32, flags: u32) -> [u8; 16] {
    fixed(family, index, flags, 0)
}

/// `ifinfomsg`: family, padding, hardware type, index, flags, which flags change.
const fn fixed(family: u8, index: u32, flags: u32, change: u32) -> [u8; 16] {
    let index = index.to_ne_bytes();
    let flags = flags.to_ne_bytes();
    let change = change.to_ne_bytes();
    [
        family, 0, 0, 0, index[0], index[1], index[2], index[3], flags[0], flags[1], flags[2],
        flags[3], change[0], change[1], change[2], change[3],
    ]
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;
    use crate::{
        namespace::Network,
        netlink::{Requests, link::Link},
        testing::{in_private_network, ip},
    };

    fn end(name: &str) -> End<'_> {
        End {
            name,
            namespace: None,
            mac: None,
        }
    }

    fn apply(changes: &[Change]) {
        for outcome in Requests::open().unwrap().apply(changes) {
            outcome.unwrap();
        }
    }

    fn link(name: &str) -> Option<Link> {
        let links = Requests::open().unwrap().links().unwrap();
        links.into_iter().find(|link| link.name == name)
    }

    fn index(name: &str) -> u32 {
        link(name).unwrap().index
    }

    #[test]
    fn a_bridge_with_a_port_comes_up() {
        in_private_network(|| {
            apply(&[bridge("lan", None), cable(end("port"), end("host"))]);
            apply(&[attach(index("port"), Some(index("lan")))]);
            let names = ["lan", "port", "host"];
            apply(&names.map(|name| set_up(index(name), true)));
            let shown = ip("-d link show port");
            assert!(shown.contains("master lan"), "{shown}");
            assert!(names.iter().all(|name| link(name).unwrap().up));
            apply(&[set_up(index("port"), false), attach(index("port"), None)]);
            let shown = ip("-d link show port");
            assert!(!shown.contains("master") && !link("port").unwrap().up);
        });
    }

    #[test]
    fn a_port_is_isolated_and_freed() {
        in_private_network(|| {
            apply(&[bridge("lan", None), cable(end("port"), end("host"))]);
            apply(&[attach(index("port"), Some(index("lan")))]);
            for (isolated, word) in [(true, "isolated on"), (false, "isolated off")] {
                apply(&[isolate(index("port"), isolated)]);
                let shown = ip("-d link show port");
                assert!(shown.contains(word), "{shown}");
            }
        });
    }

    #[test]
    fn the_far_end_of_a_cable_is_in_another_namespace() {
        in_private_network(|| {
            let other = Network::new().unwrap();
            let far = End {
                name: "eth0",
                namespace: Some(other.as_fd()),
                mac: Some([2, 0, 10, 0, 1, 207]),
            };
            apply(&[cable(end("port"), far)]);
            assert!(link("port").is_some() && link("eth0").is_none());
            let there = other.run(|| {
                let mac = link("eth0").unwrap().mac;
                assert_eq!(mac, Some([2, 0, 10, 0, 1, 207]));
                apply(&[rename(index("eth0"), "uplink")]);
                link("eth0").is_none() && link("uplink").is_some()
            });
            assert!(there.unwrap());
            apply(&[delete(index("port"))]);
            assert!(other.run(|| link("uplink").is_none()).unwrap());
        });
    }

    #[test]
    fn forwarding_is_switched_where_it_is_shown() {
        in_private_network(|| {
            apply(&[cable(end("near"), end("far"))]);
            let shown = || {
                let path = "/proc/sys/net/ipv4/conf/near/forwarding";
                std::fs::read_to_string(path).unwrap()
            };
            for forward in [true, false] {
                apply(&[forward_ipv4(index("near"), forward)]);
                assert_eq!(shown().trim(), if forward { "1" } else { "0" });
            }
        });
    }
}
