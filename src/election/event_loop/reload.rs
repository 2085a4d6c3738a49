//! SIGHUP: the files are read again, and what runs goes on.
//!
//! A node asks for it in two steps, so that its proxy is not replaced for a file that the election
//! cannot apply: first the file is read and all is opened that it needs, then it is applied.

use std::{net::IpAddr, sync::Arc, time::Instant};

use pontoon_config::keepalived::model::Model;
use pontoon_engine::vrrp::{
    InstanceId,
    event::{Event, Reading},
};

use super::EventLoop;
use crate::election::{
    log::Level,
    network::Network,
    script::launched,
    settings::{Facts, Plan},
    track::Trackers,
};
use crate::node::message::FromElection;

impl EventLoop {
    /// Reads the files again, unless that has been prepared, and goes by them.
    ///
    /// # Errors
    /// Something is wrong with them, and nothing changes; the log tells it, too.
    pub(super) fn reload(&mut self) -> Result<(), String> {
        self.log.line(Level::Info, "Reloading ...");
        if self.prepared.is_none() {
            self.prepare()?;
        }
        if let Some(model) = self.prepared.take() {
            self.apply(model);
        }
        self.log.line(Level::Info, "Reload complete");
        Ok(())
    }

    /// Reads the files again, and opens what they need besides, so that [`EventLoop::reload`] cannot
    /// fail.
    ///
    /// # Errors
    /// As there.
    pub(super) fn prepare(&mut self) -> Result<(), String> {
        self.abandon_reload();
        let outcome = self.options.files.read();
        launched::reload();
        for finding in &outcome.findings {
            self.log.line(finding.level(), &finding.text);
        }
        let Some(model) = outcome.model else {
            return self.refuse(&"the files have errors");
        };
        if model.instances.is_empty() && !self.model.instances.is_empty() {
            // A file that is being written looks like this, too, and everything would be let go.
            let why = "no vrrp_instance is left; to give all addresses back, stop the program";
            return self.refuse(&why);
        }
        if let Err(error) = self.network.prepare(&model) {
            return self.refuse(&error);
        }
        self.prepared = Some(Arc::new(model));
        Ok(())
    }

    /// What was prepared is not wanted.
    pub(super) fn abandon_reload(&mut self) {
        if self.prepared.take().is_some() {
            self.network.abandon();
        }
    }

    fn refuse(&self, why: &dyn std::fmt::Display) -> Result<(), String> {
        let text = format!("Reload refused, nothing has changed: {why}");
        self.log.line(Level::Error, text);
        Err(why.to_string())
    }

    fn apply(&mut self, model: Arc<Model>) {
        self.stop_asking();
        self.trackers.reload(&model);
        let facts = Known {
            network: &self.network,
            trackers: &self.trackers,
            new: &model,
        };
        let Plan { settings, table } = Plan::new(&model, &facts);
        let priorities = self.instances().map(|id| self.priority(id)).collect();
        let last = self.election.reload(settings.clone(), Instant::now());
        // The last orders of instances that are gone bear the old indices.
        self.outgoing = Some(priorities);
        last.into_iter().for_each(|order| self.execute(order));
        self.outgoing = None;
        self.settings = settings;
        self.reload_network(&model);
        self.notifier.reload(&model);
        self.floating.reload(&model);
        self.model = model;
        self.table = table;
        self.tell_farewells();
        self.carry_out();
        self.take_what_trackers_know();
        self.look_again();
        self.inform_floating();
    }

    /// The supervisor hears of addresses before they are taken, as in [`Self::acquire`].
    fn reload_network(&mut self, model: &Arc<Model>) {
        let before = self.network.held();
        let mut meanwhile = self.network.would_hold_by(model);
        meanwhile.retain(|held| !before.contains(held));
        let grows = !meanwhile.is_empty();
        if grows {
            meanwhile.extend(before.iter().cloned());
            self.tell(&FromElection::Holding(meanwhile));
        }
        self.network.reload(Arc::clone(model));
        let now = self.network.held();
        if grows || now != before {
            self.tell(&FromElection::Holding(now));
        }
    }

    /// What the network could only tell about the new instances once it knew them.
    pub(super) fn look_again(&mut self) {
        for instance in self.instances() {
            let source = self.network.source(instance);
            self.handle(Event::Source { instance, source });
        }
        let interfaces = self.table.interfaces();
        for (tracker, name) in interfaces {
            let reading = if self.network.interface_up(&name) {
                Reading::Up
            } else {
                Reading::Down
            };
            self.handle(Event::Tracked { tracker, reading });
        }
    }
}

/// What is known of the network while it does not know the new instances yet.
struct Known<'a> {
    network: &'a Network,
    trackers: &'a Trackers,
    new: &'a Model,
}

impl Facts for Known<'_> {
    fn interface_up(&self, name: &str) -> bool {
        self.network.interface_up(name)
    }

    fn source(&self, instance: InstanceId) -> Option<IpAddr> {
        self.network.source_in(self.new, instance)
    }

    fn runs(&self, script: usize) -> bool {
        !self.trackers.is_disabled(script)
    }
}
