//! Slots, queues, backups and choices.

use super::*;

const fn queued(place_in_server: u32, place_in_backend: u32) -> Placement {
    Placement::Queued {
        place_in_server,
        place_in_backend,
    }
}

const fn on(server: u32) -> Placement {
    Placement::Server(ServerId(server))
}

const fn admit(slot: u32, server: u32) -> Action {
    Action::Admit {
        session: session(slot),
        server: ServerId(server),
    }
}

const SPREADING: [Algorithm; 5] = [
    Algorithm::RoundRobin,
    Algorithm::StaticRr,
    Algorithm::LeastConn,
    Algorithm::First,
    Algorithm::Random { draws: 2 },
];

fn source(method: HashMethod) -> Algorithm {
    Algorithm::Source(Hash {
        method,
        ..Hash::default()
    })
}

#[test]
fn when_all_are_full_sessions_wait_and_the_oldest_gets_the_next_slot() {
    for algorithm in SPREADING {
        let mut bench = Bench::new(algorithm, limited(2, 1));
        let mut taken = [bench.long(), bench.long()];
        taken.sort_unstable();
        assert_eq!(taken, [1, 2], "full servers are skipped by {algorithm:?}");
        assert_eq!(bench.place(), queued(0, 1));
        assert_eq!(bench.place(), queued(0, 2));
        bench.backend.release(ServerId(1), bench.now);
        assert_eq!(bench.actions(), [admit(3, 1)]);
        assert_eq!(bench.backend.view(bench.now).queued, 1);
        assert_eq!(bench.backend.view(bench.now).queued_max, 2);
        assert_eq!(
            bench.view(1).picked,
            1,
            "an admission is no choice of the balancer"
        );
    }
}

/// `maxconn 4294967295`, and what does not fit in 32 bits once it is scaled.
#[test]
fn the_largest_limits_are_what_they_say() {
    for most in [1 << 24, 1 << 28, u32::MAX] {
        let bench = Bench::new(Algorithm::RoundRobin, limited(1, most));
        assert_eq!(bench.backend.limit(ServerId(0)), Some(most));
    }
}

#[test]
fn who_leaves_the_queue_is_not_admitted() {
    let mut bench = Bench::new(Algorithm::RoundRobin, limited(1, 1));
    bench.long();
    bench.place();
    bench.place();
    assert!(bench.backend.leave_queue(session(2), bench.now));
    assert!(!bench.backend.leave_queue(session(2), bench.now));
    bench.backend.release(ServerId(0), bench.now);
    assert_eq!(bench.actions(), [admit(3, 0)]);
    assert!(
        !bench.backend.leave_queue(session(3), bench.now),
        "its Admit is on its way"
    );
}

#[test]
fn a_weight_of_zero_takes_nothing_but_what_is_forced_on_it() {
    for algorithm in SPREADING {
        let mut bench = Bench::new(algorithm, weighted(&[0, 1]));
        for _ in 0..10 {
            assert_eq!(bench.short(), 2, "{algorithm:?}");
        }
        let forced = |request| Request {
            forced: Some(ServerId(0)),
            ..request
        };
        assert_eq!(bench.place_as(forced), on(0));
        assert_eq!(bench.view(0).picked, 0);
    }
}

#[test]
fn a_forced_server_is_waited_for() {
    let mut bench = Bench::new(Algorithm::RoundRobin, limited(2, 1));
    let forced = |request| Request {
        forced: Some(ServerId(0)),
        ..request
    };
    assert_eq!(bench.place_as(forced), on(0));
    assert_eq!(bench.place_as(forced), queued(1, 0));
    assert_eq!(bench.place_as(forced), queued(2, 0));
    assert_eq!(bench.place(), on(1));
    assert_eq!(bench.view(0).queued, 2);
    bench.backend.release(ServerId(0), bench.now);
    assert_eq!(bench.actions(), [admit(2, 0)]);
}

#[test]
fn whoever_waits_counts_whether_for_one_server_or_for_any() {
    let mut bench = Bench::new(Algorithm::RoundRobin, limited(1, 1));
    assert_eq!(bench.place(), on(0));
    bench.place();
    bench.place_as(|request| Request {
        forced: Some(ServerId(0)),
        ..request
    });
    assert_eq!(bench.view(0).queued, 1);
    assert_eq!(bench.backend.view(bench.now).queued, 1);
    assert_eq!(bench.backend.queued(), 2);
}

#[test]
fn a_full_queue_turns_forced_sessions_away_or_elsewhere() {
    let servers = || {
        let server = ServerSettings {
            max_queue: Some(1),
            ..limited(1, 1).remove(0)
        };
        vec![server; 2]
    };
    let forced = |request| Request {
        forced: Some(ServerId(0)),
        ..request
    };
    for (redispatch, third) in [(false, Placement::QueueFull(ServerId(0))), (true, on(1))] {
        let settings = Settings {
            redispatch,
            ..backend_settings(Algorithm::RoundRobin)
        };
        let mut bench = Bench::with(settings, servers());
        assert_eq!(bench.place_as(forced), on(0));
        assert_eq!(bench.place_as(forced), queued(1, 0));
        assert_eq!(bench.place_as(forced), third);
    }
}

#[test]
fn source_sticks_to_a_full_server_until_its_queue_is_full() {
    for method in [HashMethod::MapBased, HashMethod::Consistent] {
        let server = ServerSettings {
            max_queue: Some(1),
            ..limited(1, 1).remove(0)
        };
        let mut bench = Bench::new(source(method), vec![server; 3]);
        let from = |request| Request {
            client: client(9),
            ..request
        };
        let Placement::Server(id) = bench.place_as(from) else {
            panic!()
        };
        assert_eq!(bench.place_as(from), queued(1, 0));
        assert_eq!(bench.place_as(from), Placement::QueueFull(id));
        assert_eq!(bench.view(id.0).picked, 3);
    }
}

#[test]
fn source_spreads_clients_by_weight_and_moves_few_on_a_ring() {
    for (method, most_moved) in [(HashMethod::MapBased, 255), (HashMethod::Consistent, 110)] {
        let mut servers = weighted(&[10, 20, 30]);
        for server in &mut servers {
            server.health = checked("s").health;
        }
        let mut bench = Bench::new(source(method), servers);
        let homes = |bench: &mut Bench| -> Vec<u32> {
            let home = |last| {
                let placement = bench.place_as(|request| Request {
                    client: client(last),
                    ..request
                });
                let Placement::Server(id) = placement else {
                    panic!()
                };
                id.0
            };
            (0..=255).map(home).collect()
        };
        let before = homes(&mut bench);
        assert_eq!(
            before,
            homes(&mut bench),
            "the same client goes to the same server"
        );
        for server in 0..3 {
            assert!(
                before.iter().filter(|home| **home == server).count() > 10,
                "{method:?}"
            );
        }
        bench.take_down(0);
        let after = homes(&mut bench);
        let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!(moved <= most_moved, "{method:?} moved {moved}");
        assert!(!after.contains(&0));
    }
}

#[test]
fn the_avoided_server_comes_back_only_if_there_is_no_other() {
    let algorithms = SPREADING
        .into_iter()
        .chain([source(HashMethod::MapBased), source(HashMethod::Consistent)]);
    for algorithm in algorithms {
        let mut bench = Bench::new(algorithm, weighted(&[1, 1]));
        let avoid = |request| Request {
            avoid: Some(ServerId(0)),
            ..request
        };
        for _ in 0..5 {
            assert_eq!(bench.place_as(avoid), on(1), "{algorithm:?}");
        }
        let mut alone = Bench::new(algorithm, weighted(&[1]));
        assert_eq!(alone.place_as(avoid), on(0), "{algorithm:?}");
    }
}

#[test]
fn first_fills_one_server_after_the_other() {
    let mut bench = Bench::new(Algorithm::First, limited(3, 2));
    let order: Vec<u32> = (0..6).map(|_| bench.long()).collect();
    assert_eq!(order, [1, 1, 2, 2, 3, 3]);
    bench.backend.release(ServerId(0), bench.now);
    assert_eq!(bench.long(), 1);
}

#[test]
fn first_looks_beyond_sixty_four_servers() {
    let mut bench = Bench::new(Algorithm::First, limited(130, 1));
    let order: Vec<u32> = (0..130).map(|_| bench.long()).collect();
    assert_eq!(order, (1..=130).collect::<Vec<_>>());
}

#[test]
fn leastconn_queues_where_maxqueue_allows_it() {
    let server = ServerSettings {
        max_queue: Some(1),
        ..limited(1, 1).remove(0)
    };
    let mut bench = Bench::new(Algorithm::LeastConn, vec![server; 2]);
    let placements: Vec<_> = (0..6).map(|_| bench.place()).collect();
    assert_eq!(placements[..2], [on(0), on(1)]);
    assert_eq!(placements[2..4], [queued(1, 0), queued(1, 0)]);
    assert_eq!(placements[4..], [queued(0, 1), queued(0, 2)]);
    assert_eq!((bench.view(0).queued, bench.view(1).queued), (1, 1));
    assert_eq!(bench.backend.view(bench.now).queued, 2);
}

#[test]
fn random_takes_the_less_loaded_of_its_draws_and_respects_weights() {
    let mut bench = Bench::new(Algorithm::Random { draws: 2 }, weighted(&[1, 3]));
    for seed in 0..4000 {
        bench.place_as(|request| Request {
            random: seed,
            ..request
        });
    }
    let light = bench.view(0).sessions;
    assert!((900..=1100).contains(&light), "{light} of 4000");
}

#[test]
fn backups_wait_for_the_last_active_server_one_at_a_time() {
    let backup = || ServerSettings {
        backup: true,
        ..server("b")
    };
    let mut bench = Bench::new(
        Algorithm::RoundRobin,
        vec![checked("a"), backup(), backup()],
    );
    assert_eq!([bench.short(), bench.short()], [1, 1]);
    bench.take_down(0);
    assert_eq!(
        [bench.short(), bench.short()],
        [2, 2],
        "only the first backup"
    );
    assert_eq!(bench.backend.usable_servers(), 2);
    bench.bring_up(0);
    assert_eq!([bench.short(), bench.short()], [1, 1]);
}

#[test]
fn all_backups_share_on_demand() {
    let backup = || ServerSettings {
        backup: true,
        ..server("b")
    };
    let settings = Settings {
        all_backups: true,
        ..backend_settings(Algorithm::RoundRobin)
    };
    let mut bench = Bench::with(settings, vec![checked("a"), backup(), backup()]);
    bench.take_down(0);
    assert_eq!([bench.short(), bench.short(), bench.short()], [2, 3, 2]);
}

#[test]
fn without_a_usable_server_nobody_waits() {
    let disabled = ServerSettings {
        disabled: true,
        ..server("s")
    };
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![disabled]);
    assert_eq!(bench.place(), Placement::NoServer);
    let mut empty = Bench::new(Algorithm::LeastConn, vec![]);
    assert_eq!(empty.place(), Placement::NoServer);
}

#[test]
fn the_limit_climbs_from_minconn_to_maxconn_with_the_load_of_the_backend() {
    let server = ServerSettings {
        min_connections: Some(1),
        max_connections: Some(10),
        ..server("s")
    };
    let settings = |full| Settings {
        full_connections: Some(full),
        ..backend_settings(Algorithm::RoundRobin)
    };
    let mut bench = Bench::with(settings(10), vec![server.clone()]);
    for _ in 0..10 {
        assert_eq!(bench.place(), on(0));
    }
    assert_eq!(bench.place(), queued(0, 1));

    let server = ServerSettings {
        min_connections: Some(2),
        ..server
    };
    let mut bench = Bench::with(settings(20), vec![server]);
    assert_eq!(
        [bench.place(), bench.place(), bench.place()],
        [on(0), on(0), queued(0, 1)]
    );
}

#[test]
fn a_rising_limit_lets_the_oldest_in() {
    let ramp = ServerSettings {
        min_connections: Some(1),
        max_connections: Some(4),
        ..server("ramp")
    };
    let settings = Settings {
        full_connections: Some(4),
        ..backend_settings(Algorithm::First)
    };
    let wide = ServerSettings {
        weight: Weight::ZERO,
        ..server("wide")
    };
    let mut bench = Bench::with(
        settings,
        vec![
            ServerSettings {
                max_connections: Some(2),
                ..ramp
            },
            wide,
        ],
    );
    let forced = |request| Request {
        forced: Some(ServerId(1)),
        ..request
    };
    assert_eq!(bench.place(), on(0));
    assert_eq!(bench.place(), queued(0, 1));
    assert_eq!(bench.place_as(forced), on(1));
    assert_eq!(bench.place_as(forced), on(1));
    assert_eq!(bench.actions(), [admit(2, 0)]);
}

/// As in HAProxy 2.6.12, where half a slot comes with each session of the backend; those that wait
/// count. HAProxy looks only when a session ends, though.
#[test]
fn who_waits_makes_the_limit_rise_too() {
    for (sessions, before, after) in [(2, 1, 1), (3, 1, 1), (4, 2, 2), (6, 3, 3), (8, 4, 4)] {
        let ramp = ServerSettings {
            min_connections: Some(1),
            max_connections: Some(4),
            ..server("ramp")
        };
        let settings = Settings {
            full_connections: Some(8),
            ..backend_settings(Algorithm::RoundRobin)
        };
        let mut bench = Bench::with(settings, vec![ramp]);
        for _ in 0..sessions {
            bench.place();
        }
        assert_eq!(bench.view(0).sessions, before, "of {sessions}");
        let now = bench.now;
        bench.backend.release(ServerId(0), now);
        assert_eq!(bench.view(0).sessions, after, "of {sessions}, one gone");
    }
}

/// In a release build it is well below one; the bound leaves room for a slow, busy machine.
#[test]
fn placing_among_a_thousand_servers_takes_microseconds() {
    let weights: Vec<u16> = (0..1000).map(|id| 1 + id % 256).collect();
    let algorithms = SPREADING.into_iter().chain([source(HashMethod::MapBased)]);
    for algorithm in algorithms {
        let mut bench = Bench::new(algorithm, weighted(&weights));
        bench.short();
        let started = Instant::now();
        for _ in 0..10_000 {
            bench.short();
        }
        let each = started.elapsed() / 10_000;
        println!("{algorithm:?}: {each:?}");
        assert!(
            each < Duration::from_micros(100),
            "{algorithm:?} took {each:?}"
        );
    }
}
