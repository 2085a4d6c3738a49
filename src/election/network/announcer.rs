//! Gratuitous ARP and unsolicited neighbour advertisements, at the pace the file asks for.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::IpAddr,
    task::Context,
    time::Duration,
};

use pontoon_config::keepalived::model::Model;
use pontoon_engine::vrrp::{
    InstanceId,
    neighbour::{gratuitous_arp, unsolicited_na},
};
use pontoon_sys::{ethernet::Ethernet, netlink::link::Link};
use tokio::time::Instant;

use super::{
    NetworkError, alarm::Alarm, complaints::Complaints, holding::Place, names::Successors,
    table::Table,
};

/// What is still to be told, interface by interface.
#[derive(Debug)]
pub(super) struct Announcer {
    ethernet: Ethernet,
    pace: Pace,
    queues: BTreeMap<String, Queue>,
    alarm: Alarm,
}

/// The wait after an announcement on the same interface.
#[derive(Debug, Clone, Copy)]
struct Pace {
    arp: Duration,
    na: Duration,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(InstanceId, IpAddr)>,
    not_before: Option<Instant>,
}

impl Pace {
    const fn of(model: &Model) -> Self {
        Self {
            arp: model.global.garp_interval,
            na: model.global.gna_interval,
        }
    }

    const fn after(self, address: IpAddr) -> Duration {
        match address {
            IpAddr::V4(_) => self.arp,
            IpAddr::V6(_) => self.na,
        }
    }
}

impl Announcer {
    pub(super) fn open(model: &Model) -> Result<Self, NetworkError> {
        let ethernet = Ethernet::open().map_err(|cause| NetworkError::Socket {
            what: "a packet socket for gratuitous ARP".into(),
            cause,
        })?;
        Ok(Self {
            ethernet,
            pace: Pace::of(model),
            queues: BTreeMap::new(),
            alarm: Alarm::default(),
        })
    }

    /// Queues each address so many times, each round with all of them. What is still queued of the
    /// same addresses is replaced, so that a slow pace does not pile them up.
    pub(super) fn announce(&mut self, instance: InstanceId, places: &[Place], repeat: u32) {
        for place in places {
            let queue = self.queues.entry(place.interface.clone()).or_default();
            let this = (instance, place.address);
            queue.waiting.retain(|waiting| *waiting != this);
        }
        for _ in 0..repeat {
            for place in places {
                if let Some(queue) = self.queues.get_mut(&place.interface) {
                    queue.waiting.push_back((instance, place.address));
                }
            }
        }
    }

    /// Whether nothing is left to be told.
    pub(super) fn is_idle(&self) -> bool {
        self.queues.values().all(|queue| queue.waiting.is_empty())
    }

    /// Tells no more of an instance's addresses.
    pub(super) fn forget(&mut self, instance: InstanceId) {
        for queue in self.queues.values_mut() {
            queue.waiting.retain(|(of, _)| *of != instance);
        }
    }

    /// Goes by another file, in which the instances have other numbers.
    pub(super) fn reload(&mut self, model: &Model, successors: &Successors) {
        self.pace = Pace::of(model);
        let successor = |old: InstanceId| successors.get(old.0).copied().flatten();
        for queue in self.queues.values_mut() {
            let old = std::mem::take(&mut queue.waiting).into_iter();
            let kept = old.filter_map(|(of, address)| Some((InstanceId(successor(of)?), address)));
            queue.waiting = kept.collect();
        }
    }

    /// Goes on when it is time.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        table: &Table,
        complaints: &mut Complaints,
    ) {
        while self.alarm.poll(context) {
            self.go(table, complaints);
        }
    }

    /// Sends what may be sent now.
    pub(super) fn go(&mut self, table: &Table, complaints: &mut Complaints) {
        let now = Instant::now();
        for (interface, queue) in &mut self.queues {
            while let Some(address) = queue.next(now) {
                let Some(link) = table.link(interface) else {
                    continue;
                };
                let key = format!("announce {interface}");
                match tell(&self.ethernet, link, address) {
                    Ok(()) => complaints.settle(&key),
                    Err(error) => {
                        let what = format!("cannot announce addresses on {interface}: {error}");
                        complaints.once(&key, what);
                    }
                }
                let wait = self.pace.after(address);
                queue.not_before = (!wait.is_zero()).then(|| now + wait);
            }
        }
        self.queues.retain(|_, queue| queue.is_of_use(now));
        if let Some(next) = self.queues.values().filter_map(Queue::due).min() {
            self.alarm.set(next);
        }
    }
}

impl Queue {
    fn next(&mut self, now: Instant) -> Option<IpAddr> {
        if self.not_before.is_some_and(|time| time > now) {
            return None;
        }
        self.waiting.pop_front().map(|(_, address)| address)
    }

    fn due(&self) -> Option<Instant> {
        let time = self.not_before;
        time.filter(|_| !self.waiting.is_empty())
    }

    fn is_of_use(&self, now: Instant) -> bool {
        !self.waiting.is_empty() || self.not_before.is_some_and(|time| time > now)
    }
}

/// Interfaces without neighbours (loopback, tunnels) need not be told anything.
fn tell(ethernet: &Ethernet, link: &Link, address: IpAddr) -> io::Result<()> {
    let Some(mac) = link.mac.filter(|_| link.speaks_arp) else {
        return Ok(());
    };
    match address {
        IpAddr::V4(address) => ethernet.send(link.index, &gratuitous_arp(mac, address)),
        IpAddr::V6(address) => ethernet.send(link.index, &unsolicited_na(mac, address, address)),
    }
}
