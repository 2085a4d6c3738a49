//! Two nodes on a network that takes a millisecond.

use std::time::{Duration, Instant};

use super::timetable::{A_SECOND, advert, host, instance, settings, unicast};
use crate::vrrp::{
    InstanceId, Priority, Role, Version,
    action::Action,
    election::Election,
    event::{Event, Heard},
    settings::{Instance, Peers, Settings},
};

const LATENCY: Duration = Duration::from_millis(1);
const VI_1: InstanceId = InstanceId(0);

/// Two nodes, the link between them, and who held the address when.
struct Link {
    nodes: Vec<Option<Election>>,
    files: Vec<Settings>,
    in_flight: Vec<(Instant, usize, Heard)>,
    now: Instant,
    start: Instant,
    up: bool,
    holders: Vec<(u128, Vec<usize>)>,
    held: [bool; 2],
    mastered: [u32; 2],
}

/// Node 0 has 10.0.0.2 and priority 101, node 1 has 10.0.0.1 and priority 100.
fn link(change: impl Fn(&mut Instance)) -> Link {
    let file = |source: u8, peer: u8, priority: u8| {
        let mut instance = Instance {
            source: Some(host(source)),
            peers: unicast([peer]),
            ..instance(priority)
        };
        change(&mut instance);
        settings(instance)
    };
    let now = Instant::now();
    Link {
        nodes: vec![None, None],
        files: vec![file(2, 1, 101), file(1, 2, 100)],
        in_flight: Vec::new(),
        now,
        start: now,
        up: true,
        holders: Vec::new(),
        held: [false; 2],
        mastered: [0; 2],
    }
}

impl Link {
    fn begin(&mut self, node: usize) {
        self.nodes[node] = Some(Election::new(self.files[node].clone(), self.now));
        self.obey(node);
    }

    fn crash(&mut self, node: usize) {
        self.nodes[node] = None;
        self.held[node] = false;
        self.note();
    }

    fn tell(&mut self, node: usize, event: Event) {
        let Some(election) = &mut self.nodes[node] else {
            return;
        };
        election.handle(event, self.now);
        self.obey(node);
    }

    fn obey(&mut self, node: usize) {
        let Some(mut election) = self.nodes[node].take() else {
            return;
        };
        while let Some(action) = election.poll_action() {
            match action {
                Action::SendAdvert { priority, .. } if self.up => self.send(node, priority),
                Action::Acquire(_) => {
                    self.held[node] = true;
                    self.mastered[node] += 1;
                }
                Action::Release(_) => self.held[node] = false,
                _ => {}
            }
        }
        self.nodes[node] = Some(election);
        self.note();
    }

    fn send(&mut self, node: usize, priority: Priority) {
        let file = &self.files[node].instances[0];
        let mut heard = advert(0, priority.0).0;
        heard.from = file.source.unwrap();
        heard.advert.version = file.version;
        heard.advert.interval = file.interval;
        self.in_flight.push((self.now + LATENCY, 1 - node, heard));
    }

    fn note(&mut self) {
        let holders: Vec<usize> = (0..2).filter(|node| self.held[*node]).collect();
        let at = (self.now - self.start).as_millis();
        if self
            .holders
            .last()
            .is_none_or(|(_, before)| *before != holders)
        {
            self.holders.push((at, holders));
        }
    }

    /// Time passes.
    fn until(&mut self, seconds: f64) {
        let end = self.start + Duration::from_secs_f64(seconds);
        loop {
            let timeout = |node: usize| self.nodes[node].as_ref()?.poll_timeout();
            let due = [0, 1]
                .into_iter()
                .filter_map(|node| Some((timeout(node)?, node)))
                .min();
            let arrival = self.in_flight.iter().map(|(at, ..)| *at).min();
            let next = due.map(|(at, _)| at).into_iter().chain(arrival).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let index = self
                    .in_flight
                    .iter()
                    .position(|(at, ..)| *at == next)
                    .unwrap();
                let (_, node, heard) = self.in_flight.remove(index);
                if self.up {
                    self.tell(
                        node,
                        Event::Heard {
                            instance: VI_1,
                            heard,
                        },
                    );
                }
            } else {
                self.tell(due.unwrap().1, Event::Timeout);
            }
        }
        self.now = end;
    }

    fn roles(&self) -> [Option<Role>; 2] {
        [0, 1].map(|node| {
            self.nodes[node]
                .as_ref()
                .map(|election| election.instance(VI_1).role)
        })
    }

    /// Milliseconds in which nobody, and in which both, held the address since then.
    fn gaps(&self, from: f64) -> (u128, u128) {
        let from = Duration::from_secs_f64(from).as_millis();
        let end = (self.now - self.start).as_millis();
        let ends = self.holders.iter().skip(1).map(|(at, _)| *at).chain([end]);
        let (mut nobody, mut both) = (0, 0);
        for ((begin, who), end) in self.holders.iter().zip(ends) {
            let lasted = end.saturating_sub((*begin).max(from));
            match who.len() {
                0 => nobody += lasted,
                2 => both += lasted,
                _ => {}
            }
        }
        (nobody, both)
    }
}

const MASTER_BACKUP: [Option<Role>; 2] = [Some(Role::Master), Some(Role::Backup)];

fn fast(instance: &mut Instance) {
    instance.version = Version::V3;
    instance.interval = Duration::from_millis(100);
}

#[test]
fn a_simultaneous_start_makes_one_master_only() {
    for change in [fast, |_: &mut Instance| ()] {
        for late in [0.0, 0.0001, 0.002, 0.005, 0.02, 0.3, 1.0, 3.0] {
            for first in [0, 1] {
                let mut link = link(change);
                link.begin(first);
                link.until(late);
                link.begin(1 - first);
                link.until(late + 10.0);
                assert_eq!(link.roles(), MASTER_BACKUP);
                let lately = link.mastered[1];
                assert!(late >= 0.3 || lately == 0, "{late} {first}");
            }
        }
    }
}

/// Nothing says that there are only two.
fn multicast(instance: &mut Instance) {
    instance.peers = Peers::Multicast;
}

#[test]
fn failback_leaves_no_gap_even_if_there_may_be_others() {
    for start in [10.0, 10.2, 10.5, 10.9] {
        let mut link = link(multicast);
        link.begin(1);
        link.until(start);
        link.begin(0);
        link.until(20.0);
        assert_eq!(link.roles(), MASTER_BACKUP);
        assert_eq!(link.gaps(10.0).0, 0);
        assert!(link.gaps(10.0).1 < 30);
    }
}

#[test]
fn failback_leaves_no_gap() {
    for change in [fast, |_: &mut Instance| ()] {
        let mut link = link(change);
        link.begin(1);
        link.until(10.0);
        link.begin(0);
        link.until(20.0);
        assert_eq!(link.roles(), MASTER_BACKUP);
        assert_eq!(link.gaps(10.0).0, 0);
        assert!(link.gaps(10.0).1 < 30);
    }
}

#[test]
fn a_stopped_master_is_replaced_within_the_latency() {
    let mut link = link(|_| ());
    link.begin(0);
    link.begin(1);
    link.until(10.0);
    link.tell(0, Event::Stop);
    link.until(20.0);
    assert_eq!(link.gaps(10.0), (1, 0));
}

#[test]
fn a_crashed_master_is_replaced_after_three_intervals_and_skew() {
    let mut link = link(|_| ());
    link.begin(0);
    link.begin(1);
    link.until(10.0);
    link.crash(0);
    link.until(20.0);
    let (nobody, both) = link.gaps(10.0);
    assert!((2600..=3611).contains(&nobody), "{nobody}");
    assert_eq!(both, 0);
}

#[test]
fn a_partition_heals_without_a_gap_within_an_interval() {
    for change in [fast, |_: &mut Instance| ()] {
        let mut link = link(change);
        link.begin(0);
        link.begin(1);
        link.until(10.0);
        link.up = false;
        link.until(20.0);
        assert_eq!(link.roles(), [Some(Role::Master); 2]);
        link.up = true;
        link.until(30.0);
        assert_eq!(link.roles(), MASTER_BACKUP);
        assert_eq!(link.gaps(10.0).0, 0);
        assert!(link.gaps(20.0).1 <= 1_050);
    }
}

#[test]
fn equals_agree_by_address() {
    let mut link = link(|instance| instance.priority = Priority(100));
    link.begin(0);
    link.begin(1);
    link.until(10.0);
    assert_eq!(link.roles(), MASTER_BACKUP);
    assert_eq!(link.mastered[1], 0);
    link.until(10.0 + A_SECOND.as_secs_f64());
}
