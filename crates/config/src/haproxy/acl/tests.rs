use std::sync::Arc;

use pontoon_engine::{
    acl::Condition,
    sample::{Converter, Fetch},
};

use super::{condition::Conditional, *};
use crate::haproxy::testing::{World, codes, words};

fn world() -> World {
    let mut world = World::new();
    world.machine.files.insert(
        "nets".into(),
        b"# internal\n\n10.0.0.0/8\r\n \t192.168.0.0/16\n".to_vec(),
    );
    world
}

fn read(text: &str) -> Result<Vec<Test>, Vec<&'static str>> {
    let world = world();
    let words = words(text);
    let mut d = Diagnostics::default();
    match line(&mut Args::new(&words, 1), &world.context(), &mut d) {
        Some((_, tests)) if !d.has_errors() => Ok(tests),
        _ => Err(codes(&d)),
    }
}

fn patterns(criterion: &str) -> Vec<Pattern> {
    let mut tests = read(&format!("acl a {criterion}")).unwrap();
    assert_eq!(tests.len(), 1);
    tests.remove(0).patterns
}

fn net(text: &str) -> Pattern {
    Pattern::Network(text.parse().unwrap())
}

fn text(bytes: &str) -> Arc<[u8]> {
    Arc::from(bytes.as_bytes())
}

#[test]
fn the_type_decides_how_values_are_compared() {
    assert_eq!(
        patterns("src 10.0.0.1 10.1.0.0/16"),
        [net("10.0.0.1/32"), net("10.1.0.0/16")]
    );
    assert_eq!(
        patterns("dst_port 80 8000:8100"),
        [Pattern::Range(80, 80), Pattern::Range(8000, 8100)]
    );
    assert_eq!(
        patterns("req.ssl_sni a.example"),
        [Pattern::Exact(text("a.example"))]
    );
    assert_eq!(patterns("wait_end"), []);
    assert_eq!(patterns("nbsrv -m bool"), [Pattern::Bool(true)]);
    assert_eq!(patterns("req.ssl_sni -m found"), [Pattern::Found]);
}

#[test]
fn numbers_have_ranges_and_operators() {
    assert_eq!(patterns("dst_port 1024:"), [Pattern::Range(1024, i64::MAX)]);
    assert_eq!(patterns("dst_port :1023"), [Pattern::Range(i64::MIN, 1023)]);
    assert_eq!(patterns("nbsrv lt 2"), [Pattern::Range(i64::MIN, 1)]);
    assert_eq!(patterns("nbsrv le 2"), [Pattern::Range(i64::MIN, 2)]);
    assert_eq!(patterns("nbsrv gt 2"), [Pattern::Range(3, i64::MAX)]);
    assert_eq!(patterns("nbsrv ge 2"), [Pattern::Range(2, i64::MAX)]);
    assert_eq!(
        patterns("nbsrv eq 1 3"),
        [Pattern::Range(1, 1), Pattern::Range(3, 3)]
    );
    assert_eq!(
        patterns("req.ssl_sni -m len gt 3"),
        [Pattern::Length(4, i64::MAX)]
    );
    assert_eq!(
        patterns("req.ssl_ver 3.1:3.3"),
        [Pattern::Range(0x3_0001, 0x3_0003)]
    );
}

#[test]
fn networks_may_be_abbreviated_or_have_dotted_masks() {
    assert_eq!(patterns("src 127.1"), [net("127.0.0.1/32")]);
    assert_eq!(patterns("src 10.12/8"), [net("10.0.0.0/8")]);
    assert_eq!(patterns("src 192.168.1/22"), [net("192.168.0.0/22")]);
    assert_eq!(patterns("src 10.1.1.1/255.0.0.0"), [net("10.0.0.0/8")]);
    assert_eq!(
        patterns("src fe80::/10 ::1"),
        [net("fe80::/10"), net("::1/128")]
    );
}

#[test]
fn host_names_stand_for_their_ipv4_addresses_unless_forbidden() {
    assert_eq!(patterns("src db.example"), [net("10.0.0.7/32")]);
    assert_eq!(read("acl a src -n db.example"), Err(vec!["bad-pattern"]));
    assert_eq!(read("acl a src gone.example"), Err(vec!["bad-pattern"]));
}

#[test]
fn methods_shape_the_patterns() {
    assert_eq!(
        patterns("req.ssl_sni -m beg a"),
        [Pattern::Prefix(text("a"))]
    );
    assert_eq!(
        patterns("req.ssl_sni -m end a"),
        [Pattern::Suffix(text("a"))]
    );
    assert_eq!(
        patterns("req.ssl_sni -m sub a"),
        [Pattern::Contains(text("a"))]
    );
    assert_eq!(
        patterns("req.ssl_sni -m dom a"),
        [Pattern::Domain(text("a"))]
    );
    assert_eq!(
        patterns("req.ssl_sni -m dir a"),
        [Pattern::Directory(text("a"))]
    );
    assert_eq!(
        patterns("req.payload(0,4) -m bin 50494e47"),
        [Pattern::Exact(text("PING"))]
    );
}

#[test]
fn regular_expressions_settle_their_case_when_compiled() {
    let matches = |criterion, name: &[u8]| match &patterns(criterion)[0] {
        Pattern::Regex(regex) => regex.0.is_match(name),
        other => panic!("{other:?}"),
    };
    assert!(matches("req.ssl_sni -m reg ^db[0-9]+\\.", b"db12.example"));
    assert!(!matches("req.ssl_sni -m reg ^db[0-9]+\\.", b"DB12.example"));
    assert!(matches(
        "req.ssl_sni -i -m reg ^db[0-9]+\\.",
        b"DB12.example"
    ));
    assert_eq!(
        read("acl a req.ssl_sni -m reg (unclosed"),
        Err(vec!["bad-regex"])
    );
}

#[test]
fn files_hold_a_pattern_on_each_line() {
    let tests = read("acl a src -f nets 172.16.0.0/12").unwrap();
    let [of_file, own] = &tests[..] else {
        panic!("{tests:?}")
    };
    assert_eq!(of_file.patterns, [net("10.0.0.0/8"), net("192.168.0.0/16")]);
    assert_eq!(own.patterns, [net("172.16.0.0/12")]);
    assert_eq!(read("acl a src -f gone"), Err(vec!["unreadable-file"]));
}

/// The lists of these lines: the number, the file, how often it is used, its entries.
fn lists(lines: &[&str]) -> Vec<(u32, Option<String>, usize, Vec<String>)> {
    let world = world();
    for text in lines {
        let mut d = Diagnostics::default();
        let words = words(text);
        line(&mut Args::new(&words, 1), &world.context(), &mut d).unwrap();
    }
    let lists = world.lists.finish().into_iter();
    lists
        .map(|list| (list.id, list.file, list.uses.len(), list.entries))
        .collect()
}

#[test]
fn a_file_is_one_list_and_a_line_another() {
    let owned = |entries: &[&str]| entries.iter().map(|it| (*it).to_owned()).collect();
    let nets = || owned(&["10.0.0.0/8", "192.168.0.0/16"]);
    assert_eq!(
        lists(&["acl a src -f nets 1.1.1.1", "acl b src -f nets"]),
        [
            (0, Some("nets".to_owned()), 2, nets()),
            (1, None, 1, owned(&["1.1.1.1"])),
            (2, None, 1, owned(&[])),
        ]
    );
    // `-u` takes a number; the others go around it.
    assert_eq!(
        lists(&[
            "acl a dst_port -u 1 gt 80",
            "acl b wait_end",
            "acl c src 1.1.1.1"
        ]),
        [
            (1, None, 1, owned(&["81:"])),
            (0, None, 1, owned(&[])),
            (2, None, 1, owned(&["1.1.1.1"])),
        ]
    );
}

#[test]
fn an_entry_is_read_as_by_its_test() {
    let read = |criterion: &str, entry: &str| {
        let world = world();
        let words = words(&format!("acl a {criterion}"));
        let mut d = Diagnostics::default();
        line(&mut Args::new(&words, 1), &world.context(), &mut d).unwrap();
        let lists = world.lists.finish();
        lists[0].readings[0].read(entry)
    };
    assert_eq!(
        read("src 1.1.1.1", "10.0.0.0/8"),
        Ok(vec![net("10.0.0.0/8")])
    );
    let bad = "'db.example' is not a valid IPv4 or IPv6 address.";
    assert_eq!(read("src 1.1.1.1", "db.example"), Err(bad.to_owned()));
    assert_eq!(read("dst_port 1", "7:9"), Ok(vec![Pattern::Range(7, 9)]));
    assert_eq!(
        read("dst_port 1", "x"),
        Err("'x' is not a number.".to_owned())
    );
    let suffix = Ok(vec![Pattern::Suffix(text("b"))]);
    assert_eq!(read("req.ssl_sni -m end a", "b"), suffix);
    assert!(read("req.ssl_sni -m reg a", "(").is_err());
}

#[test]
fn case_is_ignored_from_the_flag_on() {
    let tests = read("acl a req.ssl_sni -f nets -i x").unwrap();
    assert_eq!(tests.len(), 2);
    assert_eq!((tests[0].ignore_case, tests[1].ignore_case), (false, true));
    let tests = read("acl a req.ssl_sni -i x").unwrap();
    assert_eq!(tests.len(), 1);
    assert!(tests[0].ignore_case);
}

#[test]
fn converters_come_with_the_criterion() {
    let tests = read("acl a req.ssl_sni,lower x").unwrap();
    assert_eq!(tests[0].sample.converters, [Converter::Lower]);
}

#[test]
fn two_hyphens_end_the_flags() {
    assert_eq!(patterns("req.ssl_sni -- -i"), [Pattern::Exact(text("-i"))]);
    assert_eq!(patterns("dst_port -5:5"), [Pattern::Range(-5, 5)]);
}

#[test]
fn lines_are_checked() {
    assert_eq!(read("acl"), Err(vec!["missing-argument"]));
    assert_eq!(read("acl a"), Err(vec!["missing-argument"]));
    assert_eq!(read("acl a! src 1.1.1.1"), Err(vec!["bad-name"]));
    assert_eq!(read("acl or src 1.1.1.1"), Err(vec!["bad-name"]));
    assert_eq!(read("acl a src"), Err(vec!["missing-pattern"]));
    assert_eq!(read("acl a nbsrv lt"), Err(vec!["missing-pattern"]));
    assert_eq!(read("acl a nbsrv lt x"), Err(vec!["bad-pattern"]));
    assert_eq!(read("acl a dst_port 90:80"), Err(vec!["bad-pattern"]));
    assert_eq!(read("acl a dst_port :"), Err(vec!["bad-pattern"]));
    assert_eq!(read("acl a src 1.2.3.4/33"), Err(vec!["bad-pattern"]));
    assert_eq!(read("acl a req.ssl_sni -m sux x"), Err(vec!["bad-match"]));
    assert_eq!(read("acl a src -m bool"), Err(vec!["bad-match"]));
    assert_eq!(read("acl a src -f nets -m ip"), Err(vec!["bad-match"]));
    assert_eq!(read("acl a req.payload(0,4) x"), Err(vec!["bad-match"]));
    assert_eq!(
        read("acl a req.payload(0,4) -m bin 5"),
        Err(vec!["bad-hex"])
    );
    assert_eq!(read("acl a src -x 1.1.1.1"), Err(vec!["unknown-flag"]));
    assert_eq!(read("acl a src -M -f nets"), Err(vec!["unsupported"]));
    assert_eq!(read("acl a src -f"), Err(vec!["missing-argument"]));
}

fn condition_of(line: &str) -> Result<Conditional, Vec<&'static str>> {
    let mut world = world();
    for (name, fetch) in [("a", Fetch::AlwaysTrue), ("sni", Fetch::TlsServerName)] {
        let test = Test {
            sample: pontoon_engine::sample::Expression {
                fetch,
                converters: Vec::new(),
            },
            patterns: Vec::new(),
            ignore_case: false,
            list: None,
        };
        world.acls.insert(name.to_owned(), Arc::from([test]));
    }
    let words = words(line);
    let mut d = Diagnostics::default();
    match conditional(&mut Args::new(&words, 1), &world.context(), &mut d) {
        Ok(found) => Ok(found.unwrap()),
        Err(Reported) => Err(codes(&d)),
    }
}

/// `unless`, then the negations of each group.
fn shape(condition: &Condition) -> (bool, Vec<Vec<bool>>) {
    let group =
        |group: &Vec<pontoon_engine::acl::Term>| group.iter().map(|it| it.negated).collect();
    (
        condition.unless,
        condition.any_of.iter().map(group).collect(),
    )
}

#[test]
fn conditions_are_groups_of_terms() {
    let of = |line| shape(&condition_of(line).unwrap().condition);
    assert_eq!(of("x if a"), (false, vec![vec![false]]));
    assert_eq!(
        of("x unless a !a ! a"),
        (true, vec![vec![false, true, true]])
    );
    assert_eq!(
        of("x if a a || a or !a"),
        (false, vec![vec![false, false], vec![false], vec![true]])
    );
    assert_eq!(of("x if !!a"), (false, vec![vec![false]]));
    assert_eq!(
        of("x if { src 10.0.0.0/8 } !{ dst_port 80 }"),
        (false, vec![vec![false, true]])
    );
    assert_eq!(
        of("x if TRUE || LOCALHOST"),
        (false, vec![vec![false], vec![false]])
    );
}

#[test]
fn conditions_know_whether_they_need_content() {
    let needs = |line| condition_of(line).unwrap().needs;
    assert_eq!(needs("x if a"), Needs::Connection);
    assert_eq!(needs("x if a || sni"), Needs::Content);
    assert_eq!(needs("x if REQ_CONTENT"), Needs::Content);
    assert_eq!(needs("x if { req.len gt 0 }"), Needs::Content);
    assert_eq!(needs("x if LOCALHOST"), Needs::Connection);
}

#[test]
fn conditions_are_checked() {
    let fault = |line| condition_of(line).unwrap_err();
    assert_eq!(fault("x a"), ["unexpected-word"]);
    assert_eq!(fault("x if"), ["bad-condition"]);
    assert_eq!(fault("x if a ||"), ["bad-condition"]);
    assert_eq!(fault("x if || a"), ["bad-condition"]);
    assert_eq!(fault("x if !"), ["bad-condition"]);
    assert_eq!(fault("x if { src 1.1.1.1"), ["bad-condition"]);
    assert_eq!(fault("x if { }"), ["bad-condition"]);
    assert_eq!(fault("x if {src 1.1.1.1}"), ["unknown-acl"]);
    assert_eq!(fault("x if b"), ["unknown-acl"]);
    assert_eq!(fault("x if HTTP_CONTENT"), ["unsupported"]);
    assert_eq!(fault("x if { src }"), ["missing-pattern"]);
}
