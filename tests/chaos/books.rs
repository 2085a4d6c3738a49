//! What must hold once all is quiet: nothing is left over, and the books agree with each other.

use std::{collections::BTreeMap, net::SocketAddr};

use pontoon_lab::{
    crowd::{Usage, usage},
    statistics, wait,
};

use super::scene::Scene;
use crate::harness::{Failure, Outcome};

/// The statistics, by `proxy/server`.
type Rows = BTreeMap<String, BTreeMap<String, String>>;

/// Memory of the process that may remain: what an allocator keeps for the next sessions.
const KEPT: u64 = 24 << 20;

/// The statistics once no session is left.
pub(super) fn quiet(page: SocketAddr) -> Result<Rows, Failure> {
    let mut last = String::new();
    let found = wait::until("all sessions to end", wait::PATIENCE, || {
        let csv = statistics::get(page, "/stats;csv", "").ok()?;
        last.clone_from(&csv.body);
        let rows = statistics::rows(&csv.body).ok()?;
        rows.iter().all(is_empty).then_some(rows)
    });
    found.map_err(|problem| Failure::from(format!("{problem}:\n{last}")))
}

/// The page's own connection is there while it is asked.
fn is_empty((name, row): (&String, &BTreeMap<String, String>)) -> bool {
    let none = |column: &str| matches!(row.get(column).map(String::as_str), None | Some("" | "0"));
    name.starts_with("page/") || (none("scur") && none("qcur"))
}

/// What one line of the log adds to the books.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    sessions: u64,
    bytes_in: u64,
    bytes_out: u64,
}

/// The lines of the log agree with the counters; every line of it is one of ours.
pub(super) fn agree(scene: &Scene, rows: &Rows) -> Outcome {
    for route in &scene.routes {
        let row = row(rows, &format!("{}/FRONTEND", route.name))?;
        let counted = Entry {
            sessions: number(row, "stot")?,
            bytes_in: number(row, "bin")?,
            bytes_out: number(row, "bout")?,
        };
        // The last lines are on their way.
        let mut logged = Entry::default();
        let same = wait::until("the log", wait::PATIENCE, || {
            logged = sum(&scene.balancer.program.output(), route.name);
            (logged == counted).then_some(())
        });
        if same.is_err() {
            let name = route.name;
            let text = format!("{name}: the statistics say {counted:?}, the log says {logged:?}");
            return Err(Failure::from(text));
        }
    }
    picked(rows)
}

fn sum(lines: &[String], frontend: &str) -> Entry {
    let mut sum = Entry::default();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let ["chaos", name, _, _, _, up, down, _] = words[..] else {
            continue;
        };
        if name == frontend {
            sum.sessions += 1;
            sum.bytes_in += up.parse::<u64>().unwrap_or(0);
            sum.bytes_out += down.parse::<u64>().unwrap_or(0);
        }
    }
    sum
}

/// What a backend picked is what its servers were picked for.
fn picked(rows: &Rows) -> Outcome {
    for (name, backend) in rows {
        let Some(proxy) = name.strip_suffix("/BACKEND") else {
            continue;
        };
        let servers = rows.iter().filter(|(name, _)| {
            let ours = name.strip_prefix(proxy).and_then(|it| it.strip_prefix('/'));
            ours.is_some_and(|server| !matches!(server, "FRONTEND" | "BACKEND"))
        });
        let of_servers: Result<u64, Failure> = servers.map(|(_, row)| number(row, "lbtot")).sum();
        let (whole, parts) = (number(backend, "lbtot")?, of_servers?);
        if proxy != "page" && whole != parts {
            return Err(Failure::from(format!(
                "{proxy}: lbtot is {whole}, that of its servers {parts}"
            )));
        }
    }
    Ok(())
}

fn row<'a>(rows: &'a Rows, name: &str) -> Result<&'a BTreeMap<String, String>, Failure> {
    rows.get(name)
        .ok_or_else(|| Failure::from(format!("no row {name}")))
}

fn number(row: &BTreeMap<String, String>, column: &str) -> Result<u64, Failure> {
    let text = row.get(column).map_or("", String::as_str);
    let number = text.parse();
    number.map_err(|_| Failure::from(format!("{column} is no number: {text:?} in {row:?}")))
}

/// Nothing that the program says is a complaint of its own.
pub(super) fn undisturbed(lines: &[String]) -> Outcome {
    let bad = lines.iter().find(|line| {
        [
            "panicked",
            "overflow",
            "cannot accept",
            "no descriptor",
            "dropped",
        ]
        .iter()
        .any(|word| line.contains(word))
    });
    bad.map_or(Ok(()), |line| {
        Err(Failure::from(format!("it said: {line}")))
    })
}

/// Descriptors and memory are back where they were.
pub(super) fn came_back(pid: u32, before: Usage) -> Outcome {
    let now = || usage(pid);
    // The page's own connection may be closing still; a few pipes are kept for the next bulk.
    let spare = before.descriptors + 4 * 2 * 4;
    let back = wait::until("descriptors to come back", wait::PATIENCE, || {
        now().ok().filter(|now| now.descriptors <= spare)
    });
    if back.is_err() || now()?.memory > before.memory + KEPT {
        let now = now()?;
        return Err(Failure::from(format!(
            "not all came back: {before:?}, then {now:?}"
        )));
    }
    Ok(())
}
