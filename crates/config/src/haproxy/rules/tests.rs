use pontoon_engine::units::ProxyId;

use super::{actions::REFUSED, *};
use crate::{
    haproxy::keyword::Sections,
    haproxy::testing::{World, codes, words},
};

/// Reads one line with `read`; the codes of its findings if there is no rule.
fn rule<A>(
    line: &str,
    keyword_words: usize,
    read: fn(&mut Args<'_>, &Context<'_>, &mut Diagnostics) -> Option<Rule<A>>,
) -> Result<Rule<A>, Vec<&'static str>> {
    let mut world = World::new();
    world.proxies.declare("db", Sections::BACKEND, ProxyId(4));
    world.proxies.declare("l", Sections::LISTEN, ProxyId(5));
    let words = words(line);
    let mut d = Diagnostics::default();
    let mut cx = world.context();
    cx.section.proxy = Some(ProxyId(5));
    let rule = read(&mut Args::new(&words, keyword_words), &cx, &mut d);
    match rule {
        Some(rule) if !d.has_errors() => Ok(rule),
        _ => Err(codes(&d)),
    }
}

fn connection(line: &str) -> Result<Rule<ConnectionAction>, Vec<&'static str>> {
    rule(line, 2, tcp_request_connection)
}

fn content(line: &str) -> Result<Rule<ContentAction>, Vec<&'static str>> {
    rule(line, 2, tcp_request_content)
}

fn switch(line: &str) -> Result<Rule<UseBackend>, Vec<&'static str>> {
    rule(line, 1, use_backend)
}

fn choose(line: &str) -> Result<Rule<ServerName>, Vec<&'static str>> {
    rule(line, 1, use_server)
}

#[test]
fn connections_are_accepted_rejected_or_dropped() {
    let action = |line| connection(line).unwrap().action;
    assert_eq!(
        action("tcp-request connection accept"),
        ConnectionAction::Accept
    );
    assert_eq!(
        action("tcp-request connection reject if { src 10.0.0.0/8 }"),
        ConnectionAction::Reject
    );
    assert_eq!(
        action("tcp-request connection silent-drop unless LOCALHOST"),
        ConnectionAction::SilentDrop
    );
    assert_eq!(
        action("tcp-request connection expect-proxy layer4 if TRUE"),
        ConnectionAction::ExpectProxy
    );
}

#[test]
fn a_rule_has_a_condition_or_always_applies() {
    let condition = |line| content(line).unwrap().condition;
    assert!(condition("tcp-request content accept").is_none());
    assert!(condition("tcp-request content accept if REQ_CONTENT").is_some());
}

#[test]
fn bytes_are_not_there_yet_when_a_connection_comes() {
    let early = "tcp-request connection reject if { req.len gt 0 }";
    assert_eq!(connection(early), Err(vec!["never-matches"]));
    let session = "tcp-request session reject if WAIT_END";
    assert_eq!(
        rule(session, 2, tcp_request_session),
        Err(vec!["never-matches"])
    );
    assert!(content("tcp-request content reject if { req.len gt 0 }").is_ok());
}

#[test]
fn actions_are_checked() {
    assert_eq!(
        connection("tcp-request connection"),
        Err(vec!["missing-argument"])
    );
    assert_eq!(
        connection("tcp-request connection acept"),
        Err(vec!["unknown-action"])
    );
    assert_eq!(
        connection("tcp-request connection accept x"),
        Err(vec!["unexpected-word"])
    );
    assert_eq!(
        connection("tcp-request connection expect-proxy"),
        Err(vec!["missing-argument"])
    );
    assert_eq!(
        connection("tcp-request connection expect-proxy l5"),
        Err(vec!["bad-choice"])
    );
    assert_eq!(
        content("tcp-request content expect-proxy layer4"),
        Err(vec!["unknown-action"])
    );
    for refused in [
        "set-var(sess.x) src",
        "track-sc0 src",
        "lua.f",
        "sc-inc-gpc0(0)",
    ] {
        let line = format!("tcp-request connection {refused}");
        assert_eq!(connection(&line), Err(vec!["unsupported"]), "{refused}");
    }
}

#[test]
fn use_backend_finds_its_backend() {
    let rule = switch("use_backend db if { req.ssl_sni -m end .db }").unwrap();
    assert_eq!(rule.action, UseBackend(ProxyId(4)));
    assert!(switch("use_backend db").unwrap().condition.is_none());
    assert_eq!(switch("use_backend bd if TRUE"), Err(vec!["unknown-proxy"]));
    assert_eq!(switch("use_backend l if TRUE"), Err(vec!["backend-loop"]));
    assert_eq!(
        switch("use_backend %[req.ssl_sni]"),
        Err(vec!["unsupported"])
    );
    assert_eq!(switch("use_backend"), Err(vec!["missing-argument"]));
    assert_eq!(switch("use_backend db TRUE"), Err(vec!["unexpected-word"]));
}

#[test]
fn use_server_needs_a_condition() {
    assert_eq!(choose("use-server a if TRUE").unwrap().action.name, "a");
    assert_eq!(choose("use-server a"), Err(vec!["missing-condition"]));
    assert_eq!(
        choose("use-server %[src] if TRUE"),
        Err(vec!["unsupported"])
    );
}

#[test]
fn use_server_finds_its_server_in_the_same_section() {
    let mut d = Diagnostics::default();
    let rule = choose("use-server a if TRUE").unwrap();
    assert_eq!(resolve_use_server(&[rule], &[], &mut d), []);
    assert_eq!(codes(&d), ["unknown-server"]);
}

#[test]
fn refused_actions_are_declared_once_in_alphabetical_order() {
    assert!(REFUSED.is_sorted_by(|a, b| a.name < b.name));
}
