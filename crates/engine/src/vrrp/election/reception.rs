//! What is done with an advertisement before it counts (RFC 9568, 7.1).

use std::{net::IpAddr, time::Instant};

use super::{
    Election, InstanceId,
    instance::{Instance, Signal},
    moment::Moment,
    state::Leader,
};
use crate::vrrp::{
    Priority, Version,
    action::{Oddity, Offence, Report},
    event::{Advert, Heard},
    settings::{self, Peers},
    view::Peer,
};

/// Whoever says something.
#[derive(Debug)]
pub(in crate::vrrp) struct Sender {
    pub(in crate::vrrp) address: IpAddr,
    /// TTL or hop limit, if the kernel told.
    pub(in crate::vrrp) hop_limit: Option<u8>,
    pub(in crate::vrrp) version: Version,
    pub(in crate::vrrp) password: Option<[u8; 8]>,
}

impl Election {
    /// Whether somebody is to be believed as much as if it had sent an advertisement.
    pub(in crate::vrrp) fn check_sender(
        &self,
        id: InstanceId,
        sender: &Sender,
    ) -> Result<(), Offence> {
        self.instances[id.0].check_sender(sender, &self.settings.instances[id.0])
    }
}

impl Instance {
    /// What an advertisement means, if it counts.
    pub(super) fn receive(&mut self, heard: &Heard, at: &mut Moment) -> Option<Signal> {
        if let Err(offence) = self.check(heard, at.file) {
            self.drop_advert(heard, offence, at);
            return None;
        }
        self.count(heard);
        self.acquaint(heard, at);
        self.wonder(heard, at);
        Some(self.rank(heard, at.now))
    }

    fn check(&self, heard: &Heard, file: &settings::Instance) -> Result<(), Offence> {
        let advert = &heard.advert;
        let sender = Sender {
            address: heard.from,
            hop_limit: heard.hop_limit,
            version: advert.version,
            password: advert.password,
        };
        self.check_sender(&sender, file)?;
        if !interval_fits(advert, file) {
            return Err(Offence::Interval);
        }
        Ok(())
    }

    fn check_sender(&self, sender: &Sender, file: &settings::Instance) -> Result<(), Offence> {
        if Some(sender.address) == self.source {
            return Err(Offence::Ourselves);
        }
        if sender.version != file.version {
            return Err(Offence::Version);
        }
        match &file.peers {
            Peers::Multicast if sender.hop_limit.is_some_and(|limit| limit != 255) => {
                return Err(Offence::HopLimit);
            }
            Peers::Unicast(peers) if file.refuse_strangers && !peers.contains(&sender.address) => {
                return Err(Offence::Stranger);
            }
            Peers::Multicast | Peers::Unicast(_) => {}
        }
        if file.version == Version::V2 && sender.password != file.password {
            return Err(Offence::Password);
        }
        Ok(())
    }

    fn drop_advert(&mut self, heard: &Heard, offence: Offence, at: &mut Moment) {
        match offence {
            Offence::Version => self.counters.version_errors += 1,
            Offence::HopLimit => self.counters.hop_limit_errors += 1,
            Offence::Password => self.counters.authentication_errors += 1,
            Offence::Interval => self.counters.interval_errors += 1,
            Offence::Stranger => self.counters.strangers += 1,
            Offence::Ourselves => {}
        }
        if self.acquaintances.offended(heard.from, offence, at.now) {
            at.report(Report::Dropped {
                instance: at.id,
                peer: heard.from,
                offence,
            });
        }
    }

    fn count(&mut self, heard: &Heard) {
        self.counters.adverts_received += 1;
        if heard.advert.priority == Priority::RESIGN {
            self.counters.resignations_received += 1;
        }
    }

    fn acquaint(&mut self, heard: &Heard, at: &mut Moment) {
        let news = self.acquaintances.accepted(Peer {
            address: heard.from,
            heard_at: at.now,
            priority: heard.advert.priority,
            interval: heard.advert.interval,
            checksum: heard.checksum,
        });
        if news {
            at.report(Report::PeerChecksum {
                instance: at.id,
                peer: heard.from,
                checksum: heard.checksum,
            });
        }
    }

    /// Tells once what is odd about an accepted advertisement.
    fn wonder(&mut self, heard: &Heard, at: &mut Moment) {
        let (file, advert) = (at.file, &heard.advert);
        if !file.skip_address_check && !same_addresses(advert, file) {
            self.counters.address_list_mismatches += 1;
            self.surprise(heard, Oddity::Addresses, at);
        }
        if advert.interval != file.interval {
            self.surprise(heard, Oddity::Interval, at);
        }
        if advert.priority == Priority::OWNER && file.priority == Priority::OWNER {
            self.surprise(heard, Oddity::SecondOwner, at);
        }
    }

    fn surprise(&mut self, heard: &Heard, oddity: Oddity, at: &mut Moment) {
        if self.acquaintances.surprised(heard.from, oddity, at.now) {
            at.report(Report::Odd {
                instance: at.id,
                peer: heard.from,
                oddity,
            });
        }
    }

    /// Compared with ours (RFC 9568, 6.4.2 and 6.4.3).
    fn rank(&self, heard: &Heard, now: Instant) -> Signal {
        let rival = Leader {
            address: heard.from,
            priority: heard.advert.priority,
            interval: heard.advert.interval,
            heard_at: now,
        };
        if rival.priority == Priority::RESIGN {
            Signal::Resigned(rival)
        } else if rival.priority > self.priority {
            Signal::Higher(rival)
        } else if rival.priority < self.priority {
            Signal::Lower(rival)
        } else if Some(rival.address) > self.source {
            Signal::TieLost(rival)
        } else {
            Signal::TieWon(rival)
        }
    }
}

/// Version 2 takes nothing but our own interval (RFC 3768, 7.1); version 3 adopts the master's,
/// as long as there is one.
fn interval_fits(advert: &Advert, file: &settings::Instance) -> bool {
    match file.version {
        Version::V2 => advert.interval == file.interval,
        Version::V3 => !advert.interval.is_zero(),
    }
}

/// The same addresses, in any order.
fn same_addresses(advert: &Advert, file: &settings::Instance) -> bool {
    advert.addresses == file.addresses
        || (advert.addresses.len() == file.addresses.len()
            && file
                .addresses
                .iter()
                .all(|address| advert.addresses.contains(address)))
}
