//! pgbench: a mixed load as databases see it.

use std::{fs, net::SocketAddr, time::Duration};

use pontoon_lab::{
    postgres::{Postgres, benchmark},
    problem::{Problem, Result, Trying},
    temp::TempDir,
};

use crate::sample::{Cost, Latency, Sample};

/// 500 rows, about 50 KiB: one in ten transactions.
const REPORT: &str = "\\set first random(1, 99000)\n\
    SELECT * FROM pgbench_accounts WHERE aid BETWEEN :first AND :first + 500;\n";

/// What pgbench has seen: each transaction's latency in microseconds, sorted.
pub(crate) struct Seen {
    latencies: Vec<u32>,
    failed: u64,
    seconds: f64,
}

/// A database, and a folder for what pgbench writes.
pub(crate) struct Database {
    _server: Postgres,
    folder: TempDir,
}

impl Database {
    /// Starts one with the tables of pgbench.
    ///
    /// # Errors
    /// PostgreSQL does not start.
    pub(crate) fn start(address: SocketAddr) -> Result<Self> {
        let mut server = Postgres::create(address)?;
        server.start()?;
        server.prepare_benchmark()?;
        Ok(Self {
            _server: server,
            folder: TempDir::new("pgbench")?,
        })
    }

    /// Runs pgbench: eight reads of a row to one report and one transaction that writes (TPC-B).
    ///
    /// # Errors
    /// pgbench fails.
    pub(crate) fn run(
        &self,
        target: SocketAddr,
        clients: usize,
        duration: Duration,
    ) -> Result<Seen> {
        run(target, clients, &self.folder, duration)
    }
}

fn run(target: SocketAddr, clients: usize, folder: &TempDir, duration: Duration) -> Result<Seen> {
    let report = folder.write("report.sql", REPORT)?;
    for old in logs(folder)? {
        fs::remove_file(&old).trying("remove an old log")?;
    }
    let mut command = benchmark(target)?;
    command.args(["--builtin=select-only@8", "--builtin=tpcb-like@1"]);
    command.arg(format!("--file={}@1", report.display()));
    command.args([
        format!("--client={clients}"),
        format!("--time={}", duration.as_secs()),
    ]);
    command.args(["--log", "--log-prefix"]);
    command.arg(folder.path().join("log"));
    let output = command.output().trying("run pgbench")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Problem::Unexpected(format!("pgbench: {}", said.trim())));
    }
    read(folder, duration)
}

fn read(folder: &TempDir, duration: Duration) -> Result<Seen> {
    let mut seen = Seen {
        latencies: Vec::new(),
        failed: 0,
        seconds: duration.as_secs_f64(),
    };
    for log in logs(folder)? {
        let text = fs::read_to_string(&log).trying("read pgbench's log")?;
        // client, number, latency, script, seconds, microseconds
        for line in text.lines() {
            match line.split(' ').nth(2).map(str::parse) {
                Some(Ok(latency)) => seen.latencies.push(latency),
                _ => seen.failed += 1,
            }
        }
    }
    seen.latencies.sort_unstable();
    Ok(seen)
}

impl Seen {
    /// With what it cost.
    pub(crate) fn sample(&self, round: usize, cost: Cost) -> Sample {
        let last = self.latencies.len().saturating_sub(1);
        let at = |thousandth: usize| {
            let found = self.latencies.get(last * thousandth / 1000);
            f64::from(found.copied().unwrap_or(0))
        };
        Sample {
            round,
            units: u64::try_from(self.latencies.len()).unwrap_or(0),
            seconds: self.seconds,
            errors: self.failed,
            proxy: cost.proxy,
            machine: cost.machine,
            latency: (!self.latencies.is_empty()).then(|| Latency {
                p50: at(500),
                p99: at(990),
                p999: at(999),
            }),
            memory: None,
        }
    }
}

fn logs(folder: &TempDir) -> Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(folder.path()).trying("list pgbench's logs")?;
    let paths = entries.flatten().map(|entry| entry.path());
    let is_log = |path: &std::path::PathBuf| {
        let name = path.file_name().and_then(|it| it.to_str());
        name.is_some_and(|it| it.starts_with("log"))
    };
    Ok(paths.filter(is_log).collect())
}
