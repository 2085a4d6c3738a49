//! Raw sockets for VRRP, IP protocol 112: raw(7), ip(7), ipv6(7).
//!
//! Nothing but the payload is ours; the kernel writes the IP header. Where a packet comes from,
//! where it leaves and how far it may go is said with each packet, so that one socket serves many
//! virtual routers.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, OwnedFd},
};

use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, socket_with, sockopt};
use socket2::{InterfaceIndexOrAddress, MaybeUninitSlice, MsgHdr, MsgHdrMut, SockAddr, SockRef};

/// "Internetwork control", as keepalived sends it.
const TRAFFIC_CLASS: u8 = 0xc0;
/// More than any advertisement, with its IPv4 header.
const LONGEST: usize = 8192;

/// Which IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Version 4.
    V4,
    /// Version 6.
    V6,
}

impl Family {
    /// That of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// How a packet is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Its source address.
    pub from: IpAddr,
    /// Where it goes.
    pub to: IpAddr,
    /// The interface that it leaves by; `None`: as the routes say.
    pub interface: Option<u32>,
    /// How many routers it may pass, and one more.
    pub hop_limit: u8,
}

/// A packet that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Who sent it.
    pub from: IpAddr,
    /// Whom it is for: us, or a group.
    pub to: IpAddr,
    /// What is left of its TTL or hop limit, if the kernel told.
    pub hop_limit: Option<u8>,
    /// What is behind the IP header.
    pub payload: Vec<u8>,
}

/// A socket that hears what is sent to this machine's own addresses, on any interface.
///
/// # Errors
/// Needs `CAP_NET_RAW`.
pub fn open_unicast(family: Family) -> io::Result<OwnedFd> {
    let domain = match family {
        Family::V4 => AddressFamily::INET,
        Family::V6 => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(domain, SocketType::RAW, flags, protocol())?;
    let options = SockRef::from(&socket);
    match family {
        Family::V4 => {
            sockopt::set_ip_tos(&socket, TRAFFIC_CLASS)?;
            sockopt::set_ip_multicast_loop(&socket, false)?;
            // Otherwise it would hear every group that anybody on this machine has joined.
            options.set_multicast_all_v4(false)?;
        }
        Family::V6 => {
            crate::option::set_traffic_class(&socket, TRAFFIC_CLASS)?;
            sockopt::set_ipv6_multicast_loop(&socket, false)?;
            options.set_multicast_all_v6(false)?;
            crate::option::tell_destination_and_hop_limit(&socket)?;
        }
    }
    Ok(socket)
}

/// A socket that hears what arrives for a group (and for us) on one interface, but not what this
/// machine sends itself, and that may send from addresses that are not ours.
///
/// # Errors
/// Needs `CAP_NET_RAW`. There is no such interface, or it is in too many groups (IPv4: see
/// `net.ipv4.igmp_max_memberships`).
pub fn open_group(group: IpAddr, name: &str, interface: u32) -> io::Result<OwnedFd> {
    let socket = open_unicast(Family::of(group))?;
    crate::option::bind_to_interface(&socket, name)?;
    crate::option::set_transparent(&socket, group.is_ipv6())?;
    match group {
        IpAddr::V4(group) => {
            let on = InterfaceIndexOrAddress::Index(interface);
            SockRef::from(&socket).join_multicast_v4_n(&group, &on)?;
        }
        IpAddr::V6(group) => sockopt::set_ipv6_add_membership(&socket, &group, interface)?,
    }
    Ok(socket)
}

/// A socket for one peer, sending from one of our addresses: it hears nobody else, and what the network
/// refuses on the way there is told as an error by [`receive`].
///
/// # Errors
/// Needs `CAP_NET_RAW`; there is no route; `from` is not ours.
pub fn open_peer(peer: IpAddr, from: Option<IpAddr>) -> io::Result<OwnedFd> {
    let socket = open_unicast(Family::of(peer))?;
    crate::option::tell_refusals(&socket, peer.is_ipv6())?;
    let options = SockRef::from(&socket);
    if let Some(from) = from {
        options.bind(&SockAddr::from(SocketAddr::from((from, 0))))?;
    }
    options.connect(&SockAddr::from(SocketAddr::from((peer, 0))))?;
    Ok(socket)
}

/// Sends one packet to the peer of [`open_peer`].
///
/// # Errors
/// A firewall of this machine; what the network has refused before.
pub fn send_to_peer(socket: impl AsFd, payload: &[u8]) -> io::Result<()> {
    SockRef::from(&socket).send(payload).map(drop)
}

fn protocol() -> Option<Protocol> {
    const VRRP: u32 = 112;
    rustix::net::RawProtocol::new(VRRP).map(Protocol::from_raw)
}

/// Takes the next packet; `None` if there is none.
///
/// # Errors
/// The interface went down. The socket stays usable.
pub fn receive(socket: impl AsFd) -> io::Result<Option<Received>> {
    let mut bytes = [MaybeUninit::uninit(); LONGEST];
    let mut control = [MaybeUninit::uninit(); 256];
    let mut from = SockAddr::from(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)));
    let mut buffers = [MaybeUninitSlice::new(&mut bytes)];
    let mut header = MsgHdrMut::new()
        .with_addr(&mut from)
        .with_buffers(&mut buffers)
        .with_control(&mut control);
    let length = match SockRef::from(&socket).recvmsg(&mut header, 0) {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        Err(error) => return Err(error),
    };
    let told = header.control_len();
    // SAFETY: the kernel has written as many bytes as it said.
    let (bytes, control) = unsafe {
        let control = control.get(..told).unwrap_or_default().assume_init_ref();
        (
            bytes.get(..length).unwrap_or_default().assume_init_ref(),
            control,
        )
    };
    let received = match from.as_socket() {
        Some(SocketAddr::V4(_)) => received_v4(bytes),
        Some(SocketAddr::V6(from)) => received_v6(*from.ip(), bytes, control),
        None => None,
    };
    received
        .map(Some)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// IPv4 hands out the IP header, too.
fn received_v4(packet: &[u8]) -> Option<Received> {
    let address = |at: usize| packet.get(at..)?.first_chunk().copied().map(Ipv4Addr::from);
    let header_length = usize::from(packet.first()? & 0xf) * 4;
    Some(Received {
        from: address(12)?.into(),
        to: address(16)?.into(),
        hop_limit: packet.get(8).copied(),
        payload: packet.get(header_length..)?.to_vec(),
    })
}

/// IPv6 tells what else we want to know beside the packet.
fn received_v6(from: Ipv6Addr, payload: &[u8], control: &[u8]) -> Option<Received> {
    let mut to = None;
    let mut hop_limit = None;
    for (kind, value) in control_messages(control) {
        match kind {
            libc::IPV6_PKTINFO => to = value.first_chunk::<16>().copied().map(Ipv6Addr::from),
            libc::IPV6_HOPLIMIT => {
                let number = value.first_chunk().copied().map(i32::from_ne_bytes);
                hop_limit = number.and_then(|number| u8::try_from(number).ok());
            }
            _ => {}
        }
    }
    Some(Received {
        from: from.into(),
        to: to?.into(),
        hop_limit,
        payload: payload.to_vec(),
    })
}

/// Sends one packet; never waits.
///
/// # Errors
/// No route; the source address is not ours; the interface is gone or down; a firewall.
pub fn send(socket: impl AsFd, way: Way, payload: &[u8]) -> io::Result<()> {
    let mut control = Vec::with_capacity(64);
    let index = way.interface.unwrap_or(0);
    let hops = i32::from(way.hop_limit).to_ne_bytes();
    match way.from {
        IpAddr::V4(from) => {
            let mut information = index.to_ne_bytes().to_vec();
            information.extend(from.octets());
            information.extend([0; 4]);
            control_message(
                &mut control,
                libc::IPPROTO_IP,
                libc::IP_PKTINFO,
                &information,
            );
            control_message(&mut control, libc::IPPROTO_IP, libc::IP_TTL, &hops);
        }
        IpAddr::V6(from) => {
            let mut information = from.octets().to_vec();
            information.extend(index.to_ne_bytes());
            control_message(
                &mut control,
                libc::IPPROTO_IPV6,
                libc::IPV6_PKTINFO,
                &information,
            );
            control_message(&mut control, libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, &hops);
        }
    }
    let to = SockAddr::from(SocketAddr::from((way.to, 0)));
    let buffers = [IoSlice::new(payload)];
    let header = MsgHdr::new()
        .with_addr(&to)
        .with_buffers(&buffers)
        .with_control(&control);
    SockRef::from(&socket).sendmsg(&header, libc::MSG_NOSIGNAL)?;
    Ok(())
}

/// Length of `cmsghdr`: a size and two integers.
const CONTROL_HEADER: usize = size_of::<usize>() + 8;

/// Appends one message as cmsg(3) lays it out.
fn control_message(control: &mut Vec<u8>, level: i32, kind: i32, value: &[u8]) {
    control.extend((CONTROL_HEADER + value.len()).to_ne_bytes());
    control.extend(level.to_ne_bytes());
    control.extend(kind.to_ne_bytes());
    control.extend(value);
    control.resize(control.len().next_multiple_of(size_of::<usize>()), 0);
}

/// The messages that came with an IPv6 packet, by kind.
fn control_messages(control: &[u8]) -> impl Iterator<Item = (i32, &[u8])> {
    let mut rest = control;
    std::iter::from_fn(move || {
        let length = usize::from_ne_bytes(*rest.first_chunk()?);
        let (header, value) = rest.get(..length)?.split_at_checked(CONTROL_HEADER)?;
        let kind = i32::from_ne_bytes(*header.last_chunk()?);
        let end = length.next_multiple_of(size_of::<usize>());
        rest = rest.get(end..).unwrap_or_default();
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        netlink::Requests,
        process::wait::readable,
        testing::{in_private_network, ip},
    };

    const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
    const GROUP_6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));

    /// Two interfaces that hear each other, in one namespace.
    fn wire() -> (u32, u32) {
        ip("link add near type veth peer name far");
        for name in ["near", "far"] {
            ip(&format!("link set {name} up"));
        }
        ip("addr add 10.0.1.1/24 dev near");
        ip("addr add fe80::1/64 dev near nodad");
        ip("addr add fe80::2/64 dev far nodad");
        let links = Requests::open().unwrap().links().unwrap();
        let index = |name| links.iter().find(|link| link.name == name).unwrap().index;
        (index("near"), index("far"))
    }

    fn wait(socket: &OwnedFd) -> Received {
        let soon = Some(std::time::Duration::from_secs(10));
        readable([Some(socket.as_fd())], soon).unwrap();
        receive(socket).unwrap().expect("nothing came")
    }

    /// Sends until it arrives: a new interface swallows what is sent before the kernel has looked
    /// at its carrier.
    fn exchange(from: &OwnedFd, way: Way, payload: &[u8], to: &OwnedFd) -> Received {
        let soon = Some(std::time::Duration::from_millis(100));
        for _ in 0..100 {
            send(from, way, payload).unwrap();
            if readable([Some(to.as_fd())], soon).unwrap() == [true] {
                return receive(to).unwrap().expect("it was readable");
            }
        }
        panic!("nothing came");
    }

    fn way(from: &str, to: IpAddr, interface: u32, hop_limit: u8) -> Way {
        Way {
            from: from.parse().unwrap(),
            to,
            interface: Some(interface),
            hop_limit,
        }
    }

    #[test]
    fn a_group_is_heard_on_its_interface_only() {
        in_private_network(|| {
            let (near, far) = wire();
            // What comes from one's own address is taken for a lie otherwise.
            std::fs::write("/proc/sys/net/ipv4/conf/far/accept_local", "1").unwrap();
            let here = open_group(GROUP, "near", near).unwrap();
            let there = open_group(GROUP, "far", far).unwrap();
            let way_out = way("10.0.1.1", GROUP, near, 255);
            let expected = Received {
                from: "10.0.1.1".parse().unwrap(),
                to: GROUP,
                hop_limit: Some(255),
                payload: b"advert".to_vec(),
            };
            assert_eq!(exchange(&here, way_out, b"advert", &there), expected);
            assert_eq!(receive(&here).unwrap(), None, "no echo");
            // Not our own address: hidden, as `mcast_src_ip` allows.
            send(&here, way("10.0.1.77", GROUP, near, 255), b"hidden").unwrap();
            assert_eq!(wait(&there).from.to_string(), "10.0.1.77");
        });
    }

    #[test]
    fn a_group_is_heard_over_ipv6() {
        in_private_network(|| {
            let (near, far) = wire();
            let here = open_group(GROUP_6, "near", near).unwrap();
            let there = open_group(GROUP_6, "far", far).unwrap();
            let way_out = way("fe80::1", GROUP_6, near, 255);
            let expected = Received {
                from: "fe80::1".parse().unwrap(),
                to: GROUP_6,
                hop_limit: Some(255),
                payload: b"advert".to_vec(),
            };
            assert_eq!(exchange(&here, way_out, b"advert", &there), expected);
            assert_eq!(receive(&here).unwrap(), None, "no echo");
        });
    }

    #[test]
    fn unicast_follows_the_routes_and_keeps_its_hop_limit() {
        in_private_network(|| {
            ip("link set lo up");
            for (family, address) in [(Family::V4, "127.0.0.1"), (Family::V6, "::1")] {
                let socket = open_unicast(family).unwrap();
                let mut way = way(address, address.parse().unwrap(), 0, 64);
                way.interface = None;
                send(&socket, way, b"advert").unwrap();
                let received = wait(&socket);
                assert_eq!((received.from, received.to), (way.from, way.to));
                assert_eq!(received.hop_limit, Some(64));
                assert_eq!(received.payload, b"advert");
            }
        });
    }

    #[test]
    fn a_unicast_socket_hears_no_group() {
        in_private_network(|| {
            let (near, far) = wire();
            std::fs::write("/proc/sys/net/ipv4/conf/far/accept_local", "1").unwrap();
            let deaf = open_unicast(Family::V4).unwrap();
            let here = open_group(GROUP, "near", near).unwrap();
            let there = open_group(GROUP, "far", far).unwrap();
            exchange(&here, way("10.0.1.1", GROUP, near, 255), b"advert", &there);
            assert_eq!(receive(&deaf).unwrap(), None);
        });
    }

    #[test]
    fn what_cannot_be_sent_is_an_error() {
        in_private_network(|| {
            let (near, _) = wire();
            let socket = open_unicast(Family::V4).unwrap();
            let mut nowhere = way("10.0.1.1", "192.0.2.1".parse().unwrap(), near, 255);
            nowhere.interface = None;
            let error = send(&socket, nowhere, b"x").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENETUNREACH));
            let stranger = way("10.0.1.99", "10.0.1.2".parse().unwrap(), near, 255);
            let error = send(&socket, stranger, b"x").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENETUNREACH));
            assert!(open_group(GROUP, "nonesuch", 99).is_err());
        });
    }

    #[test]
    fn headers_that_lie_are_no_packets() {
        assert_eq!(received_v4(&[]), None);
        assert_eq!(received_v4(&[0x4f; 20]), None);
        assert_eq!(control_messages(&[0xff; 24]).count(), 0);
        assert_eq!(control_messages(&[0; 24]).count(), 0);
    }
}
