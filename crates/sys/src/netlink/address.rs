//! Addresses on interfaces.

use std::net::{IpAddr, Ipv4Addr};

use super::{
    Change,
    message::{Body, Message, flag, kind, number},
};

/// Length of `ifaddrmsg`.
const FIXED: usize = 8;

/// Attributes of an address.
mod attribute {
    pub(super) const ADDRESS: u16 = 1;
    pub(super) const LOCAL: u16 = 2;
    pub(super) const LABEL: u16 = 3;
    pub(super) const BROADCAST: u16 = 4;
    pub(super) const LIFETIMES: u16 = 6;
    pub(super) const FLAGS: u16 = 8;
    pub(super) const ORIGIN: u16 = 11;
}

/// Flags of an address.
mod state {
    pub(super) const SECONDARY: u32 = 0x01;
    pub(super) const NO_DAD: u32 = 0x02;
    pub(super) const DAD_FAILED: u32 = 0x08;
    pub(super) const HOME: u32 = 0x10;
    pub(super) const TENTATIVE: u32 = 0x40;
}

/// An address on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The interface.
    pub interface: u32,
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// As in rtnetlink(7): 0 global, 253 link, 254 host.
    pub scope: u8,
    /// IPv4: it came after another one of the same network. IPv6: it is temporary.
    pub secondary: bool,
    /// IPv6: not usable yet, as it is not known to be unique, or known not to be.
    pub tentative: bool,
    /// Who put it there, if he said so: [`ORIGIN`] is us. Kernels before 5.18 do not keep it.
    pub origin: u8,
}

/// The mark of addresses and routes that the election put up: what the kernel calls
/// `RTPROT_KEEPALIVED`.
pub const ORIGIN: u8 = 18;

impl Address {
    pub(super) fn parse(message: &Message<'_>) -> Option<Self> {
        let mut flags = u32::from(message.u8_at(2)?);
        let mut local = None;
        let mut address = None;
        let mut origin = 0;
        for (kind, value) in message.attributes(FIXED) {
            match kind {
                // On a point-to-point link `ADDRESS` is the other end.
                attribute::LOCAL => local = ip(value),
                attribute::ADDRESS => address = ip(value),
                attribute::FLAGS => flags = number(value)?,
                attribute::ORIGIN => origin = value.first().copied()?,
                _ => {}
            }
        }
        Some(Self {
            interface: message.u32_at(4)?,
            address: local.or(address)?,
            prefix: message.u8_at(1)?,
            scope: message.u8_at(3)?,
            secondary: flags & state::SECONDARY != 0,
            tentative: flags & (state::TENTATIVE | state::DAD_FAILED) != 0,
            origin,
        })
    }
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
        _ => None,
    }
}

/// The question for all of them.
pub(super) fn everything() -> Body {
    Body::new(kind::GET_ADDRESS, 0, &[0; FIXED])
}

/// An address to be put on an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAddress {
    /// The interface.
    pub interface: u32,
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// The other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// The broadcast address of its network.
    pub broadcast: Option<Ipv4Addr>,
    /// Its label (IPv4), at most 15 bytes.
    pub label: Option<String>,
    /// As in rtnetlink(7); global (0) if nothing is said. IPv6 knows its own.
    pub scope: u8,
    /// IPv6: usable at once, without asking whether somebody else has it.
    pub no_dad: bool,
    /// IPv6: a home address (RFC 6275).
    pub home: bool,
    /// For how many seconds new connections may come from it; `None`: for ever.
    pub preferred_lifetime: Option<u32>,
}

impl NewAddress {
    /// With nothing but what every address has.
    #[must_use]
    pub const fn new(interface: u32, address: IpAddr, prefix: u8) -> Self {
        Self {
            interface,
            address,
            prefix,
            peer: None,
            broadcast: None,
            label: None,
            scope: 0,
            no_dad: false,
            home: false,
            preferred_lifetime: None,
        }
    }

    /// Puts it on the interface. `EEXIST`: it is there.
    #[must_use]
    pub fn add(&self) -> Change {
        let mut flags = 0;
        if self.no_dad {
            flags |= state::NO_DAD;
        }
        if self.home {
            flags |= state::HOME;
        }
        let mut body = self.body(kind::NEW_ADDRESS, flag::CREATE | flag::EXCLUSIVE);
        body = body.attribute(attribute::FLAGS, &flags.to_ne_bytes());
        body = body.attribute(attribute::ORIGIN, &[ORIGIN]);
        if let Some(broadcast) = self.broadcast {
            body = body.attribute(attribute::BROADCAST, &broadcast.octets());
        }
        if let Some(seconds) = self.preferred_lifetime {
            body = body.attribute(attribute::LIFETIMES, &lifetimes(seconds));
        }
        Change(body)
    }

    /// Takes it away. `EADDRNOTAVAIL`: it is not there.
    #[must_use]
    pub fn remove(&self) -> Change {
        Change(self.body(kind::DEL_ADDRESS, 0))
    }

    fn body(&self, kind: u16, flags: u16) -> Body {
        let family = if self.address.is_ipv4() {
            libc::AF_INET
        } else {
            libc::AF_INET6
        };
        let family = u8::try_from(family).unwrap_or_default();
        let mut fixed = vec![family, self.prefix, 0, self.scope];
        fixed.extend(self.interface.to_ne_bytes());
        let far_end = self.peer.unwrap_or(self.address);
        let mut body = Body::new(kind, flags, &fixed)
            .attribute(attribute::LOCAL, &octets(self.address))
            .attribute(attribute::ADDRESS, &octets(far_end));
        if let Some(label) = &self.label {
            let mut label = label.clone().into_bytes();
            label.push(0);
            body = body.attribute(attribute::LABEL, &label);
        }
        body
    }
}

/// `ifa_cacheinfo`: preferred, valid for ever, and two times that only the kernel knows.
fn lifetimes(preferred: u32) -> Vec<u8> {
    [preferred, u32::MAX, 0, 0]
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect()
}

pub(super) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::{os::fd::AsFd as _, time::Duration};

    use super::*;
    use crate::{
        netlink::{Monitor, Notice, Requests},
        process::wait::readable,
        testing::{in_private_network, ip},
    };

    fn host() -> (Requests, u32) {
        ip("link add eth0 type veth peer name far");
        ip("link set far up");
        ip("link set eth0 up");
        let mut requests = Requests::open().unwrap();
        let links = requests.links().unwrap();
        let link = links.iter().find(|link| link.name == "eth0").unwrap();
        (requests, link.index)
    }

    fn apply(requests: &mut Requests, change: Change) {
        requests.apply(&[change]).pop().unwrap().unwrap();
    }

    /// The kernel tells of IPv6 addresses a moment later.
    fn wait_for(monitor: &Monitor, wanted: impl Fn(&Notice) -> bool) {
        let soon = Some(Duration::from_secs(10));
        while !monitor.notices().unwrap().iter().any(&wanted) {
            let [more] = readable([Some(monitor.as_fd())], soon).unwrap();
            assert!(more, "not heard");
        }
    }

    #[test]
    fn an_ipv4_address_is_as_it_was_ordered() {
        in_private_network(|| {
            let (mut requests, eth0) = host();
            ip("addr add 10.0.1.1/24 dev eth0 scope link");
            let mut address = NewAddress::new(eth0, "10.0.1.9".parse().unwrap(), 24);
            address.broadcast = Some(Ipv4Addr::new(10, 0, 1, 255));
            address.label = Some("eth0:vip".into());
            // Within one network the kernel wants one scope.
            address.scope = 253;
            apply(&mut requests, address.add());
            let shown = ip("-o -4 addr show dev eth0");
            let wanted = "inet 10.0.1.9/24 brd 10.0.1.255 scope link secondary";
            assert!(
                shown.contains(wanted) && shown.contains("eth0:vip"),
                "{shown}"
            );
            let list = requests.addresses().unwrap();
            let main = |wanted: &str| {
                let mut all = list.iter();
                all.find(|one| one.address.to_string() == wanted).unwrap()
            };
            assert!(!main("10.0.1.1").secondary && main("10.0.1.9").secondary);
            assert_eq!(
                (main("10.0.1.1").origin, main("10.0.1.9").origin),
                (0, ORIGIN)
            );
            assert_eq!(main("10.0.1.9").scope, 253);
            apply(&mut requests, address.remove());
            assert!(!ip("-o -4 addr show dev eth0").contains("10.0.1.9"));
            let again = requests.apply(&[address.remove()]).pop().unwrap();
            let code = again.unwrap_err().raw_os_error();
            assert_eq!(code, Some(libc::EADDRNOTAVAIL));
        });
    }

    #[test]
    fn an_ipv6_address_without_detection_is_usable_at_once() {
        in_private_network(|| {
            let (mut requests, eth0) = host();
            let monitor = Monitor::open().unwrap();
            let mut address = NewAddress::new(eth0, "fd00::9".parse().unwrap(), 128);
            address.no_dad = true;
            address.preferred_lifetime = Some(0);
            apply(&mut requests, address.add());
            std::net::UdpSocket::bind("[fd00::9]:0").unwrap();
            let usable = |notice: &Notice| match notice {
                Notice::Address(heard) => heard.address == address.address && !heard.tentative,
                _ => false,
            };
            wait_for(&monitor, usable);
            let shown = ip("-o -6 addr show dev eth0");
            assert!(
                shown.contains("fd00::9/128 scope global nodad deprecated"),
                "{shown}"
            );
            let mut slow = NewAddress::new(eth0, "fd00::10".parse().unwrap(), 64);
            slow.home = true;
            apply(&mut requests, slow.add());
            let list = requests.addresses().unwrap();
            assert!(
                list.iter()
                    .any(|one| one.address == slow.address && one.tentative)
            );
            apply(&mut requests, address.remove());
            apply(&mut requests, slow.remove());
            assert!(!ip("-o -6 addr show dev eth0").contains("fd00::"));
        });
    }

    #[test]
    fn a_point_to_point_address_has_a_peer() {
        in_private_network(|| {
            let (mut requests, eth0) = host();
            let mut address = NewAddress::new(eth0, "10.0.1.9".parse().unwrap(), 32);
            address.peer = Some("10.0.1.10".parse().unwrap());
            apply(&mut requests, address.add());
            let shown = ip("-o -4 addr show dev eth0");
            assert!(shown.contains("inet 10.0.1.9 peer 10.0.1.10/32"), "{shown}");
            let list = requests.addresses().unwrap();
            assert!(list.iter().any(|one| one.address == address.address));
            apply(&mut requests, address.remove());
        });
    }
}
