//! What holds whatever happens, in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Something that happens to a backend.
#[derive(Debug, Clone)]
enum Event {
    Arrive {
        forced: Option<u32>,
        avoid: Option<u32>,
        client: u8,
        random: u64,
    },
    End(prop::sample::Index),
    GiveUp(prop::sample::Index),
    Check {
        server: u32,
        ok: bool,
    },
    Admin {
        server: u32,
        state: AdminState,
    },
    Weigh {
        server: u32,
        weight: u16,
    },
    Agent {
        server: u32,
        line: &'static str,
    },
    Wait(u64),
    Restart,
}

const SERVERS: u32 = 5;

fn event() -> impl Strategy<Value = Event> {
    let server = || 0..SERVERS;
    let maybe = || prop::option::weighted(0.2, server());
    let admin = prop::sample::select(vec![
        AdminState::Ready,
        AdminState::Ready,
        AdminState::Drain,
        AdminState::Maintenance,
    ]);
    let line = prop::sample::select(vec![
        "up",
        "down",
        "50%",
        "0%",
        "100%",
        "maxconn:1",
        "ready",
    ]);
    prop_oneof![
        6 => (maybe(), maybe(), any::<u8>(), any::<u64>()).prop_map(
            |(forced, avoid, client, random)| Event::Arrive { forced, avoid, client, random }
        ),
        4 => any::<prop::sample::Index>().prop_map(Event::End),
        1 => any::<prop::sample::Index>().prop_map(Event::GiveUp),
        3 => (server(), any::<bool>()).prop_map(|(server, ok)| Event::Check { server, ok }),
        1 => (server(), admin).prop_map(|(server, state)| Event::Admin { server, state }),
        1 => (server(), 0u16..4).prop_map(|(server, weight)| Event::Weigh { server, weight }),
        1 => (server(), line).prop_map(|(server, line)| Event::Agent { server, line }),
        1 => (0u64..3).prop_map(Event::Wait),
        1 => Just(Event::Restart),
    ]
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    let hash = |method| {
        Algorithm::Source(Hash {
            method,
            ..Hash::default()
        })
    };
    prop::sample::select(vec![
        Algorithm::RoundRobin,
        Algorithm::StaticRr,
        Algorithm::LeastConn,
        Algorithm::First,
        Algorithm::Random { draws: 2 },
        hash(HashMethod::MapBased),
        hash(HashMethod::Consistent),
    ])
}

fn some_server() -> impl Strategy<Value = ServerSettings> {
    let limit = || prop::option::of(1u32..4);
    (
        limit(),
        limit(),
        limit(),
        0u16..4,
        prop::bool::weighted(0.3),
        0u64..4,
        any::<bool>(),
    )
        .prop_map(
            |(most, least, queue, weight, backup, slow, shut)| ServerSettings {
                max_connections: most,
                min_connections: least,
                max_queue: queue,
                weight: Weight::new(weight).unwrap(),
                backup,
                slow_start: Duration::from_secs(slow),
                shutdown_sessions_on_down: shut,
                ..checked("s")
            },
        )
}

/// What the shell would know: who holds which slot, who waits.
struct Shell {
    bench: Bench,
    holding: BTreeMap<SessionKey, ServerId>,
    waiting: BTreeSet<SessionKey>,
}

impl Shell {
    fn new(bench: Bench) -> Self {
        Self {
            bench,
            holding: BTreeMap::new(),
            waiting: BTreeSet::new(),
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive {
                forced,
                avoid,
                client: last,
                random,
            } => {
                self.arrive(forced, avoid, client(last), random);
            }
            Event::End(index) if !self.holding.is_empty() => {
                let key = *self
                    .holding
                    .keys()
                    .nth(index.index(self.holding.len()))
                    .unwrap();
                let server = self.holding.remove(&key).unwrap();
                self.bench.backend.release(server, self.bench.now);
            }
            Event::GiveUp(index) if !self.waiting.is_empty() => {
                let key = *self
                    .waiting
                    .iter()
                    .nth(index.index(self.waiting.len()))
                    .unwrap();
                assert!(
                    self.bench.backend.leave_queue(key, self.bench.now),
                    "it waits"
                );
                self.waiting.remove(&key);
            }
            Event::End(_) | Event::GiveUp(_) => {}
            Event::Check { .. }
            | Event::Admin { .. }
            | Event::Weigh { .. }
            | Event::Agent { .. } => {
                self.change(&event);
            }
            Event::Restart => self.restart(),
            Event::Wait(seconds) => {
                self.bench.now += Duration::from_secs(seconds);
                self.bench.backend.handle_timeout(self.bench.now);
            }
        }
        self.obey();
        self.verify();
    }

    /// The state of a server changes.
    fn change(&mut self, event: &Event) {
        let now = self.bench.now;
        let backend = &mut self.bench.backend;
        match *event {
            Event::Check { server, ok } => {
                let status = if ok {
                    CheckStatus::L4Ok
                } else {
                    CheckStatus::L4Timeout
                };
                self.bench.check(server, status);
            }
            Event::Admin { server, state } => backend.set_admin(ServerId(server), state, now),
            Event::Weigh { server, weight } => {
                backend.set_weight(ServerId(server), Weight::new(weight).unwrap(), now);
            }
            Event::Agent { server, line } => {
                let status = CheckStatus::L7Ok;
                backend.agent_finished(ServerId(server), status, line, Duration::ZERO, now);
            }
            _ => unreachable!("not a change of state"),
        }
    }

    /// Another backend goes on where this one stood, and nobody can tell.
    fn restart(&mut self) {
        let before = self.views();
        let now = self.bench.now;
        let old = &self.bench.backend;
        let mut new = Backend::new(old.settings.clone(), old.servers.clone(), now);
        let ids = || (0..SERVERS).map(ServerId);
        let memories: Vec<_> = ids().map(|id| old.server_memory(id)).collect();
        for (id, memory) in ids().zip(&memories) {
            new.restore_server(id, memory, Sameness::Same, true, now);
        }
        let turns: Vec<_> = memories.iter().map(|memory| memory.turn).collect();
        new.resume(&old.memory(), Some(&turns), now);
        let but_clock = |memory: Memory| Memory { clock: 0, ..memory };
        assert_eq!(but_clock(new.memory()), but_clock(old.memory()));
        for server in self.holding.values() {
            new.occupy(*server, now);
        }
        for (session, server) in old.queue_order() {
            new.wait_on(session, server, now);
        }
        assert_eq!(new.poll_action(), None, "nothing has changed");
        self.bench.backend = new;
        assert_eq!(self.views(), before);
    }

    fn views(&self) -> (Vec<ServerView>, BackendView, Readiness, Option<Instant>) {
        let backend = &self.bench.backend;
        let servers = (0..SERVERS).map(|id| self.bench.view(id));
        (
            servers.collect(),
            backend.view(self.bench.now),
            backend.readiness(),
            backend.poll_timeout(),
        )
    }

    fn arrive(
        &mut self,
        forced: Option<u32>,
        avoid: Option<u32>,
        client: Option<IpAddr>,
        random: u64,
    ) {
        let key = session(self.bench.sessions + 1);
        let placement = self.bench.place_as(|request| Request {
            client,
            forced: forced.map(ServerId),
            avoid: avoid.map(ServerId),
            random,
            ..request
        });
        match placement {
            Placement::Server(id) => {
                self.holding.insert(key, id);
            }
            Placement::Queued { .. } => {
                self.waiting.insert(key);
            }
            Placement::QueueFull(_) | Placement::NoServer => {}
        }
    }

    fn obey(&mut self) {
        for action in self.bench.actions() {
            if let Action::Admit { session, server } = action {
                assert!(self.waiting.remove(&session), "only who waits is admitted");
                assert_eq!(self.holding.insert(session, server), None);
            }
        }
    }

    fn verify(&self) {
        let backend = &self.bench.backend;
        let whole = backend.view(self.bench.now);
        let mut waiting = whole.queued;
        for id in 0..SERVERS {
            let view = self.bench.view(id);
            let held = self
                .holding
                .values()
                .filter(|server| server.0 == id)
                .count();
            assert_eq!(view.sessions as usize, held, "slots of server {id}");
            waiting += view.queued;
            let free = view
                .connection_limit
                .is_none_or(|limit| view.sessions < limit);
            let member = &backend.members[id as usize];
            assert!(
                !(member.in_pool && free && whole.queued > 0),
                "a slot on {id}, and a queue"
            );
            assert!(
                !(member.takes_forced() && free && view.queued > 0),
                "its own queue on {id}"
            );
        }
        assert_eq!(waiting as usize, self.waiting.len());
        assert_eq!(whole.sessions as usize, self.holding.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_slot_is_lost_or_taken_twice_and_nobody_waits_beside_a_free_slot(
        algorithm in algorithm(),
        servers in prop::collection::vec(some_server(), SERVERS as usize),
        full in prop::option::of(1u32..20),
        all_backups in any::<bool>(),
        redispatch in any::<bool>(),
        events in prop::collection::vec(event(), 1..200),
    ) {
        let settings = Settings { algorithm, all_backups, full_connections: full, redispatch };
        let bench = Bench::with(settings, servers);
        let mut shell = Shell::new(bench);
        for event in events {
            shell.happen(event);
        }
    }

    /// Also not by what comes after: rotation, limits and slow starts go on as they would have.
    #[test]
    fn a_restart_changes_nothing_that_comes_after(
        algorithm in algorithm(),
        servers in prop::collection::vec(some_server(), SERVERS as usize),
        full in prop::option::of(1u32..20),
        events in prop::collection::vec(event(), 1..100),
        at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(events.len());
        let settings =
            Settings { algorithm, all_backups: true, full_connections: full, redispatch: true };
        let mut steady = Shell::new(Bench::with(settings.clone(), servers.clone()));
        let mut restarted = Shell::new(Bench::with(settings, servers));
        restarted.bench.now = steady.bench.now;
        for (index, event) in events.into_iter().enumerate() {
            if index == at {
                restarted.restart();
            }
            steady.happen(event.clone());
            restarted.happen(event);
            let holding = [&steady, &restarted].map(|shell| shell.holding.clone());
            prop_assert_eq!(&holding[0], &holding[1]);
        }
    }

    /// `roundrobin` settles in during its first cycle, as HAProxy's does.
    #[test]
    fn a_full_cycle_gives_everyone_its_exact_share(
        weights in prop::collection::vec(0u16..30, 1..8),
        cycles in 1u32..4,
    ) {
        let total: u32 = weights.iter().copied().map(u32::from).sum();
        prop_assume!(total > 0);
        for (algorithm, first) in [(Algorithm::RoundRobin, total), (Algorithm::StaticRr, 0)] {
            let mut bench = Bench::new(algorithm, weighted(&weights));
            let run = |bench: &mut Bench, picks: u32| -> Vec<u64> {
                for _ in 0..picks {
                    bench.short();
                }
                (0..).zip(&weights).map(|(id, _)| bench.view(id).picked).collect()
            };
            let before = run(&mut bench, first);
            let after = run(&mut bench, total * cycles);
            for ((before, after), weight) in before.iter().zip(&after).zip(&weights) {
                prop_assert_eq!(after - before, u64::from(u32::from(*weight) * cycles));
            }
            for (picked, weight) in before.iter().zip(&weights) {
                prop_assert!(first == 0 || picked.abs_diff((*weight).into()) <= 1);
            }
        }
    }
}
