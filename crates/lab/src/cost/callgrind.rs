//! Instructions and allocations: valgrind's callgrind, and its output.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs,
    path::Path,
};

use super::{Counts, stage::Instrument};
use crate::problem::{Problem, Result, Trying};

pub(super) const INSTRUMENT: Instrument = Instrument {
    program: "valgrind",
    arguments,
    read,
};

/// What hands out memory in the C library.
const ALLOCATORS: [&str; 6] = [
    "malloc",
    "calloc",
    "realloc",
    "posix_memalign",
    "aligned_alloc",
    "memalign",
];
/// How many callers of those are told apart.
const CALLERS: u32 = 7;

fn arguments(folder: &Path) -> Vec<OsString> {
    let out = folder.join("callgrind");
    let mut arguments: Vec<OsString> = [
        "--tool=callgrind",
        "--vgdb=no",
        "--fair-sched=yes",
        "--separate-threads=yes",
        // A file per thread is what this is read from; names in full are easier to read.
        "--compress-strings=no",
    ]
    .map(Into::into)
    .to_vec();
    arguments.extend(ALLOCATORS.map(|name| format!("--separate-callers{CALLERS}={name}").into()));
    let mut file = OsString::from("--callgrind-out-file=");
    file.push(out);
    arguments.push(file);
    arguments
}

/// Reads the file of every thread in a folder; the first thread is the main one.
fn read(folder: &Path) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut seen = false;
    for entry in fs::read_dir(folder).trying("read a folder")?.flatten() {
        let name = entry.file_name();
        let Some(thread) = name
            .to_str()
            .and_then(|name| name.strip_prefix("callgrind-"))
        else {
            continue;
        };
        let text = fs::read(entry.path()).trying("read what callgrind wrote")?;
        let text = String::from_utf8_lossy(&text);
        seen = true;
        if thread == "01" {
            counts.main = total(&text);
        } else {
            counts.instructions += total(&text);
            tally(&text, &mut counts);
        }
    }
    if seen {
        return Ok(counts);
    }
    Err(Problem::Unexpected("callgrind wrote nothing".into()))
}

fn total(text: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix("summary: "));
    line.and_then(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

/// Adds up the own cost of each function, and the calls of allocators.
fn tally(text: &str, counts: &mut Counts) {
    let mut own: HashMap<&str, u64> = HashMap::new();
    let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut function, mut callee) = ("", "");
    let mut is_call = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = name;
        } else if let Some(call) = line.strip_prefix("calls=") {
            // The next line is the cost of the calls, which is not the caller's own.
            is_call = true;
            let times = call.split(' ').next().and_then(|times| times.parse().ok());
            if ALLOCATORS.contains(&plain(callee)) {
                *asked.entry(callee).or_default() += times.unwrap_or(0);
            }
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
            if !is_call {
                *own.entry(function).or_default() += cost.unwrap_or(0);
            }
            is_call = false;
        }
    }
    for (name, cost) in own {
        *counts.functions.entry(plain(name).into()).or_default() += cost;
    }
    for (chain, times) in asked {
        *counts.allocators.entry(chain.into()).or_default() += times;
    }
}

/// A function without its callers: `malloc` of `malloc'grow'push`.
fn plain(name: &str) -> &str {
    name.split('\'').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_cost_and_allocations_are_told_from_those_of_callees() {
        let text = "summary: 260\n\nfn=push\n10 5\n+2 7\ncfn=malloc'grow'push\ncalls=3 0\n12 200\n\
                    * 8\n\nfn=malloc'grow'push\n0 40\n";
        let mut counts = Counts::default();
        tally(text, &mut counts);
        assert_eq!(total(text), 260);
        assert_eq!(counts.functions["push"], 20);
        assert_eq!(counts.functions["malloc"], 40);
        assert_eq!(counts.allocators["malloc'grow'push"], 3);
    }
}
