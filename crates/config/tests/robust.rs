//! No text makes the reader panic, and its time grows with the text's length.
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

mod machine;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use machine::{Machine, load_text};
use pontoon_config::{haproxy::Loaded, reference, render};
use proptest::{collection::vec, prelude::*, sample};

/// Reads a text and shows what is said about it in every form: every place must exist.
fn read(text: &str) -> Loaded {
    let loaded = load_text(text, &Machine::default());
    let findings = loaded.diagnostics.all();
    let _ = render::human(&loaded.files, findings, false);
    let _ = render::json(&loaded.files, findings);
    let _ = render::like_haproxy(&loaded.files, findings, 1);
    loaded
}

/// The language's own words, and some that come near.
fn words() -> Vec<String> {
    let mut words: Vec<String> = reference::chapters(reference::Language::Haproxy)
        .iter()
        .flat_map(|chapter| &chapter.entries)
        .flat_map(|entry| {
            format!("{} {}", entry.name, entry.syntax)
                .split(' ')
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|word| !word.is_empty())
        .collect();
    let more = "global defaults frontend backend listen userlist a b c 1 0 -1 65535 99999999999 10s 5m 25d \
        10.0.0.1:80 :80 [::1]:80 *:80 :80-90 fd@3 abns@x unix@/x /x %ci %{+Q}o %[src] %% % \"a\\ b\" 'x y' \
        ${X-1} \\ # if unless { } || ! !a src req.ssl_sni,lower nbsrv(a) req.payload(0,4) -m -i -f reg bin \
        tcp http .if .elif .else .endif version_atleast(2.4) true no option ssl check check-ssl 200-399 ( [ \
        \"${X[*]}\" \"${X\" \u{e9} \u{fffd}";
    words.extend(more.split_whitespace().map(str::to_owned));
    words.sort();
    words.dedup();
    words
}

fn folder(name: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name);
    let mut texts: Vec<(std::path::PathBuf, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "cfg"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    texts.sort();
    texts.into_iter().map(|(_, text)| text).collect()
}

fn real_files() -> Vec<String> {
    [folder("valid"), folder("corpus")].concat()
}

/// One change of a text.
#[derive(Debug, Clone)]
enum Change {
    Remove(sample::Index, usize),
    Insert(sample::Index, String),
    RepeatLine(sample::Index),
    SwapLines(sample::Index, sample::Index),
    Cut(sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<sample::Index>;
    prop_oneof![
        (at(), 1..9_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (at(), "[ -~\\n\\t\\r]{1,6}").prop_map(|(at, text)| Change::Insert(at, text)),
        (at(), sample::select(words())).prop_map(|(at, word)| Change::Insert(at, word)),
        at().prop_map(Change::RepeatLine),
        (at(), at()).prop_map(|(a, b)| Change::SwapLines(a, b)),
        at().prop_map(Change::Cut),
    ]
}

fn apply(text: &str, change: &Change) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if characters.is_empty() {
        return "listen a".to_owned();
    }
    let place = |index: &sample::Index| index.index(characters.len());
    match change {
        Change::Remove(at, length) => {
            let at = place(at);
            let end = (at + length).min(characters.len());
            characters[..at].iter().chain(&characters[end..]).collect()
        }
        Change::Insert(at, more) => {
            let (before, after) = characters.split_at(place(at));
            before
                .iter()
                .copied()
                .chain(more.chars())
                .chain(after.iter().copied())
                .collect()
        }
        Change::RepeatLine(at) => {
            let at = at.index(lines.len());
            lines.insert(at, lines[at]);
            lines.concat()
        }
        Change::SwapLines(a, b) => {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            lines.swap(a, b);
            lines.concat()
        }
        Change::Cut(at) => characters[..place(at)].iter().collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn arbitrary_words_are_read_without_a_panic(
        lines in vec(vec(sample::select(words()), 1..9), 1..20),
    ) {
        let text: Vec<String> = lines.iter().map(|line| line.join(" ")).collect();
        read(&text.join("\n"));
        read(&format!("listen x\n{}", text.join("\n")));
        read(&format!("global\n{}", text.join("\n")));
    }

    #[test]
    fn changed_real_files_are_read_without_a_panic(
        file in sample::select(real_files()),
        changes in vec(change(), 1..8),
    ) {
        let text = changes.iter().fold(file, |text, change| apply(&text, change));
        let loaded = read(&text);
        prop_assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    }
}

/// A head and a line that is repeated, with `#` replaced by its number and `^` by the number before.
const SHAPES: &[(&str, &str)] = &[
    ("listen a\n", "server s# 10.0.0.1:1 check\n"),
    ("listen a\n", "server s# 10.0.0.1:1 id #\n"),
    (
        "listen a\nserver s0 10.0.0.1:1 check\n",
        "server s# 10.0.0.1:1 track s^\n",
    ),
    ("listen a\n", "server same 10.0.0.1:1\n"),
    ("listen a\n", "bind 10.0.0.1:1 id #\n"),
    ("listen a\n", "bind 10.0.0.1:1\n"),
    ("listen a\n", "acl a# src 10.0.0.0/8\n"),
    ("listen a\n", "acl a src 10.0.0.0/8\n"),
    ("listen a\n", "tcp-request connection reject if a#\n"),
    (
        "listen a\nacl a src 10.0.0.0/8\n",
        "tcp-request connection reject if a\n",
    ),
    ("listen a\n", "use_backend b# if TRUE\n"),
    ("listen a\n", "use-server s# if TRUE\n"),
    ("listen a\noption tcp-check\n", "tcp-check send x#\n"),
    (
        "listen a\noption httpchk\n",
        "http-check expect status 200\n",
    ),
    ("listen a\n", "frobnicate # #\n"),
    ("listen a\n", "server s# 10.0.0.1:1 frobnicate#\n"),
    ("listen a\n", "timeout client 1s\n"),
    ("", "backend b#\n"),
    ("", "backend same\n"),
    ("", "backend b#\nserver s 10.0.0.1:1 track b^/s\n"),
    ("", "backend b#\nserver s 10.0.0.1:1 track x#/s\n"),
    ("", "frontend f#\nbind :1\ndefault_backend f^\n"),
    ("defaults d0\n", "defaults d# from d^\ntimeout client 1s\n"),
    ("", "peers p#\n"),
    ("", "frobnicate\n"),
    ("global\n", "setenv V# x\n"),
    ("global\n", "log 127.0.0.1 local0\n"),
    ("", ".if true\n"),
    ("", ".if true\n.endif\n"),
    ("userlist u\n", "user u# insecure-password x\n"),
    ("listen a\nlog-format ", "%ci:%cp"),
    ("listen a\nlog-format ", "\"\\ \""),
    ("listen a\nbind ", "10.0.0.1:1,"),
    ("listen a\nacl a src ", "10.0.0.1 "),
    ("listen a\nacl a src", ",lower"),
    ("listen a\nacl a str(", ")("),
    ("listen a\nuse_backend b if ", "!"),
    ("listen a\nuse_backend b if ", "{ src 10.0.0.1 } "),
    ("listen a\nuse_backend b if ", "{ "),
    ("listen a\nserver s 10.0.0.1:1 ", "check "),
    ("listen a\nserver s 10.0.0.1:1 ", "frobnicate# "),
    ("", "x"),
    ("", "\""),
    ("", "\\"),
    ("", "${X}"),
    ("", "\n"),
    ("", "\r\n"),
    ("", "# comment\n"),
];

fn text_of(head: &str, line: &str, size: usize) -> String {
    let mut text = head.to_owned();
    for number in 1.. {
        if text.len() >= size {
            break;
        }
        let before = (number - 1).to_string();
        text += &line.replace('#', &number.to_string()).replace('^', &before);
    }
    text
}

/// The shortest of several runs: what else the machine does only ever adds.
fn cost(text: &str) -> Duration {
    let run = || {
        let start = Instant::now();
        load_text(text, &Machine::default());
        start.elapsed()
    };
    run().min(run()).min(run())
}

/// Eight times the text may take up to 24 times as long: linear with room for caches and noise,
/// while quadratic growth would be 64 times.
#[test]
fn reading_takes_time_in_proportion_to_the_text() {
    let slack = Duration::from_millis(30);
    let mut failures = Vec::new();
    for (head, line) in SHAPES {
        let small = cost(&text_of(head, line, 16 << 10));
        let large = cost(&text_of(head, line, 128 << 10));
        if large > small * 24 + slack {
            failures.push(format!(
                "{head:?} {line:?}: {small:?} for 16 KiB, {large:?} for 128 KiB"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_file_of_garbage_is_refused_quickly() {
    let garbage = "some unknown words here\n".repeat(50_000);
    let started = Instant::now();
    let loaded = load_text(&format!("listen a\n{garbage}"), &Machine::default());
    assert!(loaded.model.is_none());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn large_files_take_linear_time() {
    let mut text = String::from(
        "defaults\n mode tcp\n timeout connect 1s\n timeout client 1h\n timeout server 1h\n",
    );
    for number in 0..3_000 {
        use std::fmt::Write as _;
        writeln!(
            text,
            "listen l{number}\n bind 127.0.0.1:{}\n server s{number} 10.0.0.1:{} check",
            number + 1,
            number + 1
        )
        .unwrap();
    }
    for number in 0..20_000 {
        text += &format!(" server t{number} 10.0.1.1:{} check\n", number + 1);
    }
    let started = Instant::now();
    let loaded = load_text(&text, &Machine::default());
    let took = started.elapsed();
    assert!(loaded.model.is_some());
    // Quadratic time would be minutes.
    assert!(took.as_secs() < 20, "{took:?}");
}
