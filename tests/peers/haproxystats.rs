//! haproxystats: what it pulls from a socket, and the figures that it makes of that.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use pontoon_lab::{
    balancer::Kind,
    needs::{self, Need},
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};
use pontoon_sys::process::Signal;

use super::CONFIG;
use crate::{
    commands::Stage,
    harness::{Failure, Outcome, Test},
};

const PROGRAM: &str = include_str!("haproxystats.py");

pub(super) fn register(tests: &mut Vec<Test>) {
    let name = "peers::haproxystats_makes_the_figures_that_it_makes_of_haproxy";
    let test = Test::new(name, same_figures);
    let test = test.needs(Need::Program("haproxy"));
    tests.push(test.needs(Need::PythonModule("haproxystats")));
}

/// Its figures by their paths.
fn figures(kind: Kind) -> Result<BTreeMap<String, String>, Failure> {
    let stage = Stage::start(kind, CONFIG)?;
    stage.until("be", "s1", "check_status", "L4OK")?;
    stage.until("be", "s2", "check_status", "L4OK")?;
    stage.until("be", "s3", "status", "DOWN")?;
    for _ in 0..4 {
        stage.session()?;
        stage.until("fe", "FRONTEND", "scur", "0")?;
    }
    let folder = TempDir::new("haproxystats")?;
    let graphite = Server::start(Behaviour::Hang)?;
    let config = folder.write("config", config(&stage, folder.path(), &graphite))?;
    // It notices the end of its work only between two rounds: it is not asked to end.
    let pull = start("pull", &config)?;
    wait_for("incoming", folder.path(), &pull)?;
    drop(pull);
    let mut process = start("process", &config)?;
    let file = wait_for("store", folder.path(), &process)?.join("stats");
    let text = wait::until("the figures", wait::PATIENCE, || {
        fs::read_to_string(&file)
            .ok()
            .filter(|text| !text.is_empty())
    });
    // Its workers go with it only if it is asked to.
    process.signal(Signal::TERM)?;
    process.wait(wait::PATIENCE)?;
    let words = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        Some((words.next()?, words.next()?))
    };
    Ok(text?.lines().filter_map(words).collect())
}

fn config(stage: &Stage, folder: &Path, graphite: &Server) -> String {
    format!(
        "[paths]\nbase-dir = {folder}\n\
         [pull]\nservers = unix://{socket}\npull-interval = 1\ntimeout = 10\npull-timeout = 10\n\
         dst-dir = {folder}/incoming\ntmp-dst-dir = {folder}/pulled\n\
         [process]\nworkers = 1\nsrc-dir = {folder}/incoming\naggr-server-metrics = true\n\
         per-process-metrics = true\ncalculate-percentages = true\n\
         [local-store]\ndir = {folder}/store\n\
         [graphite]\nserver = 127.0.0.1\nport = {port}\nnamespace = lab\nprefix-hostname = false\n",
        folder = folder.display(),
        socket = stage.socket.display(),
        port = graphite.address().port(),
    )
}

fn start(which: &str, config: &Path) -> Result<Program, Failure> {
    let python = needs::python_with("haproxystats").ok_or("no python3 can import it")?;
    let mut command = Command::new(python);
    // Its own code deprecates itself.
    command
        .args(["-W", "ignore", "-c", PROGRAM, which, "-f"])
        .arg(config);
    Ok(Program::start(&mut command)?)
}

/// The first folder in this one: it is there once its files are whole.
fn wait_for(name: &str, folder: &Path, program: &Program) -> Result<PathBuf, Failure> {
    let found = wait::until(name, wait::PATIENCE, || {
        let entries = fs::read_dir(folder.join(name)).ok()?.flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths.find(|path| path.is_dir())
    });
    found.map_err(|problem| Failure::from(problem).with(&program.output().join("\n")))
}

/// The end of the path of a figure that depends on the moment or is explained in
/// `docs/runtime.md`.
const LOOSE: &[&str] = &[
    "CumConns",
    "CumReq",
    "ConnRate",
    "SessRate",
    "MaxConnRate",
    "MaxSessRate",
    "Maxsock",
    "Ulimit-n",
    "Tasks",
    "Run_queue",
    "Uptime_sec",
    "Idle_pct",
    "CpuUsagePct",
    "ConnRatePercentage",
    "rate",
    "rate_max",
    "req_rate",
    "conn_rate",
    "conn_rate_max",
    "chkfail",
    "qtime",
    "ctime",
    "rtime",
    "ttime",
    "lastchg",
    "lastsess",
    "downtime",
    "check_duration",
];

fn same_figures() -> Outcome {
    let (theirs, ours) = (figures(Kind::Haproxy)?, figures(Kind::Pontoon)?);
    if theirs.len() < 300 {
        return Err(format!("only {} figures", theirs.len()).into());
    }
    let mut found = Vec::new();
    for path in theirs.keys().chain(ours.keys()) {
        let name = path.rsplit('.').next().unwrap_or_default();
        let moment = LOOSE.contains(&name) || path.contains(".haproxystats.");
        let pair = (theirs.get(path), ours.get(path));
        let same = if moment {
            pair.0.is_some() == pair.1.is_some()
        } else {
            pair.0 == pair.1
        };
        if !same {
            found.push(format!("{path}: {pair:?}"));
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join("\n").into())
    }
}
