//! Taking away what a dead election held: two nodes with one address are worse than none.

use std::io;

use pontoon_sys::netlink::{Requests, address::NewAddress};

use super::voice::Voice;
use crate::node::message::Held;

/// Removes these addresses at once, and says so.
pub(super) fn remove(held: &[Held], voice: &Voice) {
    if held.is_empty() {
        return;
    }
    if let Err(error) = try_remove(held, voice) {
        let list: Vec<_> = held.iter().map(name).collect();
        voice.alert(format!(
            "cannot remove what the election held: {error}; remove by hand: {}",
            list.join(", ")
        ));
    }
}

fn try_remove(held: &[Held], voice: &Voice) -> io::Result<()> {
    let mut kernel = Requests::open()?;
    let links = kernel.links()?;
    let index = |interface: &str| links.iter().find(|link| link.name == interface);
    // With an interface that is gone, its addresses are.
    let there = held
        .iter()
        .filter_map(|held| Some((held, index(&held.interface)?.index)));
    let (there, changes): (Vec<_>, Vec<_>) = there
        .map(|(held, index)| {
            let address = NewAddress::new(index, held.address, held.prefix);
            (held, address.remove())
        })
        .unzip();
    for (held, outcome) in there.into_iter().zip(kernel.apply(&changes)) {
        match outcome {
            Ok(()) => voice.warning(format!("removed {}, which it held", name(held))),
            // It had not come to that yet, or somebody else was faster.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
            Err(error) => voice.alert(format!(
                "cannot remove {}, which it held: {error}",
                name(held)
            )),
        }
    }
    Ok(())
}

fn name(held: &Held) -> String {
    format!("{}/{} on {}", held.address, held.prefix, held.interface)
}
