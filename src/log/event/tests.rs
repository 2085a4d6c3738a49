//! Every expectation is a line that HAProxy 2.6.12 wrote in the same situation.

use std::time::Duration;

use pontoon_engine::{backend::Standing, server::Status, units::ServerId};

use super::*;

const UP: Standing = standing(AdminState::Ready, OperState::Up);
const DOWN: Standing = standing(AdminState::Ready, OperState::Down);
const STOPPING: Standing = standing(AdminState::Ready, OperState::Stopping);
const DRAIN: Standing = standing(AdminState::Drain, OperState::Up);
const DRAIN_DOWN: Standing = standing(AdminState::Drain, OperState::Down);
const MAINTENANCE: Standing = standing(AdminState::Maintenance, OperState::Up);
const MAINTENANCE_DOWN: Standing = standing(AdminState::Maintenance, OperState::Down);

const fn standing(admin: AdminState, oper: OperState) -> Standing {
    Standing { admin, oper }
}

fn refused() -> CheckResult {
    CheckResult {
        status: CheckStatus::L4Connection,
        code: None,
        info: Some("Connection refused".to_owned()),
        duration: Duration::ZERO,
    }
}

fn passed() -> CheckResult {
    CheckResult {
        status: CheckStatus::L4Ok,
        code: None,
        info: None,
        duration: Duration::ZERO,
    }
}

fn tracked() -> Reason {
    Reason::Tracked("be/s1".into())
}

/// A change with 2 active servers left.
fn change(was: Standing, now: Standing, reason: Reason) -> StateChange {
    StateChange {
        server: ServerId(0),
        status: Status::Up,
        was,
        now,
        reason,
        active_left: 2,
        backup_left: 0,
        sessions: 1,
        requeued: 0,
        queued: 0,
    }
}

const SERVER: Name<'static> = Name {
    proxy: "be",
    server: "s",
    backup: false,
};

fn worded(change: &StateChange) -> Vec<Event> {
    let wording = Wording {
        name: SERVER,
        change,
        explain: true,
    };
    wording.events()
}

fn lines(was: Standing, now: Standing, reason: Reason) -> Vec<String> {
    let events = worded(&change(was, now, reason));
    events.into_iter().map(|(_, text)| text).collect()
}

fn level(was: Standing, now: Standing, reason: Reason) -> LogLevel {
    worded(&change(was, now, reason))[0].0
}

#[test]
fn checks_take_a_server_down_and_up() {
    assert_eq!(
        lines(UP, DOWN, Reason::Check(refused())),
        [
            "Server be/s is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", \
          check duration: 0ms. 2 active and 0 backup servers left. 1 sessions active, 0 requeued, \
          0 remaining in queue."
        ]
    );
    assert_eq!(
        lines(DOWN, UP, Reason::Check(passed())),
        [
            "Server be/s is UP, reason: Layer4 check passed, check duration: 0ms. 2 active and 0 \
          backup servers online. 0 sessions requeued, 0 total in queue."
        ]
    );
    assert_eq!(level(UP, DOWN, Reason::Check(refused())), LogLevel::Alert);
    assert_eq!(level(DOWN, UP, Reason::Check(passed())), LogLevel::Notice);
}

#[test]
fn the_reason_is_not_told_twice() {
    let change = change(UP, DOWN, Reason::Check(refused()));
    let wording = Wording {
        name: SERVER,
        change: &change,
        explain: false,
    };
    let (_, text) = &wording.events()[0];
    assert!(text.starts_with("Server be/s is DOWN. 2 active"));
}

#[test]
fn the_last_servers_are_backups() {
    let mut change = change(UP, DOWN, Reason::Check(refused()));
    (change.active_left, change.backup_left) = (0, 1);
    let (_, text) = &worded(&change)[0];
    assert!(
        text.ends_with(
            "0 active and 1 backup servers left. Running on backup. 1 sessions active, 0 requeued, \
             0 remaining in queue."
        ),
        "{text}"
    );
}

#[test]
fn live_traffic_takes_a_server_down() {
    let result = CheckResult {
        status: CheckStatus::Observed,
        code: None,
        info: Some(
            "Detected 2 consecutive errors, last one was: L4 unsuccessful connection".to_owned(),
        ),
        duration: Duration::ZERO,
    };
    assert_eq!(
        lines(UP, DOWN, Reason::Check(result)),
        [
            "Server be/s is DOWN, reason: Health analyze, info: \"Detected 2 consecutive errors, \
          last one was: L4 unsuccessful connection\". 2 active and 0 backup servers left. 1 \
          sessions active, 0 requeued, 0 remaining in queue."
        ]
    );
}

#[test]
fn an_agent_takes_a_server_down() {
    let result = CheckResult {
        status: CheckStatus::L7Status,
        code: Some(0),
        info: Some("via agent : down".to_owned()),
        duration: Duration::from_millis(1),
    };
    let [line] = &lines(UP, DOWN, Reason::Agent(result))[..] else {
        panic!("one line");
    };
    assert!(
        line.starts_with(
            "Server be/s is DOWN, reason: Layer7 wrong status, code: 0, info: \"via agent : down\", \
             check duration: 1ms. 2 active"
        ),
        "{line}"
    );
}

#[test]
fn an_administrator_takes_a_server_out_and_back() {
    assert_eq!(
        lines(UP, MAINTENANCE, Reason::Admin(Channel::Socket)),
        [
            "Server be/s is going DOWN for maintenance. 2 active and 0 backup servers left. 1 \
          sessions active, 0 requeued, 0 remaining in queue."
        ]
    );
    assert_eq!(
        level(UP, MAINTENANCE, Reason::Admin(Channel::Socket)),
        LogLevel::Alert
    );
    assert_eq!(
        level(DRAIN, MAINTENANCE, Reason::Admin(Channel::Socket)),
        LogLevel::Notice
    );
    assert_eq!(
        lines(DOWN, MAINTENANCE_DOWN, Reason::Admin(Channel::Socket)),
        ["Server be/s was DOWN and now enters maintenance."]
    );
    assert_eq!(
        lines(MAINTENANCE, UP, Reason::Admin(Channel::Socket)),
        ["Server be/s is UP/READY (leaving forced maintenance)."]
    );
    assert_eq!(
        level(MAINTENANCE, UP, Reason::Admin(Channel::Socket)),
        LogLevel::Notice
    );
}

#[test]
fn a_server_drains() {
    assert_eq!(
        lines(UP, DRAIN, Reason::Admin(Channel::Socket)),
        [
            "Server be/s enters drain state. 2 active and 0 backup servers online. 0 sessions \
          requeued, 0 total in queue."
        ]
    );
    assert_eq!(
        lines(DOWN, DRAIN_DOWN, Reason::Admin(Channel::Socket)),
        [
            "Server be/s enters drain state. 2 active and 0 backup servers left. 1 sessions \
          active, 0 requeued, 0 remaining in queue."
        ]
    );
    assert_eq!(
        lines(DRAIN, UP, Reason::Admin(Channel::Socket)),
        ["Server be/s is UP (leaving forced drain)."]
    );
    assert_eq!(
        lines(DRAIN_DOWN, DOWN, Reason::Admin(Channel::Socket)),
        ["Server be/s is DOWN (leaving forced drain)."]
    );
}

#[test]
fn drain_mode_outlives_other_changes() {
    assert_eq!(
        lines(MAINTENANCE, DRAIN, Reason::Admin(Channel::Socket)),
        [
            "Server be/s is UP/DRAIN (leaving forced maintenance).",
            "Server be/s remains in forced drain mode."
        ]
    );
    let down = lines(DRAIN, DRAIN_DOWN, Reason::Check(refused()));
    assert!(down[0].starts_with("Server be/s is DOWN, reason: Layer4 connection problem"));
    assert_eq!(down[1], "Server be/s remains in forced drain mode.");
    let reason = Reason::Check(refused());
    assert_eq!(level(DRAIN, DRAIN_DOWN, reason), LogLevel::Notice);
}

#[test]
fn a_server_that_is_tracked_takes_others_along() {
    assert_eq!(
        lines(UP, DOWN, tracked()),
        [
            "Server be/s is DOWN via be/s1. 2 active and 0 backup servers left. 1 sessions \
          active, 0 requeued, 0 remaining in queue."
        ]
    );
    assert_eq!(
        lines(DOWN, UP, tracked()),
        [
            "Server be/s is UP via be/s1. 2 active and 0 backup servers online. 0 sessions \
          requeued, 0 total in queue."
        ]
    );
    assert_eq!(
        lines(DOWN, MAINTENANCE_DOWN, tracked()),
        ["Server be/s was DOWN and now enters maintenance via be/s1."]
    );
    assert_eq!(
        lines(MAINTENANCE, UP, tracked()),
        ["Server be/s is UP/READY (leaving maintenance)."]
    );
    assert_eq!(
        lines(MAINTENANCE, DRAIN, tracked()),
        [
            "Server be/s is UP/DRAIN (leaving maintenance).",
            "Server be/s is leaving forced drain but remains in drain mode via be/s1."
        ]
    );
}

#[test]
fn a_server_stops_on_its_own_wish() {
    assert_eq!(
        lines(UP, STOPPING, tracked()),
        [
            "Server be/s is stopping via be/s1. 2 active and 0 backup servers online. 0 sessions \
          requeued, 0 total in queue."
        ]
    );
}

#[test]
fn nobody_is_alarmed_when_a_stopping_server_goes() {
    let reason = Reason::Check(refused());
    assert_eq!(level(STOPPING, DOWN, reason), LogLevel::Notice);
}

#[test]
fn a_slow_start_that_ends_is_no_news() {
    let starting = standing(AdminState::Ready, OperState::Starting);
    assert!(lines(starting, UP, Reason::Check(passed())).is_empty());
}

fn report(result: CheckResult, health: u32) -> HealthReport {
    HealthReport {
        server: ServerId(0),
        result,
        agent: false,
        status: Status::Up,
        health,
        weightless: false,
        changed: true,
    }
}

#[test]
fn checks_tell_how_far_a_server_is() {
    let line = |result, health| check_line(&SERVER, &report(result, health), (2, 3));
    assert_eq!(
        line(passed(), 4),
        "Health check for server be/s succeeded, reason: Layer4 check passed, check duration: \
         0ms, status: 3/3 UP."
    );
    assert_eq!(
        line(refused(), 3),
        "Health check for server be/s failed, reason: Layer4 connection problem, info: \
         \"Connection refused\", check duration: 0ms, status: 2/3 UP."
    );
    assert!(line(refused(), 0).ends_with(", status: 0/2 DOWN."));
    assert!(line(passed(), 1).ends_with(", status: 1/2 DOWN."));
}

#[test]
fn checks_tell_of_backups_agents_and_servers_without_weight() {
    let backup = Name {
        backup: true,
        ..SERVER
    };
    let line = check_line(&backup, &report(refused(), 0), (2, 3));
    assert!(line.starts_with("Health check for backup server be/s failed, "));

    let mut weightless = report(passed(), 4);
    weightless.weightless = true;
    assert!(check_line(&SERVER, &weightless, (2, 3)).ends_with(", status: 3/3 DRAIN."));

    let mut agent = report(passed(), 1);
    agent.agent = true;
    agent.result = CheckResult {
        status: CheckStatus::L7Ok,
        code: Some(0),
        info: Some("via agent : up".to_owned()),
        duration: Duration::ZERO,
    };
    assert_eq!(
        check_line(&SERVER, &agent, (1, 1)),
        "Agent check for server be/s succeeded, reason: Layer7 check passed, code: 0, info: \"via \
         agent : up\", check duration: 0ms, status: 1/1 UP."
    );
}

#[test]
fn answers_of_servers_cannot_break_the_line() {
    let result = CheckResult {
        status: CheckStatus::L7Status,
        code: Some(500),
        info: Some("\u{1}b\"ad\n".to_owned()),
        duration: Duration::ZERO,
    };
    let line = check_line(&SERVER, &report(result, 3), (2, 3));
    assert!(
        line.contains("code: 500, info: \"<01>b<22>ad<0a>\""),
        "{line}"
    );
}

#[test]
fn a_page_that_says_stop_passes_under_a_condition() {
    let result = CheckResult {
        status: CheckStatus::L7OkConditional,
        code: Some(404),
        info: None,
        duration: Duration::ZERO,
    };
    assert_eq!(
        check_line(&SERVER, &report(result, 4), (2, 3)),
        "Health check for server be/s conditionally succeeded, reason: Layer7 check conditionally \
         passed, code: 404, check duration: 0ms, status: 3/3 UP."
    );
}
