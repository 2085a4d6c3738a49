//! What each instance holds while it is master, and what is to be done so that the kernel has it.

mod piece;
mod share;

use std::{io, net::IpAddr, task::Context, time::Duration};

use pontoon_config::keepalived::model::Model;
use pontoon_engine::vrrp::InstanceId;
use pontoon_sys::netlink::{Change, address::NewAddress};
use rustix::io::Errno;
use tokio::time::Instant;

use super::{
    alarm::Alarm, complaints::Complaints, kernel::Kernel, names::Successors, table::Table,
};
use crate::{
    election::log::{Level, Log},
    node::message::Held,
};
use piece::Piece;
use share::Share;

/// An address and its interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The interface's name.
    pub(super) interface: String,
    /// The address.
    pub(super) address: IpAddr,
}

/// All instances' shares, and the addresses of nobody.
#[derive(Debug)]
pub(super) struct Holding {
    instances: Vec<Share>,
    /// `static_ipaddress`: held as long as the election runs.
    fixed: Share,
    /// An interface has come up: the kernel may have dropped routes without a word.
    doubtful: bool,
    restored_at: Option<Instant>,
    pause: Alarm,
}

/// Somebody else who takes addresses away again and again is not answered faster than this.
const PAUSE: Duration = Duration::from_millis(200);

impl Holding {
    pub(super) fn new(model: &Model) -> Self {
        Self {
            instances: model.instances.iter().map(Share::of).collect(),
            fixed: Share::fixed(&model.static_addresses),
            doubtful: false,
            restored_at: None,
            pause: Alarm::default(),
        }
    }

    /// Puts the fixed addresses up, and turns the switches of interfaces.
    pub(super) fn begin(
        &mut self,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) {
        self.fixed.acquire(kernel, table, complaints);
        for share in &mut self.instances {
            share.promote_secondaries(complaints);
        }
    }

    /// Goes on where the program before was: these instances hold what is theirs.
    pub(super) fn resume(
        &mut self,
        masters: &[String],
        promoted: &[(String, bool)],
        table: &Table,
    ) {
        for share in &mut self.instances {
            let mut known = promoted.iter();
            let before = known.find(|(name, _)| **name == *share.name);
            let held = masters.iter().any(|name| **name == *share.name);
            share.resume(held, before.map(|(_, before)| *before), table);
        }
    }

    /// Instances that have turned `promote_secondaries` on, and whether it was on before.
    pub(super) fn promoted(&self) -> Vec<(String, bool)> {
        let all = self.instances.iter();
        all.filter_map(|share| Some((share.name.to_string(), share.promoted()?)))
            .collect()
    }

    /// Undoes [`Holding::begin`].
    pub(super) fn end(&mut self, kernel: &mut Kernel, table: &Table, complaints: &mut Complaints) {
        self.fixed.release(kernel, table, complaints);
        for share in &mut self.instances {
            share.demote_secondaries();
        }
    }

    pub(super) fn acquire(
        &mut self,
        instance: InstanceId,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) {
        if let Some(share) = self.instances.get_mut(instance.0) {
            share.acquire(kernel, table, complaints);
        }
    }

    pub(super) fn release(
        &mut self,
        instance: InstanceId,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) {
        if let Some(share) = self.instances.get_mut(instance.0) {
            share.release(kernel, table, complaints);
        }
    }

    /// The addresses of an instance that are there, and may be announced.
    pub(super) fn present(&self, instance: InstanceId) -> Vec<Place> {
        let share = self.instances.get(instance.0);
        share.map(Share::present).unwrap_or_default()
    }

    pub(super) fn held(&self) -> Vec<Held> {
        let all = self.instances.iter().chain([&self.fixed]);
        all.filter(|share| share.held)
            .flat_map(Share::removable)
            .collect()
    }

    pub(super) fn would_hold(&self, instance: InstanceId, table: &Table) -> Vec<Held> {
        let share = self.instances.get(instance.0);
        share
            .map(|share| share.would_hold(table))
            .unwrap_or_default()
    }

    /// What is held once [`Holding::reload`] has gone by this file.
    pub(super) fn would_hold_by(
        &self,
        model: &Model,
        successors: &Successors,
        table: &Table,
    ) -> Vec<Held> {
        let held = self.instances.iter().zip(successors);
        let held = held.filter(|(share, _)| share.held);
        let instances = held.filter_map(|(_, next)| model.instances.get((*next)?));
        instances
            .map(Share::of)
            .chain([Share::fixed(&model.static_addresses)])
            .flat_map(|share| share.would_hold(table))
            .collect()
    }

    /// Takes away what is there although nobody holds it.
    pub(super) fn clean(&mut self, kernel: &mut Kernel, table: &Table, log: &Log) {
        for share in self.instances.iter().filter(|share| !share.held) {
            let found = share.left_behind(table);
            let changes: Vec<Change> = found.iter().map(|(_, change)| change.clone()).collect();
            let outcomes = kernel.apply(&changes);
            for ((what, _), outcome) in found.iter().zip(outcomes) {
                match absence(outcome) {
                    Ok(true) => {
                        let line = format!("({}) removed {what}: left behind", share.name);
                        log.line(Level::Warning, line);
                    }
                    Ok(false) => {}
                    Err(error) => {
                        let line = format!("({}) cannot remove {what}: {error}", share.name);
                        log.line(Level::Error, line);
                    }
                }
            }
        }
    }

    /// An interface has come up; what is held there is looked after at the next
    /// [`Holding::restore`].
    pub(super) const fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// Puts back what is held and not there; returns what had gone. Soon after the last time
    /// nothing is done yet.
    pub(super) fn restore(
        &mut self,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) -> Vec<(InstanceId, Place)> {
        let doubtful = self.doubtful;
        let lacks = |share: &Share| {
            share.held && (share.lacks_something(table) || doubtful && share.has_routes())
        };
        if !self.instances.iter().chain([&self.fixed]).any(lacks) {
            self.doubtful = false;
            return Vec::new();
        }
        let now = Instant::now();
        if let Some(last) = self.restored_at.filter(|last| *last + PAUSE > now) {
            self.pause.set(last + PAUSE);
            return Vec::new();
        }
        self.restored_at = Some(now);
        self.doubtful = false;
        if lacks(&self.fixed) {
            self.fixed.restore(kernel, table, complaints);
        }
        let mut restored = Vec::new();
        for (index, share) in self.instances.iter_mut().enumerate() {
            if lacks(share) {
                let places = share.restore(kernel, table, complaints).into_iter();
                restored.extend(places.map(|place| (InstanceId(index), place)));
            }
        }
        restored
    }

    /// True when it is time to look again.
    pub(super) fn poll_pause(&mut self, context: &mut Context<'_>) -> bool {
        self.pause.poll(context)
    }

    /// Goes by another file. What an instance holds follows its lists; an instance that is gone
    /// holds nothing. Returns the addresses that are new on interfaces.
    pub(super) fn reload(
        &mut self,
        model: &Model,
        successors: &Successors,
        kernel: &mut Kernel,
        table: &Table,
        complaints: &mut Complaints,
    ) -> Vec<(InstanceId, Vec<Place>)> {
        let mut before = std::mem::replace(self, Self::new(model));
        self.restored_at = before.restored_at;
        let mut new = Vec::new();
        for (old, successor) in before.instances.iter_mut().zip(successors) {
            match successor {
                Some(index) => {
                    let places = self.instances[*index].succeed(old, kernel, table, complaints);
                    new.push((InstanceId(*index), places));
                }
                None => {
                    old.release(kernel, table, complaints);
                    old.demote_secondaries();
                }
            }
        }
        self.fixed
            .succeed(&mut before.fixed, kernel, table, complaints);
        for share in &mut self.instances {
            share.promote_secondaries(complaints);
        }
        new
    }
}

/// Takes away what nobody holds any more.
pub(super) fn forsake(held: &[Held], kernel: &mut Kernel, table: &Table, log: &Log) {
    for Held {
        address,
        prefix,
        interface,
    } in held
    {
        let Some(link) = table.link(interface) else {
            continue;
        };
        let removal = NewAddress::new(link.index, *address, *prefix).remove();
        for outcome in kernel.apply(&[removal]) {
            let what = format!("{address}/{prefix} on {interface}");
            match absence(outcome) {
                Ok(_) => log.line(
                    Level::Warning,
                    format!("removed {what}: held by nobody now"),
                ),
                Err(error) => log.line(Level::Error, format!("cannot remove {what}: {error}")),
            }
        }
    }
}

/// Carries changes out and hands each piece's outcome on.
fn carry_out<'a>(
    kernel: &mut Kernel,
    changes: Vec<(&'a Piece, Change)>,
) -> impl Iterator<Item = (&'a Piece, io::Result<()>)> {
    let (pieces, changes): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
    pieces.into_iter().zip(kernel.apply(&changes))
}

/// What an addition has come to: true if it was not there before.
fn presence(outcome: io::Result<()>) -> io::Result<bool> {
    expecting(outcome, &[Errno::EXIST])
}

/// What a removal has come to: true if it was there before.
fn absence(outcome: io::Result<()>) -> io::Result<bool> {
    // Without its interface an address is gone as well.
    let gone = [Errno::ADDRNOTAVAIL, Errno::SRCH, Errno::NODEV, Errno::NXIO];
    expecting(outcome, &gone)
}

fn expecting(outcome: io::Result<()>, expected: &[Errno]) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) => {
            let is = |errno: &Errno| error.raw_os_error() == Some(errno.raw_os_error());
            if expected.iter().any(is) {
                Ok(false)
            } else {
                Err(error)
            }
        }
    }
}
