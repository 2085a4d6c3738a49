//! The runtime protocol, command by command next to the real HAProxy.

mod sessions;

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::Need,
    temp::TempDir,
    wait,
};

use crate::{
    commands::ask,
    harness::{Failure, Outcome, Test, pontoon},
};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    sessions::register(tests);
    tests.push(
        Test::new(
            "runtime::answers_are_haproxys_command_by_command",
            answers_are_haproxys,
        )
        .needs(Need::Program("haproxy")),
    );
    for kind in [Kind::Haproxy, Kind::Pontoon] {
        let name = format!("runtime::a_socket_is_for_whom_the_file_says ({kind:?})");
        let test = Test::new(name, move || is_for_whom_the_file_says(kind));
        let peer = (kind == Kind::Haproxy).then_some(Need::Program("haproxy"));
        tests.push(peer.into_iter().fold(test.needs(Need::Root), Test::needs));
    }
}

/// What is compared of two answers.
#[derive(Debug, Clone, Copy)]
enum Sameness {
    /// Every byte.
    Whole,
    /// The first line; what follows lists commands, of which HAProxy has more.
    FirstLine,
    /// What stands before the first of these characters in each line.
    Before(char),
    /// Each line up to so many blanks: what follows depends on the moment.
    Words(usize),
    /// So many values of each line of CSV: the first, and those that say who and what.
    Rows,
}

use Sameness::{Before, FirstLine, Rows, Whole, Words};

/// What is asked, and what of the answer must be the same.
const COMMANDS: &[(&str, Sameness)] = &[
    ("show info", Before(':')),
    ("show info typed", Before(' ')),
    ("show stat", Rows),
    ("show stat up", Rows),
    ("show stat no-maint", Rows),
    ("show stat be 4 -1", Rows),
    ("show stat 3 7 -1", Rows),
    ("show stat -1 4 1", Rows),
    ("show stat 77 -1 -1", Rows),
    ("show stat nobody 1 -1", Whole),
    ("show backend", Whole),
    ("show servers state", Words(9)),
    ("show servers state be", Words(9)),
    ("show servers state nobody", Whole),
    ("show servers conn", Words(6)),
    ("show servers conn nobody", Whole),
    ("show servers conn be", Words(6)),
    ("show cli level", Whole),
    ("show cli level; operator; show cli level", Whole),
    ("user; operator; show cli level", Whole),
    ("user; show env", Whole),
    ("user; show errors", Whole),
    ("show errors", Before('[')),
    ("show errors be", Before('[')),
    ("show errors nobody", Whole),
    ("show env NOBODY", Whole),
    ("show env HOME", Whole),
    ("show table", Whole),
    ("show table nobody", Whole),
    ("show map", Whole),
    ("show map nobody", Whole),
    ("show resolvers nobody", Whole),
    ("set timeout", Whole),
    ("set timeout cli", Whole),
    ("set timeout cli x", Whole),
    ("set timeout cli 0", Whole),
    ("set timeout cli 3", Whole),
    ("set timeout http 3", Whole),
    ("set severity-output x", Whole),
    ("set severity-output number; set timeout cli x", Whole),
    ("set severity-output string; set timeout cli x", Whole),
    ("prompt; show cli level", Whole),
    ("quit; show cli level", Whole),
    ("show cli level <<\nanything\n\nshow cli level", Whole),
    ("help", FirstLine),
    ("help show", FirstLine),
    ("show vers", FirstLine),
    ("", FirstLine),
];

fn config(socket: &Path, [listens, second, dead]: [&str; 3]) -> String {
    format!(
        "global
    stats socket {socket} mode 600 level admin
    stats timeout 5s
    maxconn 100
    nbthread 2
defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend fe
    bind {listens} name first
    option socket-stats
    default_backend be
backend be
    server s1 {dead} check weight 10
    server s2 {dead} backup disabled
listen li
    bind {second}
    server a {dead}
",
        socket = socket.display()
    )
}

/// Asks a balancer everything, once its checks have found the dead server.
fn ask_all(kind: Kind, addresses: [&str; 3]) -> Result<Vec<String>, Failure> {
    let folder = TempDir::new("runtime")?;
    let socket = folder.path().join("socket");
    let text = config(&socket, addresses);
    let address = addresses[0].parse().map_err(|_| "no address")?;
    let _balancer = Balancer::start(kind, pontoon(), &text, address)?;
    wait::until("the first check", wait::PATIENCE, || {
        let row = ask(&socket, "show stat be 4 1").ok()?;
        row.contains("L4CON").then_some(())
    })?;
    let answers = COMMANDS.iter().map(|(command, _)| ask(&socket, command));
    answers.collect()
}

/// What of an answer must be the same.
fn essence(answer: &str, sameness: Sameness) -> Vec<String> {
    let line = |line: &str| match sameness {
        Whole | FirstLine => line.to_owned(),
        Before(end) => before(line, end).to_owned(),
        Words(count) => line.split(' ').take(count).collect::<Vec<_>>().join(" "),
        Rows => {
            let values: Vec<_> = line.split(',').collect();
            // Names, status, numbers, kind.
            let places = [0, 1, 6, 17, 18, 19, 20, 26, 27, 28, 32, 36, 73, 75];
            let values: Vec<_> = places.iter().filter_map(|&at| values.get(at)).collect();
            format!("{values:?}")
        }
    };
    let lines = answer.split('\n').map(line);
    lines
        .take(if matches!(sameness, FirstLine) {
            1
        } else {
            usize::MAX
        })
        .collect()
}

/// Of a typed value: its number, name, tags and type.
fn before(line: &str, end: char) -> &str {
    match (line.find(end), line.match_indices(':').nth(2)) {
        (Some(at), _) => &line[..at],
        (None, Some((at, _))) => &line[..at],
        (None, None) => line,
    }
}

fn answers_are_haproxys() -> Outcome {
    let listens = free_address()?.to_string();
    let dead = free_address()?.to_string();
    let second = free_address()?.to_string();
    let addresses = [&*listens, &*second, &*dead];
    let theirs = ask_all(Kind::Haproxy, addresses)?;
    let ours = ask_all(Kind::Pontoon, addresses)?;
    let mut found = Vec::new();
    for ((command, sameness), (theirs, ours)) in COMMANDS.iter().zip(theirs.iter().zip(&ours)) {
        let (theirs, ours) = (essence(theirs, *sameness), essence(ours, *sameness));
        if theirs != ours {
            found.push(format!("{command:?}:\n  {theirs:?}\n  {ours:?}"));
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Failure::from(found.join("\n")))
    }
}

/// Its mode and owners, and what those who come in may do: nobody below `admin` takes a server out or changes limits, nor raises his level.
fn is_for_whom_the_file_says(kind: Kind) -> Outcome {
    let folder = TempDir::new("runtime")?;
    let [user, operator] = ["user", "operator"].map(|level| folder.path().join(level));
    let (front, dead) = (free_address()?, free_address()?);
    let config = format!(
        "global\n stats socket {} mode 640 uid 12 gid 34 level user\n stats socket {} mode 600 level operator\n\
         defaults\n mode tcp\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n\
         listen be\n bind {front}\n server s1 {dead}\n",
        user.display(),
        operator.display(),
    );
    let _balancer = Balancer::start(kind, pontoon(), &config, front)?;
    wait::until("the sockets", wait::PATIENCE, || {
        ask(&user, "show version")
            .and_then(|_| ask(&operator, "show version"))
            .ok()
    })?;
    let mode_and_owners = |path: &Path| {
        let made = fs::metadata(path)?;
        Ok::<_, Failure>((made.mode() & 0o777, made.uid(), made.gid()))
    };
    assert_eq!(mode_and_owners(&user)?, (0o640, 12, 34));
    assert_eq!(mode_and_owners(&operator)?, (0o600, 0, 0));
    for (socket, command) in [
        (&user, "disable server be/s1"),
        (&user, "operator; disable server be/s1"),
        (&user, "set maxconn global 5"),
        (&operator, "disable server be/s1"),
        (&operator, "set maxconn global 5"),
    ] {
        let answer = ask(socket, command)?;
        assert!(answer.contains("Permission denied"), "{command}: {answer}");
    }
    let status = |socket: &Path| ask(socket, "show stat be 4 -1");
    assert!(!status(&user)?.contains("MAINT"), "{}", status(&user)?);
    Ok(())
}
