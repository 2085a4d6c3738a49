//! SIGHUP: the files are read again, and what runs goes on.

use std::{net::IpAddr, sync::Arc, time::Instant};

use pontoon_config::keepalived::model::Model;
use pontoon_engine::vrrp::{
    InstanceId,
    event::{Event, Reading},
};

use super::EventLoop;
use crate::election::{
    log::Level,
    network::{Network, NetworkError},
    settings::{Facts, Plan},
    track::Trackers,
};
use crate::node::message::FromElection;

impl EventLoop {
    /// Reads the files again.
    ///
    /// # Errors
    /// Something is wrong with them, and nothing changes; the log tells it, too.
    pub(super) fn reload(&mut self) -> Result<(), String> {
        self.log.line(Level::Info, "Reloading ...");
        let outcome = self.options.files.read();
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
        if let Err(error) = self.apply(Arc::new(model)) {
            return self.refuse(&error);
        }
        self.log.line(Level::Info, "Reload complete");
        Ok(())
    }

    fn refuse(&self, why: &dyn std::fmt::Display) -> Result<(), String> {
        let text = format!("Reload refused, nothing has changed: {why}");
        self.log.line(Level::Error, text);
        Err(why.to_string())
    }

    fn apply(&mut self, model: Arc<Model>) -> Result<(), NetworkError> {
        self.network.prepare(&model)?;
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
        let before = self.network.held();
        self.network.reload(Arc::clone(&model));
        if self.network.held() != before {
            self.tell(&FromElection::Holding(self.network.held()));
        }
        self.notifier.reload(&model);
        self.floating.reload(&model);
        self.model = model;
        self.table = table;
        self.tell_farewells();
        self.carry_out();
        self.take_what_trackers_know();
        self.look_again();
        self.inform_floating();
        Ok(())
    }

    /// What the network could only tell about the new instances once it knew them.
    fn look_again(&mut self) {
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
