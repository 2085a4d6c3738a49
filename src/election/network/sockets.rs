//! The sockets that advertisements come and go by: one for each interface's group, one for
//! unicast, for each family that the file needs.

use std::{collections::BTreeMap, io, net::IpAddr, os::fd::OwnedFd, task::Context};

use pontoon_config::keepalived::model::{Instance, Model};
use pontoon_sys::{
    readiness::Readiness,
    vrrp::{self, Family, Received, Way},
};

use super::{NetworkError, table::Table};

/// What a socket hears.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hears {
    /// The group, on this interface.
    Group {
        /// Its name.
        interface: String,
        /// The group.
        group: IpAddr,
    },
    /// What is sent to this machine.
    Unicast(Family),
}

impl Hears {
    /// What an instance listens to.
    pub(super) fn of(model: &Model, instance: &Instance) -> Self {
        if instance.unicast_peers.is_some() {
            return Self::Unicast(family(instance));
        }
        Self::Group {
            interface: instance.interface.clone(),
            group: group(model, instance),
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Sockets(BTreeMap<Hears, Socket>);

#[derive(Debug)]
struct Socket {
    descriptor: OwnedFd,
    readiness: Readiness,
    /// The number of its interface: one that comes back under its old name has another.
    interface: Option<u32>,
    /// There was more to read than one round takes.
    more: bool,
}

/// No socket keeps the others waiting for longer than so many packets take.
const ROUND: usize = 64;

impl Sockets {
    /// Closes what a file does not need; what works is left alone.
    pub(super) fn close_needless(&mut self, model: &Model, table: &Table) {
        let wanted = wanted(model, table);
        self.0
            .retain(|hears, socket| wanted.get(hears) == Some(&socket.interface));
    }

    /// Opens what a file needs and is not there.
    pub(super) fn open_missing(&mut self, model: &Model, table: &Table) -> Vec<NetworkError> {
        let missing = wanted(model, table).into_iter();
        let missing: Vec<_> = missing
            .filter(|(hears, _)| !self.0.contains_key(hears))
            .collect();
        let mut failures = Vec::new();
        for (hears, interface) in missing {
            match Socket::open(&hears, interface) {
                Ok(socket) => drop(self.0.insert(hears, socket)),
                Err(cause) => failures.push(failure(&hears, cause)),
            }
        }
        failures
    }

    /// All of them, with the numbers of their interfaces.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Hears, Option<u32>, &OwnedFd)> {
        let all = self.0.iter();
        all.map(|(hears, socket)| (hears, socket.interface, &socket.descriptor))
    }

    /// Adds one that the program before has opened.
    pub(super) fn insert(
        &mut self,
        hears: Hears,
        interface: Option<u32>,
        descriptor: OwnedFd,
    ) -> io::Result<()> {
        let socket = Socket::of(descriptor, interface)?;
        self.0.insert(hears, socket);
        Ok(())
    }

    /// Sends by the socket that hears the answers.
    pub(super) fn send(&self, hears: &Hears, way: Way, payload: &[u8]) -> io::Result<()> {
        match self.0.get(hears) {
            Some(socket) => vrrp::send(&socket.descriptor, way, payload),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// What has arrived since the last call; empty if there was nothing to be heard.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Vec<(Hears, io::Result<Received>)> {
        let mut heard = Vec::new();
        for (hears, socket) in &mut self.0 {
            let arrived = socket.poll(context).into_iter();
            heard.extend(arrived.map(|received| (hears.clone(), received)));
        }
        heard
    }
}

impl Socket {
    fn open(hears: &Hears, interface: Option<u32>) -> io::Result<Self> {
        let descriptor = match hears {
            Hears::Unicast(family) => vrrp::open_unicast(*family)?,
            Hears::Group {
                interface: name,
                group,
            } => vrrp::open_group(*group, name, interface.unwrap_or_default())?,
        };
        Self::of(descriptor, interface)
    }

    fn of(descriptor: OwnedFd, interface: Option<u32>) -> io::Result<Self> {
        Ok(Self {
            readiness: Readiness::of(&descriptor)?,
            descriptor,
            interface,
            more: false,
        })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Vec<io::Result<Received>> {
        let mut arrived = Vec::new();
        if !self.more && self.readiness.poll_readable(context).is_pending() {
            return arrived;
        }
        self.more = true;
        while arrived.len() < ROUND {
            match vrrp::receive(&self.descriptor).transpose() {
                Some(received) => arrived.push(received),
                None => {
                    self.more = false;
                    break;
                }
            }
        }
        arrived
    }
}

/// What a file listens to, as far as its interfaces are there, and their numbers.
fn wanted(model: &Model, table: &Table) -> BTreeMap<Hears, Option<u32>> {
    let instances = model.instances.iter();
    let wanted = instances.filter_map(|instance| {
        let hears = Hears::of(model, instance);
        let interface = match &hears {
            Hears::Group { interface, .. } => Some(table.link(interface)?.index),
            Hears::Unicast(_) => None,
        };
        Some((hears, interface))
    });
    wanted.collect()
}

fn failure(hears: &Hears, cause: io::Error) -> NetworkError {
    let what = match hears {
        Hears::Unicast(_) => "a socket for unicast advertisements".to_owned(),
        Hears::Group { interface, group } => format!("a socket for {group} on {interface}"),
    };
    NetworkError::Socket { what, cause }
}

const fn family(instance: &Instance) -> Family {
    if instance.ipv6 {
        Family::V6
    } else {
        Family::V4
    }
}

fn group(model: &Model, instance: &Instance) -> IpAddr {
    match family(instance) {
        Family::V4 => model.global.group4.into(),
        Family::V6 => model.global.group6.into(),
    }
}

/// Whom an instance tells.
pub(super) fn destinations(model: &Model, instance: &Instance) -> Vec<IpAddr> {
    match &instance.unicast_peers {
        None => vec![group(model, instance)],
        Some(peers) => peers.iter().map(|peer| peer.address).collect(),
    }
}

/// The interface that a packet must leave by: routes do not tell where a group or a link-local
/// address is.
pub(super) fn outlet(instance: &Instance, to: IpAddr, table: &Table) -> Option<u32> {
    let local = match to {
        IpAddr::V4(to) => to.is_multicast(),
        IpAddr::V6(to) => to.is_multicast() || to.is_unicast_link_local(),
    };
    let link = local.then(|| table.link(&instance.interface)).flatten();
    link.map(|link| link.index)
}

/// How far advertisements go; keepalived lets IPv6 unicast go as far as the kernel usually does.
pub(super) fn hop_limit(instance: &Instance) -> u8 {
    const UNICAST_6: u8 = 64;
    match &instance.unicast_peers {
        Some(_) if instance.ipv6 => instance.unicast_ttl.unwrap_or(UNICAST_6),
        Some(_) => instance.unicast_ttl.unwrap_or(u8::MAX),
        None => u8::MAX,
    }
}
