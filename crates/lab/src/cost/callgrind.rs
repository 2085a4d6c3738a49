//! Instructions and allocations: valgrind's callgrind, and its output.

use std::{ffi::OsString, fs, path::Path};

use super::{Cost, Share, stage::Instrument};
use crate::problem::{Problem, Result, Trying};

pub(super) const INSTRUMENT: Instrument = Instrument {
    program: "valgrind",
    ordered: true,
    writes_from_inside: true,
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
const CALLERS: u32 = 9;
/// How many of them are shown, and how those begin that are not.
const SHOWN: usize = 3;
const LIBRARY: [&str; 4] = ["__rustc::", "alloc::", "<alloc::", "<core::"];

pub(super) fn arguments(folder: &Path) -> Vec<OsString> {
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
pub(super) fn read(folder: &Path) -> Result<Cost> {
    let mut cost = Cost::default();
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
        let share = if thread == "01" {
            &mut cost.main
        } else {
            &mut cost.data
        };
        tally(&String::from_utf8_lossy(&text), share);
        seen = true;
    }
    if seen {
        return Ok(cost);
    }
    Err(Problem::Unexpected("callgrind wrote nothing".into()))
}

/// Adds up instructions, the own cost of each function, and the calls of allocators.
fn tally(text: &str, share: &mut Share) {
    let (mut function, mut callee) = ("", "");
    let mut is_call = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = plain(name);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = name;
        } else if let Some(call) = line.strip_prefix("calls=") {
            // The next line is the cost of the calls, which is not the caller's own.
            is_call = true;
            if ALLOCATORS.contains(&plain(callee)) {
                share.allocations.add(&chain(callee), number(call, 0));
            }
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            if !is_call {
                share.functions.add(function, number(line, 1));
            }
            is_call = false;
        }
    }
    share.instructions = share.functions.sum();
}

fn number(line: &str, place: usize) -> f64 {
    let word = line.split(' ').nth(place);
    word.and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

/// The callers that say something, without the library's ways to ask for memory.
fn chain(name: &str) -> String {
    let says = |caller: &&str| !LIBRARY.iter().any(|prefix| caller.starts_with(prefix));
    let callers: Vec<_> = name.split('\'').skip(1).filter(says).take(SHOWN).collect();
    callers.join(" < ")
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
        let text = "fn=push\n10 5\n+2 7\ncfn=malloc'alloc::grow'push\ncalls=3 0\n12 200\n\
                    * 8\n\nfn=malloc'alloc::grow'push\n0 40\n";
        let mut share = Share::default();
        tally(text, &mut share);
        let own: Vec<_> = share.functions.greatest_first();
        assert_eq!(own, [("malloc", 40.0), ("push", 20.0)]);
        assert!((share.instructions - 60.0).abs() < 0.1);
        let asked: Vec<_> = share.allocations.iter().collect();
        assert_eq!(asked, [("push", 3.0)]);
    }
}
