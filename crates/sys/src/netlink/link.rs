//! Interfaces.

use super::message::{Body, Message, kind};

/// Length of `ifinfomsg`.
const FIXED: usize = 16;

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number; a new one even if it comes back under the same name.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Somebody wants it up.
    pub up: bool,
    /// It is up and has a carrier, as far as the kernel knows.
    pub running: bool,
    /// Its neighbours are found by ARP or neighbour discovery; loopback and tunnels do without.
    pub speaks_arp: bool,
    /// Its hardware address, if it is an Ethernet.
    pub mac: Option<[u8; 6]>,
}

impl Link {
    pub(super) fn parse(message: &Message<'_>) -> Option<Self> {
        const ETHERNET: [u8; 2] = 1_u16.to_ne_bytes();
        const UP: u32 = 0x1;
        const LOOPBACK: u32 = 0x8;
        const RUNNING: u32 = 0x40;
        const NO_ARP: u32 = 0x80;
        const HARDWARE_ADDRESS: u16 = 1;
        const NAME: u16 = 3;
        // A bridge tells of its ports in the same way, and of their leaving as if they were gone.
        let about_the_interface_itself = message.u8_at(0)? == 0;
        if !about_the_interface_itself {
            return None;
        }
        let flags = message.u32_at(8)?;
        let mut name = None;
        let mut mac = None;
        for (kind, value) in message.attributes(FIXED) {
            match kind {
                NAME => name = std::ffi::CStr::from_bytes_until_nul(value).ok(),
                HARDWARE_ADDRESS => mac = value.try_into().ok(),
                _ => {}
            }
        }
        Some(Self {
            index: message.u32_at(4)?,
            name: name?.to_string_lossy().into_owned(),
            up: flags & UP != 0,
            running: flags & RUNNING != 0,
            speaks_arp: flags & (NO_ARP | LOOPBACK) == 0,
            mac: mac.filter(|_| message.content.get(2..4) == Some(&ETHERNET)),
        })
    }
}

/// The question for all of them, without their statistics.
pub(super) fn everything() -> Body {
    const EXTENT: u16 = 29;
    const NO_STATISTICS: u32 = 1 << 3;
    let body = Body::new(kind::GET_LINK, 0, &[0; FIXED]);
    body.attribute(EXTENT, &NO_STATISTICS.to_ne_bytes())
}
