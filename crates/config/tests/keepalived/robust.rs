//! No text makes the reader panic, and its time grows with the text's length.

use std::{
    fs,
    time::{Duration, Instant},
};

use pontoon_config::{
    keepalived::{Loaded, Unknown},
    reference, render,
};
use proptest::{collection::vec, prelude::*, sample};

use crate::{
    corpus::folder,
    machine::{Node, load_with},
};

/// Reads a text under both names and shows what is said: every place must exist.
fn read(text: &str) -> Loaded {
    let mut node = Node::default();
    let itself = "/etc/keepalived/loop.conf";
    node.files
        .insert(itself.to_owned(), b"include loop.conf\n".to_vec());
    load_with(text, Unknown::Warning, &node);
    let loaded = load_with(text, Unknown::Error, &node);
    let findings = loaded.diagnostics.all();
    let _ = render::human(&loaded.files, findings, false);
    let _ = render::json(&loaded.files, findings);
    loaded
}

/// The language's own words, and some that come near.
fn words() -> Vec<String> {
    let chapters = reference::chapters(reference::Language::Keepalived);
    let entries = chapters.iter().flat_map(|chapter| &chapter.entries);
    let usages = entries.map(|entry| format!("{} {}", entry.name, entry.syntax));
    let usages: Vec<String> = usages.collect();
    let mut words: Vec<String> = usages
        .iter()
        .flat_map(|usage| usage.split(' '))
        .map(str::to_owned)
        .collect();
    let more = "{ } { } { } \n VI_1 eth0 51 100 255 0 -1 0.5 99999999999 10.0.0.1 10.0.0.1/24 ::1 fe80::1/64 \
        $A $A= ${A} $A=$A ${_PWD} ${_RANDOM} \\ # ! \" ' @node1 @^node1 @x ~SEQ(A,1,3) ~LST(A,b,c) ~SEQ(A,1,0,2) \
        include includea loop.conf * weight reverse dev label brd + via default root \u{e9} \u{fffd}";
    words.extend(more.split(' ').map(str::to_owned));
    words.retain(|word| !word.is_empty());
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn words_in_any_order_do_no_harm(
        words in vec(prop_oneof![9 => sample::select(words()), 1 => Just("\n".to_owned())], 0..200)
    ) {
        read(&words.join(" "));
    }

    #[test]
    fn letters_in_any_order_do_no_harm(text in "[ -~\\n{}$@\u{e9}\"']{0,300}") {
        read(&text);
    }

    #[test]
    fn files_with_a_part_cut_out_do_no_harm(
        path in sample::select([folder("valid"), folder("corpus")].concat()),
        (from, to) in any::<(sample::Index, sample::Index)>(),
    ) {
        let text = fs::read_to_string(path).unwrap();
        let letters: Vec<char> = text.chars().collect();
        let (a, b) = (from.index(letters.len()), to.index(letters.len()));
        let (from, to) = (a.min(b), a.max(b));
        let cut: String = letters[..from].iter().chain(&letters[to..]).collect();
        read(&cut);
        let doubled: String = letters[..to].iter().chain(&letters[from..]).collect();
        read(&doubled);
    }
}

#[test]
fn definitions_and_includes_that_never_end_are_told() {
    for (text, code) in [
        ("$A=$A\nx $A", "endless-definition"),
        ("$A=${B}${B}\n$B=${A}${A}\nx ${A}", "too-large"),
        ("include loop.conf", "include-too-deep"),
        (
            "$A= \\\n$B \\\n$B\n$B= \\\n$A \\\n$A\n$A\n",
            "endless-definition",
        ),
        (
            "$A=1111111111111111111111\n~SEQ(I,1,60000) ~SEQ(J,1,60000) x ${A}\n",
            "too-large",
        ),
    ] {
        let loaded = read(text);
        let codes: Vec<_> = loaded.diagnostics.all().iter().map(|d| d.code).collect();
        assert!(codes.contains(&code), "{text}: {codes:?}");
    }
}

/// How long the fastest of three readings takes.
fn time(text: &str) -> Duration {
    let measured = (0..3).map(|_| {
        let start = Instant::now();
        load_with(text, Unknown::Error, &Node::default());
        start.elapsed()
    });
    measured.min().unwrap()
}

#[test]
fn reading_takes_time_in_proportion_to_the_text() {
    let lines = [
        "foo bar\n",
        "priority\n",
        "vrrp_script x {\n}\n",
        "{",
        "}",
        "${A}",
        "$A",
        "${",
        "\"",
        "@node1 ",
        "global_defs {\nrouter_idd a\n}\n",
        "vrrp_instance VI_%d {\ninterface eth0\nvirtual_router_id 1\ntrack_script {\na%d\n}\n}\n",
    ];
    for line in lines {
        let text = |count: usize| -> String {
            (0..count)
                .map(|number| line.replace("%d", &number.to_string()))
                .collect()
        };
        let (short, long) = (time(&text(500)), time(&text(4000)));
        let bound = short * 8 * 6 + Duration::from_millis(100);
        assert!(long < bound, "{line:?}: {short:?}, then {long:?}");
    }
}

#[test]
fn repetitions_for_which_there_is_no_room_are_not_counted_out() {
    let text = |lines: usize| "~SEQ(I,1,60000) x\n".repeat(lines);
    let (few, many) = (time(&text(10)), time(&text(400)));
    let bound = few * 4 + Duration::from_millis(100);
    assert!(many < bound, "{few:?}, then {many:?}");
}
