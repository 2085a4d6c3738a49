use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_engine::{
    backend::Readiness,
    health::{CheckResult, CheckStatus},
    server::AdminState,
    units::{ProxyId, ServerId, Weight},
};
use proptest::prelude::*;

use super::{States, dump, line::Line};
use crate::{state::Running, testing};

const BACKEND: ProxyId = ProxyId(1);

/// A frontend, and a backend with these lines.
fn process(lines: &str) -> Arc<Running> {
    let text = format!(
        "global\n server-state-file /nowhere\n\
         defaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n\
         frontend fe\n bind :1000\n default_backend be\n\
         backend be\n load-server-state-from-file global\n{lines}\n"
    );
    testing::running(testing::model(text), testing::process(), 1)
}

fn states(running: &Running, text: &str) -> States {
    let mut states = States::default();
    let proxies: Vec<_> = running.model.proxies.iter().collect();
    states.read_text(text, "file", &proxies);
    states
}

fn begin(running: &Running, text: &str) {
    running.begin_with(&states(running, text), Instant::now());
}

fn rows(running: &Running, after: Duration) -> Vec<String> {
    let text = dump(running, Some("be"), Instant::now() + after).unwrap();
    text.lines().skip(2).map(str::to_owned).collect()
}

fn status(running: &Running, server: u32) -> String {
    let backend = running.backend(BACKEND).unwrap();
    let balancer = backend.balancer();
    let view = balancer.server_view(ServerId(server), Instant::now());
    view.status.to_string()
}

/// These words of each row: op, admin, weight, configured weight, check status, its result, health,
/// check and agent.
fn figures(running: &Running) -> Vec<String> {
    let rows = rows(running, Duration::ZERO);
    let chosen = |row: &String| {
        let words: Vec<_> = row.split(' ').collect();
        [5, 6, 7, 8, 10, 11, 12, 13, 14]
            .map(|at| words[at])
            .join(" ")
    };
    rows.iter().map(chosen).collect()
}

/// As HAProxy 2.6 writes the same servers in the same states.
#[test]
fn servers_are_written_as_haproxy_writes_them() {
    let running = process(
        " server plain 127.0.0.1:9\n server checked 127.0.0.1:9 check\n \
          server agent 127.0.0.1:9 check agent-check agent-port 9\n \
          server dis 127.0.0.1:9 disabled\n server dischk 127.0.0.1:9 check disabled weight 7\n \
          server track 127.0.0.1:9 track be/dischk\n server track2 127.0.0.1:9 track be/checked\n \
          server drain 127.0.0.1:9\n server maint 127.0.0.1:9\n server both 127.0.0.1:9 check\n \
          server host 127.0.0.1:9 check port 10 addr 127.0.0.2\n server v6 [::1]:80\n \
          server sock unix@/tmp/x\n server noport 127.0.0.1\n server off 127.0.0.1:+5\n \
          server agad 127.0.0.1:9 agent-check agent-addr 127.0.0.3 agent-port 77\n \
          server id77 127.0.0.1:9 id 77 weight 0 backup check-ssl verify none check",
    );
    let now = Instant::now();
    let failed = CheckResult {
        status: CheckStatus::L4Connection,
        code: None,
        info: None,
        duration: Duration::ZERO,
    };
    running.with_backend(BACKEND, now, |balancer| {
        for server in [1, 2, 9] {
            balancer.check_finished(ServerId(server), failed.clone(), now);
        }
        balancer.set_admin(ServerId(7), AdminState::Drain, now);
        balancer.set_admin(ServerId(8), AdminState::Maintenance, now);
        balancer.set_admin(ServerId(9), AdminState::Maintenance, now);
        balancer.set_weight(ServerId(0), Weight::ZERO, now);
    });
    let expected = "\
2 be 1 plain 127.0.0.1 2 0 0 1 1 1 0 2 0 0 0 0 - 9 - 0 0 - - 0
2 be 2 checked 127.0.0.1 0 0 1 1 1 8 2 0 6 0 0 0 - 9 - 0 0 - - 0
2 be 3 agent 127.0.0.1 0 0 1 1 1 8 2 0 6 22 0 0 - 9 - 0 0 - - 9
2 be 4 dis 127.0.0.1 0 5 1 1 1 1 0 0 8 0 0 0 - 9 - 0 0 - - 0
2 be 5 dischk 127.0.0.1 0 5 7 7 1 1 0 0 14 0 0 0 - 9 - 0 0 - - 0
2 be 6 track 127.0.0.1 0 2 1 1 1 1 0 0 0 0 0 0 - 9 - 0 0 - - 0
2 be 7 track2 127.0.0.1 0 0 1 1 1 1 0 2 0 0 0 0 - 9 - 0 0 - - 0
2 be 8 drain 127.0.0.1 2 8 1 1 1 1 0 2 0 0 0 0 - 9 - 0 0 - - 0
2 be 9 maint 127.0.0.1 0 1 1 1 1 1 0 0 0 0 0 0 - 9 - 0 0 - - 0
2 be 10 both 127.0.0.1 0 1 1 1 1 8 2 0 14 0 0 0 - 9 - 0 0 - - 0
2 be 11 host 127.0.0.1 2 0 1 1 1 1 0 2 6 0 0 0 - 9 - 0 10 127.0.0.2 127.0.0.2 10
2 be 12 v6 ::1 2 0 1 1 1 1 0 2 0 0 0 0 - 80 - 0 0 - - 0
2 be 13 sock - 2 0 1 1 1 1 0 2 0 0 0 0 - 0 - 0 0 - - 0
2 be 14 noport 127.0.0.1 2 0 1 1 1 1 0 2 0 0 0 0 - 0 - 0 0 - - 0
2 be 15 off 127.0.0.1 2 0 1 1 1 1 0 2 0 0 0 0 - 5 - 0 0 - - 0
2 be 16 agad 127.0.0.1 2 0 1 1 1 1 0 2 0 22 0 0 - 9 - 0 0 - 127.0.0.3 77
2 be 77 id77 127.0.0.1 2 0 0 0 1 1 0 2 6 0 0 1 - 9 - 0 0 - - 0";
    let written = rows(&running, Duration::from_secs(1));
    assert_eq!(written, expected.lines().collect::<Vec<_>>());
}

#[test]
fn backends_are_found_by_name_or_number() {
    let running = process(" server a 127.0.0.1:9");
    let lines = |backend| dump(&running, backend, Instant::now()).map(|text| text.lines().count());
    assert_eq!(lines(None), Some(3));
    assert_eq!(lines(Some("be")), Some(3));
    assert_eq!(lines(Some("#2")), Some(3));
    for unknown in ["fe", "2", "#1", "#7", "nope", "#", ""] {
        assert_eq!(lines(Some(unknown)), None, "{unknown}");
    }
}

/// What HAProxy 2.6 makes of the same lines, but for `srv_check_health`, which it fills up as well.
#[test]
fn what_was_written_is_what_servers_begin_with() {
    let servers = " default-server check weight 10\n server up 127.0.0.1:9\n \
                   server down 127.0.0.1:9\n server stopping 127.0.0.1:9\n \
                   server slow 127.0.0.1:9 slowstart 60s\n server maint 127.0.0.1:9\n \
                   server drain 127.0.0.1:9\n server weighed 127.0.0.1:9\n \
                   server changed 127.0.0.1:9 weight 20\n server now 127.0.0.1:9 disabled\n \
                   server back 127.0.0.1:9\n server enabled 127.0.0.1:9 disabled";
    let running = process(servers);
    begin(
        &running,
        "1\n# a comment\n\
         9 be 9 up 127.0.0.1 2 0 10 10 100 8 2 3 6 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 down 127.0.0.1 0 0 10 10 100 8 2 0 6 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 stopping 127.0.0.1 3 0 10 10 100 16 4 4 6 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 slow 127.0.0.1 1 0 10 10 30 6 3 4 6 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 maint 127.0.0.1 0 1 10 10 100 6 3 0 14 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 drain 127.0.0.1 2 8 10 10 100 6 3 4 6 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 weighed 127.0.0.1 2 0 5 10 100 6 3 4 6 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 changed 127.0.0.1 2 0 5 10 100 6 3 4 6 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 now 127.0.0.1 2 0 10 10 100 6 3 4 6 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 back 127.0.0.1 0 5 10 10 100 6 3 0 14 0 0 0 - 9 - 0 0 - - 0\n\
         9 be 9 enabled 127.0.0.1 2 4 10 10 100 6 3 4 6 0 0 0 - 9 - 0 0 - - 0\n",
    );
    assert_eq!(
        figures(&running),
        [
            "2 0 10 10 8 2 4 6 0",
            "0 0 10 10 8 2 0 6 0",
            "3 0 10 10 16 4 4 6 0",
            "1 0 10 10 6 3 4 6 0",
            "0 1 10 10 1 0 0 14 0",
            "2 8 10 10 6 3 4 6 0",
            "2 0 5 10 6 3 4 6 0",
            "2 0 20 20 6 3 4 6 0",
            "0 5 10 10 6 3 0 14 0",
            // It was in maintenance, which is over: as at any start.
            "2 0 10 10 1 0 2 6 0",
            "2 4 10 10 6 3 4 6 0",
        ]
    );
    let backend = running.backend(BACKEND).unwrap();
    let view = backend.balancer().server_view(ServerId(1), Instant::now());
    assert_eq!(view.last_change.elapsed().as_secs(), 100);
    assert_eq!(view.downtime_secs, 100);
    assert_eq!(running.readiness(), Readiness::Usable);
}

#[test]
fn a_slow_start_goes_on_where_it_was() {
    let running = process(" server slow 127.0.0.1:9 weight 100 slowstart 60s check");
    let line = "9 be 9 slow 127.0.0.1 1 0 100 100 30 6 3 4 6 0 0 0 - 9 - 0 0 - - 0";
    begin(&running, &format!("1\n{line}\n"));
    let backend = running.backend(BACKEND).unwrap();
    let now = Instant::now();
    let mut balancer = backend.balancer();
    assert!(balancer.poll_timeout().is_some_and(|due| due <= now));
    balancer.handle_timeout(now);
    let view = balancer.server_view(ServerId(0), now);
    assert_eq!(view.effective_weight.get(), 50);
}

#[test]
fn an_agents_word_stays_until_it_says_another() {
    let running = process(" server a 127.0.0.1:9 check agent-check agent-port 7");
    let line = "9 be 9 a 127.0.0.1 0 0 1 1 30 6 3 4 6 22 0 0 - 9 - 0 0 - - 7";
    begin(&running, &format!("1\n{line}\n"));
    assert_eq!(status(&running, 0), "DOWN (agent)");
}

#[test]
fn who_tracks_a_server_begins_as_that_one() {
    let running = process(" server t 127.0.0.1:9 track be/a\n server a 127.0.0.1:9 check");
    let line = "9 be 9 a 127.0.0.1 0 0 1 1 30 8 2 0 6 0 0 0 - 9 - 0 0 - - 7";
    begin(&running, &format!("1\n{line}\n"));
    assert_eq!([status(&running, 0), status(&running, 1)], ["DOWN", "DOWN"]);
    assert_eq!(running.readiness(), Readiness::AllDown);
}

#[test]
fn the_first_line_of_a_server_counts_and_strangers_do_not() {
    let running = process(" server a 127.0.0.1:9 weight 10");
    let line = |name: &str, weight| {
        format!("9 {name} 127.0.0.1 2 0 {weight} 10 30 6 3 4 6 0 0 0 - 9 - 0 0 - - 0 more\n")
    };
    let text = [
        line("be 7 b", 1),
        line("fe 1 a", 2),
        line("be 9 a", 3),
        line("be 1 a", 4),
    ];
    let states = states(&running, &format!("1\n{}", text.concat()));
    assert_eq!((states.known.len(), states.problems().count()), (1, 0));
    running.begin_with(&states, Instant::now());
    assert_eq!(figures(&running), ["2 0 3 10 1 0 2 0 0"]);
}

#[test]
fn what_cannot_be_read_is_told_and_leaves_the_server_as_it_is() {
    let running = process(" server a 127.0.0.1:9 weight 10");
    let problems = |text: &str| -> Vec<String> {
        let states = states(&running, text);
        assert!(states.known.is_empty(), "{text}");
        states.problems().map(str::to_owned).collect()
    };
    for text in ["", "2\n", "garbage\n", "\n1\n", "1 \n"] {
        let problem = "Can't get version of the file: its first line is not '1'.";
        assert_eq!(problems(text), [problem], "{text}");
    }
    assert_eq!(
        problems("1\n# be_id\n\n9 be 1 a 127.0.0.1 2\n"),
        ["corrupted file at line 4."]
    );
    let invalid = [
        (5, "srv_op_state", "4"),
        (6, "srv_admin_state", "9"),
        (6, "srv_admin_state", "128"),
        (7, "srv_uweight", "257"),
        (8, "srv_iweight", "x"),
        (9, "srv_time_since_last_change", "1.5"),
        (10, "srv_check_status", "21"),
        (11, "srv_check_result", "5"),
        (13, "srv_check_state", "32"),
        (14, "srv_agent_state", "-1"),
        (18, "srv_port", "99999"),
    ];
    for (at, field, value) in invalid {
        let line = "9 be 9 a 127.0.0.1 2 0 10 10 30 6 3 4 6 0 0 0 - 9 - 0 0 - - 0";
        let mut words: Vec<_> = line.split(' ').collect();
        words[at] = value;
        let expected = format!(
            "server-state application failed for server 'be/a', invalid {field} value '{value}'"
        );
        assert_eq!(problems(&format!("1\n{}\n", words.join(" "))), [expected]);
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let running = process(" server a 127.0.0.1:9");
    let states = States::read(&running.model);
    let problems: Vec<_> = states.problems().collect();
    let expected = "Can't open global server state file '/nowhere': No such file or directory \
                    (os error 2)";
    assert_eq!(problems, [expected]);
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC*", words in prop::collection::vec("[-0-9a-z]{0,9}", 0..30)) {
        let running = process(" server a 127.0.0.1:9");
        begin(&running, &text);
        begin(&running, &format!("1\n{text}"));
        let _read = Line::parse(&words.join(" "));
    }

    /// Whatever is written is read again, and means the same.
    #[test]
    fn what_is_written_can_be_read(
        admins in prop::array::uniform4(0..3usize),
        checks in prop::array::uniform4(prop::collection::vec(any::<bool>(), 0..5)),
        weights in prop::array::uniform4(0..=256u16),
    ) {
        let servers = " server a 127.0.0.1:1 check weight 10\n server b 127.0.0.1:2 check\n \
                       server c 127.0.0.1:3 check disabled\n server d 127.0.0.1:4 check backup";
        let old = process(servers);
        let now = Instant::now();
        old.with_backend(BACKEND, now, |balancer| {
            for id in 0..4u32 {
                let at = id as usize;
                let state =
                    [AdminState::Ready, AdminState::Drain, AdminState::Maintenance][admins[at]];
                balancer.set_admin(ServerId(id), state, now);
                balancer.set_weight(ServerId(id), Weight::new(weights[at]).unwrap(), now);
                for passed in &checks[at] {
                    let status =
                        if *passed { CheckStatus::L4Ok } else { CheckStatus::L4Connection };
                    let result =
                        CheckResult { status, code: None, info: None, duration: Duration::ZERO };
                    balancer.check_finished(ServerId(id), result, now);
                }
            }
        });
        let text = dump(&old, None, now).unwrap();
        let new = process(servers);
        prop_assert_eq!(states(&new, &text).problems().count(), 0);
        begin(&new, &text);
        for (was, is) in figures(&old).iter().zip(figures(&new)) {
            let (was, is): (Vec<_>, Vec<_>) = (was.split(' ').collect(), is.split(' ').collect());
            // Up or down, administrative state and weights.
            prop_assert_eq!(&was[..4], &is[..4]);
        }
    }
}
