//! What the master answers, in HAProxy's form (management manual, 9.4.1).

use std::{fmt::Write as _, time::Duration};

/// A process as `show proc` lists it.
#[derive(Debug, Clone, Copy)]
pub(in crate::supervisor) struct Row {
    pub(in crate::supervisor) pid: u32,
    pub(in crate::supervisor) reloads: u32,
    pub(in crate::supervisor) up_for: Duration,
}

/// All processes.
#[derive(Debug)]
pub(in crate::supervisor) struct Rows {
    pub(in crate::supervisor) master: Row,
    /// Reloads that have failed since the last one that succeeded.
    pub(in crate::supervisor) failed: u32,
    pub(in crate::supervisor) worker: Option<Row>,
    pub(in crate::supervisor) old: Vec<Row>,
}

/// The table.
pub(in crate::supervisor) fn processes(rows: &Rows) -> String {
    let mut out = line([
        "#<PID>",
        "<type>",
        "<reloads>",
        "<uptime>",
        "<version>      ",
    ]);
    let master = format!("{} [failed: {}]", rows.master.reloads, rows.failed);
    out += &row(&rows.master, "master", &master);
    out += "# workers\n";
    let worker = |it: &Row| row(it, "worker", &it.reloads.to_string());
    out.extend(rows.worker.iter().map(worker));
    if !rows.old.is_empty() {
        out += "# old workers\n";
        out.extend(rows.old.iter().map(worker));
    }
    out + "# programs\n\n"
}

fn row(it: &Row, kind: &str, reloads: &str) -> String {
    let (pid, uptime) = (it.pid.to_string(), uptime(it.up_for));
    line([&pid, kind, reloads, &uptime, crate::VERSION])
}

fn line([pid, kind, reloads, uptime, version]: [&str; 5]) -> String {
    format!("{pid:<15} {kind:<15} {reloads:<15} {uptime:<15} {version}\n")
}

/// `0d00h02m07s`.
fn uptime(age: Duration) -> String {
    let seconds = age.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    format!("{days}d{hours:02}h{minutes:02}m{seconds:02}s")
}

/// The commands, and what they are for.
const COMMANDS: &[(&str, &str)] = &[
    ("@!<pid>", "send a command to the <pid> process"),
    (
        "@<relative pid>",
        "send a command to the <relative pid> process",
    ),
    ("@master", "send a command to the master process"),
    (
        "operator",
        "lower the level of the current CLI session to operator",
    ),
    ("reload", "reload haproxy"),
    (
        "show cli level",
        "display the level of the current CLI session",
    ),
    ("show cli sockets", "dump list of cli sockets"),
    ("show proc", "show processes status"),
    ("show version", "show version of the current process"),
    ("user", "lower the level of the current CLI session to user"),
];

/// Those that end every list.
const LAST: &[(&str, &str)] = &[
    ("help [<command>]", "list matching or all commands"),
    ("prompt", "toggle interactive mode with prompt"),
    ("quit", "disconnect"),
];

/// `help`, perhaps for some words.
pub(in crate::supervisor) fn help(words: &str) -> String {
    list("The following commands are valid at this level:", words)
}

/// For what is no command.
pub(in crate::supervisor) fn unknown(words: &str) -> String {
    let head = if is_like_any(words) {
        "Unknown command, but maybe one of the following ones is a better match:"
    } else {
        "Unknown command. Please enter one of the following commands only:"
    };
    list(head, words)
}

/// Those that begin with the same word, or all.
fn list(head: &str, words: &str) -> String {
    let all = !is_like_any(words);
    let mut out = format!("{head}\n");
    let similar = COMMANDS
        .iter()
        .filter(|(name, _)| all || is_like(name, words));
    for (name, what) in similar.chain(LAST) {
        // Cannot fail: it is a string.
        let _ = writeln!(out, "  {name:<40}: {what}");
    }
    out + "\n"
}

fn is_like_any(words: &str) -> bool {
    COMMANDS.iter().any(|(name, _)| is_like(name, words))
}

fn is_like(name: &str, words: &str) -> bool {
    let mut both = name.split(' ').zip(words.split(' '));
    both.next().is_some_and(|(name, word)| name == word) && {
        let exact = COMMANDS.iter().filter(|(other, _)| starts(other, words));
        exact.count() == 0 || starts(name, words)
    }
}

/// Whether a command begins with these words.
fn starts(name: &str, words: &str) -> bool {
    name == words || name.starts_with(&format!("{words} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_stand_in_columns() {
        let row = |pid, reloads, seconds| Row {
            pid,
            reloads,
            up_for: Duration::from_secs(seconds),
        };
        let shown = processes(&Rows {
            master: row(1162, 5, 127),
            failed: 1,
            worker: Some(row(1271, 0, 0)),
            old: vec![row(1233, 3, 90_043)],
        });
        let expected = format!(
            "#<PID>          <type>          <reloads>       <uptime>        <version>      \n\
             1162            master          5 [failed: 1]   0d00h02m07s     {version}\n\
             # workers\n\
             1271            worker          0               0d00h00m00s     {version}\n\
             # old workers\n\
             1233            worker          3               1d01h00m43s     {version}\n\
             # programs\n\n",
            version = crate::VERSION
        );
        assert_eq!(shown, expected);
    }

    #[test]
    fn help_lists_all_or_what_is_like_it() {
        assert_eq!(
            help("").lines().count(),
            1 + COMMANDS.len() + LAST.len() + 1
        );
        assert_eq!(help("show").lines().count(), 1 + 4 + LAST.len() + 1);
        assert_eq!(help("show cli").lines().count(), 1 + 2 + LAST.len() + 1);
        assert!(unknown("show foo").starts_with("Unknown command, but maybe"));
        assert!(unknown("foo").starts_with("Unknown command. Please enter"));
    }
}
