//! Idle sessions: they die of the how-to's timeouts, and live with the shipped example.
//!
//! By default `timeout client` and `timeout server` of both files are divided by [`FACTOR`];
//! `PONTOON_FULL=1` waits the true 50 s and more.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use pontoon_lab::needs;

use super::{
    PYEXASOL,
    scene::{Places, Scene},
};
use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds these tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(
        Test::new(
            "exasol::idle_sessions_die_of_the_seeds_timeouts_and_live_with_the_example",
            idle_sessions_die_of_the_seeds_timeouts_and_live_with_the_example,
        )
        .needs(PYEXASOL),
    );
    tests.push(Test::new(
        "exasol::check_had_warned_of_the_seeds_timeouts",
        check_had_warned_of_the_seeds_timeouts,
    ));
}

const FACTOR: u32 = 25;
/// What the seed's file allows.
const ALLOWED: Duration = Duration::from_secs(50);
/// For how long the session is idle, longer than that.
const IDLE: Duration = Duration::from_secs(75);

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

const SEED: &str = "tests/data/seed/haproxy.cfg";
const EXAMPLE: &str = "examples/exasol-aws/haproxy.cfg";

fn idle_sessions_die_of_the_seeds_timeouts_and_live_with_the_example() -> Outcome {
    let factor = if needs::full() { 1 } else { FACTOR };
    let (seed, example) = (
        fs::read_to_string(file(SEED))?,
        fs::read_to_string(file(EXAMPLE))?,
    );
    let seeds = Scene::set(|places| moved(&seed, places, factor))?;
    let examples = Scene::set(|places| moved(&example, places, factor))?;
    let (mut on_seed, mut on_example) = (seeds.client()?, examples.client()?);
    let began = Instant::now();
    on_seed.connect("idle")?;
    on_seed.connect("busy")?;
    on_example.connect("idle")?;
    // A statement that runs for longer than the limit: its Pongs keep the session.
    seeds.cluster.set_pongs(ALLOWED / factor / 5);
    let busy = (IDLE / factor).as_secs_f64();
    let answer = on_seed.value("busy", &format!("SELECT SLEEP({busy})"))?;
    if answer != 1 {
        return Err("a long statement is not answered".into());
    }
    thread::sleep((IDLE / factor).saturating_sub(began.elapsed()));
    if on_seed.value("idle", "SELECT 1").is_ok() {
        return Err("the seed's timeouts have not ended an idle session".into());
    }
    seeds.syslog.wait_for("a session ended with cD", |line| {
        line.contains("exasol_proxy") && line.contains(" cD ")
    })?;
    on_example.value("idle", "SELECT 1")?;
    Ok(())
}

/// A shipped file on the addresses of a test: ports, servers, the log's receiver, nobody's user,
/// and its idle timeouts divided.
fn moved(text: &str, places: &Places, factor: u32) -> String {
    let mut nodes = places.nodes.iter();
    let lines = text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some(match words.as_slice() {
            ["chroot" | "pidfile" | "user" | "group" | "daemon", ..] => return None,
            ["log", "127.0.0.1", facility] => format!("log {} {facility}", places.syslog),
            ["timeout", name @ ("client" | "server"), value] => {
                format!("timeout {name} {}ms", millis(value) / u64::from(factor))
            }
            ["server", name, _, rest @ ..] => {
                let node = nodes.next().map_or_else(String::new, SocketAddr::to_string);
                format!("server {name} {node} {}", rest.join(" "))
            }
            _ => line
                .replace(":8563", &places.front.to_string())
                .replace(":9090", &places.page.to_string()),
        })
    });
    lines.map(|line| line + "\n").collect()
}

/// A time as `haproxy.cfg` has it.
fn millis(value: &str) -> u64 {
    let digits = value.trim_end_matches(char::is_alphabetic);
    let unit = match &value[digits.len()..] {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 1,
    };
    digits.parse::<u64>().map_or(0, |number| number * unit)
}

fn check_had_warned_of_the_seeds_timeouts() -> Outcome {
    for (timeout, line) in [("client", 17), ("server", 18)] {
        let warning =
            format!("`timeout {timeout}` cuts off Exasol sessions that are idle for 50 s");
        let place = format!("haproxy.cfg:{line}:");
        let said = check(SEED)?;
        if !said.contains(&warning) || !said.contains(&place) {
            return Err(format!("no warning {warning:?} at {place} in\n{said}").into());
        }
    }
    let said = check(EXAMPLE)?;
    if said.contains("warning") || said.contains("error") {
        return Err(format!("the example is not in order:\n{said}").into());
    }
    Ok(())
}

fn check(name: &str) -> Result<String, Failure> {
    let output = Command::new(pontoon())
        .arg("check")
        .arg(file(name))
        .output()?;
    let (out, err) = (output.stdout, output.stderr);
    Ok(String::from_utf8_lossy(&[out, err].concat()).into_owned())
}
