//! A node under a clock of its own. Orders are written down with their times, in seconds since
//! the start: `3.659 acquire`.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::vrrp::{
    GroupId, InstanceId, Priority, TrackerId, Version, Vrid,
    action::{Action, Report, Subject},
    election::Election,
    event::{Advert, Checksum, Event, Heard, Proxy, Reading},
    settings::{
        Announcements, Effect, Group, Instance, Peers, Preempt, ProxyPolicy, Settings, Track,
        Tracker,
    },
    view::InstanceView,
};

pub(super) const A_SECOND: Duration = Duration::from_secs(1);

/// 10.0.0.x
pub(super) fn host(last: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, last).into()
}

/// `VI_1` as most files have it: version 2, 1 s, one address, multicast; we are 10.0.0.1.
pub(super) fn instance(priority: u8) -> Instance {
    Instance {
        name: "VI_1".into(),
        vrid: Vrid::new(51).unwrap(),
        version: Version::V2,
        priority: Priority(priority),
        interval: A_SECOND,
        preempt: Preempt::AtOnce,
        peers: Peers::Multicast,
        source: Some(host(1)),
        addresses: vec![host(100)],
        password: None,
        announcements: Announcements {
            repeat: 5,
            again_after: Duration::from_secs(5),
            refresh: None,
            refresh_repeat: 1,
            lower_prio_repeat: 5,
            lower_prio_again_after: Duration::from_secs(5),
        },
        down_timer_adverts: 3,
        lower_prio_no_advert: false,
        refuse_strangers: false,
        skip_address_check: false,
        tracks: Vec::new(),
        track_proxy: true,
    }
}

/// Alone with these peers.
pub(super) fn unicast(last: impl IntoIterator<Item = u8>) -> Peers {
    Peers::Unicast(last.into_iter().map(host).collect::<BTreeSet<_>>())
}

/// A node with this instance and nothing else.
pub(super) fn settings(instance: Instance) -> Settings {
    Settings {
        instances: vec![instance],
        groups: Vec::new(),
        trackers: Vec::new(),
        startup_delay: Duration::ZERO,
        proxy: ProxyPolicy::default(),
    }
}

/// A node with two instances, `VI_1` and `VI_2`, in `VG_1`.
pub(super) fn pair(first: Instance, second: Instance) -> Settings {
    let second = Instance {
        name: "VI_2".into(),
        vrid: Vrid::new(52).unwrap(),
        ..second
    };
    let mut settings = settings(first);
    settings.instances.push(second);
    settings.groups.push(Group {
        name: "VG_1".into(),
        members: vec![InstanceId(0), InstanceId(1)],
        tracks: Vec::new(),
    });
    settings
}

/// The settings with one more tracker, for the first instance.
pub(super) fn tracking(mut settings: Settings, effects: &[Effect]) -> Settings {
    for effect in effects {
        let tracker = TrackerId(settings.trackers.len());
        settings.trackers.push(Tracker {
            name: Arc::from(format!("script {}", tracker.0)),
            initially: None,
        });
        settings.instances[0].tracks.push(Track {
            tracker,
            effect: *effect,
        });
    }
    settings
}

/// A node and its clock.
pub(super) struct Node {
    pub(super) election: Election,
    start: Instant,
    now: Instant,
    reports: Vec<Report>,
}

/// Somebody's advertisement.
#[derive(Clone)]
pub(super) struct Word(pub(super) Heard);

impl Node {
    /// Starts at 0 s; nothing has happened yet.
    pub(super) fn new(settings: Settings) -> Self {
        let start = Instant::now();
        Self {
            election: Election::new(settings, start),
            start,
            now: start,
            reports: Vec::new(),
        }
    }

    /// A node with one instance.
    pub(super) fn with(instance: Instance) -> Self {
        Self::new(settings(instance))
    }

    /// Lets time pass, and writes down what is ordered until then, and then.
    pub(super) fn until(&mut self, seconds: f64) -> Vec<String> {
        let end = self.start + Duration::from_secs_f64(seconds);
        let mut orders = self.orders();
        while let Some(due) = self.election.poll_timeout().filter(|due| *due <= end) {
            assert!(
                due >= self.now || orders.is_empty(),
                "a deadline in the past"
            );
            self.now = due.max(self.now);
            self.election.handle(Event::Timeout, self.now);
            orders.extend(self.orders());
            let next = self.election.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "never ends");
        }
        self.now = end;
        orders
    }

    /// Time passes, and the node is not called.
    pub(super) fn sleep(&mut self, seconds: f64) {
        self.now = self.start + Duration::from_secs_f64(seconds);
    }

    /// Seconds since the start.
    pub(super) fn now(&self) -> f64 {
        self.clock(self.now)
    }

    /// Something happens now.
    pub(super) fn tell(&mut self, event: Event) -> Vec<String> {
        self.election.handle(event, self.now);
        self.orders()
    }

    /// `VI_1` hears this now.
    pub(super) fn hear(&mut self, word: &Word) -> Vec<String> {
        self.hear_on(0, word)
    }

    pub(super) fn hear_on(&mut self, instance: usize, word: &Word) -> Vec<String> {
        let instance = InstanceId(instance);
        let heard = word.0.clone();
        self.tell(Event::Heard { instance, heard })
    }

    pub(super) fn read(&mut self, tracker: usize, reading: Reading) -> Vec<String> {
        let tracker = TrackerId(tracker);
        self.tell(Event::Tracked { tracker, reading })
    }

    pub(super) fn proxy(&mut self, proxy: Proxy) -> Vec<String> {
        self.tell(Event::Proxy(proxy))
    }

    pub(super) fn view(&self) -> InstanceView {
        self.election.instance(InstanceId(0))
    }

    /// What has been reported since this was asked last.
    pub(super) fn reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// Seconds since the start, in milliseconds.
    pub(super) fn clock(&self, at: Instant) -> f64 {
        let since = at.saturating_duration_since(self.start);
        f64::from(u32::try_from(since.as_millis()).unwrap()) / 1000.0
    }

    pub(super) fn reload(&mut self, settings: Settings) -> Vec<String> {
        let last = self.election.reload(settings, self.now);
        let mut orders: Vec<String> = last.iter().filter_map(|one| self.line(one)).collect();
        orders.extend(self.orders());
        orders
    }

    /// What is remembered goes to another program; whether it could now.
    pub(super) fn becomes_another_program(&mut self, settings: Settings) -> bool {
        let Some(memory) = self.election.memory(self.start) else {
            return false;
        };
        self.election = Election::resumed(settings, &memory, self.start, self.now);
        assert_eq!(self.election.memory(self.start).as_ref(), Some(&memory));
        true
    }

    /// Another program of another version goes on.
    pub(super) fn knows_only_its_masters(&mut self, settings: Settings, masters: &[String]) {
        self.election = Election::reigning(settings, masters, self.now);
    }

    fn orders(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(action) = self.election.poll_action() {
            lines.extend(self.line(&action));
            if let Action::Report(report) = action {
                self.reports.push(report);
            }
        }
        lines
    }

    fn line(&self, action: &Action) -> Option<String> {
        let (id, what) = match action {
            Action::SendAdvert { instance, priority } => (*instance, format!("send {priority}")),
            Action::Acquire(instance) => (*instance, "acquire".into()),
            Action::Release(instance) => (*instance, "release".into()),
            Action::Announce { instance, repeat } => (*instance, format!("announce {repeat}")),
            Action::Notify {
                subject: Subject::Instance(instance),
                state,
                ..
            } => (*instance, state.to_string()),
            Action::Notify {
                subject: Subject::Group(GroupId(index)),
                state,
                ..
            } => return Some(format!("{:.3} group {index} {state}", self.clock(self.now))),
            Action::Report(_) => return None,
        };
        let whose = if id.0 == 0 {
            String::new()
        } else {
            format!("{}: ", self.election.settings().instances[id.0].name)
        };
        Some(format!("{:.3} {whose}{what}", self.clock(self.now)))
    }
}

/// 10.0.0.x says that it is master, as `VI_1`'s peers do.
pub(super) fn advert(last: u8, priority: u8) -> Word {
    Word(Heard {
        from: host(last),
        hop_limit: Some(255),
        advert: Advert {
            version: Version::V2,
            vrid: Vrid::new(51).unwrap(),
            priority: Priority(priority),
            interval: A_SECOND,
            addresses: vec![host(100)],
            password: None,
        },
        checksum: Checksum::Message,
    })
}

impl Word {
    /// Version 3, with this interval.
    pub(super) fn v3(mut self, interval: Duration) -> Self {
        self.0.advert.version = Version::V3;
        self.0.advert.interval = interval;
        self
    }
}
