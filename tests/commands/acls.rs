//! Lists of patterns that are edited while the process runs.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use pontoon_lab::{balancer::Kind, needs::Need, wait};

use super::{Stage, both};
use crate::harness::{Failure, Outcome, Test};

const CONFIG: &str = " acl banned src -f {list}\n acl banned src 203.0.113.7\n acl many dst_port gt 65534\n\
    acl named req.ssl_sni -i -m end -u 44 a.example\n acl always always_true\n\
    tcp-request connection reject if banned\n tcp-request connection reject if many !always\n\
    default_backend be\nbackend be\n server s1 {s1}\n";

/// What is said to both, and answered alike but for numbers of entries.
const SCRIPT: &str = include_str!("acls.txt");

/// Ways to learn of it; it depends on when it comes.
const RESET: [ErrorKind; 2] = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(both(
        "commands::clients_are_rejected_as_long_as_an_edited_list_has_them",
        CONFIG,
        edits,
    ));
    tests.push(both(
        "commands::a_list_is_replaced_at_once_by_a_prepared_one",
        CONFIG,
        replacement,
    ));
    let name = "commands::lists_of_patterns_are_told_and_edited_as_by_haproxy";
    tests.push(Test::new(name, are_haproxys).needs(Need::Program("haproxy")));
}

fn edits(stage: &Stage) -> Outcome {
    let list = stage.list.display();
    is_served(stage)?;
    stage.order(&format!("add acl {list} 127.0.0.0/8"))?;
    is_rejected(stage)?;
    stage.order(&format!("del acl {list} 127.0.0.0/8"))?;
    is_served(stage)?;
    // The line's own list; an entry is deleted by its number.
    stage.order("add acl #1 127.0.0.1")?;
    is_rejected(stage)?;
    let entries = stage.ask("show acl #1")?;
    let entry = entries.lines().find(|line| line.ends_with(" 127.0.0.1"));
    let number = entry.and_then(|line| line.split(' ').next());
    let number = number.ok_or_else(|| Failure::from(format!("no such entry: {entries}")))?;
    stage.order(&format!("del acl #1 #{number}"))?;
    is_served(stage)?;
    stage.order(&format!("add acl {list} 127.0.0.1"))?;
    is_rejected(stage)?;
    stage.order(&format!("clear acl {list}"))?;
    is_served(stage)
}

fn replacement(stage: &Stage) -> Outcome {
    let list = stage.list.display();
    let version = stage.ask(&format!("prepare acl {list}"))?;
    if version.trim() != "New version created: 1" {
        return Err(format!("{version:?}").into());
    }
    stage.order(&format!("add acl @1 {list} 127.0.0.1"))?;
    is_served(stage)?;
    stage.order(&format!("commit acl @1 {list}"))?;
    is_rejected(stage)
}

fn is_served(stage: &Stage) -> Outcome {
    stage.session().map(drop)
}

/// The connection is closed before a server says anything.
fn is_rejected(stage: &Stage) -> Outcome {
    match heard(stage.front) {
        Ok(0) => Ok(()),
        Err(error) if RESET.contains(&error.kind()) => Ok(()),
        Ok(_) => Err("a client of the list is served".into()),
        Err(error) => Err(error.into()),
    }
}

/// How much a client hears that asks for something. It may be reset at any moment.
fn heard(front: SocketAddr) -> io::Result<usize> {
    let mut client = TcpStream::connect_timeout(&front, wait::PATIENCE)?;
    client.set_read_timeout(Some(wait::PATIENCE))?;
    client.write_all(b"?")?;
    client.read(&mut [0])
}

fn are_haproxys() -> Outcome {
    let (theirs, ours) = (ask_all(Kind::Haproxy)?, ask_all(Kind::Pontoon)?);
    let commands = SCRIPT.lines().filter(|line| !line.is_empty());
    for (command, (theirs, ours)) in commands.zip(theirs.iter().zip(&ours)) {
        if theirs != ours {
            return Err(format!("{command:?}:\n  {theirs:?}\n  {ours:?}").into());
        }
    }
    Ok(())
}

fn ask_all(kind: Kind) -> Result<Vec<String>, Failure> {
    let stage = Stage::start(kind, CONFIG)?;
    let list = stage.list.display().to_string();
    let commands = SCRIPT.lines().filter(|line| !line.is_empty());
    let answers = commands.map(|command| {
        let answer = stage.ask(&command.replace("{list}", &list))?;
        Ok(comparable(&answer, &list))
    });
    answers.collect()
}

/// Without what differs on purpose: names of files, numbers of entries, HAProxy's own lists.
fn comparable(answer: &str, list: &str) -> String {
    let lines = answer.lines().filter(|line| !line.contains("'httpclient'"));
    let lines = lines.map(|line| {
        let line = line.replace(list, "LIST");
        match line.split_once(' ') {
            Some((number, pattern)) if number.starts_with("0x") => format!("0xN {pattern}"),
            _ => without_file(&line),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `file '/tmp/…/haproxy.cfg'` without the path.
fn without_file(line: &str) -> String {
    let mut parts = line.split("file '");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| {
        let rest = part.split_once('\'').map_or(part, |(_, rest)| rest);
        format!("{line}file{rest}")
    })
}
