//! The languages, compared with the real programs: the same files are accepted, words are cut the
//! same way, and conditions mean the same.

mod keepalived;
mod verdicts;

use std::{fs, path::PathBuf, process::Command};

use pontoon::surroundings::System;
use pontoon_config::{
    diagnostic::Severity,
    haproxy::{conditional, load},
    render,
    source::SourceFile,
};
use pontoon_lab::needs::Need;

use crate::harness::{Failure, Outcome, Test};

/// Files that both must accept.
const FILES: [(&str, &str); 6] = [
    ("galera", include_str!("data/language/galera.cfg")),
    ("kubernetes", include_str!("data/language/kubernetes.cfg")),
    ("patroni", include_str!("data/language/patroni.cfg")),
    ("redis", include_str!("data/language/redis.cfg")),
    ("sni", include_str!("data/language/sni.cfg")),
    ("tuned", include_str!("data/language/tuned.cfg")),
];

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    for (name, text) in FILES {
        tests.push(Test::new(format!("language::reads_{name}"), move || {
            ours(text)
        }));
        let theirs = Test::new(format!("language::haproxy_reads_{name}"), move || {
            theirs(name, text)
        });
        tests.push(theirs.needs(Need::Program("haproxy")));
    }
    let words = Test::new("language::words_are_those_of_haproxy", same_words);
    tests.push(words.needs(Need::Program("haproxy")));
    let verdicts = Test::new(
        "language::verdicts_are_those_of_haproxy",
        verdicts::are_those_of_haproxy,
    );
    tests.push(verdicts.needs(Need::Program("haproxy")));
    keepalived::register(tests);
    let conditions = Test::new("language::conditions_are_those_of_haproxy", same_conditions);
    tests.push(conditions.needs(Need::Program("haproxy")));
}

fn ours(text: &str) -> Outcome {
    let loaded = load(vec![source(text)], &System);
    if loaded.model.is_some() {
        return Ok(());
    }
    let findings = loaded.diagnostics.all();
    Err(Failure::from(render::human(&loaded.files, findings, false)))
}

fn source(text: &str) -> SourceFile {
    SourceFile {
        name: "t.cfg".to_owned(),
        text: text.to_owned(),
    }
}

fn theirs(name: &str, text: &str) -> Outcome {
    let file = Temporary::new(name, text)?;
    let output = Command::new("haproxy")
        .arg("-c")
        .arg("-f")
        .arg(&file.0)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::from(said))
}

/// Each becomes the message of a `.notice`, which HAProxy repeats.
const WORDS: [&str; 24] = [
    r"plain",
    r"a\z",
    r#""a\z""#,
    r#""a\$b""#,
    r"a\$b",
    r#"a'b'"c d""#,
    r"a\ b",
    r"a\tb|",
    r"'a\n$HOME'",
    r#""${NOPE-def x}""#,
    r#""${NOPE-a}b}""#,
    r#""$NOPE-x""#,
    r#""$PONTOON_TEST_VALUE.x""#,
    r#""${PONTOON_TEST_VALUE-other}""#,
    r#""${.LINE}""#,
    r#""$.LINE""#,
    r#""${.SECTION}""#,
    r#""${NOPE[*]}""#,
    r#""${NOPE-x y[*]}""#,
    r"a#b",
    r"a\#b",
    r#"a\\b\'c\"d"#,
    r#""a'b\'c""#,
    r"\x41\x2a",
];

fn same_words() -> Outcome {
    let lines: Vec<String> = WORDS.iter().map(|word| format!(".notice {word}")).collect();
    let text = format!("global\n{}\n", lines.join("\n"));
    let file = Temporary::new("words", &text)?;
    let output = Command::new("haproxy")
        .env("PONTOON_TEST_VALUE", "v")
        .arg("-c")
        .arg("-f")
        .arg(&file.0)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let theirs: Vec<&str> = said.lines().filter_map(notice).collect();
    let loaded = load(vec![source(&text)], &WithValue);
    let ours: Vec<&str> = loaded
        .diagnostics
        .all()
        .iter()
        .filter(|finding| finding.severity == Severity::Note && finding.code == "message")
        .map(|finding| finding.message.as_str())
        .collect();
    if theirs.len() == WORDS.len() && ours == theirs {
        return Ok(());
    }
    Err(Failure::from(format!(
        "ours: {ours:#?}\ntheirs: {theirs:#?}"
    )))
}

/// The text of `[NOTICE]   (1) : config : parsing [f:2]: 'text'.`
fn notice(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(" : config : parsing [")?;
    let (_, quoted) = rest.split_once("]: '")?;
    quoted.strip_suffix("'.")
}

/// An environment of one variable.
struct WithValue;

impl pontoon_config::haproxy::Surroundings for WithValue {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "PONTOON_TEST_VALUE").then(|| "v".to_owned())
    }
    fn resolve(&self, _host: &str) -> Vec<std::net::IpAddr> {
        Vec::new()
    }
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Err("not here".to_owned())
    }
    fn user_id(&self, _name: &str) -> Option<u32> {
        None
    }
    fn group_id(&self, _name: &str) -> Option<u32> {
        None
    }
}

const CONDITIONS: [&str; 34] = [
    "",
    "0",
    "00",
    "1",
    "-1",
    "2 ",
    "!1",
    "! 0",
    "!!1",
    "((1))",
    "1&&0",
    "1 && 0 || 1",
    "0 || 0",
    "defined(PATH)",
    "defined()",
    "defined",
    "feature(FOO)",
    "streq(a,a)",
    "streq(a, a)",
    "streq(,)",
    "streq('a',\"a\")",
    "streq(a\\,b,a)",
    "strneq(a,b)",
    "streq(a)",
    "streq(a,b,c)",
    "version_atleast(2.4-dev19)",
    "version_atleast(1.8)",
    "version_before(1.8)",
    "foo",
    "(1",
    "1)",
    "1 1",
    "1 &&",
    "1 & 1",
];

fn same_conditions() -> Outcome {
    let mut differences = Vec::new();
    for condition in CONDITIONS {
        let output = Command::new("haproxy").arg("-cc").arg(condition).output()?;
        let theirs = match output.status.code() {
            Some(0) => Some(true),
            Some(1) => Some(false),
            _ => None,
        };
        let ours = conditional::evaluate(condition, &System).ok();
        if ours != theirs {
            differences.push(format!("`{condition}`: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(Failure::from(differences.join("\n")))
    }
}

/// A file that goes away with its test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &str) -> Result<Self, Failure> {
        let name = format!("pontoon-language-{}-{name}.cfg", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text)?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left in the directory for temporary files does no harm.
        let _ = fs::remove_file(&self.0);
    }
}
