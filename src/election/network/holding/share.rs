//! One instance's share of the addresses and routes.

use std::{collections::BTreeSet, sync::Arc};

use pontoon_config::keepalived::model;
use pontoon_engine::vrrp::Priority;
use pontoon_sys::{
    interface::set_promote_secondaries,
    netlink::{
        Change,
        address::{Address, NewAddress, ORIGIN},
    },
};

use super::{Place, absence, carry_out, piece::Piece, presence};
use crate::{
    election::{
        log::Level,
        network::{complaints::Complaints, kernel::Kernel, table::Table},
    },
    node::message::Held,
};

/// What an instance holds while it is master.
#[derive(Debug)]
pub(in super::super) struct Share {
    /// The instance's.
    pub(super) name: Arc<str>,
    /// Whether it is to be there now.
    pub(super) held: bool,
    /// Priority 255: the addresses are the machine's own.
    owner: bool,
    pieces: Vec<Piece>,
    /// An owner's addresses that were there before: they stay when the rest is taken away.
    spared: BTreeSet<Place>,
    /// Addresses that could not be put up.
    failed: BTreeSet<Place>,
    promotes: Option<Promotes>,
}

/// `promote_secondaries`.
#[derive(Debug)]
struct Promotes {
    interface: String,
    /// Whether it was on, if we have turned it on.
    before: Option<bool>,
}

impl Share {
    /// Nothing is held yet.
    pub(super) fn of(instance: &model::Instance) -> Self {
        let addresses = instance.addresses.iter().chain(&instance.excluded);
        let addresses = addresses.map(|address| Piece::address(address, &instance.interface));
        let routes = instance.routes.iter().cloned().map(Piece::Route);
        let promotes = instance.promote_secondaries.then(|| Promotes {
            interface: instance.interface.clone(),
            before: None,
        });
        Self {
            name: Arc::clone(&instance.name),
            held: false,
            owner: instance.priority == Priority::OWNER,
            pieces: addresses.chain(routes).collect(),
            spared: BTreeSet::new(),
            failed: BTreeSet::new(),
            promotes,
        }
    }

    /// The addresses of nobody: like an owner's, they may be the machine's own already.
    pub(super) fn fixed(addresses: &[model::Address]) -> Self {
        let pieces = addresses.iter();
        Self {
            name: "static_ipaddress".into(),
            held: false,
            owner: true,
            pieces: pieces.map(|address| Piece::address(address, "")).collect(),
            spared: BTreeSet::new(),
            failed: BTreeSet::new(),
            promotes: None,
        }
    }

    /// Goes on as before; `promoted`: whether `promote_secondaries` was on before we turned it on.
    pub(super) fn resume(&mut self, held: bool, promoted: Option<bool>, table: &Table) {
        self.held = held;
        if held {
            self.spared = self.own(table);
        }
        if let Some(promotes) = &mut self.promotes {
            promotes.before = promoted;
        }
    }

    /// Whether `promote_secondaries` was on before we turned it on, if we have.
    pub(super) fn promoted(&self) -> Option<bool> {
        self.promotes.as_ref()?.before
    }

    /// Puts everything up.
    pub(super) fn acquire(
        &mut self,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) {
        self.held = true;
        self.spared = self.own(table);
        self.failed.clear();
        self.put_up(kernel, table, complaints);
    }

    /// Puts everything up that is not there; returns the addresses that were not.
    fn put_up(
        &mut self,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) -> Vec<Place> {
        let mut new = Vec::new();
        let mut changes = Vec::new();
        for piece in &self.pieces {
            match piece.addition(table) {
                Some(change) => changes.push((piece, change)),
                None => self.failed.extend(piece.place()),
            }
        }
        for (piece, outcome) in carry_out(kernel, changes) {
            let key = format!("add ({}) {piece}", self.name);
            let place = piece.place();
            match presence(outcome) {
                Ok(was_absent) => {
                    complaints.settle(&key);
                    if let Some(place) = place {
                        self.failed.remove(&place);
                        new.extend(was_absent.then_some(place));
                    }
                }
                Err(error) => {
                    let what = format!("({}) cannot add {piece}: {error}", self.name);
                    complaints.once(&key, what);
                    self.failed.extend(place);
                }
            }
        }
        new
    }

    /// Takes everything away, the last first: a main address goes after those it stands for.
    pub(super) fn release(
        &mut self,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) {
        self.held = false;
        let pieces: Vec<&Piece> = self.pieces.iter().collect();
        self.take_away(&pieces, kernel, table, complaints);
        self.spared.clear();
        self.failed.clear();
    }

    fn take_away(
        &self,
        pieces: &[&Piece],
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) {
        let spared = |piece: &Piece| {
            let place = piece.place();
            place.is_some_and(|place| self.spared.contains(&place))
        };
        let to_go = pieces.iter().rev().filter(|piece| !spared(piece));
        let changes = to_go.filter_map(|piece| Some((*piece, piece.removal(table)?)));
        for (piece, outcome) in carry_out(kernel, changes.collect()) {
            let key = format!("remove ({}) {piece}", self.name);
            match absence(outcome) {
                Ok(_) => complaints.settle(&key),
                Err(error) => {
                    let what = format!("({}) cannot remove {piece}: {error}", self.name);
                    complaints.once(&key, what);
                }
            }
        }
    }

    /// Takes over from the same instance of the file before; returns the addresses that are new.
    pub(super) fn succeed(
        &mut self,
        before: &mut Self,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) -> Vec<Place> {
        match (&mut self.promotes, &before.promotes) {
            (Some(new), Some(old)) if new.interface == old.interface => new.before = old.before,
            _ => before.demote_secondaries(),
        }
        if !before.held {
            return Vec::new();
        }
        self.held = true;
        self.spared = before.spared.clone();
        self.spared
            .extend(self.own(table).difference(&before.places()).cloned());
        let stays = |old: &Piece| self.pieces.iter().any(|new| old.is_removed_like(new));
        let gone: Vec<&Piece> = before.pieces.iter().filter(|piece| !stays(piece)).collect();
        before.take_away(&gone, kernel, table, complaints);
        self.put_up(kernel, table, complaints)
    }

    /// Puts back what has gone; returns the addresses.
    pub(super) fn restore(
        &mut self,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) -> Vec<Place> {
        let back = self.put_up(kernel, table, complaints);
        for Place { interface, address } in &back {
            let name = &self.name;
            let what = format!("({name}) {address} was taken from {interface}: put back");
            complaints.mention(Level::Warning, what);
        }
        back
    }

    /// Whether an address is missing on an interface that is there.
    pub(super) fn lacks_something(&self, table: &Table) -> bool {
        self.places().iter().any(|place| {
            let link = table.link(&place.interface);
            link.is_some_and(|link| table.find(link.index, place.address).is_none())
        })
    }

    /// Whether there is something that the kernel may drop without telling.
    pub(super) fn has_routes(&self) -> bool {
        let mut pieces = self.pieces.iter();
        pieces.any(|piece| matches!(piece, Piece::Route(_)))
    }

    /// Addresses that may be announced.
    pub(super) fn present(&self) -> Vec<Place> {
        let places = self.pieces.iter().filter_map(Piece::place);
        places
            .filter(|place| self.held && !self.failed.contains(place))
            .collect()
    }

    /// What is to be taken away if we cannot do it ourselves.
    pub(super) fn removable(&self) -> Vec<Held> {
        self.all_but(&self.spared)
    }

    /// The same, before anything is held.
    pub(super) fn would_hold(&self, table: &Table) -> Vec<Held> {
        self.all_but(&self.own(table))
    }

    fn all_but(&self, spared: &BTreeSet<Place>) -> Vec<Held> {
        let addresses = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Address { interface, address } => Some((interface, address)),
            Piece::Route(_) => None,
        });
        let held = addresses.map(|(interface, address)| Held {
            address: address.address,
            prefix: address.prefix,
            interface: interface.clone(),
        });
        let is_spared = |held: &Held| {
            let mut spared = spared.iter();
            spared.any(|one| one.address == held.address && one.interface == held.interface)
        };
        held.filter(|held| !is_spared(held)).collect()
    }

    /// An owner's addresses that are there and that no election has put there.
    fn own(&self, table: &Table) -> BTreeSet<Place> {
        let own = |place: &Place| {
            let link = table.link(&place.interface);
            let found = link.and_then(|link| table.find(link.index, place.address));
            self.owner && found.is_some_and(|found| found.origin != ORIGIN)
        };
        self.places().into_iter().filter(own).collect()
    }

    fn places(&self) -> BTreeSet<Place> {
        self.pieces.iter().filter_map(Piece::place).collect()
    }

    /// What stands in the way of somebody else's holding it: as words, and how it is removed.
    pub(super) fn left_behind(&self, table: &Table) -> Vec<(String, Change)> {
        let own = self.own(table);
        let left = self.pieces.iter().rev().flat_map(|piece| {
            let changes = match piece.place() {
                None => piece.removal(table).into_iter().collect(),
                Some(place) if own.contains(&place) => Vec::new(),
                Some(place) => found(table, &place),
            };
            changes
                .into_iter()
                .map(|change| (piece.to_string(), change))
        });
        left.collect()
    }

    /// Turns `promote_secondaries` on, if the file wants it.
    pub(super) fn promote_secondaries(&mut self, complaints: &mut Complaints) {
        let Some(promotes) = self.promotes.as_mut().filter(|one| one.before.is_none()) else {
            return;
        };
        match set_promote_secondaries(&promotes.interface, true) {
            Ok(before) => promotes.before = Some(before),
            Err(error) => {
                let what = format!("({}) cannot set promote_secondaries: {error}", self.name);
                complaints.once(&format!("promote {}", self.name), what);
            }
        }
    }

    /// Turns it off again, if it was off.
    pub(super) fn demote_secondaries(&mut self) {
        let promotes = self.promotes.as_mut();
        if let Some(promotes) = promotes
            && promotes.before.take() == Some(false)
        {
            // The interface may be gone, and its switches with it.
            let _gone = set_promote_secondaries(&promotes.interface, false);
        }
    }
}

/// The removals of an address that may be there with another prefix length than the file says.
fn found(table: &Table, place: &Place) -> Vec<Change> {
    let Some(link) = table.link(&place.interface) else {
        return Vec::new();
    };
    let found = table.find_all(link.index, place.address);
    let remove = |one: &Address| NewAddress::new(link.index, one.address, one.prefix).remove();
    found.map(remove).collect()
}
