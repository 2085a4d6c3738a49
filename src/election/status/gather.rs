//! The status, from what the machine, the network and the scripts say.

use std::{
    path::{self, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use pontoon_config::keepalived::model::Model;
use pontoon_engine::vrrp::{
    InstanceId, Priority, Role, Version,
    action::Reason,
    event::Reading,
    settings::Settings,
    view::{self, Contribution, InstanceView, Switchover},
};

use super::{
    AddressStatus, Counters, EventStatus, FloatingIpStatus, GroupStatus, InstanceStatus,
    PeerStatus, PriorityStatus, ScriptStatus, Status, SwitchoverStatus, TrackerStatus,
    TransitionStatus,
};
use crate::{
    election::{
        history::{Events, History},
        words::{self, Words},
    },
    node::message::Held,
};

/// What the status is made of.
pub(in crate::election) struct Facts<'a> {
    pub(in crate::election) model: &'a Model,
    pub(in crate::election) settings: &'a Settings,
    /// Their names, as they were given.
    pub(in crate::election) files: &'a [String],
    pub(in crate::election) router_id: &'a str,
    /// In the order of the file.
    pub(in crate::election) views: &'a [InstanceView],
    /// What is on the interfaces because of us.
    pub(in crate::election) held: &'a [Held],
    /// What each instance holds or would hold.
    pub(in crate::election) wanted: &'a [Vec<Held>],
    /// Those of each instance.
    pub(in crate::election) floating_ips: Vec<Vec<FloatingIpStatus>>,
    pub(in crate::election) scripts: Vec<ScriptStatus>,
    pub(in crate::election) proxy: Option<String>,
    pub(in crate::election) history: &'a History,
    pub(in crate::election) events: &'a Events,
    pub(in crate::election) started: Instant,
    pub(in crate::election) now: Instant,
    /// The same moment on the wall.
    pub(in crate::election) clock: SystemTime,
}

/// The status of this moment.
pub(in crate::election) fn gather(facts: Facts<'_>) -> Status {
    let views = facts.views.iter().enumerate();
    let instances = views.map(|(id, view)| facts.instance(InstanceId(id), view));
    let transitions = facts.history.iter().map(|it| TransitionStatus {
        at: since_epoch(it.at),
        instance: it.instance.clone(),
        from: it.from.to_string(),
        to: it.to.to_string(),
        reason: it.reason.clone(),
    });
    Status {
        router_id: facts.router_id.to_owned(),
        pid: std::process::id(),
        running_for: seconds(facts.now.saturating_duration_since(facts.started)),
        files: facts.files.iter().map(whole).collect(),
        instances: instances.collect(),
        groups: facts.groups(),
        transitions: transitions.collect(),
        events: facts.events(),
        proxy: facts.proxy,
        scripts: facts.scripts,
    }
}

/// From anywhere, the file is found by this name.
fn whole(name: &String) -> PathBuf {
    path::absolute(name).unwrap_or_else(|_| name.into())
}

impl Facts<'_> {
    fn instance(&self, id: InstanceId, view: &InstanceView) -> InstanceStatus {
        let words = Words {
            settings: self.settings,
        };
        let written = self.model.instances.get(id.0);
        let version = written.map(|written| written.version);
        InstanceStatus {
            name: words.instance(id).to_owned(),
            interface: written.map_or_else(String::new, |it| it.interface.clone()),
            vrid: written.map_or(0, |it| it.vrid.get()),
            version: if version == Some(Version::V3) { 3 } else { 2 },
            role: view.role.to_string(),
            role_for: self.ago(view.since),
            since: since_epoch(self.clock) - self.ago(view.since),
            reason: match (view.role, view.reason) {
                (Role::Init, Reason::Ready) => "not everything is known yet".to_owned(),
                (_, reason) => words.reason(reason),
            },
            priority: self.priority(view),
            hold: view.hold.map(words::hold),
            hold_for: view.hold_ends.map(|at| self.until(at)),
            switchover: view.switchover.map(|it| self.switchover(it)),
            master: view.master,
            master_down_in: view.master_down_at.map(|at| self.until(at)),
            peers: view.peers.iter().map(|peer| self.peer(peer)).collect(),
            addresses: self.addresses(id),
            floating_ips: self.floating_ips.get(id.0).cloned().unwrap_or_default(),
            counters: counted(&view.counters),
        }
    }

    fn events(&self) -> Vec<EventStatus> {
        let events = self.events.iter().map(|(at, text)| EventStatus {
            at: since_epoch(*at),
            text: text.clone(),
        });
        events.collect()
    }

    fn switchover(&self, switchover: Switchover) -> SwitchoverStatus {
        match switchover {
            Switchover::UnderWay { until } => SwitchoverStatus::UnderWay {
                stays_in: self.until(until),
            },
            Switchover::HandedOver => SwitchoverStatus::HandedOver,
        }
    }

    fn priority(&self, view: &InstanceView) -> PriorityStatus {
        let Priority(base) = view.base_priority;
        let Priority(effective) = view.priority;
        let trackers = view.contributions.iter();
        PriorityStatus {
            base,
            trackers: trackers.map(|it| self.tracker(it)).collect(),
            effective,
        }
    }

    fn tracker(&self, contribution: &Contribution) -> TrackerStatus {
        let tracker = self.settings.trackers.get(contribution.tracker.0);
        TrackerStatus {
            name: tracker.map_or_else(String::new, |tracker| tracker.name.to_string()),
            reading: match contribution.reading {
                None => "unknown".to_owned(),
                Some(Reading::Up) => "up".to_owned(),
                Some(Reading::Down) => "down".to_owned(),
                Some(Reading::Value(value)) => value.to_string(),
            },
            adds: contribution.weight,
            faults: contribution.faults,
        }
    }

    fn peer(&self, peer: &view::Peer) -> PeerStatus {
        PeerStatus {
            address: peer.address,
            priority: peer.priority.0,
            heard_ago: self.ago(peer.heard_at),
            interval: seconds(peer.interval),
            checksum: words::checksum_name(peer.checksum).to_owned(),
        }
    }

    fn addresses(&self, id: InstanceId) -> Vec<AddressStatus> {
        let wanted = self.wanted.get(id.0).into_iter().flatten();
        wanted
            .map(|it| AddressStatus {
                address: it.address,
                prefix: it.prefix,
                interface: it.interface.clone(),
                held: self.held.contains(it),
            })
            .collect()
    }

    fn groups(&self) -> Vec<GroupStatus> {
        let groups = self.settings.groups.iter();
        groups
            .map(|group| {
                let first = group.members.first().and_then(|id| self.views.get(id.0));
                let names = group
                    .members
                    .iter()
                    .filter_map(|id| self.settings.instances.get(id.0));
                GroupStatus {
                    name: group.name.to_string(),
                    role: first.map_or_else(String::new, |view| view.role.to_string()),
                    members: names.map(|instance| instance.name.to_string()).collect(),
                }
            })
            .collect()
    }

    fn ago(&self, at: Instant) -> f64 {
        seconds(self.now.saturating_duration_since(at))
    }

    fn until(&self, at: Instant) -> f64 {
        seconds(at.saturating_duration_since(self.now))
    }
}

const fn counted(counters: &view::Counters) -> Counters {
    Counters {
        adverts_received: counters.adverts_received,
        adverts_sent: counters.adverts_sent,
        became_master: counters.became_master,
        released_master: counters.released_master,
        resignations_received: counters.resignations_received,
        resignations_sent: counters.resignations_sent,
        dropped: counters.version_errors
            + counters.hop_limit_errors
            + counters.authentication_errors
            + counters.interval_errors
            + counters.strangers,
        address_list_mismatches: counters.address_list_mismatches,
    }
}

/// In thousandths: more would only pretend to be exact.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

fn since_epoch(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    seconds(since.unwrap_or_default())
}

#[cfg(test)]
mod tests;
