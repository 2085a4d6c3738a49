//! What is answered to commands that change something, one after the other, by both.

use pontoon_lab::{balancer::Kind, needs::Need};

use super::Stage;
use crate::harness::{Failure, Outcome, Test};

/// What is said to both, with marks.
const SCRIPT: &str = include_str!("answers.txt");

const CONFIG: &str = " maxconn 100\n default_backend be\n\
    backend be\n balance roundrobin\n \
    server s1 {s1} check inter 500 weight 10 maxconn 50\n \
    server s2 {s2} check inter 500 weight 10 agent-check agent-port {dead.port} agent-inter 1h\n \
    server s3 {s3}\n server s4 {dead} track be/s1\n\
    backend src\n balance source\n server a {s1} weight 5\n server b {s1} weight 5\n";

pub(super) fn register(tests: &mut Vec<Test>) {
    let name = "commands::changes_are_answered_as_by_haproxy_command_by_command";
    tests.push(Test::new(name, are_haproxys).needs(Need::Program("haproxy")));
}

/// A line of the script.
struct Line {
    command: &'static str,
    /// It is known to be answered otherwise, and `docs/runtime.md` says why.
    differs: bool,
}

fn script() -> impl Iterator<Item = Line> {
    let lines = SCRIPT
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| match line.strip_prefix("! ") {
        Some(command) => Line {
            command,
            differs: true,
        },
        None => Line {
            command: line,
            differs: false,
        },
    })
}

/// All answers, with names in place of ports.
fn ask_all(kind: Kind) -> Result<Vec<String>, Failure> {
    let stage = Stage::start(kind, CONFIG)?;
    let [s1, s2, s3] = stage
        .servers
        .each_ref()
        .map(|server| server.address().port());
    let ports = [
        ("s1", s1),
        ("s2", s2),
        ("s3", s3),
        ("dead", stage.dead.port()),
    ]
    .map(|(name, port)| (format!("{{{name}.port}}"), port.to_string()));
    let ask = |line: Line| {
        let fill = |text: String, (name, port): &(String, String)| text.replace(name, port);
        let command = ports.iter().fold(line.command.to_owned(), fill);
        let hide = |text: String, (name, port): &(String, String)| text.replace(port, name);
        Ok(ports.iter().fold(stage.ask(&command)?, hide))
    };
    script().map(ask).collect()
}

fn are_haproxys() -> Outcome {
    let (theirs, ours) = (ask_all(Kind::Haproxy)?, ask_all(Kind::Pontoon)?);
    let mut found = Vec::new();
    for (line, (theirs, ours)) in script().zip(theirs.iter().zip(&ours)) {
        if (theirs == ours) == line.differs {
            found.push(format!("{:?}:\n  {theirs:?}\n  {ours:?}", line.command));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::from(found.join("\n")))
}
