//! The protocol over real sockets, against a process made by hand.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::{Access, SeverityOutput};
use pontoon_engine::{
    address::Endpoint,
    backend::{Placement, Request},
    server::{OperState, Status},
    units::SessionKey,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use super::{Terms, connection, reader::Written, session::Session};
use crate::{
    admin::{fixture, stream::Stream},
    state::{FrontendStatus, Running, limits::ProcessLimit},
};

/// A client of a process, which may do so much.
fn connect(access: Access) -> UnixStream {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let stream = Stream::new(ours.into(), &Endpoint::Abstract(Arc::default()), Vec::new());
    let terms = Terms {
        access,
        severity: SeverityOutput::None,
        patience: Duration::from_millis(500),
    };
    let running = fixture::running("    stats enable");
    let session = Session::new(Arc::clone(&running), terms);
    tokio::spawn(async move {
        connection::serve(session, stream.unwrap(), &running.process.owed).await;
    });
    UnixStream::from_std(theirs).unwrap()
}

/// What is answered to this, up to the end of the connection.
async fn say(access: Access, text: &str) -> String {
    let mut client = connect(access);
    client.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_script_gets_its_answers_and_the_end() {
    let version = crate::VERSION;
    let one = format!("{version}\n\n");
    assert_eq!(say(Access::User, "show version\n").await, one);
    let two = one.repeat(2);
    assert_eq!(say(Access::User, "show version; show version\n").await, two);
    assert_eq!(say(Access::User, "show version\nshow version\n").await, two);
    assert_eq!(
        say(Access::User, "show version;quit;show version\n").await,
        one
    );
}

#[tokio::test]
async fn a_person_is_asked_for_the_next_command() {
    let version = crate::VERSION;
    let answer = say(Access::User, "prompt\nshow version\nquit\n").await;
    assert_eq!(answer, format!("\n> {version}\n\n> "));
}

#[tokio::test]
async fn a_person_is_asked_for_the_rest_of_a_payload() {
    let mut client = connect(Access::User);
    client
        .write_all(b"prompt\nshow version <<\n")
        .await
        .unwrap();
    let mut asked = [0; 5];
    client.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"\n> + ");
    client.write_all(b"anything\n\nquit\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, format!("{}\n\n> ", crate::VERSION));
}

#[tokio::test]
async fn a_level_is_lowered_and_not_raised() {
    let answer = say(
        Access::Operator,
        "show cli level; user; operator; show cli level\n",
    )
    .await;
    assert_eq!(answer, "operator\n\n\nPermission denied\n\nuser\n\n");
}

#[tokio::test]
async fn a_silent_client_is_left() {
    assert_eq!(say(Access::User, "show vers").await, "");
    assert_eq!(say(Access::User, "prompt\n").await, "\n> ");
}

#[tokio::test]
async fn statistics_are_those_of_the_page_in_rows_that_were_asked_for() {
    let all = say(Access::User, "show stat\n").await;
    assert!(all.starts_with("# pxname,svname,"));
    assert!(all.ends_with("-,\n\n"));
    let servers = say(Access::User, "show stat be_exasol 4 -1\n").await;
    assert_eq!(servers.lines().count(), 12);
    let one = say(Access::User, "show stat -1 4 2 typed\n").await;
    assert!(one.contains(":KNS:str:going-down\n"), "{one}");
    assert!(!one.contains(":str:up\n"), "{one}");
    assert_eq!(
        say(Access::User, "show stat nobody -1 -1\n").await,
        "No such proxy.\n\n"
    );
}

#[tokio::test]
async fn values_of_the_process_are_found_by_name_and_by_number() {
    let plain = say(Access::User, "show info\n").await;
    assert!(plain.contains("\nMaxconn: 10000\n"), "{plain}");
    assert!(
        plain.contains("\ndescription: a <made-up> node\nStopping: 0\n"),
        "{plain}"
    );
    let typed = say(Access::User, "show info typed\n").await;
    assert!(typed.contains("\n15.Maxconn.1:CLP:u32:10000\n"), "{typed}");
    assert!(typed.ends_with("\n71.Tainted.1:SGP:str:0\n\n"), "{typed}");
    let json = say(Access::User, "show info json\n").await;
    let items: serde_json::Value = serde_json::from_str(json.trim_end()).unwrap();
    assert_eq!(items[0]["tags"]["origin"], "Product");
}

/// What is answered to each of these, without the empty line.
async fn answers(running: &Arc<Running>, commands: &[&str]) -> Vec<String> {
    let terms = Terms {
        access: Access::Admin,
        severity: SeverityOutput::None,
        patience: Duration::from_secs(1),
    };
    let mut session = Session::new(Arc::clone(running), terms);
    let mut answers = Vec::new();
    for command in commands {
        let written = Written {
            words: command.split(' ').map(str::to_owned).collect(),
            payload: None,
        };
        let answer = session.obey(&written).await.unwrap();
        answers.push(answer.render(SeverityOutput::None).trim_end().to_owned());
    }
    answers
}

#[tokio::test]
async fn a_server_is_changed_and_the_change_shows() {
    let running = fixture::running("    stats enable");
    let at = running.find_server("be_exasol/up").unwrap();
    let view = || {
        let balancer = running.backend(at.backend).unwrap().balancer();
        balancer.server_view(at.server, Instant::now())
    };
    let set = |what: &str| format!("set server be_exasol/up {what}");
    let done = [""];
    assert_eq!(answers(&running, &[&set("state drain")]).await, done);
    assert_eq!(view().status, Status::Drain);
    assert_eq!(answers(&running, &[&set("state maint")]).await, done);
    assert_eq!(view().status, Status::Maintenance);
    assert_eq!(
        answers(&running, &["enable server be_exasol/up"]).await,
        done
    );
    assert_eq!(view().oper, OperState::Up);
    assert_eq!(answers(&running, &[&set("health down")]).await, done);
    assert_eq!(view().oper, OperState::Down);
    assert_eq!(answers(&running, &[&set("health up")]).await, done);
    assert_eq!(view().oper, OperState::Up);
    assert_eq!(
        answers(&running, &["disable health be_exasol/up"]).await,
        done
    );
    assert!(!view().checks_on);
    let weights = ["set weight be_exasol/up 50%", "get weight be_exasol/up"];
    assert_eq!(answers(&running, &weights).await, ["", "5 (initial 10)"]);
    assert_eq!(
        answers(&running, &["set maxconn server be_exasol/up 7"]).await,
        done
    );
    assert_eq!(view().max_connections, Some(7));
    let moved = answers(&running, &[&set("addr 10.9.9.9 port 99")]).await;
    let text = "IP changed from '10.0.1.11' to '10.9.9.9', port changed from '8563' to '99' by \
                'stats socket command'";
    assert_eq!(moved, [text]);
    let (address, _) = running.moved_to(at.backend, at.server).unwrap();
    assert_eq!(address.0.to_string(), "10.9.9.9:99");
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_in_haproxys_words() {
    let running = fixture::running("    stats enable");
    for (command, answer) in [
        (
            "set weight be_exasol/up x",
            "Empty weight string empty or preceded by garbage",
        ),
        ("set weight be_exasol/nobody 1", "No such server."),
        ("set weight nobody/up 1", "No such backend."),
        ("set weight up 1", "Require 'backend/server'."),
        ("set maxconn global 10001", "Value out of range."),
        ("set maxconn frontend be_exasol 1", "No such frontend."),
        (
            "enable health be_exasol/nocheck",
            "Health check was not configured on this server, cannot enable.",
        ),
        (
            "set server be_exasol/up agent up",
            "agent checks are not enabled on this server.",
        ),
        (
            "enable frontend fe_exasol",
            "All sockets are already enabled.",
        ),
        (
            "shutdown session 0x1234",
            "No such session (use 'show sess').",
        ),
        (
            "shutdown session x",
            "Session pointer expected (use 'show sess').",
        ),
    ] {
        assert_eq!(answers(&running, &[command]).await, [answer], "{command}");
    }
}

#[tokio::test]
async fn a_frontend_is_disabled_enabled_and_shut_down() {
    let running = fixture::running("    stats enable");
    let id = running.find_frontend("fe_exasol").unwrap();
    let status = || running.frontend_status(id).unwrap();
    let commands = ["disable frontend fe_exasol", "disable frontend fe_exasol"];
    let twice = ["", "All sockets are already disabled."];
    assert_eq!(answers(&running, &commands).await, twice);
    assert_eq!(status(), FrontendStatus::Disabled);
    assert_eq!(
        answers(&running, &["enable frontend fe_exasol"]).await,
        [""]
    );
    assert_eq!(status(), FrontendStatus::Open);
    let commands = ["shutdown frontend fe_exasol", "enable frontend fe_exasol"];
    let gone = ["", "Frontend was previously shut down, cannot enable."];
    assert_eq!(answers(&running, &commands).await, gone);
    assert_eq!(status(), FrontendStatus::Stopped);
}

#[tokio::test]
async fn limits_change() {
    let running = fixture::running("    stats enable");
    let commands = [
        "set maxconn global 50",
        "set rate-limit connections global 9",
        "set maxconn frontend fe_exasol 3",
    ];
    assert_eq!(answers(&running, &commands).await, ["", "", ""]);
    assert_eq!(running.process.limits.get(ProcessLimit::Sessions), 50);
    assert_eq!(running.process.limits.get(ProcessLimit::ConnectionRate), 9);
    let id = running.find_frontend("fe_exasol").unwrap();
    assert_eq!(running.frontend(id).unwrap().limit.shown(), Some(3));
    assert_eq!(answers(&running, &["set maxconn global 0"]).await, [""]);
    assert_eq!(running.process.limits.get(ProcessLimit::Sessions), 10_000);
}

#[tokio::test]
async fn clearing_needs_the_right_to() {
    let denied = "Permission denied\n\n";
    assert_eq!(say(Access::User, "clear counters\n").await, denied);
    assert_eq!(say(Access::Operator, "clear counters all\n").await, denied);
    assert_eq!(say(Access::Operator, "clear counters\n").await, "\n");
}

#[tokio::test]
async fn a_wait_ends_with_its_time_or_its_condition() {
    let running = fixture::running("    stats enable");
    let before = Instant::now();
    assert_eq!(answers(&running, &["wait 40"]).await, [""]);
    assert!(before.elapsed() >= Duration::from_millis(40));
    let in_use =
        "Failed. The server is not in maintenance: 'set server be_exasol/up state maint' first.";
    for (command, answer) in [
        ("wait 1h srv-removable be_exasol/up", in_use),
        (
            "wait 1h srv-removable be_exasol/nobody",
            "Failed. No such server.",
        ),
        ("wait 1h srv-removable x", "Require 'backend/server'."),
        (
            "wait 1h sunshine",
            "Unknown condition 'sunshine'; 'wait -h' lists them.",
        ),
        ("wait 1x", "Invalid delay; 'wait -h' tells the units."),
        ("wait", "Expects a delay; 'wait -h' tells the rest."),
    ] {
        assert_eq!(answers(&running, &[command]).await, [answer], "{command}");
    }
    for asked in ["wait -h", "wait 1h -h"] {
        let usage = answers(&running, &[asked]).await;
        assert!(usage[0].starts_with("Usage: wait "), "{usage:?}");
    }
}

#[tokio::test]
async fn a_server_can_be_removed_when_its_last_session_has_left() {
    let running = fixture::running("    stats enable");
    let at = running.find_server("be_exasol/up").unwrap();
    let now = Instant::now();
    let request = Request {
        session: SessionKey {
            thread: 0,
            slot: 0,
            generation: 0,
        },
        client: None,
        forced: Some(at.server),
        avoid: None,
        random: 0,
    };
    let placed = running.with_backend(at.backend, now, |it| it.place(request, now));
    assert_eq!(placed, Some(Placement::Server(at.server)));
    let wait = "wait 1 srv-removable be_exasol/up";
    let maint = "set server be_exasol/up state maint";
    let busy = "Wait delay expired. Server still has connections attached to it, cannot remove it.";
    assert_eq!(answers(&running, &[maint, wait]).await, ["", busy]);
    let leaves = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        running.with_backend(at.backend, now, |it| it.release(at.server, now));
    };
    let long = ["wait 1h srv-removable be_exasol/up"];
    let (answers, ()) = tokio::join!(answers(&running, &long), leaves);
    assert_eq!(answers, ["Done."]);
}
