//! Whole Ethernet frames: packet(7).

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// A socket that sends frames and hears none.
#[derive(Debug)]
pub struct Ethernet(OwnedFd);

impl Ethernet {
    /// A new one, for the network namespace of the calling thread.
    ///
    /// # Errors
    /// Needs `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // Without a protocol nothing is received.
        let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None)?;
        Ok(Self(socket))
    }

    /// Sends a frame, from its destination address on, by an interface; never waits.
    ///
    /// # Errors
    /// The interface is down (`ENETDOWN`) or gone (`ENXIO`), its queue is full (`ENOBUFS`), the
    /// frame is too long.
    pub fn send(&self, interface: u32, frame: &[u8]) -> io::Result<()> {
        let family = libc::sa_family_t::try_from(libc::AF_PACKET).unwrap_or_default();
        let protocol = frame.get(12..14).unwrap_or_default();
        let protocol = protocol.first_chunk().copied().map(u16::from_ne_bytes);
        let to = libc::sockaddr_ll {
            sll_family: family,
            sll_protocol: protocol.unwrap_or_default(),
            sll_ifindex: interface.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        let length = libc::socklen_t::try_from(size_of_val(&to)).unwrap_or_default();
        // SAFETY: both pointers and lengths describe memory that lives until the call returns.
        let sent = unsafe {
            libc::sendto(
                self.0.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                libc::MSG_NOSIGNAL,
                (&raw const to).cast(),
                length,
            )
        };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        netlink::Requests,
        testing::{in_private_network, ip},
    };

    #[test]
    fn a_frame_teaches_the_neighbour() {
        in_private_network(|| {
            ip("link add near address 02:00:00:00:00:01 type veth peer name far");
            ip("link set near up");
            ip("link set far up");
            ip("addr add 10.0.1.2/24 dev far");
            std::fs::write("/proc/sys/net/ipv4/conf/far/arp_accept", "1").unwrap();
            let links = Requests::open().unwrap().links().unwrap();
            let near = links.iter().find(|link| link.name == "near").unwrap();
            let mut frame = [0xff_u8; 42];
            frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
            frame[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
            frame[22..28].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
            frame[28..32].copy_from_slice(&[10, 0, 1, 9]);
            frame[38..42].copy_from_slice(&[10, 0, 1, 9]);
            let ethernet = Ethernet::open().unwrap();
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
            // A new interface swallows what is sent before the kernel has looked at its carrier.
            while !ip("neigh show dev far").contains("10.0.1.9 lladdr 02:00:00:00:00:01") {
                assert!(std::time::Instant::now() < deadline, "nothing learned");
                ethernet.send(near.index, &frame).unwrap();
            }
            ip("link set near down");
            let error = ethernet.send(near.index, &frame).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENETDOWN));
            let error = ethernet.send(999, &frame).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENXIO));
        });
    }
}
