use pontoon_engine::health::CheckStatus;

use super::*;
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Draft, Index, Level, Sections},
    haproxy::testing::{World, codes, words},
};

/// Reads lines of a `defaults` section and then of a `backend`, as their table says.
fn read(defaults: &[&str], backend: &[&str]) -> (CheckMethod, Diagnostics) {
    let world = World::new();
    let mut cx = world.context();
    let mut d = Diagnostics::default();
    let mut draft = CheckDraft::default();
    cx.section.kind = Sections::DEFAULTS;
    cx.section.name = "";
    lines(defaults, &mut draft, &cx, &mut d);
    draft.finish(&cx, &mut Diagnostics::default());
    cx.section.kind = Sections::BACKEND;
    cx.section.name = "b";
    cx.section.proxy = Some(pontoon_engine::units::ProxyId(0));
    let mut draft = draft.clone();
    lines(backend, &mut draft, &cx, &mut d);
    (draft.finish(&cx, &mut d), d)
}

fn lines(
    lines: &[&str],
    draft: &mut CheckDraft,
    cx: &<CheckDraft as Draft>::Context<'_>,
    d: &mut Diagnostics,
) {
    let index = Index::new(&[KEYWORDS]);
    for line in lines {
        let words: Vec<_> = words(line)
            .into_iter()
            .map(|mut word| {
                word.text = word.text.replace("\\r", "\r").replace("\\n", "\n");
                word
            })
            .collect();
        let (keyword, count) = index.find(&words).unwrap();
        let mut args = Args::new(&words, count);
        match keyword.level {
            Level::Supported(parse) => parse(draft, &mut args, cx, d),
            _ => drop(d.error("unsupported", args.keyword_span(), "refused")),
        }
        assert!(args.rest().is_empty() || d.has_errors(), "{line}");
    }
}

fn method(backend: &[&str]) -> CheckMethod {
    let (method, d) = read(&[], backend);
    assert_eq!(codes(&d), [""; 0]);
    method
}

fn faults(backend: &[&str]) -> Vec<&'static str> {
    codes(&read(&[], backend).1)
}

fn http(defaults: &[&str], backend: &[&str]) -> Vec<HttpStep> {
    match read(defaults, backend).0 {
        CheckMethod::Http(check) => check.steps,
        other => panic!("{other:?}"),
    }
}

/// The first request as it goes out, and the codes that are expected.
fn request(defaults: &[&str], backend: &[&str]) -> String {
    let steps = http(defaults, backend);
    let send = steps.iter().find_map(|step| match step {
        HttpStep::Send(request) => Some(request),
        _ => None,
    });
    let request = send.unwrap();
    let mut line = format!("{} {} {}", request.method, request.uri, request.version);
    for (name, value) in &request.headers {
        line.push_str(&format!(" {name}={value}"));
    }
    line
}

fn expected(defaults: &[&str], backend: &[&str]) -> Vec<HttpPattern> {
    let pattern = |step| match step {
        HttpStep::Expect(expect) => Some(expect.pattern),
        _ => None,
    };
    http(defaults, backend)
        .into_iter()
        .filter_map(pattern)
        .collect()
}

fn status(low: u16, high: u16) -> HttpPattern {
    HttpPattern::Status(vec![(low, high)])
}

#[test]
fn without_an_option_a_check_connects() {
    assert_eq!(method(&[]), CheckMethod::Connect);
}

#[test]
fn fixed_protocols_have_their_options() {
    assert_eq!(method(&["option ssl-hello-chk"]), CheckMethod::SslHello);
    assert_eq!(method(&["option redis-check"]), CheckMethod::Redis);
    assert_eq!(method(&["option ldap-check"]), CheckMethod::Ldap);
    assert_eq!(
        method(&["option pgsql-check user ha"]),
        CheckMethod::Postgres { user: "ha".into() }
    );
    let exasol = |fingerprint| CheckMethod::Exasol(ExasolCheck::Tls { fingerprint });
    assert_eq!(method(&["option exasol-check"]), exasol(None));
    assert_eq!(
        method(&["option exasol-check clear"]),
        CheckMethod::Exasol(ExasolCheck::Clear)
    );
    for fingerprint in ["aB".repeat(32), ["AB"; 32].join(":")] {
        let line = format!("option exasol-check fingerprint {fingerprint}");
        assert_eq!(method(&[&line]), exasol(Some([0xab; 32])));
    }
    let mysql = |user: Option<&str>, pre_41| CheckMethod::Mysql {
        user: user.map(str::to_owned),
        pre_41,
    };
    assert_eq!(method(&["option mysql-check"]), mysql(None, false));
    assert_eq!(
        method(&["option mysql-check user ha"]),
        mysql(Some("ha"), false)
    );
    assert_eq!(
        method(&["option mysql-check user ha post-41"]),
        mysql(Some("ha"), false)
    );
    assert_eq!(
        method(&["option mysql-check user ha pre-41"]),
        mysql(Some("ha"), true)
    );
    let smtp = |hello: &str, domain: &str| CheckMethod::Smtp {
        hello: hello.into(),
        domain: domain.into(),
    };
    assert_eq!(method(&["option smtpchk"]), smtp("HELO", "localhost"));
    assert_eq!(method(&["option smtpchk EHLO a.b"]), smtp("EHLO", "a.b"));
    assert_eq!(
        read(&[], &["option smtpchk FOO a.b"]).0,
        smtp("HELO", "localhost")
    );
    assert_eq!(
        method(&["option external-check", "external-check command /bin/x"]),
        CheckMethod::External {
            command: "/bin/x".into()
        }
    );
}

#[test]
fn the_last_option_wins() {
    assert_eq!(
        method(&["option httpchk", "option redis-check"]),
        CheckMethod::Redis
    );
    let (inherited, _) = read(&["option httpchk"], &["option ldap-check"]);
    assert_eq!(inherited, CheckMethod::Ldap);
}

#[test]
fn httpchk_has_up_to_three_arguments() {
    assert_eq!(request(&[], &["option httpchk"]), "OPTIONS / HTTP/1.0");
    assert_eq!(request(&[], &["option httpchk /x"]), "OPTIONS /x HTTP/1.0");
    assert_eq!(request(&[], &["option httpchk GET /x"]), "GET /x HTTP/1.0");
    assert_eq!(
        request(&[], &["option httpchk GET /x HTTP/1.1"]),
        "GET /x HTTP/1.1"
    );
    assert_eq!(
        request(
            &[],
            &["option httpchk GET /x HTTP/1.1\\r\\nHost:\\_a\\r\\nX:\\_y"]
        ),
        "GET /x HTTP/1.1 Host=a X=y"
    );
    assert_eq!(expected(&[], &["option httpchk"]), [status(200, 399)]);
}

#[test]
fn the_later_of_option_and_send_wins_field_by_field() {
    assert_eq!(
        request(
            &[],
            &[
                "option httpchk GET /x HTTP/1.1",
                "http-check send hdr Host a"
            ]
        ),
        "GET /x HTTP/1.1 Host=a"
    );
    assert_eq!(
        request(&[], &["option httpchk GET /x", "http-check send uri /y"]),
        "GET /y HTTP/1.0"
    );
    assert_eq!(
        request(
            &[],
            &["http-check send hdr Host a uri /z", "option httpchk GET /x"]
        ),
        "GET /x HTTP/1.0 Host=a"
    );
    assert_eq!(
        request(
            &[],
            &[
                "option httpchk GET /x",
                "http-check connect",
                "http-check send hdr Host a"
            ]
        ),
        "GET /x HTTP/1.0 Host=a"
    );
    assert_eq!(
        request(&[], &["option httpchk GET /1", "option httpchk"]),
        "OPTIONS / HTTP/1.0"
    );
}

#[test]
fn lines_of_a_section_replace_those_of_its_defaults() {
    let defaults = &["option httpchk GET /d", "http-check expect status 404"];
    assert_eq!(request(defaults, &[]), "GET /d HTTP/1.0");
    assert_eq!(expected(defaults, &[]), [status(404, 404)]);
    assert_eq!(
        expected(defaults, &["option httpchk GET /b"]),
        [status(200, 399)]
    );
    assert_eq!(
        request(defaults, &["http-check send hdr Host h"]),
        "OPTIONS / HTTP/1.0 Host=h"
    );
    let (_, d) = read(defaults, &["http-check send hdr Host h"]);
    assert_eq!(codes(&d), ["replaced-defaults"]);
}

#[test]
fn a_script_in_defaults_counts_only_with_its_option_there() {
    let script = |defaults: &[&str], backend: &[&str]| match read(defaults, backend).0 {
        CheckMethod::Script(steps) => steps.len(),
        other => panic!("{other:?}"),
    };
    let rule = "tcp-check expect string NO";
    assert_eq!(
        script(&["option tcp-check", rule], &["option tcp-check"]),
        1
    );
    assert_eq!(script(&[rule], &["option tcp-check"]), 0);
    assert_eq!(script(&["option tcp-check", rule], &[]), 1);
    assert_eq!(
        script(&["option tcp-check", rule, rule], &["tcp-check send x"]),
        1
    );
}

#[test]
fn a_script_knows_its_lines_and_comments() {
    let CheckMethod::Script(steps) = method(&[
        "option tcp-check",
        "tcp-check comment ping",
        "tcp-check send PING\\r\\n",
        "tcp-check send-binary 0d0A comment again",
        "tcp-check expect string +PONG",
    ]) else {
        panic!();
    };
    let seen: Vec<_> = steps
        .iter()
        .map(|it| (it.number, it.comment.as_deref()))
        .collect();
    assert_eq!(seen, [(2, Some("ping")), (3, Some("again")), (4, None)]);
    assert_eq!(steps[0].action, StepAction::Send(b"PING\r\n".to_vec()));
    assert_eq!(steps[1].action, StepAction::Send(b"\r\n".to_vec()));
}

fn expectation(line: &str) -> Expect {
    let CheckMethod::Script(mut steps) = method(&["option tcp-check", line]) else {
        panic!();
    };
    match steps.remove(0).action {
        StepAction::Expect(expect) => expect,
        other => panic!("{other:?}"),
    }
}

#[test]
fn expectations_have_patterns_and_parameters_around_them() {
    let plain = expectation("tcp-check expect string a\\_b");
    assert_eq!(plain.pattern, BytePattern::Contains(b"a b".to_vec()));
    assert!(!plain.negated);
    assert!(expectation("tcp-check expect ! string x").negated);
    assert!(expectation("tcp-check expect !rstring x").negated);
    let binary = expectation("tcp-check expect binary 4F4b");
    assert_eq!(binary.pattern, BytePattern::Binary(b"OK".to_vec()));
    let rich = expectation(
        "tcp-check expect min-recv 5 ok-status L7OKC rstring ^a error-status L4CON tout-status L6TOUT on-error no:\\_%s",
    );
    assert_eq!(rich.min_receive, Some(5));
    assert_eq!(rich.ok_status, Some(CheckStatus::L7OkConditional));
    assert_eq!(rich.error_status, Some(CheckStatus::L4Connection));
    assert_eq!(rich.timeout_status, Some(CheckStatus::L6Timeout));
    assert_eq!(rich.on_error.unwrap().pieces.len(), 2);
    assert_eq!(
        expectation("tcp-check expect min-recv -1 string x").min_receive,
        None
    );
}

#[test]
fn hexadecimal_expressions_match_in_either_case() {
    let BytePattern::HexRegex(regex) = expectation("tcp-check expect rbinary ^ff0[ab]").pattern
    else {
        panic!();
    };
    assert!(regex.is_match(b"FF0A"));
}

#[test]
fn connections_have_parameters() {
    let CheckMethod::Script(steps) = method(&[
        "option tcp-check",
        "tcp-check connect port 110 addr 10.0.0.5 send-proxy linger ssl sni mail",
        "tcp-check connect default",
    ]) else {
        panic!();
    };
    let StepAction::Connect(first) = &steps[0].action else {
        panic!();
    };
    assert_eq!(first.port, Some(110));
    assert_eq!(first.address, Some("10.0.0.5".parse().unwrap()));
    assert!(first.send_proxy && first.linger && !first.default);
    assert_eq!(
        first.tls.as_ref().unwrap().server_name.as_deref(),
        Some("mail")
    );
    assert!(
        matches!(&steps[1].action, StepAction::Connect(step) if step.default && step.tls.is_none())
    );
}

#[test]
fn http_patterns_are_codes_texts_and_headers() {
    let pattern = |line| {
        let lines = ["option httpchk", line];
        expected(&[], &lines).remove(0)
    };
    assert_eq!(
        pattern("http-check expect status 200,300-310"),
        HttpPattern::Status(vec![(200, 200), (300, 310)])
    );
    assert_eq!(
        pattern("http-check expect string ok"),
        HttpPattern::Body(BytePattern::Contains(b"ok".to_vec()))
    );
    assert_eq!(
        pattern("http-check expect hdr name X value -m beg y"),
        HttpPattern::Header {
            name: TextPattern::Exact("X".into()),
            value: Some(TextPattern::Prefix("y".into())),
            full: false,
        }
    );
    assert_eq!(
        pattern("http-check expect fhdr name -m sub X comment c"),
        HttpPattern::Header {
            name: TextPattern::Contains("X".into()),
            value: None,
            full: true,
        }
    );
    assert!(matches!(
        pattern("http-check expect rstatus ^2"),
        HttpPattern::StatusRegex(_)
    ));
}

#[test]
fn http_scripts_connect_send_and_expect_in_order() {
    let steps = http(
        &[],
        &[
            "option httpchk GET /a",
            "http-check connect port 80",
            "http-check send uri /b",
            "http-check expect status 200",
            "http-check connect port 81",
            "http-check send meth GET uri /c",
        ],
    );
    let names: Vec<&str> = steps
        .iter()
        .map(|step| match step {
            HttpStep::Connect(_) => "connect",
            HttpStep::Send(request) => request.uri.as_str(),
            HttpStep::Expect(_) => "expect",
        })
        .collect();
    assert_eq!(
        names,
        ["connect", "/b", "expect", "connect", "/c", "expect"]
    );
    assert_eq!(
        http(&[], &["option httpchk", "http-check connect port 1"]).len(),
        3
    );
}

#[test]
fn flags_of_http_checks() {
    let CheckMethod::Http(check) = method(&[
        "option httpchk",
        "http-check disable-on-404",
        "http-check send-state",
    ]) else {
        panic!();
    };
    assert!(check.disable_on_404 && check.send_state);
}

#[test]
fn lines_of_another_kind_have_no_effect() {
    assert_eq!(faults(&["tcp-check send x"]), ["without-effect"]);
    assert_eq!(
        faults(&["option httpchk", "tcp-check send x"]),
        ["without-effect"]
    );
    assert_eq!(
        faults(&["http-check expect status 200"]),
        ["without-effect"]
    );
    assert_eq!(faults(&["http-check disable-on-404"]), ["without-effect"]);
}

#[test]
fn orders_are_checked() {
    let tcp = |line| faults(&["option tcp-check", "tcp-check send x", line]);
    assert_eq!(tcp("tcp-check connect"), ["bad-check-order"]);
    let http = |lines: &[&str]| faults(&[&["option httpchk"], lines].concat());
    assert_eq!(
        http(&["http-check send meth GET", "http-check connect"]),
        ["bad-check-order"]
    );
    assert_eq!(
        http(&["http-check send meth GET", "http-check send uri /"]),
        ["bad-check-order"]
    );
    assert_eq!(
        http(&["http-check connect", "http-check expect status 200"]),
        ["bad-check-order"]
    );
    assert_eq!(faults(&["option external-check"]), ["missing-command"]);
}

#[test]
fn words_are_checked() {
    let tcp = |line| faults(&["option tcp-check", line]);
    assert_eq!(tcp("tcp-check"), ["missing-argument"]);
    assert_eq!(tcp("tcp-check sned x"), ["unknown-keyword"]);
    assert_eq!(tcp("tcp-check set-var(check.x) src"), ["unsupported"]);
    assert_eq!(tcp("tcp-check send"), ["missing-argument"]);
    assert_eq!(tcp("tcp-check send a b"), ["unknown-parameter"]);
    assert_eq!(tcp("tcp-check send-binary 0"), ["bad-hex"]);
    assert_eq!(tcp("tcp-check send-lf %nope"), ["unknown-variable"]);
    assert_eq!(tcp("tcp-check expect"), ["missing-argument"]);
    assert_eq!(tcp("tcp-check expect strin x"), ["unknown-parameter"]);
    assert_eq!(tcp("tcp-check expect string x y"), ["unknown-parameter"]);
    assert_eq!(tcp("tcp-check expect rstring ("), ["bad-regex"]);
    assert_eq!(
        tcp("tcp-check expect ok-status L7NO string x"),
        ["bad-choice"]
    );
    assert_eq!(
        tcp("tcp-check expect status-code int(5) string x"),
        ["unsupported"]
    );
    assert_eq!(tcp("tcp-check connect port 0"), ["bad-number"]);
    assert_eq!(tcp("tcp-check connect via-socks4"), ["unsupported"]);
    assert_eq!(tcp("tcp-check connect prot 80"), ["unknown-parameter"]);
    let http = |line| faults(&["option httpchk", line]);
    assert_eq!(http("http-check expect status 2xx"), ["bad-status"]);
    assert_eq!(http("http-check expect hdr X"), ["bad-choice"]);
    assert_eq!(http("http-check expect hdr name-lf X"), ["unsupported"]);
    assert_eq!(http("http-check send hdr Host"), ["missing-argument"]);
    assert_eq!(http("http-check send hdr Host %s"), ["unsupported"]);
    assert_eq!(http("http-check send ver HTTP/2"), ["bad-choice"]);
    assert_eq!(
        faults(&["option httpchk GET / HTTP/1.1 x"]),
        ["unexpected-argument"]
    );
    assert_eq!(faults(&["option pgsql-check"]), ["missing-argument"]);
    for (line, code) in [
        ("option exasol-check clera", "unknown-parameter"),
        ("option exasol-check fingerprint", "missing-argument"),
        ("option exasol-check fingerprint 12ab", "bad-fingerprint"),
    ] {
        assert_eq!(faults(&[line]), [code]);
    }
    let both = format!("option exasol-check clear fingerprint {}", "0".repeat(64));
    assert_eq!(faults(&[&both]), ["conflicting-parameters"]);
    assert_eq!(faults(&["option mysql-check usr x"]), ["unknown-parameter"]);
    assert_eq!(
        faults(&["option mysql-check user x post-42"]),
        ["unexpected-argument"]
    );
    assert_eq!(faults(&["option spop-check"]), ["unsupported"]);
}

#[test]
fn each_keyword_is_declared_once_in_alphabetical_order() {
    assert!(KEYWORDS.is_sorted_by(|a, b| a.name < b.name));
}
