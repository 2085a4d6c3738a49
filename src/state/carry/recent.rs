//! What has happened to the servers lately, as another process goes on telling of it.

use std::{collections::HashMap, time::SystemTime};

use pontoon_config::haproxy::model::{Model, Server};
use pontoon_engine::units::{ProxyId, ServerId};
use serde::{Deserialize, Serialize};

use super::balancer::Probe;
use crate::state::timeline::{Change, Check, RecentChecks, Timeline};

/// [`Timeline`], by the names of the servers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Events(Vec<Event>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Event {
    at: SystemTime,
    backend: String,
    server: String,
    text: String,
}

/// [`RecentChecks`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Checked(Vec<(SystemTime, bool, Probe)>);

impl Events {
    pub(super) fn of(timeline: &Timeline, model: &Model) -> Self {
        let changes = timeline.changes().into_iter();
        let events = changes.filter_map(|change| {
            let (backend, server) = names(model, &change)?;
            Some(Event {
                at: change.at,
                backend,
                server,
                text: change.text,
            })
        });
        Self(events.collect())
    }

    /// What happened to servers that are not there any more is forgotten.
    pub(super) fn restore(&self, timeline: &Timeline, model: &Model) {
        let servers: HashMap<_, _> = servers(model).collect();
        let changes = self.0.iter().filter_map(|event| {
            let &(backend, server) = servers.get(&(&*event.backend, &*event.server))?;
            Some(Change {
                at: event.at,
                backend,
                server,
                text: event.text.clone(),
            })
        });
        timeline.resume(changes);
    }
}

fn names(model: &Model, change: &Change) -> Option<(String, String)> {
    let proxy = model.proxies.iter().find(|it| it.id == change.backend)?;
    let mut servers = proxy.backend.iter().flat_map(|side| &side.servers);
    let server = servers.find(|it| it.id == change.server)?;
    Some((proxy.name.to_string(), server.settings.name.to_string()))
}

fn servers(model: &Model) -> impl Iterator<Item = ((&str, &str), (ProxyId, ServerId))> {
    model.proxies.iter().flat_map(|proxy| {
        let servers = proxy.backend.iter().flat_map(|side| &side.servers);
        servers.map(|server: &Server| {
            let names = (&*proxy.name, &*server.settings.name);
            (names, (proxy.id, server.id))
        })
    })
}

impl Checked {
    pub(super) fn of(checks: &RecentChecks) -> Self {
        let checks = checks.checks().into_iter();
        let probe = |it: Check| (it.at, it.agent, Probe::of_check(&it.result));
        Self(checks.map(probe).collect())
    }

    pub(super) fn restore(&self, checks: &RecentChecks) {
        checks.resume(self.0.iter().filter_map(|&(at, agent, ref probe)| {
            let result = probe.check()?;
            Some(Check { at, agent, result })
        }));
    }
}
