//! What people and agents ruled while the process ran.

use super::*;
use crate::state::{FrontendStatus, limits::ProcessLimit};

const FRONTEND: ProxyId = ProxyId(0);

/// `maxconn` of a server, as the statistics tell it.
fn limit(running: &Running, server: u32) -> Option<u32> {
    let backend = running.backend(BACKEND).unwrap();
    let balancer = backend.balancer();
    balancer
        .server_view(ServerId(server), Instant::now())
        .max_connections
}

fn agent_says(running: &Running, server: u32, words: &str) {
    let now = Instant::now();
    running.with_backend(BACKEND, now, |balancer| {
        let (id, took) = (ServerId(server), Duration::from_millis(1));
        balancer.agent_finished(id, CheckStatus::L7Ok, words, took, now);
    });
}

#[test]
fn limits_of_servers_stay_unless_the_file_has_another() {
    let (new, _) = reloaded(
        " server same 127.0.0.1:1 maxconn 9\n server other 127.0.0.1:2 maxconn 9\n \
          server none 127.0.0.1:3 maxconn 9",
        " server same 127.0.0.1:1 maxconn 9\n server other 127.0.0.1:2 maxconn 8\n \
          server none 127.0.0.1:3 maxconn 9",
        |old| {
            let now = Instant::now();
            old.with_backend(BACKEND, now, |balancer| {
                for (server, limit) in [(0, 5), (1, 5), (2, 0)] {
                    balancer.set_max_connections(ServerId(server), limit, now);
                }
            });
        },
    );
    assert_eq!(
        [0, 1, 2].map(|it| limit(&new, it)),
        [Some(5), Some(8), None]
    );
}

#[test]
fn a_limit_goes_with_the_agent_that_wanted_it_but_not_with_another_s() {
    let with = |port| {
        format!(
            " server agents 127.0.0.1:1 maxconn 9 agent-check agent-port {port}\n \
              server ours 127.0.0.1:2 maxconn 9 agent-check agent-port {port}"
        )
    };
    let deeds = |old: &Running| {
        let now = Instant::now();
        agent_says(old, 0, "maxconn:4");
        agent_says(old, 1, "maxconn:4");
        old.with_backend(BACKEND, now, |balancer| {
            balancer.set_max_connections(ServerId(1), 5, now);
        });
    };
    let (same, _) = reloaded(&with(77), &with(77), deeds);
    assert_eq!([0, 1].map(|it| limit(&same, it)), [Some(4), Some(5)]);
    let (another, _) = reloaded(&with(77), &with(78), deeds);
    assert_eq!([0, 1].map(|it| limit(&another, it)), [Some(9), Some(5)]);
}

#[test]
fn limits_of_the_process_stay_unless_the_file_has_others() {
    let (new, carried) = reloaded("", "", |old| {
        old.set_limit(ProcessLimit::Sessions, 70).unwrap();
        old.set_limit(ProcessLimit::SessionRate, 7).unwrap();
    });
    let limit = |running: &Running, limit| running.process.limits.get(limit);
    assert_eq!(limit(&new, ProcessLimit::Sessions), 70);
    assert_eq!(limit(&new, ProcessLimit::SessionRate), 7);
    let other = |global: &str, most| {
        let process = ProcessState::since(new.process.started, "node-1".into(), most, 2_030);
        let text = files("").replace("defaults\n", &format!("global\n {global}\ndefaults\n"));
        let other = testing::running(testing::model(text), process, 1);
        other.take_over(&carried, Instant::now());
        [ProcessLimit::Sessions, ProcessLimit::SessionRate].map(|it| limit(&other, it))
    };
    assert_eq!(other("maxconn 500", 500), [500, 7]);
    assert_eq!(
        other("maxsessrate 9", 50),
        [50, 9],
        "no more than there can be"
    );
}

#[test]
fn who_refuses_connections_does_so_for_the_same_reason() {
    type Deed = fn(&Running);
    let status = |deed: Deed| {
        let (new, _) = reloaded("", "", deed);
        new.frontend_status(FRONTEND).unwrap()
    };
    let disable = |old: &Running| old.disable_frontend(FRONTEND).unwrap();
    assert_eq!(status(disable), FrontendStatus::Disabled);
    assert_eq!(status(Running::pause_frontends), FrontendStatus::Paused);
    // The only way to have one back that was shut down.
    let shut_down = |old: &Running| old.shut_down_frontend(FRONTEND).unwrap();
    assert_eq!(status(shut_down), FrontendStatus::Open);
}

#[test]
fn a_signal_takes_back_what_a_signal_did_and_no_more() {
    let running = testing::running(testing::model(files("")), testing::process(), 1);
    let status = || running.frontend_status(FRONTEND).unwrap();
    running.pause_frontends();
    running.resume_frontends().unwrap();
    assert_eq!(status(), FrontendStatus::Open);
    running.disable_frontend(FRONTEND).unwrap();
    running.pause_frontends();
    running.resume_frontends().unwrap();
    assert_eq!(status(), FrontendStatus::Disabled);
    running.enable_frontend(FRONTEND).unwrap();
    running.pause_frontends();
    running.disable_frontend(FRONTEND).unwrap();
    running.resume_frontends().unwrap();
    assert_eq!(status(), FrontendStatus::Disabled);
}

#[test]
fn what_happened_is_still_known_of_servers_that_are_still_there() {
    let (new, _) = reloaded(
        " server a 127.0.0.1:1 check\n server gone 127.0.0.1:2 check",
        " server new 127.0.0.1:3 check\n server a 127.0.0.1:1 check",
        |old| {
            check(old, 0, CheckStatus::L4Connection, 3);
            check(old, 1, CheckStatus::L4Connection, 3);
        },
    );
    let changes = new.timeline.changes();
    let of: Vec<_> = changes.iter().map(|it| (it.backend, it.server)).collect();
    assert_eq!(of, [(BACKEND, ServerId(1))]);
    assert!(changes[0].text.contains("be/a is DOWN"), "{changes:?}");
    let checks = |id| {
        new.server(BACKEND, ServerId(id))
            .unwrap()
            .checks
            .checks()
            .len()
    };
    assert_eq!([checks(0), checks(1)], [0, 3]);
}
