//! System calls: strace, and its output.

use std::{ffi::OsString, fs, path::Path};

use super::{Cost, stage::Instrument};
use crate::{
    problem::{Result, Trying},
    wait,
};

pub(super) const INSTRUMENT: Instrument = Instrument {
    program: "strace",
    ordered: true,
    writes_from_inside: false,
    arguments: |folder| arguments(folder, &[]),
    read,
};

/// Sees only who waits for another thread or wakes one, and leaves the program its pace.
pub(super) const WAITING: Instrument = Instrument {
    program: "strace",
    ordered: false,
    writes_from_inside: false,
    arguments: |folder| arguments(folder, &["--seccomp-bpf", "-e", "trace=futex"]),
    read,
};

const FILE: &str = "strace";
/// The main thread.
const MAIN: &str = "haproxy";

fn arguments(folder: &Path, more: &[&str]) -> Vec<OsString> {
    // -D: the program, not strace, is our child. -Y: threads with their names. -s 0: no bytes.
    let mut arguments: Vec<OsString> = ["-D", "-f", "-Y", "-s", "0", "-qq", "-o"]
        .map(Into::into)
        .to_vec();
    arguments.splice(0..0, more.iter().map(Into::into));
    arguments.push(folder.join(FILE).into());
    arguments
}

/// Counts the calls of all threads; the main one bears the program's name.
fn read(folder: &Path) -> Result<Cost> {
    let path = folder.join(FILE);
    // With -D it may write on for a moment after the program's end.
    let mut length = None;
    wait::until("strace to end its file", wait::PATIENCE, || {
        let now = fs::metadata(&path).ok()?.len();
        let before = length.replace(now);
        (now > 0 && before == length).then_some(())
    })?;
    let text = fs::read(&path).trying("read what strace wrote")?;
    let mut cost = Cost::default();
    for line in String::from_utf8_lossy(&text).lines() {
        let Some((thread, call)) = parse(line) else {
            continue;
        };
        let share = match thread {
            MAIN => &mut cost.main,
            _ => &mut cost.data,
        };
        share.syscalls.add(&call, 1.0);
    }
    Ok(cost)
}

/// The thread and the kind of a finished call.
fn parse(line: &str) -> Option<(&str, String)> {
    let (who, what) = line.split_once("> ")?;
    let (_, thread) = who.split_once('<')?;
    let what = what.trim_start();
    if what.ends_with("<unfinished ...>") {
        return None;
    }
    let name = match what.strip_prefix("<... ") {
        Some(resumed) => resumed.split(' ').next()?,
        None => what.split_once('(')?.0,
    };
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return None;
    }
    let error = what
        .rsplit_once(") = -1 ")
        .or_else(|| what.rsplit_once("= -1 "))
        .and_then(|(_, error)| error.split(' ').next());
    let call = match error {
        Some(error) => format!("{name} {error}"),
        None => name.into(),
    };
    Some((thread, call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_when_they_end() {
        let kind = |line| parse(line).map(|(thread, call)| format!("{thread}: {call}"));
        let plain = "12<data-0> close(16)                 = 0";
        assert_eq!(kind(plain).unwrap(), "data-0: close");
        let again =
            "12<data-0> accept4(3, 0x7f, [128], 0) = -1 EAGAIN (Resource temporarily unavailable)";
        assert_eq!(kind(again).unwrap(), "data-0: accept4 EAGAIN");
        assert!(kind("12<data-0> epoll_pwait(14,  <unfinished ...>").is_none());
        let resumed = "12<data-0> <... epoll_pwait resumed>[], 200, 250, NULL, 8) = 0";
        assert_eq!(kind(resumed).unwrap(), "data-0: epoll_pwait");
        assert!(kind("12<data-0> +++ exited with 0 +++").is_none());
    }
}
