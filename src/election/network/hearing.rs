//! From a packet to the instance it is for.

use std::{io, net::IpAddr, task::Context};

use pontoon_config::keepalived::model::Instance;
use pontoon_engine::vrrp::{InstanceId, event::Heard, packet, readiness};
use pontoon_sys::vrrp::Received;

use super::{Asked, Network, NetworkEvent, sockets::Hears};
use crate::election::log::Level;

impl Network {
    /// Takes what has arrived; true if there was something.
    pub(super) fn poll_sockets(&mut self, context: &mut Context<'_>) -> bool {
        let arrived = self.sockets.poll(context);
        let any = !arrived.is_empty();
        for (hears, received) in arrived {
            match received {
                Ok(received) => self.hear(&hears, &received),
                Err(error) => self.cannot_hear(&hears, &error),
            }
        }
        any
    }

    /// An interface that goes down says so on its sockets, too; that is told elsewhere.
    fn cannot_hear(&mut self, hears: &Hears, error: &io::Error) {
        let what = format!("cannot receive advertisements ({hears:?}): {error}");
        self.complaints.mention(Level::Debug, what);
    }

    fn hear(&mut self, hears: &Hears, received: &Received) {
        if let Hears::Group { group, .. } = hears
            && received.to != *group
        {
            // Unicast to this machine; the socket for that has its own copy.
            return;
        }
        if readiness::is_message(&received.payload) {
            return self.hear_message(hears, received);
        }
        // Byte 1 is the VRID in every version; many virtual routers may share a network.
        let Some(&vrid) = received.payload.get(1) else {
            return;
        };
        for index in 0..self.model.instances.len() {
            if self.is_for(hears, received.to, vrid, index) {
                self.hear_for(InstanceId(index), received);
            }
        }
    }

    /// About readiness. It is not complained about: no advertisement is lost with it.
    fn hear_message(&mut self, hears: &Hears, received: &Received) {
        let Some(message) = readiness::parse(&received.payload) else {
            return;
        };
        let from = received.from;
        for index in 0..self.model.instances.len() {
            let settings = &self.model.instances[index];
            let is_peer = match &settings.unicast_peers {
                None => true,
                Some(peers) => peers.iter().any(|peer| peer.address == from),
            };
            if is_peer
                && self.is_for(hears, received.to, message.vrid.get(), index)
                && hops_fit(settings, received)
            {
                self.events.push_back(NetworkEvent::Asked(Box::new(Asked {
                    instance: InstanceId(index),
                    from,
                    hop_limit: received.hop_limit,
                    message: message.clone(),
                })));
            }
        }
    }

    fn is_for(&self, hears: &Hears, to: IpAddr, vrid: u8, index: usize) -> bool {
        let instance = &self.model.instances[index];
        let to_us = match hears {
            Hears::Group { .. } => true,
            Hears::Unicast(_) => self.ends[index].source == Some(to),
        };
        instance.vrid.get() == vrid && to_us && Hears::of(&self.model, instance) == *hears
    }

    fn hear_for(&mut self, instance: InstanceId, received: &Received) {
        let from = received.from;
        let settings = &self.model.instances[instance.0];
        let name = &settings.name;
        if let Some((low, high)) = hop_limits(settings, from)
            && !hops_fit(settings, received)
        {
            self.ends[instance.0].losses.hop_limit += 1;
            let what = format!("({name}) dropped: TTL from {from} is not {low} to {high}");
            return self.complaints.first(&format!("hops {name} {from}"), what);
        }
        match packet::parse(&received.payload, from, received.to) {
            Ok((advert, checksum)) => {
                let hop_limit = received.hop_limit;
                let heard = Heard {
                    from,
                    hop_limit,
                    advert,
                    checksum,
                };
                let event = NetworkEvent::Heard { instance, heard };
                self.events.push_back(event);
            }
            Err(error) => {
                self.ends[instance.0].losses.unreadable += 1;
                let what = format!("({name}) dropped a packet from {from}: {error}");
                let kind = std::mem::discriminant(&error);
                let key = format!("packets {name} {from} {kind:?}");
                self.complaints.first(&key, what);
            }
        }
    }
}

/// Whether a packet has come as far as the file allows.
fn hops_fit(instance: &Instance, received: &Received) -> bool {
    hop_limits(instance, received.from).is_none_or(|(low, high)| {
        let hops = received.hop_limit;
        hops.is_some_and(|hops| hops >= low && hops <= high)
    })
}

/// What the file asks of a unicast peer's packets (`min_ttl`, `max_ttl`).
fn hop_limits(instance: &Instance, from: IpAddr) -> Option<(u8, u8)> {
    let mut peers = instance.unicast_peers.iter().flatten();
    let peer = peers.find(|peer| peer.address == from)?;
    if peer.min_ttl.is_none() && peer.max_ttl.is_none() {
        return None;
    }
    Some((peer.min_ttl.unwrap_or(0), peer.max_ttl.unwrap_or(u8::MAX)))
}
