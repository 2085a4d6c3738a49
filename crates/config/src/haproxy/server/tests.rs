use std::time::Duration;

use pontoon_engine::{
    health::{InitialState, OnError},
    proxy_protocol::Version,
    units::Weight,
};

use super::*;
use crate::haproxy::{
    check::CheckMethod,
    testing::{World, codes, words},
};

/// Reads lines beginning with `default-server`, `server` or `server-template`.
fn read(lines: &[&str]) -> (Vec<ServerDraft>, Diagnostics) {
    let mut world = World::new();
    world
        .machine
        .files
        .insert("/etc/ca.pem".into(), b"pem".to_vec());
    let mut d = Diagnostics::default();
    let mut defaults = ServerOptions::default();
    let mut drafts = Vec::new();
    for line in lines {
        let words = words(line);
        let mut args = Args::new(&words, 1);
        let cx = world.context();
        match words[0].text.as_str() {
            "default-server" => default_server(&mut defaults, &mut args, &cx, &mut d),
            "server" => drafts.extend(server(&defaults, &mut args, &cx, &mut d)),
            _ => drafts.extend(server_template(&defaults, &mut args, &cx, &mut d)),
        }
    }
    (drafts, d)
}

fn one(lines: &[&str]) -> Server {
    let (mut drafts, d) = read(lines);
    assert!(!d.has_errors(), "{:?}", d.all());
    drafts.pop().unwrap().server
}

fn faults(lines: &[&str]) -> Vec<&'static str> {
    let (drafts, mut d) = read(lines);
    finish(drafts, &CheckMethod::Connect, &mut d);
    codes(&d)
}

#[test]
fn a_bare_server_has_the_manuals_defaults() {
    let server = one(&["server db1 10.0.1.11:8563"]);
    assert_eq!(&*server.settings.name, "db1");
    assert_eq!(server.settings.weight, Weight::ONE);
    assert_eq!(server.settings.health, None);
    assert_eq!(server.settings.max_connections, None);
    assert!(server.check.is_none());
}

#[test]
fn check_has_the_manuals_rhythm() {
    let health = one(&["server a 10.0.0.1:1 check"]).settings.health.unwrap();
    assert_eq!((health.rise, health.fall), (2, 3));
    assert_eq!(health.interval, Duration::from_secs(2));
    let health = one(&[
        "server a 10.0.0.1:1 check inter 10s fastinter 1s downinter 500 rise 5 fall 7 init-state down",
    ])
    .settings
    .health
    .unwrap();
    assert_eq!((health.rise, health.fall), (5, 7));
    assert_eq!(health.interval, Duration::from_secs(10));
    assert_eq!(health.fast_interval, Some(Duration::from_secs(1)));
    assert_eq!(health.down_interval, Some(Duration::from_millis(500)));
    assert_eq!(health.initial, InitialState::Down);
}

#[test]
fn default_server_is_where_servers_begin_and_no_undoes_it() {
    let lines = |line| {
        let defaults = "default-server check weight 10 backup disabled send-proxy-v2 maxconn 5";
        one(&[defaults, line])
    };
    let plain = lines("server a 10.0.0.1:1");
    assert!(plain.settings.backup && plain.settings.disabled && plain.check.is_some());
    assert_eq!(plain.send_proxy, Some(Version::V2));
    assert_eq!(plain.settings.max_connections, Some(5));
    let undone = lines("server a 10.0.0.1:1 no-check no-backup enabled no-send-proxy-v2 maxconn 0");
    assert!(!undone.settings.backup && !undone.settings.disabled && undone.check.is_none());
    assert_eq!(undone.send_proxy, None);
    assert_eq!(undone.settings.max_connections, None);
    assert_eq!(undone.settings.weight, Weight::new(10).unwrap());
}

#[test]
fn checks_wear_what_traffic_wears_unless_they_go_elsewhere() {
    let check = |line| one(&[line]).check.unwrap();
    assert!(check("server a 10.0.0.1:1 check send-proxy").send_proxy);
    assert!(!check("server a 10.0.0.1:1 check send-proxy port 99").send_proxy);
    assert!(!check("server a 10.0.0.1:1 check send-proxy addr 10.0.0.2").send_proxy);
    assert!(check("server a 10.0.0.1:1 check port 99 check-send-proxy").send_proxy);
}

#[test]
fn tls_checks_verify_unless_told_otherwise() {
    let tls = |line| one(&[line]).check.unwrap().tls.unwrap();
    assert!(tls("server a 10.0.0.1:1 check check-ssl").verify);
    let told = tls(
        "server a 10.0.0.1:1 check check-ssl verify none check-sni db ca-file /etc/ca.pem verifyhost x",
    );
    assert!(!told.verify);
    assert_eq!(told.server_name.as_deref(), Some("db"));
    assert_eq!(told.verify_host.as_deref(), Some("x"));
    assert_eq!(told.ca_file.as_deref(), Some("/etc/ca.pem".as_ref()));
    let system = tls("server a 10.0.0.1:1 check check-ssl ca-file @system-ca");
    assert_eq!(system.ca_file, None);
}

#[test]
fn a_certificate_file_must_be_readable() {
    let line = "server a 10.0.0.1:1 check check-ssl ca-file /nope";
    assert_eq!(faults(&[line]), ["unreadable-file"]);
}

#[test]
fn tls_parameters_without_check_ssl_are_noted() {
    assert_eq!(
        faults(&["server a 10.0.0.1:1 check verify none ca-file /nope"]),
        ["without-effect"]
    );
}

#[test]
fn tls_for_traffic_is_refused() {
    assert_eq!(faults(&["server a 10.0.0.1:1 ssl"]), ["unsupported"]);
    assert_eq!(
        faults(&["server a 10.0.0.1:1 resolvers dns"]),
        ["unsupported"]
    );
    assert_eq!(
        faults(&["server a 10.0.0.1:1 send-proxy-v2-ssl"]),
        ["unsupported"]
    );
}

#[test]
fn minconn_alone_or_above_maxconn_is_a_fixed_limit() {
    let limits = |line| {
        let settings = one(&[line]).settings;
        (settings.min_connections, settings.max_connections)
    };
    assert_eq!(limits("server a 10.0.0.1:1 minconn 5"), (None, Some(5)));
    assert_eq!(
        limits("server a 10.0.0.1:1 minconn 5 maxconn 9"),
        (Some(5), Some(9))
    );
    assert_eq!(
        limits("server a 10.0.0.1:1 minconn 9 maxconn 5"),
        (None, Some(9))
    );
}

#[test]
fn observing_needs_to_know_what_to_do() {
    let observe = |line| one(&[line]).settings.observe;
    assert_eq!(observe("server a 10.0.0.1:1 check"), None);
    let told = observe("server a 10.0.0.1:1 check observe layer4 error-limit 3 on-error mark-down");
    assert_eq!(told.unwrap().error_limit, 3);
    assert_eq!(told.unwrap().on_error, OnError::MarkDown);
    let default = observe("server a 10.0.0.1:1 check observe layer4").unwrap();
    assert_eq!(
        (default.error_limit, default.on_error),
        (10, OnError::FailCheck)
    );
    assert_eq!(
        faults(&["server a 10.0.0.1:1 observe layer7"]),
        ["unsupported"]
    );
    assert_eq!(
        faults(&["server a 10.0.0.1:1 observe layer5"]),
        ["bad-choice"]
    );
}

#[test]
fn an_agent_needs_a_port() {
    assert_eq!(
        faults(&["server a 10.0.0.1:1 agent-check"]),
        ["missing-argument"]
    );
    let agent =
        one(&["server a 10.0.0.1:1 agent-check agent-port 99 agent-send hi agent-inter 5s"]);
    assert_eq!(agent.agent.as_ref().unwrap().port, 99);
    assert_eq!(agent.agent.unwrap().send.as_deref(), Some(b"hi".as_slice()));
    assert_eq!(
        agent.settings.agent.unwrap().interval,
        Duration::from_secs(5)
    );
}

#[test]
fn a_template_makes_servers_with_numbered_names() {
    let names = |line| -> Vec<String> {
        let (drafts, d) = read(&[line]);
        assert!(!d.has_errors());
        let names = drafts.iter().map(|it| it.server.settings.name.to_string());
        names.collect()
    };
    assert_eq!(
        names("server-template db 3 db.example:1"),
        ["db1", "db2", "db3"]
    );
    assert_eq!(names("server-template db 5-6 10.0.0.1:1"), ["db5", "db6"]);
    assert_eq!(faults(&["server-template db 0 10.0.0.1:1"]), ["bad-count"]);
    assert_eq!(
        faults(&["server-template db 3-1 10.0.0.1:1"]),
        ["bad-count"]
    );
    assert_eq!(
        faults(&["server-template db 1-4294967295 10.0.0.1:1"]),
        ["bad-count"]
    );
    assert_eq!(faults(&["server-template db 3"]), ["missing-argument"]);
}

#[test]
fn names_and_ids_are_unique() {
    assert_eq!(
        faults(&["server a 10.0.0.1:1", "server a 10.0.0.2:1"]),
        ["duplicate-server"]
    );
    assert_eq!(
        faults(&["server a2 10.0.0.1:1", "server-template a 3 10.0.0.2:1"]),
        ["duplicate-server"]
    );
    assert_eq!(
        faults(&["server a 10.0.0.1:1 id 3", "server b 10.0.0.2:1 id 3"]),
        ["duplicate-id"]
    );
    assert_eq!(faults(&["server a/b 10.0.0.1:1"]), ["bad-name"]);
    assert_eq!(faults(&["default-server id 5"]), ["id-of-many"]);
}

#[test]
fn words_are_checked() {
    assert_eq!(faults(&["server a"]), ["missing-argument"]);
    assert_eq!(faults(&["server"]), ["missing-argument"]);
    assert_eq!(faults(&["server a 10.0.0.1:1 weight 257"]), ["bad-number"]);
    assert_eq!(
        faults(&["server a 10.0.0.1:1 check rise 0"]),
        ["bad-number"]
    );
    assert_eq!(
        faults(&["server a 10.0.0.1:1 check inter 0"]),
        ["bad-duration"]
    );
    assert_eq!(
        faults(&["server a 10.0.0.1:1 check port 0"]),
        ["bad-number"]
    );
    assert_eq!(faults(&["server a 10.0.0.1:1 chek"]), ["unknown-parameter"]);
    assert_eq!(
        faults(&["server a 10.0.0.1:1 on-marked-down shutdown"]),
        ["bad-choice"]
    );
    assert_eq!(
        faults(&["server a 10.0.0.1:1 check track b"]),
        ["check-and-track"]
    );
}

#[test]
fn a_checked_server_needs_a_port_somewhere() {
    let finish = |line, method| {
        let (drafts, mut d) = read(&[line]);
        super::finish(drafts, &method, &mut d);
        codes(&d)
    };
    let connect = || CheckMethod::Connect;
    assert_eq!(
        finish("server a 10.0.0.1 check", connect()),
        ["no-check-port"]
    );
    assert_eq!(
        finish("server a 10.0.0.1:+5 check", connect()),
        ["no-check-port"]
    );
    assert!(finish("server a 10.0.0.1 check port 80", connect()).is_empty());
    assert!(finish("server a /run/db check", connect()).is_empty());
    assert!(finish("server a 10.0.0.1", connect()).is_empty());
}

#[test]
fn numbers_fill_the_gaps_from_one() {
    let (drafts, mut d) = read(&[
        "server a 10.0.0.1:1 id 2",
        "server b 10.0.0.2:1",
        "server c 10.0.0.3:1 track a",
    ]);
    let (servers, tracks) = finish(drafts, &CheckMethod::Connect, &mut d);
    let numbers: Vec<u32> = servers.iter().map(|it| it.number).collect();
    assert_eq!(numbers, [2, 1, 3]);
    assert_eq!(tracks.len(), 1);
    assert_eq!(tracks[0].server.0, 2);
}

#[test]
fn each_parameter_is_declared_once_in_alphabetical_order() {
    assert!(KEYWORDS.is_sorted_by(|a, b| a.name < b.name));
}
