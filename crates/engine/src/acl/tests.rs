use super::*;
use crate::sample::{
    Converter, Fetch,
    tests::{Told, ask},
};

fn text(text: &str) -> Arc<[u8]> {
    text.as_bytes().into()
}

fn test(fetch: Fetch, patterns: Vec<Pattern>) -> Test {
    Test {
        sample: ask(fetch, &[]),
        patterns,
        ignore_case: false,
        list: None,
    }
}

fn on(value: &str, pattern: Pattern) -> bool {
    let test = test(Fetch::String(value.into()), vec![pattern]);
    test.matches(&test.sample.sample(&Told::default())) == Verdict::Yes
}

fn term(negated: bool, tests: Vec<Test>) -> Term {
    Term {
        negated,
        tests: tests.into(),
    }
}

fn yes() -> Term {
    term(false, vec![test(Fetch::AlwaysTrue, vec![])])
}

fn no() -> Term {
    term(false, vec![test(Fetch::AlwaysFalse, vec![])])
}

/// Needs data that have not come.
fn later() -> Term {
    term(
        false,
        vec![test(Fetch::TlsServerName, vec![Pattern::Exact(text("a"))])],
    )
}

fn verdict(unless: bool, any_of: Vec<Vec<Term>>) -> Verdict {
    Condition { unless, any_of }.evaluate(&Told::default())
}

#[test]
fn text_is_compared_in_many_ways() {
    let name = "www1.dc-eu.example.com";
    assert!(on(name, Pattern::Exact(text(name))));
    assert!(!on(name, Pattern::Exact(text("example"))));
    assert!(on(name, Pattern::Prefix(text("www"))));
    assert!(!on("ww", Pattern::Prefix(text("www"))));
    assert!(on(name, Pattern::Suffix(text(".com"))));
    assert!(on(name, Pattern::Contains(text("eu.ex"))));
    assert!(!on("e", Pattern::Contains(text("eu"))));
    assert!(on(name, Pattern::Contains(text(""))));
    assert!(on(name, Pattern::Length(22, 22)));
    assert!(on("", Pattern::Found));
    assert!(on(
        name,
        Pattern::Regex(Regex(regex::bytes::Regex::new("^w+1").unwrap()))
    ));
}

#[test]
fn domains_and_directories_are_whole_parts() {
    let url = "http://www1.dc-eu.example.com:80/blah";
    for part in [
        "http",
        ".www1",
        "dc-eu",
        "com",
        "80",
        "dc-eu.example",
        "blah",
        ":www1:",
    ] {
        assert!(on(url, Pattern::Domain(text(part))), "{part}");
    }
    for part in ["eu", "dc", "", "."] {
        assert!(!on(url, Pattern::Domain(text(part))), "{part}");
    }
    let path = "/images/png/logo/32x32.png";
    for part in ["/images", "images/png", "/png/logo", "32x32.png"] {
        assert!(on(path, Pattern::Directory(text(part))), "{part}");
    }
    assert!(!on(path, Pattern::Directory(text("32x32"))));
}

#[test]
fn case_is_ignored_on_demand() {
    let mut test = test(
        Fetch::String("DB.Example.com".into()),
        vec![Pattern::Suffix(text("example.COM"))],
    );
    let sampled = test.sample.sample(&Told::default());
    assert_eq!(test.matches(&sampled), Verdict::No);
    test.ignore_case = true;
    assert_eq!(test.matches(&sampled), Verdict::Yes);
}

#[test]
fn addresses_are_found_in_networks_mapped_ones_too() {
    let network = || vec![Pattern::Network("192.0.2.0/24".parse().unwrap())];
    let mut told = Told::default();
    let source = test(Fetch::Source, network());
    assert_eq!(source.matches(&source.sample.sample(&told)), Verdict::Yes);
    told.source = Some(("::ffff:192.0.2.9".parse().unwrap(), 1));
    assert_eq!(source.matches(&source.sample.sample(&told)), Verdict::Yes);
    told.source = Some(("198.51.100.9".parse().unwrap(), 1));
    assert_eq!(source.matches(&source.sample.sample(&told)), Verdict::No);
    assert!(on(
        "192.0.2.1",
        Pattern::Network("192.0.2.0/24".parse().unwrap())
    ));
}

#[test]
fn numbers_are_cast_to_what_the_pattern_asks() {
    let port = |pattern| {
        let test = test(Fetch::SourcePort, vec![pattern]);
        test.matches(&test.sample.sample(&Told::default())) == Verdict::Yes
    };
    assert!(port(Pattern::Range(40_000, 40_000)));
    assert!(!port(Pattern::Range(i64::MIN, 39_999)));
    assert!(port(Pattern::Exact(text("40000"))));
    assert!(port(Pattern::Bool(true)));
    assert!(on("17", Pattern::Range(17, 18)));
    assert!(!on("seventeen", Pattern::Range(17, 18)));
}

#[test]
fn a_changing_value_says_yes_at_once_and_no_only_at_the_end() {
    let enough = test(Fetch::RequestLength, vec![Pattern::Range(4, i64::MAX)]);
    let evaluate = |told: &Told| enough.matches(&enough.sample.sample(told));
    assert_eq!(evaluate(&Told::sent(b"abc")), Verdict::NotYet);
    assert_eq!(evaluate(&Told::sent(b"abcd")), Verdict::Yes);
    assert_eq!(evaluate(&Told::sent(b"abc").and_no_more()), Verdict::No);
    let empty = test(Fetch::RequestLength, vec![Pattern::Range(0, 0)]);
    assert_eq!(
        empty.matches(&empty.sample.sample(&Told::default())),
        Verdict::Yes
    );
}

#[test]
fn conditions_wait_only_if_they_must() {
    assert_eq!(
        verdict(false, vec![vec![yes(), no()], vec![yes()]]),
        Verdict::Yes
    );
    assert_eq!(verdict(false, vec![vec![yes(), no()]]), Verdict::No);
    assert_eq!(verdict(false, vec![vec![later(), no()]]), Verdict::No);
    assert_eq!(
        verdict(false, vec![vec![later()], vec![yes()]]),
        Verdict::Yes
    );
    assert_eq!(
        verdict(false, vec![vec![later()], vec![no()]]),
        Verdict::NotYet
    );
    assert_eq!(verdict(false, vec![vec![later(), yes()]]), Verdict::NotYet);
    assert_eq!(verdict(true, vec![vec![later()]]), Verdict::NotYet);
    assert_eq!(verdict(true, vec![vec![no()]]), Verdict::Yes);
}

#[test]
fn a_negated_term_and_a_list_of_several_lines() {
    let never = test(Fetch::AlwaysFalse, vec![]);
    let always = test(Fetch::AlwaysTrue, vec![]);
    assert_eq!(
        verdict(false, vec![vec![term(true, vec![never.clone()])]]),
        Verdict::Yes
    );
    assert_eq!(
        verdict(false, vec![vec![term(false, vec![never, always])]]),
        Verdict::Yes
    );
}

#[test]
fn without_patterns_the_value_itself_must_be_true() {
    let servers = Test {
        sample: ask(Fetch::UsableServers(None), &[Converter::Bool]),
        patterns: vec![],
        ignore_case: false,
        list: None,
    };
    assert_eq!(
        servers.matches(&servers.sample.sample(&Told::default())),
        Verdict::Yes
    );
    let name = test(Fetch::FrontendName, vec![]);
    assert_eq!(
        name.matches(&name.sample.sample(&Told::default())),
        Verdict::No
    );
}
