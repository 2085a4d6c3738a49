use std::time::Duration;

use super::*;
use crate::haproxy::testing::{World, codes, words};

fn read(line: &str) -> Result<Vec<Bind>, Vec<&'static str>> {
    let world = World::new();
    let words = words(line);
    let mut d = Diagnostics::default();
    let binds = parse(&mut Args::new(&words, 1), &world.context(), &mut d).binds;
    if d.has_errors() {
        return Err(codes(&d));
    }
    Ok(binds)
}

#[test]
fn parameters_hold_for_every_address_of_the_line() {
    let binds = read("bind 10.0.0.1:80-81,/run/x accept-proxy maxconn 100 mode 660 user haproxy tcp-ut 30s name web").unwrap();
    assert_eq!(binds.len(), 3);
    for bind in &binds {
        assert!(bind.accept_proxy);
        assert_eq!(bind.max_connections, Some(100));
        assert_eq!(bind.tcp_user_timeout, Some(Duration::from_secs(30)));
        assert_eq!(bind.name.as_deref(), Some("web"));
        assert_eq!((bind.unix.mode, bind.unix.uid), (Some(0o660), Some(108)));
    }
}

#[test]
fn v6only_has_precedence_over_v4v6() {
    let v6_only = |line| read(line).unwrap()[0].v6_only;
    assert_eq!(v6_only("bind :::80 v4v6"), Some(false));
    assert_eq!(v6_only("bind :::80 v6only v4v6"), Some(true));
    assert_eq!(v6_only("bind :::80 v4v6 v6only"), Some(true));
    assert_eq!(v6_only("bind :::80"), None);
}

#[test]
fn the_tls_family_is_refused_once_a_line() {
    assert_eq!(
        read("bind :443 ssl crt /etc/x.pem alpn h2 ssl-min-ver TLSv1.2"),
        Err(vec!["unsupported"])
    );
}

#[test]
fn an_unknown_word_and_its_values_are_one_error() {
    assert_eq!(
        read("bind :80 frobnicate 3 4 maxconn x"),
        Err(vec!["unknown-parameter", "bad-number"])
    );
    let world = World::new();
    let words = words("bind :80 acept-proxy");
    let mut d = Diagnostics::default();
    parse(&mut Args::new(&words, 1), &world.context(), &mut d);
    assert_eq!(
        d.all()[0].suggestion.as_deref(),
        Some("did you mean `accept-proxy`?")
    );
}

#[test]
fn words_without_effect_are_noted() {
    let world = World::new();
    let words = words("bind :80 nice 5 mode 600 maxconn 5");
    let mut d = Diagnostics::default();
    let binds = parse(&mut Args::new(&words, 1), &world.context(), &mut d).binds;
    assert_eq!(binds[0].max_connections, Some(5));
    assert_eq!(codes(&d), ["without-effect", "without-effect"]);
}

#[test]
fn values_are_checked() {
    assert_eq!(read("bind"), Err(vec!["missing-argument"]));
    assert_eq!(read("bind :80 name"), Err(vec!["missing-argument"]));
    assert_eq!(read("bind :80 nice"), Err(vec!["missing-argument"]));
    assert_eq!(read("bind /run/x mode 999"), Err(vec!["bad-mode"]));
    assert_eq!(
        read("bind /run/x user nobody-here"),
        Err(vec!["unknown-account"])
    );
    assert_eq!(read("bind :80 mss 0"), Err(vec!["bad-number"]));
    assert_eq!(read("bind :80 mss -40"), Err(vec!["unsupported"]));
    assert_eq!(read("bind :80 id 0"), Err(vec!["bad-number"]));
    assert_eq!(read("bind :80-81 id 5"), Err(vec!["id-of-many"]));
    assert_eq!(read("bind :80 proto h2"), Err(vec!["unsupported"]));
}

#[test]
fn numbers_fill_the_gaps_from_one() {
    let mut binds = read("bind :80-82").unwrap();
    binds[1].number = 1;
    let ids = [None, Some(Span::default()), None];
    number(&mut binds, &ids, &mut Diagnostics::default());
    let numbers: Vec<u32> = binds.iter().map(|bind| bind.number).collect();
    assert_eq!(numbers, [2, 1, 3]);
}

#[test]
fn an_id_is_used_once() {
    let mut binds = read("bind :80 id 7").unwrap();
    binds.extend(read("bind :81 id 7").unwrap());
    binds[1].declared.line += 1;
    let mut d = Diagnostics::default();
    number(&mut binds, &[Some(Span::default()); 2], &mut d);
    assert_eq!(codes(&d), ["duplicate-id"]);
}

#[test]
fn a_runtime_socket_takes_the_same_parameters() {
    let world = World::new();
    let words = words("stats socket /run/haproxy.sock mode 660 level admin expose-fd listeners");
    let mut d = Diagnostics::default();
    let sockets = stats_socket(&mut Args::new(&words, 2), &world.context(), &mut d);
    assert_eq!(sockets.len(), 1);
    assert_eq!(sockets[0].access, Access::Admin);
    assert_eq!(sockets[0].unix.mode, Some(0o660));
    assert_eq!(codes(&d), ["without-effect"]);
}

#[test]
fn each_parameter_is_declared_once_in_alphabetical_order() {
    assert!(KEYWORDS.is_sorted_by(|a, b| a.name < b.name));
}
