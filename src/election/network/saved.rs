//! What the next program takes over: the sockets with what has arrived in them, and what is known of
//! addresses that the kernel does not tell.

use std::{
    net::IpAddr,
    os::fd::{AsRawFd as _, RawFd},
    sync::Arc,
};

use pontoon_config::keepalived::model::Model;
use pontoon_sys::{descriptor, vrrp::Family};
use serde::{Deserialize, Serialize};

use super::{
    Losses, Network, NetworkError,
    sockets::{Hears, Sockets},
};
use crate::{election::log::Log, node::message::Held};

/// All of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SavedNetwork {
    sockets: Vec<SavedSocket>,
    /// Instances, and whether `promote_secondaries` was on before them.
    promoted: Vec<(String, bool)>,
    losses: Vec<(String, Losses)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedSocket {
    hears: SavedHears,
    /// The number of its interface.
    interface: Option<u32>,
    descriptor: RawFd,
}

#[derive(Debug, Serialize, Deserialize)]
enum SavedHears {
    Group { interface: String, group: IpAddr },
    Unicast { ipv6: bool },
}

impl SavedNetwork {
    /// What has to stay open.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.sockets.iter().map(|socket| socket.descriptor)
    }
}

impl Network {
    /// Whether nothing is left to be announced.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.announcer.is_idle() && self.events.is_empty()
    }

    /// What the next program needs.
    #[must_use]
    pub fn saved(&self) -> SavedNetwork {
        let sockets = self.sockets.all().map(|(hears, interface, descriptor)| {
            let hears = match hears {
                Hears::Group { interface, group } => SavedHears::Group {
                    interface: interface.clone(),
                    group: *group,
                },
                Hears::Unicast(family) => SavedHears::Unicast {
                    ipv6: *family == Family::V6,
                },
            };
            SavedSocket {
                hears,
                interface,
                descriptor: descriptor.as_raw_fd(),
            }
        });
        let instances = self.model.instances.iter().zip(&self.ends);
        SavedNetwork {
            sockets: sockets.collect(),
            promoted: self.holding.promoted(),
            losses: instances
                .map(|(instance, end)| (instance.name.to_string(), end.losses))
                .collect(),
        }
    }

    /// Goes on where the program before was: with its sockets, and with what these instances hold. To
    /// be called as [`Network::open`].
    ///
    /// # Errors
    /// The kernel does not tell about its interfaces. Interfaces that are missing may have gone while
    /// the program before ran, and are no error.
    pub fn resumed(
        model: Arc<Model>,
        log: Log,
        masters: &[String],
        saved: SavedNetwork,
    ) -> Result<Self, NetworkError> {
        let mut sockets = Sockets::default();
        for SavedSocket {
            hears,
            interface,
            descriptor,
        } in saved.sockets
        {
            let hears = match hears {
                SavedHears::Group { interface, group } => Hears::Group { interface, group },
                SavedHears::Unicast { ipv6: true } => Hears::Unicast(Family::V6),
                SavedHears::Unicast { ipv6: false } => Hears::Unicast(Family::V4),
            };
            // One that cannot be taken over is opened anew.
            let socket = descriptor::take_over(descriptor);
            let _anew = socket.and_then(|socket| sockets.insert(hears, interface, socket));
        }
        let mut network = Self::with(model, log, sockets)?;
        let table = &network.table;
        network.holding.resume(masters, &saved.promoted, table);
        for (name, losses) in saved.losses {
            let mut instances = network.model.instances.iter();
            if let Some(index) = instances.position(|it| *it.name == *name) {
                network.ends[index].losses = losses;
            }
        }
        network.fit_sockets(&Arc::clone(&network.model));
        network.begin();
        network.restore();
        Ok(network)
    }

    /// Takes away what the program before held and no instance of ours does.
    pub fn forsake(&mut self, held: &[Held]) {
        let ours = self.held();
        let alien = held.iter().filter(|it| !ours.contains(it));
        let alien: Vec<_> = alien.cloned().collect();
        let (kernel, table) = (&mut self.kernel, &self.table);
        super::holding::forsake(&alien, kernel, table, &self.log);
    }
}
