//! The kernel's memory of connections (conntrack), over `NETLINK_NETFILTER`.

use std::io;

use rustix::net::{SendFlags, netlink, send};

use super::{
    message::{Body, flag, messages},
    open_family, receive,
};

/// Forgets all connections of this network namespace: packets of those under way are looked at as
/// if they began with them, so those whose mapping has changed end.
///
/// # Errors
/// Not allowed, or the kernel cannot (`nf_conntrack_netlink` is missing).
pub fn forget_all() -> io::Result<()> {
    /// Subsystem 1, message 2: delete; without a tuple, everything.
    const DELETE: u16 = (1 << 8) | 2;
    const IPV4: u8 = 2;
    const SEQUENCE: u32 = 1;
    let socket = open_family(Some(netlink::NETFILTER), 0)?;
    let body = Body::new(DELETE, 0, &[IPV4, 0, 0, 0]);
    send(
        &socket,
        &body.encode(flag::ACK, SEQUENCE),
        SendFlags::NOSIGNAL,
    )?;
    let packet = receive(&socket)?;
    let mut answers = messages(&packet).filter_map(|message| message.acknowledgement());
    answers
        .next()
        .unwrap_or_else(|| Err(io::ErrorKind::InvalidData.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_private_network;

    #[test]
    fn an_empty_memory_can_be_emptied() {
        in_private_network(|| forget_all().unwrap());
    }
}
