//! Resigning for an election that can no longer do it: the others take over at once.

use std::io;

use pontoon_sys::vrrp::{self, Family, Way};

use super::voice::Voice;
use crate::node::message::Farewell;

/// Sends these, and says so.
pub(super) fn say(farewells: &[Farewell], voice: &Voice) {
    for farewell in farewells {
        let to = farewell.to;
        match send(farewell) {
            Ok(()) => voice.warning(format!("told {to} that the election resigns")),
            Err(error) => voice.warning(format!(
                "cannot tell {to} that the election resigns: {error}; it will find out by itself"
            )),
        }
    }
}

fn send(farewell: &Farewell) -> io::Result<()> {
    let socket = vrrp::open_unicast(Family::of(farewell.to))?;
    let way = Way {
        from: farewell.from,
        to: farewell.to,
        interface: farewell.interface,
        hop_limit: farewell.hop_limit,
    };
    vrrp::send(&socket, way, &farewell.payload)
}
