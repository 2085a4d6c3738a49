//! From the model of `keepalived.conf` and the facts of the network to the settings of the
//! machine, with a table that says which tracker stands for what.

use std::{collections::HashMap, fmt, net::IpAddr, sync::Arc};

use pontoon_config::keepalived::model::{self, Model, TrackFile, Tracked};
use pontoon_engine::vrrp::{
    InstanceId, TrackerId,
    event::Reading,
    settings::{Effect, Group, Instance, Peers, ProxyPolicy, Settings, Track, Tracker},
};

/// What is known of the machine when settings are made.
pub(super) trait Facts {
    /// Whether an interface is there, up and running.
    fn interface_up(&self, name: &str) -> bool;
    /// The address an instance's advertisements come from.
    fn source(&self, instance: InstanceId) -> Option<IpAddr>;
    /// Whether a script may be run; one that may not is as if nobody tracked it.
    fn runs(&self, script: usize) -> bool;
}

/// What a tracker stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// An interface.
    Interface(String),
    /// Index of a script in the model.
    Script(usize),
    /// A file: each weight that is given to it makes another number of its content.
    File {
        /// Its index in the model.
        index: usize,
        /// What its number is multiplied with; 0: any number but 0 is bad.
        weight: i16,
    },
    /// Index of a process in the model.
    Process(usize),
}

/// Settings, and what their trackers stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) table: Table,
}

/// Which tracker stands for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    subjects: Vec<Subject>,
    ids: HashMap<Subject, TrackerId>,
}

impl Table {
    /// The tracker of a subject, if anything tracks it.
    pub(super) fn id(&self, subject: &Subject) -> Option<TrackerId> {
        self.ids.get(subject).copied()
    }

    /// All readings that come of a file's number.
    pub(super) fn of_file(&self, index: usize, number: i64) -> Vec<(TrackerId, Reading)> {
        let subjects = self.subjects.iter().enumerate();
        let readings = subjects.filter_map(|(id, subject)| match *subject {
            Subject::File {
                index: other,
                weight,
            } if other == index => Some((TrackerId(id), weigh(number, weight))),
            _ => None,
        });
        readings.collect()
    }

    /// All interfaces that are tracked.
    pub(super) fn interfaces(&self) -> Vec<(TrackerId, String)> {
        let subjects = self.subjects.iter().enumerate();
        let interfaces = subjects.filter_map(|(id, subject)| match subject {
            Subject::Interface(name) => Some((TrackerId(id), name.clone())),
            _ => None,
        });
        interfaces.collect()
    }

    fn add(&mut self, subject: Subject) -> TrackerId {
        if let Some(id) = self.id(&subject) {
            return id;
        }
        let id = TrackerId(self.subjects.len());
        self.subjects.push(subject.clone());
        self.ids.insert(subject, id);
        id
    }
}

/// What a tracked file's number means under a weight (keepalived.conf(5), `vrrp_track_file`).
fn weigh(number: i64, weight: i16) -> Reading {
    if weight == 0 {
        return if number == 0 {
            Reading::Up
        } else {
            Reading::Down
        };
    }
    let product = number.saturating_mul(i64::from(weight)).clamp(-254, 254);
    Reading::Value(i16::try_from(product).unwrap_or(0))
}

impl Plan {
    /// Settings of a model on this network.
    pub(super) fn new(model: &Model, facts: &dyn Facts) -> Self {
        let mut planner = Planner {
            model,
            facts,
            table: Table::default(),
        };
        let instances = planner.instances();
        let groups = planner.groups();
        let trackers = planner.trackers();
        let Planner { table, .. } = planner;
        let global = &model.global;
        let stable_time = global.proxy_stable_time;
        let usual = ProxyPolicy::default();
        let settings = Settings {
            instances,
            groups,
            trackers,
            startup_delay: global.startup_delay,
            proxy: ProxyPolicy {
                stable_time,
                longest_stable_time: usual.longest_stable_time.max(stable_time),
                resign_without_servers: global.proxy_resign_without_servers,
            },
        };
        Self { settings, table }
    }
}

struct Planner<'m> {
    model: &'m Model,
    facts: &'m dyn Facts,
    table: Table,
}

impl Planner<'_> {
    fn instances(&mut self) -> Vec<Instance> {
        let instances = self.model.instances.iter().enumerate();
        instances
            .map(|(index, instance)| self.instance(InstanceId(index), instance))
            .collect()
    }

    fn instance(&mut self, id: InstanceId, written: &model::Instance) -> Instance {
        let mut tracks = Vec::new();
        if written.track_primary {
            let subject = Subject::Interface(written.interface.clone());
            tracks.push(self.track(subject, Effect::Fault));
        }
        tracks.extend(self.tracks(&written.tracks));
        Instance {
            name: Arc::clone(&written.name),
            vrid: written.vrid,
            version: written.version,
            priority: written.priority,
            interval: written.interval,
            preempt: written.preempt,
            peers: peers(written),
            source: self.facts.source(id),
            addresses: written.addresses.iter().map(|it| it.address).collect(),
            password: written.password,
            announcements: written.announcements,
            down_timer_adverts: written.down_timer_adverts,
            lower_prio_no_advert: written.lower_prio_no_advert,
            refuse_strangers: written.check_unicast_source,
            skip_address_check: written.skip_address_check,
            tracks,
            track_proxy: written.track_proxy,
        }
    }

    fn groups(&mut self) -> Vec<Group> {
        let groups = self.model.groups.iter();
        groups
            .map(|group| Group {
                name: Arc::clone(&group.name),
                members: group.members.iter().copied().map(InstanceId).collect(),
                tracks: self.tracks(&group.tracks),
            })
            .collect()
    }

    fn tracks(&mut self, tracks: &model::Tracks) -> Vec<Track> {
        let mut found = Vec::new();
        for interface in &tracks.interfaces {
            let subject = Subject::Interface(interface.name.clone());
            found.push(self.track(subject, effect(interface.weight, interface.reverse)));
        }
        for script in tracks.scripts.iter().filter(|it| self.facts.runs(it.index)) {
            let subject = Subject::Script(script.index);
            found.push(self.track(subject, effect(script.weight, script.reverse)));
        }
        for file in &tracks.files {
            found.push(self.file(*file));
        }
        for process in &tracks.processes {
            let subject = Subject::Process(process.index);
            found.push(self.track(subject, effect(process.weight, process.reverse)));
        }
        found
    }

    /// A file's readings are weighed here: the machine takes them as they are.
    fn file(&mut self, file: Tracked) -> Track {
        let Tracked {
            index,
            weight,
            reverse,
        } = file;
        if weight == 0 {
            let subject = Subject::File { index, weight };
            return self.track(subject, effect(0, reverse));
        }
        let weight = if reverse { -weight } else { weight };
        self.track(Subject::File { index, weight }, Effect::Weight(1))
    }

    fn track(&mut self, subject: Subject, effect: Effect) -> Track {
        let tracker = self.table.add(subject);
        Track { tracker, effect }
    }

    fn trackers(&self) -> Vec<Tracker> {
        let subjects = self.table.subjects.iter();
        subjects
            .map(|subject| Tracker {
                name: Named(self.model, subject).to_string().into(),
                initially: self.initially(subject),
            })
            .collect()
    }

    fn initially(&self, subject: &Subject) -> Option<Reading> {
        match subject {
            Subject::Interface(name) if self.facts.interface_up(name) => Some(Reading::Up),
            Subject::Interface(_) => Some(Reading::Down),
            Subject::Script(index) => {
                let script = self.model.scripts.get(*index)?;
                script.init_fail.then_some(Reading::Down)
            }
            Subject::File { .. } | Subject::Process(_) => None,
        }
    }
}

fn peers(written: &model::Instance) -> Peers {
    match &written.unicast_peers {
        None => Peers::Multicast,
        Some(peers) => Peers::Unicast(peers.iter().map(|peer| peer.address).collect()),
    }
}

const fn effect(weight: i16, reverse: bool) -> Effect {
    match (weight, reverse) {
        (0, false) => Effect::Fault,
        (0, true) => Effect::FaultReversed,
        (weight, false) => Effect::Weight(weight),
        (weight, true) => Effect::WeightReversed(weight),
    }
}

/// A subject as messages name it.
struct Named<'a>(&'a Model, &'a Subject);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(model, subject) = self;
        let unknown = "?";
        match subject {
            Subject::Interface(name) => write!(f, "interface {name}"),
            Subject::Script(index) => {
                let script = model.scripts.get(*index);
                write!(f, "script {}", script.map_or(unknown, |it| &it.name))
            }
            // Each weight makes a tracker, and a reload knows trackers by their names.
            Subject::File { index, weight } => {
                let name = |file: &TrackFile| Arc::clone(&file.name);
                let name = model.files.get(*index).map(name);
                let name = name.as_deref().unwrap_or(unknown);
                write!(f, "file {name} (weight {weight})")
            }
            Subject::Process(index) => {
                let process = model.processes.get(*index);
                write!(f, "process {}", process.map_or(unknown, |it| &it.name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pontoon_config::{
        keepalived::{self, Unknown},
        source::SourceFile,
    };
    use pontoon_engine::vrrp::Priority;

    use super::*;
    use crate::surroundings::System;

    struct Machine {
        up: &'static str,
        disabled: Option<usize>,
    }

    impl Facts for Machine {
        fn interface_up(&self, name: &str) -> bool {
            name == self.up
        }

        fn source(&self, _instance: InstanceId) -> Option<IpAddr> {
            Some([10, 0, 0, 1].into())
        }

        fn runs(&self, script: usize) -> bool {
            self.disabled != Some(script)
        }
    }

    const FILE: &str = "
        vrrp_script chk {\n script \"/bin/true\"\n weight 2\n }
        vrrp_script other {\n script \"/bin/true\"\n init_fail\n }
        track_file level {\n file /tmp/level\n weight 3\n }
        vrrp_instance VI_1 {
            interface eth0
            virtual_router_id 51
            priority 100
            virtual_ipaddress {\n 10.0.0.9/24\n }
            track_interface {\n eth0 weight 7\n eth1\n }
            track_script {\n chk\n other\n }
            track_file {\n level weight -2\n }
        }
        vrrp_instance VI_2 {
            interface eth0
            dont_track_primary
            virtual_router_id 52
            virtual_ipaddress {\n 10.0.0.8/24\n }
            track_script {\n chk weight -5\n }
            track_file {\n level\n }
        }
    ";

    fn model() -> Model {
        let file = SourceFile {
            name: "keepalived.conf".into(),
            text: FILE.into(),
        };
        let settings = keepalived::Settings {
            config_id: String::new(),
            unknown_words: Unknown::Error,
        };
        let loaded = keepalived::load(vec![file], &settings, &System);
        loaded.model.unwrap()
    }

    fn plan(disabled: Option<usize>) -> Plan {
        let machine = Machine {
            up: "eth0",
            disabled,
        };
        Plan::new(&model(), &machine)
    }

    #[test]
    fn what_several_track_is_one_tracker_and_each_gives_it_its_own_effect() {
        let Plan { settings, table } = plan(None);
        let chk = table.id(&Subject::Script(0)).unwrap();
        let effect = |instance: usize| {
            let mut tracks = settings.instances[instance].tracks.iter();
            tracks
                .find(|track| track.tracker == chk)
                .map(|it| it.effect)
        };
        assert_eq!(effect(0), Some(Effect::Weight(2)));
        assert_eq!(effect(1), Some(Effect::Weight(-5)));
        assert_eq!(settings.trackers[chk.0].name.as_ref(), "script chk");
        assert_eq!(settings.instances[0].priority, Priority(100));
    }

    #[test]
    fn an_instance_s_own_interface_faults_it_besides_what_is_written() {
        let Plan { settings, table } = plan(None);
        let eth0 = table.id(&Subject::Interface("eth0".into())).unwrap();
        let eth1 = table.id(&Subject::Interface("eth1".into())).unwrap();
        let of = |tracker| {
            let tracks = settings.instances[0].tracks.iter();
            let tracks = tracks.filter(|track| track.tracker == tracker);
            tracks.map(|track| track.effect).collect::<Vec<_>>()
        };
        assert_eq!(of(eth0), [Effect::Fault, Effect::Weight(7)]);
        assert_eq!(of(eth1), [Effect::Fault]);
        assert_eq!(settings.trackers[eth0.0].initially, Some(Reading::Up));
        assert_eq!(settings.trackers[eth1.0].initially, Some(Reading::Down));
        assert!(
            settings.instances[1]
                .tracks
                .iter()
                .all(|it| it.tracker != eth0)
        );
    }

    #[test]
    fn scripts_are_unknown_at_first_unless_they_begin_as_failed() {
        let Plan { settings, table } = plan(None);
        let initially = |script| {
            let id = table.id(&Subject::Script(script)).unwrap();
            settings.trackers[id.0].initially
        };
        assert_eq!(initially(0), None);
        assert_eq!(initially(1), Some(Reading::Down));
    }

    #[test]
    fn a_script_that_may_not_run_is_not_tracked() {
        let Plan { table, .. } = plan(Some(1));
        assert_eq!(table.id(&Subject::Script(1)), None);
        assert!(table.id(&Subject::Script(0)).is_some());
    }

    #[test]
    fn a_file_s_number_is_weighed_for_each_weight() {
        let Plan { settings, table } = plan(None);
        let names = |readings: Vec<(TrackerId, Reading)>| {
            let readings = readings.into_iter();
            let named = readings.map(|(id, it)| (settings.trackers[id.0].name.to_string(), it));
            named.collect::<Vec<_>>()
        };
        assert_eq!(
            names(table.of_file(0, 5)),
            [
                ("file level (weight -2)".to_owned(), Reading::Value(-10)),
                ("file level (weight 3)".to_owned(), Reading::Value(15)),
            ]
        );
        assert_eq!(table.of_file(0, i64::MAX)[1].1, Reading::Value(254));
    }

    #[test]
    fn with_weight_0_any_number_but_0_is_bad() {
        assert_eq!(weigh(0, 0), Reading::Up);
        assert_eq!(weigh(-3, 0), Reading::Down);
    }
}
