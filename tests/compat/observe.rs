//! What one run of a scenario leaves behind, in comparable form.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::Seen,
    statistics,
    syslog::Syslog,
    wait,
};

use super::scenarios::Scenario;
use crate::harness::{Failure, pontoon};

/// Durations on a shared machine differ by so much without meaning anything.
const TOLERANCE_MS: i64 = 250;

/// Columns of the statistics that a scenario determines. The rest are dates, rates and averages.
const COLUMNS: [&str; 20] = [
    "scur", "stot", "bin", "bout", "dreq", "dresp", "ereq", "econ", "eresp", "wretr", "wredis",
    "lbtot", "cli_abrt", "srv_abrt", "dcon", "dses", "qcur", "status", "connect", "eint",
];

/// One run.
#[derive(Debug)]
pub(super) struct Observation {
    /// Session lines as received, without the syslog header.
    pub(super) lines: Vec<String>,
    /// What the client saw.
    pub(super) seen: Vec<Seen>,
    /// Chosen columns of `fe`, `be` and `be/s…`.
    counters: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a script may use.
pub(super) struct Stage {
    /// Where the frontend listens.
    pub(super) front: SocketAddr,
    /// Log lines so far.
    pub(super) syslog: Syslog,
    /// The program.
    pub(super) pid: u32,
}

/// Runs a scenario on one of the two programs.
pub(super) fn run(kind: Kind, scenario: &Scenario) -> Result<Observation, Failure> {
    let props = (scenario.props)()?;
    let (front, page) = (free_address()?, free_address()?);
    let syslog = Syslog::start()?;
    let config = config(scenario, &props.servers, front, page, syslog.address());
    let balancer = Balancer::start(kind, pontoon(), &config, page)?;
    let pid = balancer.program.pid();
    let stage = Stage { front, syslog, pid };
    let seen = (scenario.script)(&stage)?;
    let is_session = |line: &str| session_line(line).is_some();
    let lines = stage
        .syslog
        .wait_for_count("session lines", scenario.lines, is_session)?;
    let lines = lines
        .iter()
        .filter_map(|line| session_line(line))
        .map(str::to_owned)
        .collect();
    let counters = wait_for_idle(page)?;
    drop(balancer);
    drop(props);
    Ok(Observation {
        lines,
        seen,
        counters,
    })
}

fn config(
    scenario: &Scenario,
    servers: &[SocketAddr],
    front: SocketAddr,
    page: SocketAddr,
    syslog: SocketAddr,
) -> String {
    let mut backend = scenario.backend.to_owned();
    for (index, server) in servers.iter().enumerate() {
        backend = backend.replace(&format!("{{s{}}}", index + 1), &server.to_string());
    }
    // One thread, so that lines come in the order of events. The page comes last: when it
    // listens, all do.
    format!(
        "global\n log {syslog} local2\n maxconn 100\n nbthread 1\n\
         defaults\n mode tcp\n log global\n option tcplog\n timeout connect 5s\n\
         timeout client 10s\n timeout server 10s\n retries 0\n\
         frontend fe\n bind {front}\n {}\n default_backend be\n\
         backend be\n {}\n\
         listen page\n bind {page}\n mode http\n no log\n stats enable\n stats uri /stats\n",
        scenario.frontend.replace('\n', "\n "),
        backend.replace('\n', "\n "),
    )
}

/// The part of a syslog line behind `haproxy[pid]: `, if it is a session's.
fn session_line(line: &str) -> Option<&str> {
    let (_, text) = line.split_once("]: ")?;
    let text = text.trim_end();
    (text.contains("] fe ") && text.starts_with("127.0.0.1:")).then_some(text)
}

/// The statistics once no session is left.
fn wait_for_idle(page: SocketAddr) -> Result<BTreeMap<String, BTreeMap<String, String>>, Failure> {
    let rows = wait::until("all sessions to end", wait::PATIENCE, || {
        let csv = statistics::get(page, "/stats;csv", "").ok()?;
        let rows = statistics::rows(&csv.body).ok()?;
        let idle = |name: &str| rows.get(name).is_none_or(|row| row["scur"] == "0");
        (idle("fe/FRONTEND") && idle("be/BACKEND")).then_some(rows)
    })?;
    Ok(rows
        .into_iter()
        .filter(|(name, _)| !name.starts_with("page/"))
        .collect())
}

impl Observation {
    /// The termination flags of each line.
    pub(super) fn flags(&self) -> Vec<&str> {
        self.lines
            .iter()
            .filter_map(|line| line.split(' ').nth(6))
            .collect()
    }
}

/// Everything that differs and is not in `explained` (`field` or `row:column`).
pub(super) fn differences(
    theirs: &Observation,
    ours: &Observation,
    explained: &[(&str, &str)],
) -> Vec<String> {
    let mut found = Vec::new();
    if theirs.lines.len() != ours.lines.len() {
        found.push(format!(
            "{} lines there, {} here",
            theirs.lines.len(),
            ours.lines.len()
        ));
    }
    for (theirs, ours) in theirs.lines.iter().zip(&ours.lines) {
        compare_lines(theirs, ours, &mut found);
    }
    if theirs.seen != ours.seen {
        found.push(format!(
            "seen: {:?} there, {:?} here",
            theirs.seen, ours.seen
        ));
    }
    for (name, row) in &theirs.counters {
        let Some(mine) = ours.counters.get(name) else {
            found.push(format!("{name}: no such row here"));
            continue;
        };
        for column in COLUMNS {
            if row.get(column) != mine.get(column) {
                let value = |row: &BTreeMap<String, String>| row.get(column).cloned();
                found.push(format!(
                    "{name}:{column}: {:?} there, {:?} here",
                    value(row),
                    value(mine)
                ));
            }
        }
    }
    let unneeded = |what: &str| !found.iter().any(|text| text.starts_with(what));
    let stale: Vec<_> = explained
        .iter()
        .filter(|(what, _)| unneeded(what))
        .collect();
    let is_explained = |text: &String| explained.iter().any(|(what, _)| text.starts_with(what));
    found.retain(|text| !is_explained(text));
    for (what, why) in stale {
        found.push(format!("explained ({why}), but not seen: {what}"));
    }
    found
}

/// Fields of a tcplog line: client, date, frontend, backend/server, times, bytes, flags, counts,
/// queues.
fn compare_lines(theirs: &str, ours: &str, found: &mut Vec<String>) {
    let fields = [
        "client", "date", "frontend", "server", "times", "bytes", "flags", "counts", "queues",
    ];
    let (theirs, ours): (Vec<_>, Vec<_>) = (theirs.split(' ').collect(), ours.split(' ').collect());
    if theirs.len() != fields.len() || ours.len() != fields.len() {
        found.push(format!(
            "line: {} fields there, {} here",
            theirs.len(),
            ours.len()
        ));
        return;
    }
    for (index, name) in fields.into_iter().enumerate() {
        let (there, here) = (theirs[index], ours[index]);
        let same = match name {
            "client" | "date" => shape(there) == shape(here),
            "times" => times_agree(there, here),
            "counts" => without_process(there) == without_process(here),
            _ => there == here,
        };
        if !same {
            found.push(format!("{name}: {there} there, {here} here"));
        }
    }
}

/// Digits are alike; so two dates or ports of the same form are the same.
fn shape(text: &str) -> String {
    let digit = |c: char| if c.is_ascii_digit() { '9' } else { c };
    let mut shape: String = text.chars().map(digit).collect();
    if text.starts_with("127.0.0.1:") {
        shape = shape.trim_end_matches('9').into();
    }
    shape
}

/// `%fc/%bc/%sc/%rc`: the process's own count also has the connections that looked at the
/// statistics, which may or may not be over yet.
fn without_process(counts: &str) -> Option<&str> {
    counts.split_once('/').map(|(_, rest)| rest)
}

fn times_agree(there: &str, here: &str) -> bool {
    let split =
        |text: &str| -> Vec<Option<i64>> { text.split('/').map(|t| t.parse().ok()).collect() };
    let (there, here) = (split(there), split(here));
    there.len() == here.len()
        && there.iter().zip(&here).all(|pair| match pair {
            (Some(a), Some(b)) => (*a < 0) == (*b < 0) && (a - b).abs() <= TOLERANCE_MS,
            (a, b) => a == b,
        })
}

/// How long a client waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
