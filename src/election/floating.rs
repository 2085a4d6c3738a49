//! The floating IPs of the file: what the election decides, brought to the clouds.
//!
//! ```text
//!  role, priority, adverts, time ──► reconciler ──► a call ──► provider
//!                                        ▲─── its answer ◄────────┘
//! ```
//!
//! The calls are futures that the election's loop polls beside everything else: nothing ever waits
//! for a provider, and a call that is abandoned is dropped where it stands.

mod address;
mod preparation;
#[cfg(test)]
mod tests;
mod words;

use std::{
    future::poll_fn,
    net::IpAddr,
    task::{Context, Poll},
    time::Instant,
};

use pontoon_config::keepalived::model::Model;
use pontoon_engine::{
    floating_ip::event::Event,
    vrrp::{InstanceId, Priority, view::Peer},
};

use self::address::{Address, Identity, News};
use super::{log::Log, status::FloatingIpStatus};

/// All of them.
pub(super) struct Floating {
    addresses: Vec<Address>,
    log: Log,
}

/// A call or a preparation has ended; it bears the number of the address in the set.
#[derive(Debug)]
pub(super) struct Answered {
    which: usize,
    news: News,
}

/// What an instance is now.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    pub(super) master: bool,
    /// What it advertises.
    pub(super) priority: Priority,
    /// Who has been heard.
    pub(super) peers: &'a [Peer],
    /// Where its advertisements come from.
    pub(super) source: Option<IpAddr>,
}

impl Floating {
    /// Those of the file; none of them is master yet.
    pub(super) fn new(model: &Model, log: Log) -> Self {
        let mut floating = Self {
            addresses: Vec::new(),
            log,
        };
        floating.reload(model);
        floating
    }

    /// The file may be another one. An address that is reached as before keeps its state; one that
    /// is gone is left where it is.
    pub(super) fn reload(&mut self, model: &Model) {
        let mut before = std::mem::take(&mut self.addresses);
        for (index, instance) in model.instances.iter().enumerate() {
            for file in &instance.floating_ips {
                let identity = Identity::of(InstanceId(index), instance);
                let known = before
                    .iter()
                    .position(|known| known.is_reached_as(&identity, file));
                let address = match known {
                    Some(at) => before.swap_remove(at).kept(identity, file),
                    None => Address::new(identity, file),
                };
                self.addresses.push(address);
            }
        }
        for address in &mut self.addresses {
            if let Some((level, text)) = address.unusable() {
                self.log.line(level, text);
            }
        }
    }

    /// The instances that have floating IPs.
    pub(super) fn instances(&self) -> Vec<InstanceId> {
        let mut instances: Vec<_> = self.addresses.iter().map(Address::instance).collect();
        instances.dedup();
        instances
    }

    /// What an instance has become: to be told after whatever may have changed it.
    pub(super) fn follow(&mut self, instance: InstanceId, standing: &Standing<'_>, now: Instant) {
        for address in &mut self.addresses {
            if address.instance() == instance {
                address.follow(standing, now);
                address.carry_out(now, &self.log);
            }
        }
    }

    /// Whether no call is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.addresses.iter().all(Address::is_idle)
    }

    /// When the first of them wants to be called again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.addresses
            .iter()
            .filter_map(Address::poll_timeout)
            .min()
    }

    /// Calls those whose time has come.
    pub(super) fn timeout(&mut self, now: Instant) {
        for address in &mut self.addresses {
            if address.poll_timeout().is_some_and(|due| due <= now) {
                address.timeout(now);
                address.carry_out(now, &self.log);
            }
        }
    }

    /// The next call or preparation that ends; for ever none while there is none. Nothing is lost if the
    /// future is dropped.
    pub(super) async fn next(&mut self) -> Answered {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answered> {
        for (which, address) in self.addresses.iter_mut().enumerate() {
            if let Poll::Ready(news) = address.poll(context) {
                return Poll::Ready(Answered { which, news });
            }
        }
        Poll::Pending
    }

    /// Takes an answer.
    pub(super) fn answered(&mut self, answered: Answered, now: Instant) {
        let Answered { which, news } = answered;
        if let Some(address) = self.addresses.get_mut(which) {
            address.take(news, now, &self.log);
            address.carry_out(now, &self.log);
        }
    }

    /// Somebody wants this address here now, or all of them (`pontoon floating-ip associate`).
    /// Tells which are on their way.
    ///
    /// # Errors
    /// Why it cannot be done: there is no such address, or this node is not master.
    pub(super) fn assert(
        &mut self,
        wanted: Option<IpAddr>,
        now: Instant,
    ) -> Result<Vec<IpAddr>, String> {
        let is_meant = |address: &&mut Address| wanted.is_none_or(|it| it == address.ip());
        let mut meant: Vec<_> = self.addresses.iter_mut().filter(is_meant).collect();
        if meant.is_empty() {
            return Err(wanted.map_or_else(
                || "the node's keepalived.conf has no floating_ip".to_owned(),
                |ip| format!("the node's keepalived.conf has no floating_ip {ip}"),
            ));
        }
        if let Some(address) = meant.iter().find(|address| !address.is_master()) {
            return Err(format!(
                "{} is not master here: its master would bring {} back at once",
                address.instance_name(),
                address.ip()
            ));
        }
        for address in &mut meant {
            address.handle(Event::Asserted, now);
            address.carry_out(now, &self.log);
        }
        Ok(meant.iter().map(|address| address.ip()).collect())
    }

    /// Those of an instance, for the status.
    pub(super) fn status(&self, instance: InstanceId, now: Instant) -> Vec<FloatingIpStatus> {
        let of_it = self
            .addresses
            .iter()
            .filter(|address| address.instance() == instance);
        of_it.map(|address| address.status(now)).collect()
    }
}
