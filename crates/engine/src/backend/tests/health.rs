//! Checks, agents, live traffic and administrators.

use super::*;
use crate::health::{AgentSettings, Observe, OnError};

/// The statuses after each of these results.
fn statuses(bench: &mut Bench, results: &[CheckStatus]) -> Vec<String> {
    let mut step = |status: &CheckStatus| {
        bench.check(0, *status);
        bench.status(0)
    };
    results.iter().map(&mut step).collect()
}

const OK: CheckStatus = CheckStatus::L4Ok;
const KO: CheckStatus = CheckStatus::L4Connection;

#[test]
fn the_status_tells_how_far_a_server_is_on_its_way() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    assert_eq!(bench.status(0), "UP 1/3");
    assert_eq!(
        statuses(&mut bench, &[OK, KO, KO, OK, KO, KO, KO, OK, OK]),
        [
            "UP", "UP 2/3", "UP 1/3", "UP", "UP 2/3", "UP 1/3", "DOWN", "DOWN 1/2", "UP"
        ]
    );
    assert_eq!(
        (bench.view(0).went_down, bench.view(0).failed_checks),
        (1, 5)
    );
}

#[test]
fn a_server_goes_down_with_its_queue_and_its_line_in_the_log() {
    let server = ServerSettings {
        max_connections: Some(1),
        shutdown_sessions_on_down: true,
        ..checked("a")
    };
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![server, checked("b")]);
    bench.check(0, OK);
    let forced = |request| Request {
        forced: Some(ServerId(0)),
        ..request
    };
    for _ in 0..3 {
        bench.place_as(forced);
    }
    bench.actions();
    bench.take_down(0);
    let orders = bench.orders();
    let Action::StateChanged(change) = &orders[0] else {
        panic!("{orders:?}")
    };
    assert_eq!(change.status, Status::Down);
    assert_eq!(
        (change.was.oper, change.now.oper),
        (OperState::Up, OperState::Down)
    );
    assert_eq!((change.active_left, change.backup_left), (1, 0));
    assert_eq!((change.sessions, change.requeued), (1, 2));
    assert_eq!(
        orders[1],
        Action::ShutdownSessions {
            server: ServerId(0)
        }
    );
    let admitted = [2, 3].map(|slot| Action::Admit {
        session: session(slot),
        server: ServerId(1),
    });
    assert_eq!(
        orders[2..],
        admitted,
        "those who waited go where there is room"
    );
}

#[test]
fn a_check_is_told_before_what_follows_from_it() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    bench.check(0, KO);
    let actions = bench.actions();
    let Action::HealthReport(report) = &actions[0] else {
        panic!("{actions:?}")
    };
    assert!(report.changed);
    assert_eq!((report.status, report.health), (Status::Down, 0));
    assert!(matches!(actions[1], Action::StateChanged(_)));
    assert_eq!(actions[2], Action::NoServerLeft);
    bench.check(0, KO);
    let actions = bench.actions();
    assert!(matches!(&actions[..], [Action::HealthReport(report)] if !report.changed));
}

#[test]
fn who_waits_gets_in_when_a_server_comes_up() {
    let mut bench = Bench::new(
        Algorithm::RoundRobin,
        vec![ServerSettings {
            max_connections: Some(1),
            ..checked("s")
        }],
    );
    bench.long();
    bench.place();
    bench.take_down(0);
    bench.backend.release(ServerId(0), bench.now);
    bench.actions();
    bench.bring_up(0);
    let orders = bench.orders();
    let Action::StateChanged(change) = &orders[0] else {
        panic!("{orders:?}")
    };
    assert_eq!((change.requeued, change.queued), (1, 0));
    assert_eq!(
        orders[1],
        Action::Admit {
            session: session(2),
            server: ServerId(0)
        }
    );
}

#[test]
fn the_pause_between_checks_follows_the_state() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    let pause = |bench: &Bench| {
        bench
            .backend
            .check_interval(ServerId(0))
            .map(|pause| pause.as_secs())
    };
    assert_eq!(pause(&bench), Some(1), "not checked yet");
    bench.check(0, OK);
    assert_eq!(pause(&bench), Some(2));
    bench.check(0, KO);
    assert_eq!(pause(&bench), Some(1));
    bench.take_down(0);
    assert_eq!(pause(&bench), Some(5));
    bench.check(0, OK);
    assert_eq!(pause(&bench), Some(1));
    bench
        .backend
        .set_admin(ServerId(0), AdminState::Maintenance, bench.now);
    assert_eq!(pause(&bench), None);
}

#[test]
fn maintenance_ignores_checks_and_ends_with_the_benefit_of_the_doubt() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    bench.check(0, OK);
    bench
        .backend
        .set_admin(ServerId(0), AdminState::Maintenance, bench.now);
    assert_eq!(
        (bench.status(0).as_str(), bench.view(0).went_down),
        ("MAINT", 1)
    );
    assert_eq!(bench.place(), Placement::NoServer);
    bench.actions();
    bench.take_down(0);
    assert_eq!(bench.actions(), []);
    bench
        .backend
        .set_admin(ServerId(0), AdminState::Ready, bench.now);
    assert_eq!(bench.status(0), "UP 1/3");
    bench.check(0, KO);
    assert_eq!(bench.status(0), "DOWN");
}

#[test]
fn drain_keeps_what_is_forced_and_takes_nothing_else() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("a"), checked("b")]);
    bench
        .backend
        .set_admin(ServerId(0), AdminState::Drain, bench.now);
    assert_eq!(bench.status(0), "DRAIN");
    assert_eq!([bench.short(), bench.short()], [2, 2]);
    let forced = |request| Request {
        forced: Some(ServerId(0)),
        ..request
    };
    assert_eq!(bench.place_as(forced), Placement::Server(ServerId(0)));
}

#[test]
fn a_conditional_pass_stops_new_sessions_but_never_brings_a_server_up() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    bench.check(0, OK);
    let conditional = CheckStatus::L7OkConditional;
    assert_eq!(
        statuses(
            &mut bench,
            &[conditional, OK, KO, KO, KO, conditional, conditional]
        ),
        ["NOLB", "UP", "UP 2/3", "UP 1/3", "DOWN", "DOWN", "DOWN"]
    );
}

#[test]
fn slow_start_raises_share_and_slots_in_sixteen_steps() {
    let slow = ServerSettings {
        slow_start: Duration::from_secs(16),
        weight: Weight::new(16).unwrap(),
        max_connections: Some(32),
        ..checked("s")
    };
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![slow]);
    assert_eq!(
        bench.backend.poll_timeout(),
        None,
        "never at the start of the process"
    );
    bench.take_down(0);
    bench.bring_up(0);
    let share = |bench: &Bench| {
        let view = bench.view(0);
        (view.effective_weight.get(), view.connection_limit.unwrap())
    };
    assert_eq!(bench.view(0).oper, OperState::Starting);
    assert_eq!(share(&bench), (1, 2));
    let mut steps = Vec::new();
    while let Some(due) = bench.backend.poll_timeout() {
        steps.push((due - bench.now).as_secs());
        bench.now = due;
        bench.backend.handle_timeout(due);
    }
    assert_eq!(steps, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(share(&bench), (16, 32));
    assert_eq!(bench.view(0).oper, OperState::Up);
}

#[test]
fn backup_sessions_end_when_an_active_server_returns() {
    let active = ServerSettings {
        shutdown_backup_sessions_on_up: true,
        ..checked("a")
    };
    let backup = ServerSettings {
        backup: true,
        ..server("b")
    };
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![active, backup]);
    bench.take_down(0);
    bench.actions();
    bench.bring_up(0);
    assert_eq!(bench.orders().last(), Some(&Action::ShutdownBackupSessions));
}

#[test]
fn an_agent_sets_weight_limit_and_state() {
    let agent = AgentSettings {
        interval: Duration::from_secs(2),
    };
    let server = ServerSettings {
        agent: Some(agent),
        weight: Weight::new(3).unwrap(),
        ..server("s")
    };
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![server]);
    let mut say = |line: &str| {
        bench.backend.agent_finished(
            ServerId(0),
            CheckStatus::L7Ok,
            line,
            Duration::ZERO,
            bench.now,
        );
        let view = bench.view(0);
        let agent = view.last_agent.unwrap().status.code();
        (
            view.status.to_string(),
            view.weight.get(),
            view.connection_limit,
            agent,
        )
    };
    assert_eq!(say("50%"), ("no check".into(), 1, None, "CHECKED"));
    assert_eq!(say("10%"), ("no check".into(), 0, None, "CHECKED"));
    assert_eq!(say("10000%"), ("no check".into(), 256, None, "CHECKED"));
    assert_eq!(say("up ready 100%"), ("no check".into(), 3, None, "L7OK"));
    assert_eq!(say("maxconn:5"), ("no check".into(), 3, Some(5), "CHECKED"));
    assert_eq!(
        say("drain"),
        ("DRAIN (agent)".into(), 3, Some(5), "CHECKED")
    );
    assert_eq!(
        say("ready,down # broken"),
        ("DOWN (agent)".into(), 3, Some(5), "L7STS")
    );
    assert_eq!(say("hello"), ("DOWN (agent)".into(), 3, Some(5), "CHECKED"));
    assert_eq!(say("maint"), ("MAINT".into(), 3, Some(5), "CHECKED"));
    assert_eq!(say("ready up"), ("no check".into(), 3, Some(5), "L7OK"));
}

#[test]
fn an_agent_tells_its_verdict_and_an_unreachable_one_why() {
    let agent = AgentSettings {
        interval: Duration::from_secs(2),
    };
    let mut bench = Bench::new(
        Algorithm::RoundRobin,
        vec![ServerSettings {
            agent: Some(agent),
            ..server("s")
        }],
    );
    let say = |bench: &mut Bench, status, line: &str| {
        bench
            .backend
            .agent_finished(ServerId(0), status, line, Duration::ZERO, bench.now);
        bench.actions()
    };
    let actions = say(&mut bench, CheckStatus::L7Ok, "down # disk full");
    let Action::HealthReport(report) = &actions[0] else {
        panic!("{actions:?}")
    };
    assert!(report.agent && report.changed);
    assert_eq!(report.result.status, CheckStatus::L7Status);
    assert_eq!(
        report.result.info.as_deref(),
        Some("via agent : down (disk full)")
    );
    assert!(
        matches!(&actions[1], Action::StateChanged(change) if change.status == Status::DownByAgent)
    );
    assert_eq!(actions[2], Action::NoServerLeft);
    let actions = say(&mut bench, CheckStatus::L4Connection, "Network is up");
    let [Action::HealthReport(report)] = &actions[..] else {
        panic!("{actions:?}")
    };
    assert_eq!(report.result.status, CheckStatus::L4Connection);
    assert_eq!(report.result.info.as_deref(), Some("Network is up"));
    assert_eq!(bench.status(0), "DOWN (agent)");
}

fn observing(on_error: OnError) -> Bench {
    let observe = Observe {
        error_limit: 2,
        on_error,
    };
    Bench::new(
        Algorithm::RoundRobin,
        vec![ServerSettings {
            observe: Some(observe),
            ..checked("s")
        }],
    )
}

#[test]
fn live_errors_in_a_row_count_as_the_file_says() {
    for (on_error, status, health) in [
        (OnError::FastInterval, "UP", 4),
        (OnError::FailCheck, "UP 2/3", 3),
        (OnError::SuddenDeath, "UP 1/3", 2),
        (OnError::MarkDown, "DOWN", 0),
    ] {
        let mut bench = observing(on_error);
        bench.check(0, OK);
        bench.actions();
        for ok in [false, true, false] {
            bench.backend.observed(ServerId(0), ok, bench.now);
        }
        assert_eq!(
            bench.actions(),
            [],
            "errors with a success between them do not count"
        );
        bench.backend.observed(ServerId(0), false, bench.now);
        assert_eq!(
            (bench.status(0).as_str(), bench.view(0).health),
            (status, health)
        );
        let sooner = Action::CheckSooner {
            server: ServerId(0),
        };
        assert!(bench.actions().contains(&sooner), "{on_error:?}");
        if bench.view(0).health > 0 {
            assert_eq!(
                bench.backend.check_interval(ServerId(0)),
                Some(Duration::from_secs(1))
            );
        }
    }
}

#[test]
fn a_tracker_follows_in_state_and_maintenance() {
    let mut bench = Bench::new(
        Algorithm::RoundRobin,
        vec![ServerSettings {
            tracks: true,
            ..server("s")
        }],
    );
    let of: Arc<str> = "other/s".into();
    let mut follow = |oper, admin| {
        bench
            .backend
            .tracked_changed(ServerId(0), &of, oper, admin, bench.now);
        bench.status(0)
    };
    assert_eq!(follow(OperState::Up, AdminState::Ready), "UP");
    assert_eq!(follow(OperState::Down, AdminState::Ready), "DOWN");
    assert_eq!(
        follow(OperState::Up, AdminState::Maintenance),
        "MAINT (via)"
    );
    assert_eq!(follow(OperState::Stopping, AdminState::Ready), "NOLB");
    assert_eq!(follow(OperState::Up, AdminState::Drain), "DRAIN");
}

#[test]
fn downtime_adds_up() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    bench.take_down(0);
    bench.now += Duration::from_secs(7);
    assert_eq!(bench.view(0).downtime_secs, 7);
    bench.bring_up(0);
    bench.now += Duration::from_secs(100);
    bench.take_down(0);
    bench.now += Duration::from_secs(3);
    assert_eq!(bench.view(0).downtime_secs, 10);
    let whole = bench.backend.view(bench.now);
    assert_eq!((whole.downtime_secs, whole.went_down), (10, 2));
}

#[test]
fn a_tracker_begins_where_the_other_is_without_a_word() {
    let tracker = ServerSettings {
        tracks: true,
        ..server("s")
    };
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![tracker]);
    let (up, maintenance) = (OperState::Up, AdminState::Maintenance);
    bench
        .backend
        .tracked_at_start(ServerId(0), up, maintenance, bench.now);
    assert_eq!(bench.actions(), []);
    assert_eq!(
        (bench.status(0).as_str(), bench.view(0).went_down),
        ("MAINT (via)", 0)
    );
    assert_eq!(bench.backend.view(bench.now).went_down, 0);
    assert_eq!(bench.place(), Placement::NoServer);
}
