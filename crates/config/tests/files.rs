//! Whole files: what they mean, and what is said about them.

mod http;
mod machine;

use machine::{Machine, load_text};
use pontoon_config::{
    diagnostic::Severity,
    haproxy::{
        Loaded,
        model::{BindAddress, Model, Proxy},
    },
    render,
};

/// `defaults` that say what every proxy needs, so that a test can be about one thing.
const DEFAULTS: &str = "\
defaults
    mode tcp
    log 127.0.0.1 local0
    timeout connect 1s
    timeout client 1h
    timeout server 1h
";

fn with_defaults(text: &str) -> Loaded {
    load_text(&format!("{DEFAULTS}{text}"), &Machine::default())
}

#[track_caller]
fn model(loaded: Loaded) -> Model {
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    loaded.model.unwrap_or_else(|| panic!("{shown}"))
}

#[track_caller]
fn proxy(text: &str) -> Proxy {
    model(with_defaults(text)).proxies.swap_remove(0)
}

/// The codes of findings of at least this severity.
fn codes(loaded: &Loaded, least: Severity) -> Vec<&'static str> {
    let findings = loaded.diagnostics.all().iter();
    findings
        .filter(|finding| finding.severity >= least)
        .map(|finding| finding.code)
        .collect()
}

#[track_caller]
fn complains(text: &str, expected: &[&str]) {
    let loaded = with_defaults(text);
    let found = codes(&loaded, Severity::Warning);
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    assert_eq!(found, expected, "{text}\n{shown}");
}

#[test]
fn the_quickstart_is_clean() {
    let text = include_str!("../../../examples/quickstart/haproxy.cfg");
    let loaded = load_text(text, &Machine::default());
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    assert!(loaded.diagnostics.all().is_empty(), "{shown}");
    let model = loaded.model.unwrap();
    assert_eq!(model.proxies.len(), 3);
    let entrance = model.proxies[0].frontend.as_ref().unwrap();
    assert_eq!(entrance.default_backend, Some(model.proxies[1].id));
    assert_eq!(model.proxies[1].backend.as_ref().unwrap().servers.len(), 3);
    assert!(model.proxies[2].stats.is_some());
}

#[test]
fn the_file_of_the_pair_is_clean() {
    let text = include_str!("../../../examples/pair/haproxy.cfg");
    let loaded = load_text(text, &Machine::default());
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    assert!(loaded.diagnostics.all().is_empty(), "{shown}");
}

#[test]
fn a_proxy_inherits_what_it_does_not_say() {
    let loaded = load_text(
        "global\n log 127.0.0.1 local0\n\
         defaults base\n mode tcp\n log global\n option redispatch\n option dontlognull\n retries 7\n \
         timeout connect 1s\n timeout client 2s\n timeout server 3s\n default-server inter 9s\n\
         defaults other from base\n timeout server 4s\n no option dontlognull\n\
         listen a from base\n bind :1\n server s 10.0.0.1:1 check\n\
         listen b from other\n bind :2\n no log\n no option redispatch\n server s 10.0.0.1:1 check inter 1s\n\
         listen c\n bind :3\n server s 10.0.0.1:1 check\n",
        &Machine::default(),
    );
    let model = model(loaded);
    let described: Vec<_> = model
        .proxies
        .iter()
        .map(|proxy| {
            let side = proxy.backend.as_ref().unwrap();
            let health = side.servers[0].settings.health.unwrap();
            (
                proxy.log.targets.len(),
                side.redispatch,
                side.retries,
                side.timeout_server.unwrap().as_secs(),
                proxy.frontend.as_ref().unwrap().dont_log_null,
                health.interval.as_secs(),
            )
        })
        .collect();
    assert_eq!(
        described,
        [
            (1, Some(-1), 7, 3, true, 9),
            (0, None, 7, 4, false, 1),
            // Without `from`, the last `defaults` above counts, whatever its name.
            (1, Some(-1), 7, 4, false, 9),
        ]
    );
}

#[test]
fn numbers_are_those_of_haproxy() {
    let text = "listen a\n bind :1\n bind :2 id 1\n bind :3\n server x 10.0.0.1:1 check id 2\n server y 10.0.0.2:1 check\n server z 10.0.0.3:1 check\nbackend b\n id 1\nbackend c\n";
    let model = model(with_defaults(text));
    let numbers: Vec<u32> = model.proxies.iter().map(|proxy| proxy.number).collect();
    assert_eq!(numbers, [2, 1, 3]);
    let side = model.proxies[0].backend.as_ref().unwrap();
    let servers: Vec<u32> = side.servers.iter().map(|server| server.number).collect();
    assert_eq!(
        servers,
        [1, 2, 3].map(|number| match number {
            1 => 2,
            2 => 1,
            other => other,
        })
    );
    let binds = &model.proxies[0].frontend.as_ref().unwrap().binds;
    let binds: Vec<u32> = binds.iter().map(|bind| bind.number).collect();
    assert_eq!(binds, [2, 1, 3]);
}

#[test]
fn fullconn_is_a_tenth_of_what_frontends_may_send() {
    let text = "frontend f\n maxconn 55\n bind :1\n default_backend b\nfrontend g\n bind :2\n use_backend b if { always_true }\n default_backend b\n\
                backend b\n server s 10.0.0.1:1 check\nbackend c\n fullconn 7\n server s 10.0.0.1:1 check\nbackend d\n server s 10.0.0.1:1 check\n";
    let mut model = model(with_defaults(text));
    // What the process carries is known at start only.
    model.fill_full_connections(1000);
    let sides = model.proxies.iter().filter_map(|p| p.backend.as_ref());
    let full: Vec<_> = sides
        .map(|side| side.settings.full_connections.unwrap())
        .collect();
    assert_eq!(full, [106, 7, 1]);
}

#[test]
fn several_files_are_read_as_one() {
    let file = |name: &str, text: &str| pontoon_config::source::SourceFile {
        name: name.into(),
        text: text.into(),
    };
    let files = vec![
        file("a.cfg", "global\n maxconn 7\n"),
        file("b.cfg", DEFAULTS),
        file(
            "c.cfg",
            "listen x\n bind :1\n server s 10.0.0.1:1\n servr t 10.0.0.1:1\n",
        ),
    ];
    let loaded = pontoon_config::haproxy::load(files, &Machine::default());
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    assert!(shown.contains("--> c.cfg:4:2"), "{shown}");
    assert!(shown.contains("did you mean `server`?"), "{shown}");
    assert!(loaded.model.is_none());
}

#[test]
fn unix_bind_says_what_bind_does_not() {
    let loaded = load_text(
        &format!(
            "global\n unix-bind prefix /run mode 600 uid 7\n{DEFAULTS}listen a\n bind /a.sock mode 660\n server s 10.0.0.1:1\n"
        ),
        &Machine::default(),
    );
    let model = model(loaded);
    let bind = &model.proxies[0].frontend.as_ref().unwrap().binds[0];
    assert!(
        matches!(&bind.address, BindAddress::Endpoint(endpoint) if endpoint.to_string() == "unix@/run/a.sock")
    );
    assert_eq!(
        (bind.unix.mode, bind.unix.uid, bind.unix.gid),
        (Some(0o660), Some(7), None)
    );
}

#[test]
fn unknown_words_get_the_nearest_known_one() {
    let loaded = with_defaults(
        "frontend a\n optoin tcplog\n option tcplg\n timeout foo 3\n daemon\n bnd :1\nglobal\n maxcon 3\n timeout client 3\nfrontedn x\n",
    );
    let findings: Vec<String> = loaded
        .diagnostics
        .all()
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| {
            format!(
                "{} | {}",
                finding.message,
                finding.suggestion.as_deref().unwrap_or("")
            )
        })
        .collect();
    assert_eq!(
        findings,
        [
            "`optoin` is not known in `frontend` | did you mean `option tcplog`?",
            "`option tcplg` is not known in `frontend` | did you mean `option tcplog`?",
            "`timeout foo` is not known in `frontend` | ",
            "`daemon` does not belong in `frontend` | it belongs in `global`",
            "`bnd` is not known in `frontend` | did you mean `bind`?",
            "`maxcon` is not known in `global` | did you mean `maxconn`?",
            "`timeout client` does not belong in `global` | it belongs in `defaults`, `frontend` or `listen`",
            "`frontedn` is not known in `global` | did you mean the section `frontend`?",
        ]
    );
}

#[test]
fn a_line_on_the_wrong_side_is_a_warning_unless_it_loses_something() {
    complains(
        "frontend f\n bind :1\n default_backend b\n retries 3\nbackend b\n maxconn 5\n bind :2\n",
        &["wrong-section", "wrong-section", "wrong-section"],
    );
    assert!(with_defaults("backend b\n maxconn 5\n").model.is_some());
    assert!(
        with_defaults("frontend f\n bind :1\n server s 10.0.0.1:1\n")
            .model
            .is_none()
    );
    assert!(with_defaults("defaults\n bind :1\n").model.is_none());
}

#[test]
fn what_one_line_says_in_vain_is_noted() {
    let notes = |text: &str| codes(&with_defaults(text), Severity::Note);
    let backend = "backend b\n server s 10.0.0.1:1 check\n";
    for lines in [
        " hash-type consistent\n",
        " option httpchk\n http-check connect comment x\n http-check send uri /\n",
        " option httpchk\n http-check send uri / comment x\n",
        " option httpchk\n http-check comment x\n http-check send uri /\n http-check expect status 200\n",
        " option tcp-check\n tcp-check connect sni x\n",
        "global\n master-worker no-exit-on-failure\n",
    ] {
        assert_eq!(
            notes(&format!("{backend}{lines}")),
            ["without-effect"],
            "{lines}"
        );
    }
    for lines in [
        " balance source\n hash-type consistent\n",
        " option httpchk\n http-check comment x\n http-check expect status 200\n",
        " option tcp-check\n tcp-check comment x\n tcp-check connect ssl sni x\n",
        "global\n master-worker\n",
    ] {
        assert_eq!(notes(&format!("{backend}{lines}")), [""; 0], "{lines}");
    }
    complains(
        "listen s\n mode http\n bind 127.0.0.1:1\n stats auth eve:e\n stats http-request auth unless { http_auth(u) }\nuserlist u\n user bob password $6$x$y\n",
        &["without-effect"],
    );
    complains("global\n unix-bind user nobody-at-all\n", &["unknown-user"]);
    complains(
        "global\n unix-bind group nobody-at-all\n",
        &["unknown-group"],
    );
}

#[test]
fn steps_that_no_check_takes_are_refused_by_name() {
    for (option, lines) in [("httpchk", "http-check"), ("tcp-check", "tcp-check")] {
        for step in [
            "set-var(check.x) str(a)",
            "set-var-fmt(check.x) a",
            "unset-var(check.x)",
            "set-var x",
            "expect status-code int(200) string a",
            "expect string a status-code int(200)",
        ] {
            let backend = format!("backend b\n server s 10.0.0.1:1 check\n option {option}\n");
            complains(&format!("{backend} {lines} {step}\n"), &["unsupported"]);
        }
    }
}

#[test]
fn metrics_are_served_where_a_rule_says_so() {
    let served = proxy(
        "frontend p\n mode http\n bind 127.0.0.1:1\n acl wanted path /metrics\n\
         \x20http-request use-service prometheus-exporter if wanted METH_GET || { path_beg /m }\n",
    );
    assert_eq!(served.services.len(), 1);
    complains(
        "frontend p\n mode http\n bind 127.0.0.1:1\n stats enable\n http-request use-service prometheus-exporter if { req.len 0 }\n",
        &["unsupported"],
    );
    let tcp =
        "frontend p\n bind :1\n http-request use-service prometheus-exporter if { path /m }\n";
    let loaded = with_defaults(tcp);
    assert!(codes(&loaded, Severity::Note).contains(&"without-effect"));
    assert!(
        loaded
            .model
            .is_some_and(|model| model.proxies[0].services.is_empty())
    );
}

#[test]
fn an_acl_on_http_hurts_only_who_refers_to_it() {
    let acl = "frontend f\n bind :1\n acl web hdr(host) web\n";
    let loaded = with_defaults(acl);
    assert_eq!(codes(&loaded, Severity::Note), ["without-effect"]);
    let loaded = with_defaults(&format!("{acl} tcp-request connection reject if web\n"));
    assert!(loaded.model.is_none());
    let acl = "frontend f\n bind :1\n acl web path_beg /web\n";
    assert!(with_defaults(acl).model.is_some());
    let loaded = with_defaults(&format!("{acl} tcp-request connection reject if web\n"));
    assert!(loaded.model.is_none());
}

#[test]
fn programs_are_started_only_if_global_allows_it() {
    let backend = "backend b\n option external-check\n external-check command /bin/true\n server s 10.0.0.1:1 check\n";
    complains(backend, &["external-check-not-allowed"]);
    complains(
        &format!("{backend}global\n user haproxy\n external-check\n"),
        &[],
    );
}

#[test]
fn what_anybody_may_write_is_named() {
    let text = format!(
        "global\n user haproxy\n external-check\n{DEFAULTS}\
         backend b\n option external-check\n external-check command /opt/probe\n server s 10.0.0.1:1 check\n"
    );
    let warned = |file: u32, program: u32| {
        let mut machine = Machine::default();
        machine.modes.insert("haproxy.cfg".into(), file);
        machine.modes.insert("/opt/probe".into(), program);
        let loaded = load_text(&text, &machine);
        codes(&loaded, Severity::Warning)
    };
    assert_eq!(warned(0o644, 0o775), [""; 0]);
    assert_eq!(warned(0o666, 0o755), ["world-writable"]);
    assert_eq!(warned(0o600, 0o777), ["world-writable"]);
}

#[test]
fn references_must_lead_somewhere() {
    complains(
        "frontend f\n bind :1\n default_backend bakcend1\nbackend backend1\n",
        &["unknown-backend"],
    );
    complains(
        "frontend f from nowhere\n bind :1\n timeout client 1s\n",
        &["unknown-defaults"],
    );
    complains("listen a\n bind :1\nbackend a\n", &["duplicate-name"]);
    complains("frontend a\n bind :1\nbackend a\n", &[]);
    complains(
        "listen a\n bind :1\n id 4\nbackend b\n id 4\n",
        &["duplicate-id"],
    );
    complains(
        "listen s\n mode http\n bind 127.0.0.1:1\n stats http-request auth unless { http_auth(admin) }\nuserlist admins\n",
        &["unknown-userlist"],
    );
}

#[test]
fn users_of_the_page_may_come_from_a_list() {
    let page = proxy(
        "listen s\n mode http\n bind 127.0.0.1:1\n stats http-request auth realm Mine unless { http_auth(admins) }\n\
         userlist admins\n group g users bob\n user bob password $6$x$y\n user eve password $5$x$y groups g\n",
    );
    let stats = page.stats.unwrap();
    let users = &stats.auth.as_ref().unwrap().users.users;
    assert_eq!(users.len(), 2);
    assert_eq!(
        (&users["bob"].groups, &users["eve"].groups),
        (&vec!["g".to_owned()], &vec!["g".to_owned()])
    );
    assert_eq!(stats.realm.as_deref(), Some("Mine"));
}

#[test]
fn the_list_may_be_named_by_an_acl() {
    let page = proxy(
        "listen s\n mode http\n bind 127.0.0.1:1\n acl known http_auth(admins)\n stats http-request auth unless known\nuserlist admins\n user bob password $6$x$y\n",
    );
    let stats = page.stats.unwrap();
    assert_eq!(stats.auth.as_ref().unwrap().users.users.len(), 1);
    complains(
        "listen s\n mode http\n bind 127.0.0.1:1\n stats http-request deny\n",
        &["unsupported"],
    );
}

#[test]
fn what_is_set_twice_is_named() {
    let loaded = load_text("global\n maxconn 1\n maxconn 2\n", &Machine::default());
    assert_eq!(codes(&loaded, Severity::Warning), ["repeated"]);
    assert_eq!(loaded.model.unwrap().global.max_connections, Some(2));
}

#[test]
fn refused_features_say_what_to_do() {
    complains(
        "backend b\n stick-table type ip size 1m\n stick on src\n",
        &["unsupported"; 2],
    );
    complains(
        "backend b\n persist rdp-cookie(x)\n balance hdr(host)\n",
        &["unsupported"; 2],
    );
    complains(
        "peers p\n peer a 10.0.0.1:1\nresolvers r\n nameserver a 10.0.0.1:1\n",
        &["refused-section"; 2],
    );
    complains(
        "backend b\n no bind\n no option httpchk\n default retries 3\n",
        &["not-negatable"; 3],
    );
}

#[test]
fn old_files_run_with_a_warning() {
    let proxy = proxy(
        "listen a :1\n clitimeout 5000\n contimeout 6000\n srvtimeout 7000\n server s 10.0.0.1:1\n",
    );
    assert_eq!(proxy.frontend.unwrap().timeout_client.unwrap().as_secs(), 5);
    let side = proxy.backend.unwrap();
    assert_eq!(side.timeout_connect.unwrap().as_secs(), 6);
    assert_eq!(side.timeout_server.unwrap().as_secs(), 7);
    let loaded = load_text("global\n nbproc 4\n", &Machine::default());
    assert_eq!(
        codes(&loaded, Severity::Note),
        ["obsolete", "without-effect"]
    );
}

#[test]
fn production_advice() {
    complains(
        "listen a\n bind :1\n server x 10.0.0.1:1\n server y 10.0.0.1:1 check\n",
        &["unchecked-server", "duplicate-address"],
    );
    complains(
        "listen a\n bind :1\nlisten b\n bind :1\n",
        &["duplicate-bind"],
    );
    complains(
        "listen s\n mode http\n bind :1\n stats enable\n stats admin if TRUE\n",
        &["open-admin-page"],
    );
    complains(
        "listen s\n mode http\n bind :1\n stats enable\n",
        &["open-statistics"],
    );
    complains(
        "listen s\n mode http\n bind 127.0.0.1:1\n stats enable\n",
        &[],
    );
    complains("listen a\n bind :1\n stats enable\n", &["stats-on-tcp"]);
    complains(
        "frontend f\n bind :1\n option httplog\n",
        &["httplog-on-tcp"],
    );
    complains(
        "frontend f\n bind :1\n no log\n option tcplog\n",
        &["no-log-address"],
    );
    complains("listen a\n server x 10.0.0.1:1\n", &["no-bind"]);
    complains(
        "listen a\n bind :1\n timeout client 50s\n server x 10.0.0.1:5432\n",
        &["short-timeout"],
    );
    complains(
        "listen a\n bind :1\n timeout tunnel 2h\n timeout client 50s\n server x 10.0.0.1:5432\n",
        &[],
    );
    let loaded = load_text(
        "listen a\n bind :1\n server x 10.0.0.1:1\n",
        &Machine::default(),
    );
    assert_eq!(codes(&loaded, Severity::Warning), ["missing-timeout"]);
    let loaded = load_text(
        "global\n chroot /x\n stats socket :9999 level admin\n",
        &Machine::default(),
    );
    assert_eq!(
        codes(&loaded, Severity::Warning),
        ["chroot-as-root", "open-admin-socket"]
    );
}

#[test]
fn conditions_and_variables_shape_the_file() {
    let mut machine = Machine::default();
    machine.variables.insert("PORT".into(), "8080".into());
    let loaded = load_text(
        "global\n setenv NAME web\n.if defined(PORT) && version_atleast(2.4)\nlisten \"$NAME\"\n bind \":${PORT}\"\n.else\nlisten none\n.endif\n timeout client 1s\n timeout connect 1s\n timeout server 1s\n server s \"${HOST-10.0.0.1}:1\"\n",
        &machine,
    );
    let model = model(loaded);
    assert_eq!(&*model.proxies[0].name, "web");
}
