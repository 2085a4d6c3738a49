//! What is said of HTTP, which is served but not forwarded.

use pontoon_config::{
    diagnostic::Severity,
    haproxy::model::{Mode, StatsAdmin},
};

use super::{
    codes, complains,
    machine::{Machine, load_text},
    model, proxy, with_defaults,
};

#[test]
fn http_is_served_but_not_forwarded() {
    let page =
        proxy("listen s\n mode http\n bind 127.0.0.1:1\n stats enable\n stats admin if TRUE\n");
    assert_eq!(page.mode, Mode::Http);
    assert!(matches!(
        page.stats.unwrap().admin,
        Some(StatsAdmin::Always)
    ));
    complains(
        "listen w\n mode http\n bind :1\n server s 10.0.0.1:1\n",
        &["http-forwarding"],
    );
    complains(
        "frontend w\n mode http\n bind :1\n default_backend b\nbackend b\n mode http\n server s 10.0.0.1:1\n",
        &["http-forwarding", "http-forwarding"],
    );
    complains(
        "frontend w\n mode http\n bind :1\n",
        &["http-without-stats"],
    );
    complains(
        "listen s\n mode http\n bind 127.0.0.1:1\n stats enable\n http-request use-service lua.x if TRUE\n http-request deny\n",
        &["http-rule", "http-rule"],
    );
    complains(
        "frontend f\n bind :1\n default_backend b\nbackend b\n mode http\n",
        &["mode-mismatch", "empty-backend"],
    );
}

#[test]
fn http_lines_have_no_effect_on_a_tcp_proxy() {
    let loaded = with_defaults(
        "listen w\n bind :1\n option forwardfor except 127.0.0.0/8\n http-request deny\n errorfile 503 /x\n cookie a insert\n server s 10.0.0.1:1\n",
    );
    assert_eq!(codes(&loaded, Severity::Note), ["without-effect"; 4]);
    assert!(loaded.model.is_some());
}

#[test]
fn timeouts_of_http_are_those_of_the_statistics() {
    let http = "defaults\n mode http\n timeout client 1h\n timeout http-request 5s\n timeout http-keep-alive 6s\n";
    let tcp = "listen t\n mode tcp\n bind :1\n timeout connect 1s\n timeout server 1h\n server s 10.0.0.1:1\n";
    let page = "listen p\n bind 127.0.0.1:2\n stats enable\n";
    let loaded = load_text(&format!("{http}{tcp}{page}"), &Machine::default());
    assert!(codes(&loaded, Severity::Note).is_empty());
    let model = model(loaded);
    let side = model.proxies[1].frontend.as_ref().unwrap();
    let seconds = |timeout: Option<std::time::Duration>| timeout.unwrap().as_secs();
    assert_eq!(seconds(side.timeout_http_request), 5);
    assert_eq!(seconds(side.timeout_http_keep_alive), 6);

    let loaded = load_text(&format!("{http}{tcp}"), &Machine::default());
    assert_eq!(codes(&loaded, Severity::Note), ["without-effect"; 2]);
    let loaded =
        with_defaults("listen t\n bind :1\n timeout http-request 1s\n server s 10.0.0.1:1\n");
    assert_eq!(codes(&loaded, Severity::Note), ["without-effect"]);
}

#[test]
fn a_tcp_proxy_logs_nothing_of_http() {
    let listen = "listen t\n bind :1\n server s 10.0.0.1:1\n";
    for keyword in ["log-format", "error-log-format", "log-format-sd"] {
        complains(&format!("{listen} {keyword} %HM\n"), &["http-variable"]);
        // A backend writes no lines, and the statistics know requests.
        complains(
            &format!("defaults\n mode tcp\n {keyword} %HM\nbackend b\n server s 10.0.0.1:1\n"),
            &["missing-timeout"],
        );
        let page =
            format!("listen p\n mode http\n bind 127.0.0.1:1\n stats enable\n {keyword} %HM\n");
        complains(&page, &[]);
    }
    complains(
        &format!("{listen} log-format %[req.len]\n"),
        &["bad-format"],
    );
    complains(&format!("{listen} log-format \"%ST %tsc %sslv\"\n"), &[]);
    let check = "backend b\n server s 10.0.0.1:1 check\n option tcp-check\n tcp-check";
    complains(&format!("{check} send-lf %HM\n"), &["http-variable"]);
    complains(&format!("{check} send-lf %[req.len]\n"), &["bad-format"]);
}
