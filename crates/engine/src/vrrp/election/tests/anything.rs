//! Whatever happens, in whatever order.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::timetable::{advert, host, instance, pair, unicast};
use crate::vrrp::{
    GroupId, InstanceId, Priority, Role, TrackerId, Version,
    action::{Action, NotifyState, Report, Subject},
    election::Election,
    event::{Event, Proxy, ProxyFault, Reading, Servers},
    settings::{Effect, Group, Instance, Preempt, Settings, Track, Tracker},
};

#[derive(Debug, Clone)]
enum Step {
    Tell(Event),
    /// So many milliseconds pass, with every timeout in its time.
    Pass(u64),
    /// So many pass without one.
    Sleep(u64),
    /// A timeout that nobody asked for.
    Poke,
    Reload(Settings),
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        4 => Just(Reading::Up),
        3 => Just(Reading::Down),
        2 => (-300_i16..300).prop_map(Reading::Value),
    ]
}

fn proxy() -> impl Strategy<Value = Proxy> {
    prop_oneof![
        Just(Proxy::Absent),
        Just(Proxy::Starting),
        Just(Proxy::Serving(Servers::Unchecked)),
        Just(Proxy::Serving(Servers::Pending)),
        Just(Proxy::Serving(Servers::Usable)),
        Just(Proxy::Serving(Servers::AllDown)),
        Just(Proxy::Down(ProxyFault::Died)),
        Just(Proxy::Down(ProxyFault::Stopped)),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let word = (0_usize..5, 1_u8..6, any::<u8>(), any::<bool>(), 0_u64..300);
    let heard = word.prop_map(|(id, from, priority, v3, hundredths)| {
        let mut word = advert(from, priority);
        if v3 {
            word = word.v3(Duration::from_millis(hundredths * 10));
        }
        Event::Heard {
            instance: InstanceId(id),
            heard: word.0,
        }
    });
    let near = (0_usize..4, 2_u8..4, 98_u8..103).prop_map(|(id, from, priority)| Event::Heard {
        instance: InstanceId(id),
        heard: advert(from, priority).0,
    });
    prop_oneof![
        8 => heard,
        8 => near,
        4 => (0_usize..4, 2_u8..4).prop_map(|(id, from)| Event::Heard {
            instance: InstanceId(id),
            heard: advert(from, 0).0,
        }),
        4 => (0_usize..4, reading()).prop_map(|(index, reading)| Event::Tracked {
            tracker: TrackerId(index),
            reading,
        }),
        2 => (0_usize..4, proptest::option::of(1_u8..4)).prop_map(|(id, source)| Event::Source {
            instance: InstanceId(id),
            source: source.map(host),
        }),
        4 => proxy().prop_map(Event::Proxy),
        2 => (0_usize..5).prop_map(|id| Event::HandOver { instance: InstanceId(id) }),
        1 => (0_usize..5).prop_map(|id| Event::TakeBack { instance: InstanceId(id) }),
        1 => Just(Event::Stop),
    ]
}

fn member() -> impl Strategy<Value = Instance> {
    let preempt = prop_oneof![
        3 => Just(Preempt::AtOnce),
        1 => Just(Preempt::Never),
        1 => Just(Preempt::After(Duration::from_secs(2))),
    ];
    let priority = prop_oneof![8 => 98_u8..103, 1 => Just(255), 1 => Just(1)];
    let parts = (
        priority,
        preempt,
        any::<bool>(),
        0_usize..3,
        1_u64..30,
        any::<bool>(),
    );
    parts.prop_map(
        |(priority, preempt, v3, peers, tenths, track_proxy)| Instance {
            preempt,
            version: if v3 { Version::V3 } else { Version::V2 },
            interval: Duration::from_millis(if v3 { tenths * 100 } else { 1000 }),
            peers: match peers {
                0 => instance(1).peers,
                1 => unicast([2]),
                _ => unicast([2, 3]),
            },
            track_proxy,
            ..instance(priority)
        },
    )
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        3 => Just(Effect::Fault),
        1 => Just(Effect::FaultReversed),
        2 => (-253_i16..254).prop_map(Effect::Weight),
        1 => (-253_i16..254).prop_map(Effect::WeightReversed),
    ]
}

prop_compose! {
    /// `VI_1` and `VI_2` in a group or not, and sometimes a third; some trackers.
    fn any_settings()(
        first in member(),
        second in member(),
        third in proptest::option::of(member()),
        grouped in 0_usize..4,
        effects in proptest::collection::vec((effect(), any::<bool>(), 0_usize..4), 0..4),
        delay in 0_u64..3,
        resign_without_servers in any::<bool>(),
    ) -> Settings {
        let mut settings = pair(first, second);
        settings.startup_delay = Duration::from_secs(delay);
        settings.proxy.resign_without_servers = resign_without_servers;
        if let Some(third) = third {
            settings.instances.push(Instance { name: "VI_3".into(), ..third });
        }
        match grouped {
            0 => settings.groups.clear(),
            1 => settings.groups[0].name = "VG_2".into(),
            2 => settings.groups.push(Group {
                name: "VG_3".into(),
                members: (2..settings.instances.len()).map(InstanceId).collect(),
                tracks: Vec::new(),
            }),
            _ => {}
        }
        for (effect, known, whose) in effects {
            let tracker = TrackerId(settings.trackers.len());
            settings.trackers.push(Tracker {
                name: format!("script {whose}{}", tracker.0).into(),
                initially: known.then_some(Reading::Up),
            });
            let track = Track { tracker, effect };
            match settings.groups.get_mut(0) {
                Some(group) if whose == 3 => group.tracks.push(track),
                _ => {
                    let whose = whose % settings.instances.len();
                    settings.instances[whose].tracks.push(track);
                }
            }
        }
        settings
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => event().prop_map(Step::Tell),
        10 => (0_u64..5000).prop_map(Step::Pass),
        5 => (0_u64..100).prop_map(Step::Pass),
        2 => (0_u64..20_000).prop_map(Step::Sleep),
        2 => Just(Step::Poke),
        1 => any_settings().prop_map(Step::Reload),
    ]
}

/// What a shell would know of an instance from its orders alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    held: bool,
    notified: Option<NotifyState>,
}

const UNSEEN: Seen = Seen {
    held: false,
    notified: None,
};

/// A shell that believes nothing.
struct Witness {
    election: Election,
    now: Instant,
    seen: Vec<Seen>,
    groups: Vec<Option<NotifyState>>,
}

impl Witness {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        Self {
            seen: vec![UNSEEN; settings.instances.len()],
            groups: vec![None; settings.groups.len()],
            election: Election::new(settings, now),
            now,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Tell(event) => self.tell(event),
            Step::Poke => self.tell(Event::Timeout),
            Step::Sleep(time) => self.now += Duration::from_millis(time),
            Step::Pass(time) => self.pass(Duration::from_millis(time)),
            Step::Reload(settings) => self.reload(settings),
        }
    }

    fn tell(&mut self, event: Event) {
        self.election.handle(event, self.now);
        self.obey();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.election.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.tell(Event::Timeout);
            let next = self.election.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "a timeout that settles nothing"
            );
        }
        self.now = end;
    }

    fn reload(&mut self, settings: Settings) {
        let old = self.election.settings().clone();
        let last = self.election.reload(settings, self.now);
        for action in last {
            self.check(&action);
        }
        let new = self.election.settings();
        let seen = |file: &Instance| {
            let before = old
                .instances
                .iter()
                .position(|known| known.name == file.name && known.vrid == file.vrid);
            before.map_or(UNSEEN, |index| self.seen[index])
        };
        let renewed: Vec<Seen> = new.instances.iter().map(seen).collect();
        let told = |group: &Group| {
            let before = old.groups.iter().position(|known| known.name == group.name);
            before.and_then(|index| self.groups[index])
        };
        let groups = new.groups.iter().map(told).collect();
        for (index, file) in old.instances.iter().enumerate() {
            let kept = new
                .instances
                .iter()
                .any(|known| known.name == file.name && known.vrid == file.vrid);
            assert!(kept || !self.seen[index].held, "left behind");
        }
        (self.seen, self.groups) = (renewed, groups);
        self.obey();
    }

    fn obey(&mut self) {
        while let Some(action) = self.election.poll_action() {
            self.check(&action);
        }
        for (index, seen) in self.seen.iter().enumerate() {
            let view = self.election.instance(InstanceId(index));
            assert_eq!(
                seen.held,
                view.role == Role::Master,
                "who is master holds, and no other"
            );
            let told = match seen.notified {
                Some(NotifyState::Master) => Role::Master,
                Some(NotifyState::Backup) => Role::Backup,
                Some(NotifyState::Fault) => Role::Fault,
                Some(NotifyState::Stop) | None => Role::Init,
            };
            assert_eq!(told, view.role, "scripts know the role");
            assert!(view.priority >= Priority(1));
            let waits = view.role == Role::Backup;
            assert_eq!(view.master_down_at.is_some(), waits);
        }
    }

    fn check(&mut self, action: &Action) {
        match action {
            Action::Acquire(id) => {
                assert!(!self.seen[id.0].held, "acquired twice");
                self.seen[id.0].held = true;
            }
            Action::Release(id) => {
                assert!(self.seen[id.0].held, "released twice");
                self.seen[id.0].held = false;
            }
            Action::Announce { instance, repeat } => {
                assert!(
                    self.seen[instance.0].held,
                    "announced what it does not hold"
                );
                assert!(*repeat > 0);
            }
            Action::Notify {
                subject: Subject::Instance(id),
                state,
                ..
            } => {
                let seen = &mut self.seen[id.0];
                assert_ne!(seen.notified, Some(*state), "told twice");
                assert_ne!(seen.notified, Some(NotifyState::Stop), "told after the end");
                assert_eq!(
                    seen.held,
                    *state == NotifyState::Master,
                    "told too early or late"
                );
                seen.notified = Some(*state);
            }
            Action::Notify {
                subject: Subject::Group(GroupId(index)),
                state,
                ..
            } => {
                assert_ne!(self.groups[*index], Some(*state), "group told twice");
                self.groups[*index] = Some(*state);
            }
            Action::Report(Report::Transition { from, to, .. }) => {
                assert!(from != to || *to == Role::Init);
            }
            Action::Report(_) | Action::SendAdvert { .. } => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_order_contradicts_another(
        settings in any_settings(),
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let mut witness = Witness::new(settings);
        for step in steps {
            witness.take(step);
        }
    }
}
