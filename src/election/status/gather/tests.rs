//! A small election, and what is told of it.

use std::net::IpAddr;

use pontoon_config::{
    keepalived::{self, Unknown},
    source::SourceFile,
};
use pontoon_engine::vrrp::{
    Vrid,
    election::Election,
    event::{Advert, Checksum, Event, Heard, Proxy, ProxyFault, Servers},
};

use super::*;
use crate::{
    election::{
        history::Transition,
        settings::{self, Plan, Subject, Table},
    },
    surroundings::System,
};

const FILE: &str = "
    vrrp_script chk {\n script /bin/true\n weight 2\n }
    vrrp_script other {\n script /bin/true\n weight -20\n }
    track_file level {\n file /tmp/level\n }
    vrrp_sync_group VG_1 {\n group {\n VI_2\n VI_3\n }\n }
    vrrp_instance VI_1 {
        interface eth0
        virtual_router_id 51
        priority 100
        virtual_ipaddress {\n 10.0.0.9/24\n }
        track_script {\n chk\n other\n }
        track_file {\n level\n }
        MORE
    }
    vrrp_instance VI_2 {
        interface eth0
        version 3
        virtual_router_id 52
        priority 50
        virtual_ipaddress {\n 10.0.0.8/24\n }
        MORE
    }
    vrrp_instance VI_3 {
        interface eth0
        virtual_router_id 53
        virtual_ipaddress {\n 10.0.0.7/24\n }
    }
";

struct Network;

impl settings::Facts for Network {
    fn interface_up(&self, _name: &str) -> bool {
        true
    }

    fn source(&self, _instance: InstanceId) -> Option<IpAddr> {
        Some([10, 0, 0, 1].into())
    }

    fn runs(&self, _script: usize) -> bool {
        true
    }
}

/// An election, and the time of its own.
struct Scene {
    model: Model,
    table: Table,
    election: Election,
    history: History,
    now: Instant,
}

impl Scene {
    /// With these lines in both instances.
    fn new(more: &str) -> Self {
        let file = SourceFile {
            name: "keepalived.conf".into(),
            text: FILE.replace("MORE", more),
        };
        let settings = keepalived::Settings {
            config_id: String::new(),
            unknown_words: Unknown::Error,
        };
        let model = keepalived::load(vec![file], &settings, &System).model;
        let model = model.unwrap();
        let Plan { settings, table } = Plan::new(&model, &Network);
        let now = Instant::now();
        Self {
            election: Election::new(settings, now),
            history: History::default(),
            model,
            table,
            now,
        }
    }

    /// The same; both are backups and hear a master.
    fn backup(more: &str, rival: u8) -> Self {
        let mut scene = Self::new(more);
        scene.tell(Event::Timeout);
        scene.hear(0, rival);
        scene.hear(1, rival);
        scene
    }

    fn tell(&mut self, event: Event) {
        self.election.handle(event, self.now);
        while self.election.poll_action().is_some() {}
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn read(&mut self, subject: &Subject, reading: Reading) {
        let tracker = self.table.id(subject).unwrap();
        self.tell(Event::Tracked { tracker, reading });
    }

    /// 10.0.0.2 says that it is master.
    fn hear(&mut self, index: usize, priority: u8) {
        let instance = &self.model.instances[index];
        let advert = Advert {
            version: instance.version,
            vrid: Vrid::new(instance.vrid.get()).unwrap(),
            priority: Priority(priority),
            interval: instance.interval,
            addresses: instance.addresses.iter().map(|it| it.address).collect(),
            password: None,
        };
        let heard = Heard {
            from: [10, 0, 0, 2].into(),
            hop_limit: Some(255),
            advert,
            checksum: Checksum::Message,
        };
        let instance = InstanceId(index);
        self.tell(Event::Heard { instance, heard });
    }

    fn status(&self) -> Status {
        let ids = (0..self.model.instances.len()).map(InstanceId);
        let views: Vec<_> = ids.map(|id| self.election.instance(id)).collect();
        let held = |address: [u8; 4]| Held {
            address: address.into(),
            prefix: 24,
            interface: "eth0".to_owned(),
        };
        gather(Facts {
            model: &self.model,
            settings: self.election.settings(),
            files: &["/etc/keepalived/keepalived.conf".to_owned()],
            router_id: "lb1",
            views: &views,
            held: &[held([10, 0, 0, 9])],
            wanted: &[9, 8, 7].map(|last| vec![held([10, 0, 0, last])]),
            floating_ips: Vec::new(),
            scripts: Vec::new(),
            proxy: None,
            history: &self.history,
            events: &Events::default(),
            started: self.now,
            now: self.now,
            clock: SystemTime::UNIX_EPOCH + Duration::from_secs(1000),
        })
    }

    fn first(&self) -> InstanceStatus {
        self.status().instances.swap_remove(0)
    }
}

#[test]
fn a_priority_is_the_sum_of_what_is_shown() {
    let mut scene = Scene::backup("", 200);
    scene.read(&Subject::Script(0), Reading::Up);
    scene.read(&Subject::Script(1), Reading::Down);
    let level = Subject::File {
        index: 0,
        weight: 1,
    };
    scene.read(&level, Reading::Value(7));
    let priority = scene.first().priority;
    let shown = priority.trackers.iter();
    let shown: Vec<_> = shown
        .map(|it| (it.name.as_str(), it.reading.as_str(), it.adds, it.faults))
        .collect();
    assert_eq!(
        shown,
        [
            ("interface eth0", "up", 0, false),
            ("script chk", "up", 2, false),
            ("script other", "down", -20, false),
            ("file level (weight 1)", "7", 7, false),
        ]
    );
    assert_eq!((priority.base, priority.effective), (100, 89));
}

#[test]
fn a_file_that_faults_says_so_and_adds_nothing() {
    let mut scene = Scene::backup("", 200);
    let level = Subject::File {
        index: 0,
        weight: 1,
    };
    scene.read(&level, Reading::Value(-254));
    let status = scene.first();
    assert_eq!(status.role, "FAULT");
    assert_eq!(status.reason, "file level (weight 1) is down");
    let file = status.priority.trackers.last().unwrap();
    assert_eq!((file.adds, file.faults), (0, true));
    assert_eq!(status.priority.effective, 100);
}

#[test]
fn a_backup_shows_whom_it_follows_and_for_how_long() {
    let mut scene = Scene::backup("", 200);
    scene.pass(Duration::from_millis(400));
    let status = scene.status();
    let first = &status.instances[0];
    assert_eq!(
        (first.role.as_str(), first.reason.as_str()),
        ("BACKUP", "ready")
    );
    assert_eq!((first.role_for, first.since), (0.4, 999.6));
    assert_eq!(first.master, Some([10, 0, 0, 2].into()));
    // 3 s and a skew of 156/256 s, less 0.4 s.
    assert_eq!(first.master_down_in, Some(3.209));
    assert_eq!(first.hold, None);
    let peer = &first.peers[0];
    assert_eq!(
        (peer.priority, peer.heard_ago, peer.interval),
        (200, 0.4, 1.0)
    );
    assert_eq!(peer.checksum, "the message only");
    assert_eq!(first.counters.adverts_received, 1);
    let versions = status.instances.iter().map(|it| (it.version, it.vrid));
    assert_eq!(versions.collect::<Vec<_>>(), [(2, 51), (3, 52), (2, 53)]);
    let group = &status.groups[0];
    assert_eq!(
        (group.name.as_str(), group.role.as_str()),
        ("VG_1", "BACKUP")
    );
    assert_eq!(group.members, ["VI_2", "VI_3"]);
}

#[test]
fn addresses_are_held_or_not() {
    let status = Scene::backup("", 200).status();
    let held = status.instances.iter().map(|it| it.addresses[0].held);
    assert_eq!(held.collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn who_waits_for_what_is_not_known_says_so() {
    let mut scene = Scene::new("");
    scene.tell(Event::Proxy(Proxy::Starting));
    scene.tell(Event::Timeout);
    let first = scene.first();
    assert_eq!(first.role, "INIT");
    assert_eq!(first.reason, "not everything is known yet");
}

#[test]
fn holds_are_shown_with_the_time_that_is_left() {
    let hold = |scene: &Scene| {
        let first = scene.first();
        (first.hold.unwrap_or_default(), first.hold_for)
    };
    let second = Duration::from_secs(1);

    let scene = Scene::backup("nopreempt", 10);
    assert_eq!(hold(&scene), ("nopreempt".to_owned(), None));

    let mut scene = Scene::backup("preempt_delay 30", 10);
    scene.pass(second);
    assert_eq!(hold(&scene), ("preempt_delay 30".to_owned(), Some(29.0)));

    let mut scene = Scene::new("");
    scene.tell(Event::Proxy(Proxy::Serving(Servers::Pending)));
    scene.tell(Event::Timeout);
    scene.hear(0, 10);
    let pending = "our proxy has no usable server yet".to_owned();
    assert_eq!(hold(&scene), (pending, None));

    let mut scene = Scene::backup("", 10);
    scene.tell(Event::Proxy(Proxy::Down(ProxyFault::Died)));
    scene.tell(Event::Proxy(Proxy::Serving(Servers::Usable)));
    scene.hear(0, 10);
    scene.pass(second);
    let (why, left) = hold(&scene);
    assert!(why.starts_with("our proxy crashed"), "{why}");
    assert_eq!(left, Some(9.0));
}

#[test]
fn transitions_are_told_the_latest_first() {
    let mut scene = Scene::new("");
    for number in 0..12 {
        scene.history.add(Transition {
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(number),
            instance: "VI_1".to_owned(),
            from: Role::Backup,
            to: Role::Master,
            reason: number.to_string(),
        });
    }
    let told = scene.status().transitions;
    assert_eq!(told.len(), 10);
    assert_eq!((told[0].at, told[0].reason.as_str()), (11.0, "11"));
    assert_eq!(
        (told[0].from.as_str(), told[0].to.as_str()),
        ("BACKUP", "MASTER")
    );
    assert_eq!(told[9].reason, "2");
}
