mod ruled;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use pontoon_engine::{
    backend::Placement,
    health::{CheckResult, CheckStatus},
    server::AdminState,
    units::{ProxyId, ServerId, SessionKey, Weight},
};
use proptest::prelude::*;

use super::Carried;
use crate::{
    admin::{csv, fixture, snapshot::Snapshot},
    state::{ProcessState, Running},
    testing,
};

const BACKEND: ProxyId = ProxyId(1);

/// What the statistics show, at this moment.
fn statistics(running: &Running, now: Instant) -> String {
    csv::render(&Snapshot::take(running, Default::default(), now))
}

/// A process whose time has the same zero, with these files.
fn successor(old: &Running, text: &str) -> Arc<Running> {
    let mut model = testing::model(text.to_owned());
    model.fill_full_connections(10_000);
    let process = ProcessState::since(old.process.started, "node-1".into(), 10_000, 20_030);
    testing::running(model, process, 3)
}

/// It goes over the wire.
fn over_the_wire(carried: &Carried) -> Carried {
    let text = serde_json::to_string(carried).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn status(running: &Running, server: u32) -> String {
    let backend = running.backend(BACKEND).unwrap();
    let view = backend
        .balancer()
        .server_view(ServerId(server), Instant::now());
    view.status.to_string()
}

fn check(running: &Running, server: u32, status: CheckStatus, times: usize) {
    let now = Instant::now();
    let result = CheckResult {
        status,
        code: None,
        info: None,
        duration: Duration::from_millis(1),
    };
    for _ in 0..times {
        running.with_backend(BACKEND, now, |balancer| {
            balancer.check_finished(ServerId(server), result.clone(), now);
        });
    }
}

/// All who are there move.
fn move_in(old: &Running, new: &Running) {
    let levels = |running: &Running| -> Vec<usize> {
        let backends = running
            .proxies
            .iter()
            .filter_map(|proxy| proxy.backend.as_ref());
        let servers = backends.flat_map(|backend| &backend.servers);
        servers
            .map(|server| server.sessions.get() as usize)
            .collect()
    };
    let there = levels(old).into_iter();
    let backends = new
        .proxies
        .iter()
        .filter_map(|proxy| proxy.backend.as_ref());
    for (server, count) in backends.flat_map(|backend| &backend.servers).zip(there) {
        for _ in 0..count {
            server.sessions.enter();
        }
    }
}

/// A frontend, and a backend with these servers.
fn files(servers: &str) -> String {
    format!(
        "defaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n\
         frontend fe\n bind :1000\n default_backend be\n\
         backend be\n{servers}\n"
    )
}

/// A process with these servers, and one with those that goes on from it after `deeds`.
fn reloaded(before: &str, after: &str, deeds: impl FnOnce(&Running)) -> (Arc<Running>, Carried) {
    let model = testing::model(files(before));
    let old = testing::running(model, testing::process(), 1);
    deeds(&old);
    let carried = over_the_wire(&old.carry(Instant::now()));
    let new = successor(&old, &files(after));
    new.take_over(&carried, Instant::now());
    (new, carried)
}

#[test]
fn with_the_same_files_the_statistics_show_the_same() {
    let old = fixture::running(" stats enable");
    let model = (*old.model).clone();
    old.process.requests.store(77, Ordering::Relaxed);
    let process = ProcessState::since(old.process.started, "node-1".into(), 10_000, 20_030);
    let new = testing::running(model, process, 5);
    let carried = old.carry(Instant::now());
    assert_eq!(over_the_wire(&carried), carried);
    new.take_over(&carried, Instant::now());
    assert_eq!(new.carry(Instant::now()), carried, "and so on");
    move_in(&old, &new);
    let later = Instant::now() + Duration::from_secs(5);
    assert_eq!(statistics(&new, later), statistics(&old, later));
    assert_eq!(new.readiness(), old.readiness());
    assert_eq!(new.process.requests.load(Ordering::Relaxed), 77);
}

#[test]
fn a_server_that_was_down_stays_down_until_it_has_passed_its_checks() {
    let servers = " server a 127.0.0.1:1 check\n server b 127.0.0.1:2 check";
    let (new, _) = reloaded(servers, servers, |old| {
        check(old, 0, CheckStatus::L4Connection, 3);
    });
    assert_eq!(status(&new, 0), "DOWN");
    check(&new, 0, CheckStatus::L4Ok, 1);
    assert_eq!(status(&new, 0), "DOWN 1/2");
    check(&new, 0, CheckStatus::L4Ok, 1);
    assert_eq!(status(&new, 0), "UP");
}

#[test]
fn servers_are_found_by_name_wherever_they_stand_now() {
    let (new, _) = reloaded(
        " server a 127.0.0.1:1 check\n server b 127.0.0.1:2 check",
        " server new 127.0.0.1:3 check\n server b 127.0.0.1:2 check",
        |old| {
            check(old, 0, CheckStatus::L4Connection, 3);
            check(old, 1, CheckStatus::L4Connection, 3);
            old.server(BACKEND, ServerId(1))
                .unwrap()
                .counters
                .of(0)
                .sessions
                .add(9);
        },
    );
    assert_eq!(status(&new, 0), "UP 1/3", "a new one begins as usual");
    assert_eq!(status(&new, 1), "DOWN");
    let sessions = |id| {
        new.server(BACKEND, ServerId(id))
            .unwrap()
            .counters
            .sum(|c| &c.sessions)
    };
    assert_eq!([sessions(0), sessions(1)], [0, 9]);
}

#[test]
fn another_address_begins_anew_and_another_check_has_the_next_word() {
    let (new, _) = reloaded(
        " server moved 127.0.0.1:1 check\n server asked 127.0.0.1:2 check\n \
          server up 127.0.0.1:3 check",
        " server moved 127.0.0.9:1 check\n server asked 127.0.0.1:2 check port 22\n \
          server up 127.0.0.1:3 check port 22",
        |old| {
            check(old, 0, CheckStatus::L4Connection, 3);
            check(old, 1, CheckStatus::L4Connection, 3);
            check(old, 2, CheckStatus::L4Ok, 3);
        },
    );
    let states = [0, 1, 2].map(|server| status(&new, server));
    assert_eq!(states, ["UP 1/3", "DOWN 1/2", "UP 1/3"]);
}

#[test]
fn what_the_file_says_anew_counts_more_than_what_was_set() {
    let (new, _) = reloaded(
        " server same 127.0.0.1:1 weight 10\n server weighed 127.0.0.1:2 weight 10\n \
          server out 127.0.0.1:3\n server back 127.0.0.1:4 disabled\n \
          server kept 127.0.0.1:5 disabled",
        " server same 127.0.0.1:1 weight 10\n server weighed 127.0.0.1:2 weight 20\n \
          server out 127.0.0.1:3 disabled\n server back 127.0.0.1:4\n \
          server kept 127.0.0.1:5 disabled",
        |old| {
            let now = Instant::now();
            old.with_backend(BACKEND, now, |balancer| {
                for server in [0, 1] {
                    balancer.set_weight(ServerId(server), Weight::new(5).unwrap(), now);
                }
                balancer.set_admin(ServerId(0), AdminState::Drain, now);
                balancer.set_admin(ServerId(4), AdminState::Ready, now);
            });
        },
    );
    let states = [0, 1, 2, 3, 4].map(|server| status(&new, server));
    assert_eq!(
        states,
        ["DRAIN", "no check", "MAINT", "no check", "no check"]
    );
    let backend = new.backend(BACKEND).unwrap();
    let weight = |id| {
        backend
            .balancer()
            .server_view(ServerId(id), Instant::now())
            .weight
            .get()
    };
    assert_eq!([weight(0), weight(1)], [5, 20]);
}

#[test]
fn who_tracks_a_server_follows_it_as_it_is_now() {
    let tracked = " server a 127.0.0.1:1 check\n server t 127.0.0.1:2 track be/a";
    let (new, _) = reloaded(tracked, tracked, |old| {
        check(old, 0, CheckStatus::L4Connection, 3);
    });
    assert_eq!(status(&new, 1), "DOWN");
    let now = Instant::now();
    let request = pontoon_engine::backend::Request {
        session: SessionKey {
            thread: 0,
            slot: 0,
            generation: 0,
        },
        client: None,
        forced: None,
        avoid: None,
        random: 0,
    };
    let placed = new.with_backend(BACKEND, now, |balancer| balancer.place(request, now));
    assert_eq!(placed, Some(Placement::NoServer));
}

#[test]
fn what_is_not_carried_begins_anew() {
    let carried: Carried = serde_json::from_str("{\"process\": {\"novel\": 1}}").unwrap();
    assert_eq!(carried, Carried::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Some servers go, some come, some change places, algorithms change: nothing panics, and
    /// whoever stays keeps its state.
    #[test]
    fn any_files_can_follow_any_other(
        before in prop::sample::subsequence((0..6u32).collect::<Vec<_>>(), 0..6),
        after in prop::sample::subsequence((0..6u32).collect::<Vec<_>>(), 0..6).prop_shuffle(),
        algorithms in prop::array::uniform2(prop::sample::select(
            vec!["roundrobin", "static-rr", "leastconn", "first", "source", "random"]
        )),
        down in any::<[bool; 6]>(),
        picks in 0..9u32,
    ) {
        let text = |servers: &[u32], algorithm: &str| {
            let line = |id: &u32| format!(" server s{id} 127.0.0.{id}:1 check\n");
            format!(" balance {algorithm}\n{}", servers.iter().map(line).collect::<String>())
        };
        let now = Instant::now();
        let request = |slot| pontoon_engine::backend::Request {
            session: SessionKey { thread: 0, slot, generation: 0 },
            client: None,
            forced: None,
            avoid: None,
            random: u64::from(slot),
        };
        let (new, _) = reloaded(&text(&before, algorithms[0]), &text(&after, algorithms[1]), |old| {
            for (place, id) in (0..).zip(&before) {
                if down[*id as usize] {
                    check(old, place, CheckStatus::L4Connection, 1);
                }
            }
            for slot in 0..picks {
                old.with_backend(BACKEND, now, |balancer| balancer.place(request(slot), now));
            }
        });
        for (place, id) in (0..).zip(&after) {
            let stays = before.contains(id) && down[*id as usize];
            prop_assert_eq!(status(&new, place) == "DOWN", stays);
        }
        for slot in 0..9 {
            new.with_backend(BACKEND, now, |balancer| balancer.place(request(slot), now));
        }
    }
}
