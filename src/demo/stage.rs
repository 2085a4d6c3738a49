//! The real site: nodes in namespaces, looked at through the doors that an operator has.

mod eye;
mod reading;

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use pontoon_lab::{
    problem::Problem,
    site::{Event, Name, Site, What},
};

use self::eye::Eye;
use super::{
    deed::{DatabaseId, Deed, NodeId, Power},
    picture::{Calls, Sighting},
    show::Stage,
};

/// Where a node's statistics are, from inside.
const PAGE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);
/// How often a node is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Lines that are kept of what a node says, for when something goes wrong.
const KEPT: usize = 25;

/// The site and what was seen of it.
pub(super) struct Lab {
    site: Site,
    events: Receiver<Event>,
    eyes: [Eye; 2],
    looked: Option<Instant>,
    /// When the last attempt began whose outcome is known.
    attempts_until: Instant,
    calls: Calls,
    said: [VecDeque<String>; 2],
}

impl Lab {
    pub(super) fn open(mut site: Site, now: Instant) -> Result<Self, Problem> {
        let events = site.events();
        let events = events.ok_or_else(|| Problem::Unexpected("somebody else listens".into()))?;
        Ok(Self {
            site,
            events,
            eyes: NodeId::BOTH.map(Eye::open),
            looked: None,
            attempts_until: now,
            calls: Calls::default(),
            said: Default::default(),
        })
    }

    /// What a node has said last.
    pub(super) fn last_words(&self, node: NodeId) -> impl Iterator<Item = &str> {
        self.said[node.index()].iter().map(String::as_str)
    }

    fn hear(&mut self, event: Event) -> Option<Sighting> {
        match event.what {
            What::Said { node, line } => {
                let said = &mut self.said[node.index()];
                if said.len() == KEPT {
                    said.pop_front();
                }
                said.push_back(line);
                None
            }
            What::Ended { node, how } => Some(Sighting::Ended(id(node), how)),
            What::Moved { to } => Some(Sighting::Holder(to.map(id))),
            What::Trouble(text) => Some(Sighting::Trouble(text)),
        }
    }

    /// Those attempts that are decided, up to the first that is not: they are told in order.
    fn attempts(&mut self) -> impl Iterator<Item = Sighting> + use<> {
        let attempts = self.site.client().since(self.attempts_until).into_iter();
        let decided: Vec<_> = attempts.take_while(|one| one.served.is_some()).collect();
        if let Some(last) = decided.last() {
            self.attempts_until = last.began;
        }
        decided.into_iter().map(Sighting::Attempt)
    }

    /// Counts those that are new.
    fn calls(&mut self) -> Calls {
        let calls = &mut self.calls;
        for call in self.site.cloud().calls_after(calls.total()) {
            match call.action.as_str() {
                "AssociateAddress" => calls.moved += 1,
                _ => calls.asked += 1,
            }
            calls.failed += usize::from(call.outcome != "ok");
        }
        *calls
    }

    /// Opens the doors of both nodes for whoever reads what is behind them.
    fn look_at_nodes(&mut self) {
        let due = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK);
        if !due {
            return;
        }
        self.looked = Some(Instant::now());
        for node in NodeId::BOTH {
            let (eye, name) = (&mut self.eyes[node.index()], name(node));
            if eye.is_idle() && self.site.is_on(name) {
                // A node that just starts has no door yet.
                eye.look(
                    self.site.door(name).ok(),
                    self.site.connect(name, PAGE).ok(),
                );
            }
        }
    }
}

impl Stage for Lab {
    fn look(&mut self) -> Vec<Sighting> {
        let events: Vec<_> = self.events.try_iter().collect();
        let heard = events.into_iter().filter_map(|event| self.hear(event));
        let mut sightings: Vec<_> = heard.collect();
        sightings.extend(self.attempts());
        sightings.push(Sighting::Calls(self.calls()));
        self.look_at_nodes();
        sightings.extend(self.eyes.iter_mut().flat_map(Eye::seen));
        sightings
    }

    fn act(&mut self, deed: Deed) -> Result<(), Problem> {
        let site = &mut self.site;
        match deed {
            Deed::KillProxy(node) => match site.kill_proxy(name(node))? {
                0 => Err(Problem::Unexpected("it is dead already".into())),
                _ => Ok(()),
            },
            Deed::KillNode(node) => site.power_off(name(node)),
            Deed::StartNode(node) => site.power_on(name(node)),
            Deed::KillDatabase(DatabaseId(index)) => {
                site.kill_database(index);
                Ok(())
            }
            Deed::StartDatabase(DatabaseId(index)) => site.revive_database(index),
            Deed::Api(Power::Off) => {
                site.cloud_down();
                Ok(())
            }
            Deed::Api(Power::On) => {
                site.cloud_up();
                Ok(())
            }
            Deed::Link(Power::Off) => site.cut_link(),
            Deed::Link(Power::On) => site.heal_link(),
        }
    }
}

pub(super) const fn name(node: NodeId) -> Name {
    match node {
        NodeId::One => Name::Master,
        NodeId::Two => Name::Slave,
    }
}

const fn id(name: Name) -> NodeId {
    match name {
        Name::Master => NodeId::One,
        Name::Slave => NodeId::Two,
    }
}
