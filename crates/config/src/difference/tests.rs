//! Read from text, as in life.

use super::*;
use crate::{
    haproxy::{self, testing::Machine},
    source::SourceFile,
};

fn haproxy(text: &str) -> Vec<Section> {
    let file = SourceFile {
        name: "h.cfg".into(),
        text: text.into(),
    };
    haproxy::outline(vec![file], &Machine::default())
}

fn told(old: &str, new: &str) -> Vec<String> {
    let difference = between(&haproxy(old), &haproxy(new));
    let mut told = Vec::new();
    let mut say = |what: &str, titles: &[String]| {
        told.extend(titles.iter().map(|title| format!("{what} {title}")));
    };
    say("+", &difference.added);
    say("-", &difference.removed);
    say("~", &difference.inherits_changes);
    say("=", &difference.unaffected);
    for section in &difference.changed {
        for change in &section.changes {
            let text = match change {
                Change::Added { new } => format!("+ {new} ({})", new.location.line),
                Change::Removed { old } => format!("- {old} ({})", old.location.line),
                Change::Changed { old, new } => {
                    format!("{old} -> {new} ({})", new.location.line)
                }
                Change::Reordered { keyword, new } => format!("order of {keyword}: {new}"),
            };
            told.push(format!("{}: {text}", section.section));
        }
    }
    told
}

const OLD: &str = "\
global
 maxconn 100
defaults
 timeout client 5s
listen a
 bind :1
 server s1 10.0.0.1:1
 server s2 10.0.0.2:1 check
backend b
 server s1 10.0.0.1:1
";

#[test]
fn comments_spaces_quotes_and_places_are_no_change() {
    let new = OLD.replace(
        " timeout client 5s",
        "# a word\n\n\ttimeout 'client'   5s # more",
    );
    let (head, b) = new.split_once("backend b").unwrap();
    let (head, a) = head.split_once("listen a").unwrap();
    let moved = format!("{head}backend b{b}listen a{a}");
    let all = ["= backend b", "= defaults", "= global", "= listen a"];
    assert_eq!(told(OLD, &moved), all);
    assert!(between(&haproxy(OLD), &haproxy(&moved)).is_empty());
}

#[test]
fn values_are_told_as_they_were_and_are() {
    let new = OLD
        .replace("maxconn 100", "maxconn 200")
        .replace("server s2 10.0.0.2:1 check", "server s2 10.0.0.3:1 check");
    assert_eq!(
        told(OLD, &new),
        [
            "= backend b",
            "= defaults",
            "global: maxconn 100 -> maxconn 200 (2)",
            "listen a: server s2 10.0.0.2:1 check -> server s2 10.0.0.3:1 check (8)",
        ]
    );
}

#[test]
fn what_comes_and_what_goes_is_told() {
    let new = OLD.replace("backend b\n", "backend c\n").replace(
        " server s1 10.0.0.1:1\n server s2",
        " bind :2\n option tcplog\n server s2",
    );
    let told = told(OLD, &new);
    let expected = [
        "+ backend c",
        "- backend b",
        "= defaults",
        "= global",
        "listen a: + bind :2 (7)",
        "listen a: + option tcplog (8)",
        "listen a: - server s1 10.0.0.1:1 (7)",
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_inherited_counts() {
    let new = OLD.replace("timeout client 5s", "timeout client 6s");
    assert_eq!(
        told(OLD, &new),
        [
            "~ backend b",
            "~ listen a",
            "= global",
            "defaults: timeout client 5s -> timeout client 6s (4)",
        ]
    );
    let named = |text: &str| {
        text.replace(
            "defaults\n",
            "defaults x\n timeout server 1s\ndefaults y from x\n",
        )
    };
    let old = named(OLD).replace("listen a\n", "listen a from y\n");
    let new = old.replace("timeout server 1s", "timeout server 2s");
    let told = told(&old, &new);
    assert!(told.contains(&"~ listen a".to_owned()), "{told:?}");
    assert!(told.contains(&"~ defaults y".to_owned()), "{told:?}");
}

#[test]
fn the_order_of_servers_counts_and_that_of_timeouts_does_not() {
    let servers = " server s1 10.0.0.1:1\n server s2 10.0.0.2:1 check\n";
    let turned = " server s2 10.0.0.2:1 check\n server s1 10.0.0.1:1\n";
    let told = told(OLD, &OLD.replace(servers, turned));
    assert_eq!(
        told.last().unwrap(),
        "listen a: order of server: server s2 10.0.0.2:1 check"
    );
    let old = OLD.replace(
        " timeout client 5s\n",
        " timeout client 5s\n timeout server 5s\n",
    );
    let new = OLD.replace(
        " timeout client 5s\n",
        " timeout server 5s\n timeout client 5s\n",
    );
    assert!(between(&haproxy(&old), &haproxy(&new)).is_empty());
}

#[test]
fn what_conditions_and_variables_make_of_it_counts() {
    let plain = "listen a\n bind :1\n";
    let with = "listen a\n.if streq(a,a)\n bind :1\n.else\n bind :2\n.endif\n";
    assert!(between(&haproxy(plain), &haproxy(with)).is_empty());
}

#[test]
fn the_address_on_the_first_line_is_a_bind() {
    let new = "listen a\n bind :1\n";
    assert!(between(&haproxy("listen a :1\n"), &haproxy(new)).is_empty());
}
