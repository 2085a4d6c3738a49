//! The election's hands: what it hears and sends, and the addresses it holds.
//!
//! ```text
//!  kernel ──► table ──► Interface, Source            the interfaces and addresses there are
//!  sockets ───────────► Heard                        one for each interface's group, one for unicast
//!  acquire, release ──► holding ──► kernel           what is wanted there, and put back if it vanishes
//!  announce ──────────► announcer ──► Ethernet       at the pace the file asks for
//! ```

mod alarm;
mod announcer;
mod complaints;
mod hearing;
mod holding;
mod kernel;
mod names;
mod saved;
mod sockets;
mod table;

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    io,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use pontoon_config::keepalived::model::{Instance, Model};
use pontoon_engine::vrrp::{
    InstanceId,
    event::{Advert, Heard},
    packet,
    readiness::{self, Message},
};
use pontoon_sys::vrrp::Way;
use serde::{Deserialize, Serialize};

use super::log::{Level, Log};
use crate::node::message::{Farewell, Held};
use announcer::Announcer;
use complaints::Complaints;
use holding::Holding;
use kernel::Kernel;
pub use saved::SavedNetwork;
use sockets::{Hears, Sockets};
use table::Table;

/// Why an election cannot work with this machine's network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The file names an interface that is not there.
    #[error(
        "interface {name} does not exist ({wanted_by}); with dynamic_interfaces in global_defs it \
         may come later"
    )]
    NoInterface {
        /// Its name.
        name: String,
        /// What in the file names it.
        wanted_by: String,
    },
    /// A socket could not be opened.
    #[error("cannot open {what}: {cause}; needs root, or CAP_NET_ADMIN and CAP_NET_RAW")]
    Socket {
        /// What it is for.
        what: String,
        /// The system's reason.
        cause: io::Error,
    },
    /// The kernel does not tell about its interfaces.
    #[error("cannot list interfaces and addresses: {0}")]
    List(io::Error),
}

/// What has happened on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkEvent {
    /// An advertisement arrived, intact.
    Heard {
        /// For whom.
        instance: InstanceId,
        /// What.
        heard: Heard,
    },
    /// Somebody asks whether we would take over, or answers; not looked at yet.
    Asked(Box<Asked>),
    /// An interface that the file names went up or down, came or vanished.
    Interface {
        /// Its name.
        name: String,
        /// It is up and running.
        up: bool,
    },
    /// The address an instance sends from is another one.
    Source {
        /// The instance.
        instance: InstanceId,
        /// The address; `None`: it cannot send.
        source: Option<IpAddr>,
    },
}

/// A question or an answer about readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// For whom.
    pub instance: InstanceId,
    /// Who sent it.
    pub from: IpAddr,
    /// TTL or hop limit, if the kernel told.
    pub hop_limit: Option<u8>,
    /// What it says.
    pub message: Message,
}

/// What was lost on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Packets for this instance that are no advertisements.
    pub unreadable: u64,
    /// Unicast advertisements outside of the hop limits set for their sender.
    pub hop_limit: u64,
    /// Advertisements that could not be sent.
    pub unsent: u64,
}

/// The network, as far as the election has to do with it.
#[derive(Debug)]
pub struct Network {
    model: Arc<Model>,
    log: Log,
    kernel: Kernel,
    table: Table,
    sockets: Sockets,
    holding: Holding,
    announcer: Announcer,
    complaints: Complaints,
    /// For each instance, in the order of the model.
    ends: Vec<End>,
    /// What was told of each interface the file names.
    told: BTreeMap<String, bool>,
    events: VecDeque<NetworkEvent>,
}

/// An instance's end of the line.
#[derive(Debug, Clone, Copy, Default)]
struct End {
    source: Option<IpAddr>,
    losses: Losses,
}

impl Network {
    /// Opens whatever the file needs. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// An interface is missing and `dynamic_interfaces` is not set; rights are missing.
    pub fn open(model: Arc<Model>, log: Log) -> Result<Self, NetworkError> {
        let mut network = Self::with(model, log, Sockets::default())?;
        names::check(&network.model, &network.table)?;
        network.open_sockets()?;
        network.begin();
        Ok(network)
    }

    /// With these sockets.
    fn with(model: Arc<Model>, log: Log, sockets: Sockets) -> Result<Self, NetworkError> {
        let mut kernel = Kernel::open()?;
        let table = kernel.read().map_err(NetworkError::List)?;
        Ok(Self {
            sockets,
            announcer: Announcer::open(&model)?,
            holding: Holding::new(&model),
            ends: vec![End::default(); model.instances.len()],
            told: BTreeMap::new(),
            complaints: Complaints::new(log.clone()),
            events: VecDeque::new(),
            model,
            log,
            kernel,
            table,
        })
    }

    /// What is known is told to nobody; what is held for ever is put up.
    fn begin(&mut self) {
        self.settle();
        self.events.clear();
        let (kernel, table) = (&mut self.kernel, &self.table);
        self.holding.begin(kernel, table, &mut self.complaints);
    }

    fn open_sockets(&mut self) -> Result<(), NetworkError> {
        let failures = self.sockets.open_missing(&self.model, &self.table);
        failures.into_iter().next().map_or(Ok(()), Err)
    }

    /// The next event; nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> NetworkEvent {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<NetworkEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(event);
            }
            let changed = self.poll_kernel(context);
            let heard = self.poll_sockets(context);
            self.announcer
                .poll(context, &self.table, &mut self.complaints);
            if !changed && !heard {
                return Poll::Pending;
            }
            if self.events.is_empty() {
                // There may be no end to what means nothing: the rest of the loop has its turn.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Takes note of what the kernel tells; true if there was something.
    fn poll_kernel(&mut self, context: &mut Context<'_>) -> bool {
        let outcome = self.kernel.poll(context, &mut self.table);
        match outcome {
            Poll::Pending => {
                self.holding_alarm(context);
                return false;
            }
            Poll::Ready(Ok(())) => self.complaints.settle("the kernel's notices"),
            Poll::Ready(Err(error)) => {
                let what = format!("cannot follow interfaces and addresses: {error}");
                self.complaints.once("the kernel's notices", what);
            }
        }
        self.fit_sockets(&Arc::clone(&self.model));
        self.settle();
        self.restore();
        true
    }

    fn fit_sockets(&mut self, model: &Model) {
        self.sockets.close_needless(model, &self.table);
        for failure in self.sockets.open_missing(model, &self.table) {
            self.complaints.once(&failure.to_string(), &failure);
        }
    }

    fn holding_alarm(&mut self, context: &mut Context<'_>) {
        if self.holding.poll_pause(context) {
            self.restore();
        }
    }

    /// Puts back what somebody else has taken away.
    fn restore(&mut self) {
        let (kernel, table) = (&mut self.kernel, &self.table);
        let restored = self.holding.restore(kernel, table, &mut self.complaints);
        for (instance, wanted) in restored {
            self.announcer.announce(instance, &[wanted], 1);
        }
        self.announcer.go(&self.table, &mut self.complaints);
    }

    /// Tells what is different from what was told before.
    fn settle(&mut self) {
        for name in names::all(&self.model) {
            let up = self.table.is_up(&name);
            if self.told.get(&name) != Some(&up) {
                self.told.insert(name.clone(), up);
                if up {
                    self.holding.doubt();
                }
                self.events.push_back(NetworkEvent::Interface { name, up });
            }
        }
        for index in 0..self.ends.len() {
            let source = self.table.source(&self.model, &self.model.instances[index]);
            if self.ends[index].source != source {
                self.ends[index].source = source;
                let instance = InstanceId(index);
                self.events
                    .push_back(NetworkEvent::Source { instance, source });
            }
        }
    }

    /// Whether an interface is up and running now.
    #[must_use]
    pub fn interface_up(&self, name: &str) -> bool {
        self.table.is_up(name)
    }

    /// The address an instance sends from now.
    #[must_use]
    pub fn source(&self, instance: InstanceId) -> Option<IpAddr> {
        self.ends.get(instance.0)?.source
    }

    /// What was lost so far.
    #[must_use]
    pub fn losses(&self, instance: InstanceId) -> Losses {
        let end = self.ends.get(instance.0);
        end.map(|end| end.losses).unwrap_or_default()
    }

    /// Sends an advertisement to the group, or to each unicast peer. What cannot be sent is
    /// logged, once for each cause, and counted.
    pub fn send(&mut self, instance: InstanceId, advert: &Advert) {
        let Some(settings) = self.model.instances.get(instance.0) else {
            return;
        };
        let key = format!("source {}", settings.name);
        let Some(from) = self.source(instance) else {
            let what = format!("({}) cannot send: no address to send from", settings.name);
            self.ends[instance.0].losses.unsent += 1;
            return self.complaints.once(&key, what);
        };
        self.complaints.settle(&key);
        for to in sockets::destinations(&self.model, settings) {
            self.send_to(instance, from, to, advert);
        }
    }

    fn send_to(&mut self, instance: InstanceId, from: IpAddr, to: IpAddr, advert: &Advert) {
        let settings = &self.model.instances[instance.0];
        let payload = packet::emit(advert, from, to);
        let way = self.way(settings, from, to);
        let hears = Hears::of(&self.model, settings);
        let key = format!("send {} {to}", settings.name);
        match self.sockets.send(&hears, way, &payload) {
            Ok(()) => self.complaints.settle(&key),
            Err(error) => {
                self.ends[instance.0].losses.unsent += 1;
                // That an interface is down is told once, and not here.
                let link = self.table.link(&settings.interface);
                if link.is_none_or(|link| link.up && link.running) {
                    let what = format!("({}) cannot send to {to}: {error}", settings.name);
                    self.complaints.once(&key, what);
                }
            }
        }
    }

    /// Sends a question or an answer about readiness as advertisements are sent; among unicast
    /// peers, to this one only if one is named. What is lost is asked for again.
    pub fn send_message(&mut self, instance: InstanceId, to: Option<IpAddr>, message: &Message) {
        let settings = self.model.instances.get(instance.0);
        let Some((settings, from)) = settings.zip(self.source(instance)) else {
            return;
        };
        let payload = readiness::emit(message);
        let hears = Hears::of(&self.model, settings);
        let named = |peer: &IpAddr| {
            let unicast = settings.unicast_peers.is_some();
            !unicast || to.is_none_or(|to| to == *peer)
        };
        let all = sockets::destinations(&self.model, settings);
        for to in all.into_iter().filter(named) {
            let way = self.way(settings, from, to);
            let _lost = self.sockets.send(&hears, way, &payload);
        }
    }

    fn way(&self, settings: &Instance, from: IpAddr, to: IpAddr) -> Way {
        Way {
            from,
            to,
            interface: sockets::outlet(settings, to, &self.table),
            hop_limit: sockets::hop_limit(settings),
        }
    }

    /// What [`Network::send`] would send, for whoever may have to do it in our place.
    #[must_use]
    pub fn farewells(&self, instance: InstanceId, advert: &Advert) -> Vec<Farewell> {
        let settings = self.model.instances.get(instance.0);
        let Some((settings, from)) = settings.zip(self.source(instance)) else {
            return Vec::new();
        };
        let farewell = |to| {
            let way = self.way(settings, from, to);
            Farewell {
                from,
                to,
                interface: way.interface,
                hop_limit: way.hop_limit,
                payload: packet::emit(advert, from, to),
            }
        };
        let destinations = sockets::destinations(&self.model, settings);
        destinations.into_iter().map(farewell).collect()
    }

    /// Puts an instance's addresses and routes up, all at once; what fails is logged and does not
    /// keep the others from coming.
    pub fn acquire(&mut self, instance: InstanceId) {
        let (kernel, table) = (&mut self.kernel, &self.table);
        self.holding
            .acquire(instance, kernel, table, &mut self.complaints);
    }

    /// Takes them away again, all at once, and announces them no more.
    pub fn release(&mut self, instance: InstanceId) {
        self.announcer.forget(instance);
        let (kernel, table) = (&mut self.kernel, &self.table);
        self.holding
            .release(instance, kernel, table, &mut self.complaints);
    }

    /// Tells the neighbours that the addresses are here, each so many times, as far as they are.
    pub fn announce(&mut self, instance: InstanceId, repeat: u32) {
        let addresses = self.holding.present(instance);
        self.announcer.announce(instance, &addresses, repeat);
        self.announcer.go(&self.table, &mut self.complaints);
    }

    /// What is on the interfaces because of us.
    #[must_use]
    pub fn held(&self) -> Vec<Held> {
        self.holding.held()
    }

    /// What [`Network::acquire`] would put there.
    #[must_use]
    pub fn would_hold(&self, instance: InstanceId) -> Vec<Held> {
        self.holding.would_hold(instance, &self.table)
    }

    /// What [`Network::reload`] to this file would leave there.
    #[must_use]
    pub fn would_hold_by(&self, model: &Model) -> Vec<Held> {
        let successors = names::successors(&self.model, model);
        self.holding.would_hold_by(model, &successors, &self.table)
    }

    /// Takes away what a predecessor that was killed has left: addresses and routes of instances
    /// that do not hold them now. An owner's (priority 255) are its own, and stay, unless they bear
    /// an election's mark.
    pub fn clean(&mut self) {
        self.holding.clean(&mut self.kernel, &self.table, &self.log);
    }

    /// Takes away everything; for the end.
    pub fn close(&mut self) {
        for index in 0..self.ends.len() {
            self.release(InstanceId(index));
        }
        self.holding
            .end(&mut self.kernel, &self.table, &mut self.complaints);
    }

    /// The address an instance of another file would send from.
    #[must_use]
    pub fn source_in(&self, model: &Model, instance: InstanceId) -> Option<IpAddr> {
        self.table.source(model, model.instances.get(instance.0)?)
    }

    /// What a file names that is not among these interfaces; with `dynamic_interfaces`, nothing.
    #[must_use]
    pub fn missing(model: &Model, interfaces: &[String]) -> Option<NetworkError> {
        names::missing(model, |name| interfaces.iter().any(|it| it == name))
    }

    /// Opens what another file needs besides, so that [`Network::reload`] to it cannot fail.
    ///
    /// # Errors
    /// As [`Network::open`]; then nothing has changed.
    pub fn prepare(&mut self, model: &Model) -> Result<(), NetworkError> {
        names::check(model, &self.table)?;
        let failures = self.sockets.open_missing(model, &self.table);
        let Some(failure) = failures.into_iter().next() else {
            return Ok(());
        };
        self.abandon();
        Err(failure)
    }

    /// Closes what [`Network::prepare`] has opened.
    pub fn abandon(&mut self) {
        self.sockets.close_needless(&self.model, &self.table);
    }

    /// Goes by another file from now on, after [`Network::prepare`]. Instances are the same if
    /// their names are; addresses that are held follow the lists, and sockets that are still
    /// needed stay open.
    pub fn reload(&mut self, model: Arc<Model>) {
        self.fit_sockets(&model);
        let before = std::mem::replace(&mut self.model, model);
        let map = names::successors(&before, &self.model);
        self.ends = names::carry_over(&self.ends, &map, self.model.instances.len());
        self.announcer.reload(&self.model, &map);
        let (kernel, table) = (&mut self.kernel, &self.table);
        let new = self
            .holding
            .reload(&self.model, &map, kernel, table, &mut self.complaints);
        for (instance, addresses) in new {
            let repeat = self.model.instances[instance.0].announcements.repeat;
            self.announcer.announce(instance, &addresses, repeat);
        }
        self.announcer.go(&self.table, &mut self.complaints);
        let names = names::all(&self.model);
        self.told.retain(|name, _| names.contains(name));
        self.log.line(Level::Debug, "network: reloaded");
        self.settle();
    }
}
