//! What an administrator rules: health, agent, limits, switched-off checks.

use super::*;
use crate::{backend::rulings::*, health::AgentSettings};

const OK: CheckStatus = CheckStatus::L4Ok;
const KO: CheckStatus = CheckStatus::L4Connection;

fn rule(bench: &mut Bench, ruling: HealthRuling) -> String {
    let now = bench.now;
    bench
        .backend
        .rule_health(Channel::Socket, ServerId(0), ruling, now);
    bench.status(0)
}

#[test]
fn checks_can_be_overruled_until_the_next_one() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    assert_eq!(rule(&mut bench, HealthRuling::Down), "DOWN");
    assert_eq!(bench.place(), Placement::NoServer);
    bench.check(0, OK);
    assert_eq!(bench.status(0), "DOWN 1/2");
    assert_eq!(rule(&mut bench, HealthRuling::Up), "UP");
    assert_eq!(rule(&mut bench, HealthRuling::Stopping), "NOLB");
    bench.check(0, OK);
    assert_eq!(bench.status(0), "UP");
}

#[test]
fn a_server_without_checks_is_ruled_down_and_up() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![server("a"), server("b")]);
    assert_eq!(rule(&mut bench, HealthRuling::Down), "DOWN");
    assert_eq!([bench.long(), bench.long()], [2, 2]);
    assert_eq!(rule(&mut bench, HealthRuling::Up), "no check");
    let told: Vec<_> = bench.orders();
    assert_eq!(told.len(), 2, "{told:?}");
    let from_socket = |action: &Action| {
        matches!(action, Action::StateChanged(change)
            if change.reason == Reason::Admin(Channel::Socket))
    };
    assert!(told.iter().all(from_socket), "{told:?}");
}

#[test]
fn checks_that_are_off_say_nothing_and_are_not_due() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    bench.check(0, OK);
    bench.backend.switch_checks(ServerId(0), false);
    assert_eq!(bench.status(0), "no check");
    assert_eq!(bench.backend.check_interval(ServerId(0)), None);
    for _ in 0..3 {
        bench.check(0, KO);
    }
    assert!(bench.view(0).usable && !bench.view(0).checks_on);
    bench.backend.switch_checks(ServerId(0), true);
    assert_eq!(bench.status(0), "UP");
    assert!(bench.backend.check_interval(ServerId(0)).is_some());
}

#[test]
fn what_was_ruled_down_stays_down_while_checks_are_off() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    bench.backend.switch_checks(ServerId(0), false);
    assert_eq!(rule(&mut bench, HealthRuling::Down), "DOWN");
    bench.check(0, OK);
    assert_eq!(bench.status(0), "DOWN");
}

#[test]
fn the_agent_can_be_overruled_and_silenced() {
    let agent = ServerSettings {
        weight: Weight::new(10).unwrap(),
        agent: Some(AgentSettings {
            interval: Duration::from_secs(1),
        }),
        ..server("s")
    };
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![agent]);
    let (id, now) = (ServerId(0), bench.now);
    bench.backend.rule_agent(Channel::Page, id, false, now);
    assert_eq!(bench.status(0), "DOWN (agent)");
    bench.backend.rule_agent(Channel::Page, id, true, now);
    bench.backend.switch_agent(id, false);
    assert!(!bench.backend.asks_agent(id));
    let answer = "drain 50% down";
    let status = CheckStatus::L7Ok;
    bench
        .backend
        .agent_finished(id, status, answer, Duration::ZERO, now);
    let view = bench.view(0);
    assert_eq!(view.weight.get(), 10);
    assert_eq!(view.admin, AdminState::Ready);
}

#[test]
fn a_raised_limit_lets_those_in_who_wait() {
    let mut bench = Bench::new(Algorithm::RoundRobin, limited(1, 1));
    bench.long();
    assert!(matches!(bench.place(), Placement::Queued { .. }));
    assert!(matches!(bench.place(), Placement::Queued { .. }));
    let (id, now) = (ServerId(0), bench.now);
    bench.backend.set_max_connections(id, 2, now);
    assert_eq!(bench.orders().len(), 1);
    assert_eq!(bench.view(0).max_connections, Some(2));
    bench.backend.set_max_connections(id, 0, now);
    assert_eq!(bench.orders().len(), 1);
    assert_eq!(bench.view(0).max_connections, None);
}

#[test]
fn maxima_begin_anew_at_what_is_now_and_counts_at_nothing() {
    let mut bench = Bench::new(Algorithm::RoundRobin, vec![checked("s")]);
    bench.check(0, OK);
    bench.short();
    bench.long();
    bench.long();
    bench.backend.release(ServerId(0), bench.now);
    bench.take_down(0);
    bench.backend.clear_maxima();
    let view = bench.view(0);
    assert_eq!((view.sessions, view.sessions_max), (1, 1));
    assert_eq!((view.picked, view.failed_checks, view.went_down), (3, 3, 1));
    bench.backend.clear_counts();
    let view = bench.view(0);
    assert_eq!((view.picked, view.failed_checks, view.went_down), (0, 0, 0));
    assert_eq!((view.sessions, view.sessions_max), (1, 1));
    assert_eq!(bench.backend.view(bench.now).went_down, 0);
}
