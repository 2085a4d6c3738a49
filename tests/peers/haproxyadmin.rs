//! haproxyadmin: all that it reads, and what it changes.

use std::process::Command;

use pontoon_lab::{
    balancer::Kind,
    needs::{self, Need},
};

use super::CONFIG;
use crate::{
    commands::{Stage, expect},
    harness::{Failure, Outcome, Test},
};

const PROGRAM: &str = include_str!("haproxyadmin.py");

pub(super) fn register(tests: &mut Vec<Test>) {
    let name = "peers::haproxyadmin_reads_and_changes_what_it_does_with_haproxy";
    let test = Test::new(name, reads_and_changes);
    let test = test.needs(Need::Program("haproxy"));
    tests.push(test.needs(Need::PythonModule("haproxyadmin")));
}

/// What it tells, in order: of what, and the value.
fn told(kind: Kind) -> Result<Vec<(String, String)>, Failure> {
    let stage = Stage::start(kind, CONFIG)?;
    for server in ["s1", "s2"] {
        stage.until("be", server, "check_status", "L4OK")?;
        stage.until("be", server, "status", "UP")?;
    }
    stage.until("be", "s3", "status", "DOWN")?;
    for _ in 0..4 {
        stage.session()?;
        stage.until("fe", "FRONTEND", "scur", "0")?;
    }
    let python = needs::python_with("haproxyadmin").ok_or("no python3 can import it")?;
    let output = Command::new(python)
        .args(["-c", PROGRAM])
        .arg(&stage.socket)
        .output()?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    expect("what Python complains about", &&*complaints, &"")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let pair =
        |line: &str| Some(line.split_once('\t')?).map(|(what, value)| (what.into(), value.into()));
    Ok(text.lines().filter_map(pair).collect())
}

/// Values that are not the same even in two HAProxys, or that `docs/runtime.md` explains: of these
/// only the name is compared.
const LOOSE: &[&str] = &[
    // The moment, the program and the addresses.
    "info()",
    "errors()",
    "processids",
    "releasedate",
    "version",
    "uptime",
    "uptimesec",
    "stats_per_process()",
    "address",
    "port",
    "Uptime_sec",
    "Idle_pct",
    "Ulimit-n",
    "Maxsock",
    "lastchg",
    "downtime",
    "lastsess",
    "check_duration",
    "qtime",
    "ctime",
    "rtime",
    "ttime",
    "chkfail",
    "rate",
    "rate_max",
    "req_rate",
    "conn_rate",
    "conn_rate_max",
    "ConnRate",
    "SessRate",
    "MaxConnRate",
    "MaxSessRate",
    // Clients of the socket count nowhere here, and there are no tasks.
    "CumConns",
    "CumReq",
    "totalrequests",
    "Tasks",
    "Run_queue",
    // Files, and HAProxy's own lists.
    "show_acl()",
];

fn reads_and_changes() -> Outcome {
    let (theirs, ours) = (told(Kind::Haproxy)?, told(Kind::Pontoon)?);
    if theirs.len() < 300 {
        return Err(format!("only {} things were read", theirs.len()).into());
    }
    let essence = |(what, value): &(String, String)| {
        let name = what.split(' ').next_back().unwrap_or_default();
        let value = if LOOSE.contains(&name) && what.contains(' ') {
            ""
        } else {
            value
        };
        format!("{what}: {value}")
    };
    let theirs: Vec<_> = theirs.iter().map(essence).collect();
    let ours: Vec<_> = ours.iter().map(essence).collect();
    let missing: Vec<_> = theirs.iter().filter(|line| !ours.contains(line)).collect();
    let more: Vec<_> = ours.iter().filter(|line| !theirs.contains(line)).collect();
    if missing.is_empty() && more.is_empty() {
        return expect("the order", &ours, &theirs);
    }
    Err(format!("HAProxy's: {missing:#?}\nours: {more:#?}").into())
}
