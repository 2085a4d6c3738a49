//! The network: what is sent is lost, takes its time, and perhaps arrives twice.

use std::{net::IpAddr, time::Duration};

use pontoon_engine::vrrp::{
    InstanceId, Priority, Version,
    event::{Advert, Checksum, Event, Heard},
    packet::{GROUP_V4, GROUP_V6, emit_as, parse},
    settings::Peers,
};

use super::{Next, World};

#[derive(Debug, Clone)]
pub(super) struct Packet {
    from: IpAddr,
    to: IpAddr,
    bytes: Vec<u8>,
}

impl World {
    pub(super) fn send(&mut self, node: usize, instance: InstanceId, priority: Priority) {
        let host = &self.hosts[node];
        let settings = &host.settings.instances[instance.0];
        let Some(from) = host.source else {
            return;
        };
        let advert = Advert {
            version: settings.version,
            vrid: settings.vrid,
            priority,
            interval: settings.interval,
            addresses: settings.addresses.clone(),
            password: settings.password,
        };
        let way = match self.scenario.version {
            Version::V2 => Checksum::Message,
            Version::V3 => self.scenario.nodes[node].checksum,
        };
        let group = if from.is_ipv4() {
            GROUP_V4.into()
        } else {
            GROUP_V6.into()
        };
        let multicast = settings.peers == Peers::Multicast;
        for other in (0..self.hosts.len()).filter(|other| *other != node) {
            let to = if multicast {
                group
            } else {
                self.scenario.address(other)
            };
            let bytes = emit_as(way, &advert, from, to);
            self.carry(node, other, Packet { from, to, bytes });
        }
    }
    /// A packet is lost, takes its time, and perhaps arrives twice.
    fn carry(&mut self, node: usize, to: usize, packet: Packet) {
        if self.picture.cut[node][to] || self.random.chance(self.network.loss) {
            return;
        }
        if self.random.chance(self.network.duplicates) {
            let twin = packet.clone();
            let wait = self.delay();
            let next = Next::Arrives {
                node: to,
                packet: twin,
            };
            self.plan_in(wait, next);
        }
        let wait = self.delay();
        self.plan_in(wait, Next::Arrives { node: to, packet });
    }

    fn delay(&mut self) -> Duration {
        self.network.least_delay + self.random.up_to(self.network.jitter)
    }

    pub(super) fn announce(&mut self, node: usize, instance: InstanceId, repeat: u32) {
        for (neighbour, beside) in self.scenario.neighbours.clone().into_iter().enumerate() {
            for _ in 0..repeat {
                if self.picture.cut[node][beside] || self.random.chance(self.network.loss) {
                    continue;
                }
                let wait = self.delay();
                let router = instance.0;
                self.plan_in(
                    wait,
                    Next::Learn {
                        neighbour,
                        router,
                        node,
                    },
                );
            }
        }
    }

    pub(super) fn arrive(&mut self, node: usize, packet: &Packet) {
        let Packet { from, to, bytes } = packet;
        let (advert, checksum) = parse(bytes, *from, *to).expect("one of us has sent it");
        let instance = InstanceId(usize::from(advert.vrid.get()) - 51);
        let heard = Heard {
            from: *from,
            hop_limit: Some(255),
            advert,
            checksum,
        };
        self.tell(node, Event::Heard { instance, heard });
    }
}
