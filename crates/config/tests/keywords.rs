//! What the keywords of real TCP-only files do, one small file each: they work, or are accepted
//! with a remark, or are refused with advice. None is taken in silence.

#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

mod machine;

use std::net::IpAddr;

use machine::{Machine, load_text};
use pontoon_config::{diagnostic::Severity, haproxy::Loaded, render};

/// What is expected of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It runs, and nothing in it is without effect.
    Works,
    /// It runs, and a remark says what has no effect.
    Inert,
    /// It runs, with a warning of this code.
    Warned(&'static str),
    /// It does not run, and every error says what to do.
    Refused,
}

use Fate::{Inert, Refused, Warned, Works};

/// A line that is put where it belongs, so that a test can be about one thing.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In `global`.
    Global,
    /// In a TCP `listen` section.
    Proxy,
    /// In a TCP backend whose servers are checked.
    Checks,
    /// In a `mode http` section that serves the statistics.
    Page,
    /// Behind a `server` line.
    Server,
    /// Behind a `bind` line.
    Bind,
    /// A section of its own.
    File,
}

use Place::{Bind, Checks, File, Global, Page, Proxy, Server};

const DEFAULTS: &str = "defaults\n mode tcp\n log 127.0.0.1 local0\n timeout connect 1s\n timeout client 1h\n timeout server 1h\n";

fn file(place: Place, line: &str) -> String {
    let body = match place {
        Global => format!("global\n {line}\n"),
        Proxy => format!(
            "listen l\n bind :1\n server s 10.0.0.1:1 check\n {line}\nbackend b\n server s 10.0.0.2:1\n"
        ),
        Checks => {
            format!("backend b\n server s 10.0.0.1:1 check\n server t 10.0.0.2:1 check\n {line}\n")
        }
        Page => format!("listen p\n mode http\n bind 127.0.0.1:1\n stats enable\n {line}\n"),
        Server => {
            format!("backend b\n server s 10.0.0.1:1 check {line}\n server t 10.0.0.2:1 check\n")
        }
        Bind => format!("listen l\n bind :1 {line}\n server s 10.0.0.1:1 check\n"),
        File => line.to_owned(),
    };
    format!("{DEFAULTS}{body}")
}

fn fate(loaded: &Loaded) -> Result<Fate, String> {
    let all = loaded.diagnostics.all();
    let of = |severity| {
        all.iter()
            .filter(move |finding| finding.severity == severity)
    };
    if loaded.model.is_none() {
        let advised = of(Severity::Error).all(|error| error.suggestion.is_some());
        return if advised {
            Ok(Refused)
        } else {
            Err("an error says not what to do".into())
        };
    }
    if let Some(warning) = of(Severity::Warning).next() {
        return Ok(Warned(warning.code));
    }
    let inert = all.iter().any(|finding| finding.code == "without-effect");
    Ok(if inert { Inert } else { Works })
}

#[track_caller]
fn all_meet(rows: &[(Place, &str, Fate)]) {
    let mut machine = Machine::default();
    machine
        .hosts
        .insert("db.example".into(), vec![IpAddr::from([10, 0, 0, 9])]);
    for path in ["/etc/ca.pem", "/etc/node.pem"] {
        machine.files.insert(path.into(), b"pem".to_vec());
    }
    let mut wrong = Vec::new();
    for (place, line, expected) in rows {
        let loaded = load_text(&file(*place, line), &machine);
        let found = fate(&loaded);
        if found.as_ref() != Ok(expected) {
            let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
            wrong.push(format!(
                "{line:?}: expected {expected:?}, is {found:?}\n{shown}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In the order in which they make more of the real files run.
#[rustfmt::skip]
const OF_REAL_FILES: &[(Place, &str, Fate)] = &[
    (Bind, "", Works),
    (Proxy, "mode tcp", Works),
    (Proxy, "log global", Works),
    (Global, "maxconn 4000", Works),
    (Proxy, "retries 2", Works),
    (Proxy, "timeout client 2h", Works),
    (Proxy, "timeout connect 2s", Works),
    (Proxy, "timeout server 2h", Works),
    (File, "frontend f\n bind :1\n default_backend b\nbackend b\n server s 10.0.0.1:1 check\n", Works),
    (Bind, "name here", Works),
    (Server, "check", Works),
    (Page, "", Works),
    (Page, "stats uri /stats", Works),
    (Server, "inter 1s fall 2 rise 3", Works),
    (Checks, "timeout check 3s", Works),
    (File, "backend b\n default-server check\n server s 10.0.0.1:1\n", Works),
    (Server, "maxconn 10", Works),
    (Checks, "option httpchk", Works),
    (Checks, "option httpchk\n http-check expect status 200", Works),
    (Server, "port 99", Works),
    (Server, "on-marked-down shutdown-sessions", Works),
    (Server, "check-ssl verify none", Works),
    (Server, "check-ssl ca-file /etc/ca.pem", Works),
    (Server, "check-ssl verify none crt /etc/node.pem", Works),
    (Global, "daemon", Works),
    (Proxy, "balance roundrobin", Works),
    (Proxy, "option dontlognull", Works),
    (Proxy, "option tcplog", Works),
    (Checks, "option tcp-check", Works),
    (Global, "log stdout format raw local0", Works),
    (Global, "log stderr format raw local0", Works),
    (Server, "backup", Works),
    (Proxy, "balance first", Works),
    (Global, "stats socket /run/haproxy.sock", Works),
    (Proxy, "option clitcpka", Works),
    (Proxy, "option srvtcpka", Works),
    (Server, "weight 10", Works),
    (Server, "downinter 5s", Works),
    (Server, "maxqueue 5", Works),
    (Page, "stats auth admin:secret", Works),
    (Page, "stats realm Here", Works),
    (Page, "stats hide-version", Works),
    (Global, "user haproxy\n group haproxy\n chroot /var/lib/haproxy", Works),
    (Proxy, "option httplog", Warned("httplog-on-tcp")),
    (Page, "option httplog", Works),
    (Global, "log /dev/log local0", Works),
    (Global, "pidfile /run/haproxy.pid", Works),
    (Server, "slowstart 10s", Works),
    (Global, "stats timeout 30s", Works),
    (Proxy, "use_backend b if { src 10.0.0.0/8 }", Works),
    (Global, "log 127.0.0.1:514 local2", Works),
    (Global, "log db.example local2", Works),
    (Proxy, "log-format \"%ci:%cp %Tt %ts\"", Works),
    (File, "listen l\n bind :::1 v6only\n server s [fd00::1]:1 check\n", Works),
    (Server, "send-proxy-v2", Works),
    (Global, "stats socket /run/haproxy.sock mode 660 level admin expose-fd listeners", Inert),
    (Global, "ssl-default-bind-ciphers ECDHE-RSA-AES128-GCM-SHA256", Inert),
    (Global, "ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256", Inert),
    (Global, "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets no-sslv3", Inert),
    (Global, "ca-base /etc/ssl/certs\n crt-base /etc/ssl/private", Works),
    (Proxy, "errorfile 503 /etc/haproxy/errors/503.http", Inert),
    (Proxy, "option http-server-close", Inert),
    (Page, "stats refresh 10s", Works),
    (Page, "stats show-node", Works),
    (Proxy, "option redispatch", Works),
    (Proxy, "maxconn 100", Works),
    (Proxy, "timeout http-keep-alive 10s", Inert),
    (Page, "timeout http-keep-alive 10s", Works),
    (Proxy, "timeout http-request 10s", Inert),
    (Page, "timeout http-request 10s", Works),
    (Proxy, "timeout queue 10s", Works),
    (Proxy, "option forwardfor except 127.0.0.0/8", Inert),
    (Checks, "option ssl-hello-chk", Works),
    (Checks, "option log-health-checks", Works),
    (Proxy, "balance source", Works),
    (Page, "stats admin if { src 10.0.0.0/8 }", Works),
    (Global, "tune.ssl.default-dh-param 2048", Inert),
    (Proxy, "option tcpka", Works),
    (Checks, "option mysql-check", Works),
    (Checks, "option mysql-check user haproxy", Works),
    (Page, "stats show-legends", Works),
    (Proxy, "balance leastconn", Works),
    (Proxy, "timeout tunnel 2h", Works),
    (Checks, "option tcp-check\n tcp-check connect", Works),
    (File, "global\n external-check\n user haproxy\nbackend b\n option external-check\n external-check command /bin/true\n server s 10.0.0.1:1 check\n", Works),
    (Global, "insecure-fork-wanted", Inert),
    (Global, "insecure-setuid-wanted", Works),
    (File, "resolvers r\n nameserver a 10.0.0.1:53\n resolve_retries 3\n timeout retry 1s\n hold valid 10s\n", Refused),
    (Server, "resolvers r", Refused),
    (File, "backend b\n server s db.example:1 check resolve-prefer ipv4\n", Works),
    (Checks, "server-template t 1-3 db.example:1 check", Warned("duplicate-address")),
    (Proxy, "option httpclose", Inert),
    (File, "backend b\n server s \"${HOST-10.0.0.1}:1\" check\n", Works),
    (File, "backend b\n server s nowhere.example:1 check init-addr none\n", Works),
    (Proxy, "acl p path /x", Works),
    (Proxy, "use_backend b if { path_beg /x }", Refused),
    (Page, "http-request use-service prometheus-exporter if { path /metrics }", Works),
    (Bind, "ssl crt /etc/node.pem", Refused),
    (Proxy, "http-request redirect scheme https", Inert),
    (Page, "http-request redirect scheme https", Refused),
    (Global, "master-worker", Works),
    (Global, "nbthread 2", Works),
    (Global, "tune.bufsize 32768", Works),
    (Global, "tune.maxaccept 100", Works),
    (Global, "tune.maxpollevents 100", Works),
    (Global, "tune.maxrewrite 1024", Inert),
    (Global, "tune.rcvbuf.client 65536\n tune.rcvbuf.server 65536", Works),
    (Global, "tune.sndbuf.client 65536\n tune.sndbuf.server 65536", Works),
    (Global, "tune.recv_enough 10000", Inert),
    (Global, "tune.ssl.cachesize 1000", Inert),
    (Global, "tune.ssl.maxrecord 1400", Inert),
    (Proxy, "option abortonclose", Works),
    (Proxy, "option splice-auto", Works),
    (Proxy, "no option splice-request\n option splice-response", Works),
    (Proxy, "option tcp-smart-accept", Inert),
    (Proxy, "option tcp-smart-connect", Inert),
    (Server, "fastinter 500ms", Works),
    (Proxy, "tcp-request inspect-delay 5s", Works),
    (Global, "server-state-file /var/lib/haproxy/state", Works),
    (Proxy, "fullconn 100", Works),
    (Proxy, "stick-table type ip size 1m expire 1h store gpc0,gpc0_rate(10s)", Refused),
    (Proxy, "stick-table type binary len 20 size 1m peers p store http_req_rate(10s)", Refused),
    (File, "peers p\n peer a 10.0.0.1:1024\n", Refused),
];

/// What a TCP balancer that takes HAProxy's place must know.
#[rustfmt::skip]
const MUST: &[(Place, &str, Fate)] = &[
    (File, "defaults a\n timeout client 1h\n timeout connect 1s\n timeout server 1h\nfrontend f from a\n bind :1\n", Works),
    (File, ".if defined(HOME)\nfoo\n.elif streq(a,a)\nbackend b\n.else\nfoo\n.endif\n", Works),
    (File, ".notice x\n", Works),
    (File, ".warning x\n", Warned("message")),
    (Proxy, "backlog 100", Works),
    (Proxy, "use-server s if { src 10.0.0.0/8 }", Works),
    (Proxy, "disabled", Works),
    (Proxy, "id 7", Works),
    (Proxy, "timeout client-fin 10s", Works),
    (Proxy, "timeout server-fin 10s", Works),
    (Proxy, "balance static-rr", Works),
    (Proxy, "balance random", Works),
    (Proxy, "balance random(3)", Works),
    (Proxy, "balance source\n hash-type consistent", Works),
    (Proxy, "balance rdp-cookie", Refused),
    (Proxy, "balance hash src", Refused),
    (Server, "addr 10.9.9.9", Works),
    (Server, "minconn 5 maxconn 10", Works),
    (Server, "disabled", Works),
    (File, "backend b\n server s 10.0.0.1:1 check\n server t 10.0.0.2:1 track s\n", Works),
    (Server, "on-marked-up shutdown-backup-sessions", Works),
    (Server, "observe layer4 on-error mark-down error-limit 5", Works),
    (Server, "observe layer7", Refused),
    (Server, "send-proxy", Works),
    (Proxy, "option allbackups", Works),
    (Server, "proxy-v2-options ssl", Refused),
    (Server, "ssl verify none", Refused),
    (File, "listen l\n bind 127.0.0.1:1,127.0.0.2:1\n bind :10-20\n server s 10.0.0.1:1 check\n", Works),
    (Bind, "v4v6", Works),
    (Bind, "interface lo", Works),
    (Bind, "transparent", Works),
    (Bind, "accept-proxy", Works),
    (Bind, "defer-accept", Works),
    (Bind, "maxconn 10", Works),
    (Bind, "mss 1400", Works),
    (File, "listen l\n bind unix@/run/l.sock mode 660 user haproxy group haproxy\n bind abns@l\n bind fd@3\n server s 10.0.0.1:1 check\n", Works),
    (Bind, "level admin", Inert),
    (Checks, "option tcp-check\n tcp-check connect\n tcp-check send PING\\r\\n\n tcp-check send-binary 00\n tcp-check expect string +PONG comment x\n tcp-check expect ! rstring ^-ERR\n tcp-check expect binary 00 min-recv 1", Works),
    (Checks, "option httpchk\n http-check send meth GET uri / ver HTTP/1.1 hdr Host a body x\n http-check expect ! rstring no", Works),
    (Checks, "option httpchk\n http-check send uri /\n http-check expect hdr name x value y", Works),
    (Server, "agent-check agent-port 99 agent-inter 5s agent-send x", Works),
    (Checks, "option pgsql-check user u", Works),
    (Checks, "option exasol-check", Works),
    (Checks, "option redis-check", Works),
    (Checks, "option smtpchk EHLO here", Works),
    (Checks, "option ldap-check", Works),
    (Server, "check-send-proxy", Works),
    (Proxy, "tcp-request connection reject if { src 10.0.0.0/8 }", Works),
    (Proxy, "tcp-request connection silent-drop if { src_port lt 1024 }", Works),
    (Proxy, "tcp-request session accept if { dst_port 443 }", Works),
    (Proxy, "tcp-request inspect-delay 5s\n tcp-request content accept if { req.ssl_hello_type 1 }", Works),
    (Proxy, "tcp-request inspect-delay 5s\n use_backend b if { req.ssl_sni -i db.example }", Works),
    (Proxy, "tcp-request content reject if { req.len gt 10 } { req.payload(0,1) -m bin 00 }", Works),
    (Proxy, "use_backend b if { nbsrv(l) eq 0 } or { be_conn(l) gt 5 } or { fe_conn gt 5 }", Works),
    (Proxy, "tcp-request content reject if { src_conn_rate gt 5 }", Refused),
    (Proxy, "tcp-request connection track-sc0 src", Refused),
    (Proxy, "tcp-request content set-var(txn.x) src", Refused),
    (Proxy, "stick on src", Refused),
    (Global, "uid 1\n gid 1", Works),
    (Global, "log-tag x\n log-send-hostname", Works),
    (Global, "hard-stop-after 10s\n grace 1s\n spread-checks 5\n ulimit-n 1000", Works),
    (Global, "setenv A b\n presetenv C d", Works),
    (Global, "cpu-map auto:1/1-4 0-3", Works),
    (Global, "ssl-default-server-options no-sslv3", Inert),
    (Global, "log 127.0.0.1 len 200 format rfc5424 sample 1:2 local0 notice err", Works),
    (Global, "log stdout format short daemon\n log stderr format timed daemon\n log fd@1 format iso daemon", Works),
    (Global, "log ring@r local0", Refused),
    (Proxy, "option dontlog-normal\n option logasap\n log-tag x", Works),
    (File, "listen p\n mode http\n bind 127.0.0.1:1\n stats http-request auth unless { http_auth(u) }\nuserlist u\n user a password $6$x$y\n", Works),
    (Page, "stats show-modules", Inert),
    (Proxy, "server t 10.0.0.3:0", Warned("unchecked-server")),
    (Page, "stats scope .\n stats show-desc x\n stats admin if TRUE", Works),
    (Proxy, "option clitcpka\n clitcpka-idle 10s\n clitcpka-intvl 1s\n clitcpka-cnt 3", Works),
    (Proxy, "option nolinger", Works),
    (Global, "tune.pontoon.engine auto", Works),
    (Global, "tune.pontoon.engine epoll", Works),
    (Global, "tune.pontoon.engine io_uring", Refused),
    (Proxy, "option pontoon-log-sessions start every 5m\n option tcplog\n log 127.0.0.1 local0", Works),
    (Proxy, "option pontoon-log-sessions every 5m", Warned("progress-without-line")),
    (Proxy, "option pontoon-log-sessions", Refused),
    (Proxy, "option pontoon-log-sessions every 10ms", Refused),
    (Proxy, "option pontoon-log-sessions start\n option logasap\n option tcplog\n log 127.0.0.1 local0", Warned("logasap-beside-progress")),
    (Global, "tune.pontoon.agent 127.0.0.1:9106", Works),
    (Global, "tune.pontoon.agent 127.0.0.1", Refused),
    (Global, "tune.pontoon.metrics :9105", Works),
    (Global, "tune.pontoon.metrics [::1]:9105", Works),
    (Global, "tune.pontoon.metrics :9105-9106", Refused),
    (Global, "tune.pontoon.metrics /run/x.sock", Refused),
    (Global, "tune.pontoon.spin-us 50", Works),
    (Global, "tune.pontoon.spin-us 0", Works),
    (Global, "tune.pontoon.spin-us 2000", Warned("long-spin")),
    (Proxy, "source 10.0.0.7", Works),
    (Proxy, "source 0.0.0.0 usesrc clientip", Works),
    (Proxy, "persist rdp-cookie", Refused),
    (Proxy, "hash-balance-factor 150", Refused),
    (File, "listen l :1\n server s 10.0.0.1:1 check\n", Warned("obsolete")),
    (Proxy, "redispatch", Warned("obsolete")),
    (Proxy, "clitimeout 3600000", Warned("obsolete")),
    (Global, "nbproc 1", Warned("obsolete")),
];

#[test]
fn keywords_of_real_files_do_what_they_should() {
    all_meet(OF_REAL_FILES);
}

#[test]
fn what_every_tcp_balancer_must_know_is_known() {
    all_meet(MUST);
}

/// A machine whose kernel is set like this.
fn set_kernel(available: &str, allowed: &str, fast_open: &str) -> Machine {
    let mut machine = Machine::default();
    for (name, value) in [
        ("available_congestion_control", available),
        ("allowed_congestion_control", allowed),
        ("fastopen", fast_open),
    ] {
        let name = format!("net.ipv4.tcp_{name}");
        machine.settings.insert(name, value.to_owned());
    }
    machine
}

#[track_caller]
fn codes(text: &str, machine: &Machine) -> Vec<&'static str> {
    let loaded = load_text(&format!("{DEFAULTS}{text}"), machine);
    assert!(loaded.model.is_some(), "{:?}", loaded.diagnostics.all());
    let warnings = loaded.diagnostics.all().iter();
    warnings
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|finding| finding.code)
        .collect()
}

#[test]
fn what_the_kernel_will_not_do_is_known_before_the_start() {
    let kernel = set_kernel("reno bbr cubic", "reno bbr", "1");
    let text = |bind: &str, server: &str| {
        format!("listen l\n bind :1 {bind}\n server s 10.0.0.1:1 check {server}\n")
    };
    let as_user = |bind, server| format!("global\n user haproxy\n{}", text(bind, server));
    let none: [&str; 0] = [];
    assert_eq!(codes(&text("cc cubic", "cc cubic"), &kernel), none);
    assert_eq!(codes(&as_user("cc cubic", "cc bbr"), &kernel), none);
    let forbidden = ["forbidden-congestion-control"];
    assert_eq!(codes(&as_user("", "cc cubic"), &kernel), forbidden);
    let unknown = ["unknown-congestion-control"];
    assert_eq!(codes(&text("cc vegas", "cc vegas"), &kernel), unknown);
    assert_eq!(codes(&text("", "tfo"), &kernel), none);
    assert_eq!(codes(&text("tfo", ""), &kernel), ["fast-open-off"]);
    // A kernel that tells nothing is not guessed at.
    let silent = Machine::default();
    assert_eq!(
        codes(&as_user("cc vegas tfo", "cc vegas tfo"), &silent),
        none
    );
}

/// The lines of notes about the sandbox: line and the capability or thing that they name.
fn exceptions(text: &str) -> Vec<(u32, String)> {
    let loaded = load_text(&format!("{DEFAULTS}{text}"), &Machine::default());
    assert!(loaded.model.is_some(), "{:?}", loaded.diagnostics.all());
    let json = pontoon_config::render::json(&loaded.files, loaded.diagnostics.all());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let findings = json["findings"].as_array().unwrap().iter();
    let notes = findings.filter(|finding| finding["code"] == "sandbox-exception");
    let defaults = u64::try_from(DEFAULTS.lines().count()).unwrap();
    notes
        .map(|note| {
            assert_eq!(note["severity"], "note");
            let line = note["line"].as_u64().unwrap() - defaults;
            let message = note["message"].as_str().unwrap();
            let named = message.split(' ').find(|word| word.starts_with("CAP_"));
            let line = u32::try_from(line).unwrap();
            (line, named.unwrap_or("no capability").to_owned())
        })
        .collect()
}

#[test]
fn what_the_sandbox_makes_room_for_is_told_with_its_line() {
    let text = "listen l\n bind :1\n tcp-request connection silent-drop if { src 10.9.9.9 }\n \
                server a 10.0.0.1:1 source 0.0.0.0 usesrc clientip\n \
                server b 10.0.0.2:1 source 0.0.0.0:600-700\n server c 10.0.0.3:1 cc reno\n \
                server d unix@/run/d.sock\n";
    let expected = [
        (1, "CAP_NET_ADMIN"),
        (4, "CAP_NET_RAW"),
        (5, "CAP_NET_BIND_SERVICE"),
        (6, "CAP_NET_ADMIN"),
        (7, "CAP_DAC_OVERRIDE"),
    ];
    let expected = expected.map(|(line, named)| (line, named.to_owned()));
    assert_eq!(exceptions(text), expected);
    // As another user it has but what outlasts the change.
    let as_user = format!("global\n user haproxy\n group haproxy\n{text}");
    assert_eq!(exceptions(&as_user), [(7, "CAP_NET_RAW".to_owned())]);
    let plain = "listen l\n bind :1\n server a 10.0.0.1:1 check source 0.0.0.0:2000-2100\n";
    assert_eq!(exceptions(plain), []);
}

#[test]
fn programs_leave_no_sandbox() {
    let text = "global\n external-check\nlisten l\n bind :1\n option external-check\n \
                external-check command /bin/true\n server a 10.0.0.1:1 check\n";
    assert_eq!(exceptions(text), [(3, "no capability".to_owned())]);
}

#[test]
fn core_files_open_a_folder() {
    let text = |word| format!("global\n {word}\nlisten l\n bind :1\n server a 10.0.0.1:1 check\n");
    assert_eq!(
        exceptions(&text("set-dumpable")),
        [(2, "no capability".to_owned())]
    );
    assert_eq!(exceptions(&text("no set-dumpable")), []);
}
