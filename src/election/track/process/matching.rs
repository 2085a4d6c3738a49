//! Which processes a `vrrp_track_process` counts.

use std::fs;

use pontoon_config::keepalived::model::{ParameterMatch, Parameters, TrackProcess};

/// The kernel keeps so many bytes of a process's name (proc(5), `comm`).
const NAME: usize = 15;

/// What is known of a running process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// As the kernel calls it.
    pub(super) name: String,
    /// Its command line; empty if nobody wants to know.
    pub(super) arguments: Vec<String>,
}

/// Looks at a process; `None`: it does not run any more. A zombie does not.
pub(super) fn look(pid: u32, command_line: bool) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let (name, state) = name_and_state(&String::from_utf8_lossy(&stat))?;
    if matches!(state, 'Z' | 'X') {
        return None;
    }
    let arguments = if command_line {
        words(&fs::read(format!("/proc/{pid}/cmdline")).ok()?)
    } else {
        Vec::new()
    };
    Some(Process { name, arguments })
}

/// `123 (name (with) brackets) S …`
fn name_and_state(stat: &str) -> Option<(String, char)> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    Some((name.to_owned(), after.trim_start().chars().next()?))
}

/// Each word ends in NUL.
fn words(line: &[u8]) -> Vec<String> {
    let line = line.strip_suffix(b"\0").unwrap_or(line);
    line.split(|byte| *byte == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// All processes of this machine (of this process namespace).
pub(super) fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Whether the command line has to be known.
pub(super) fn wants_command_line(tracked: &TrackProcess) -> bool {
    tracked.full_command || tracked.parameters.is_some() || tracked.process.contains('/')
}

/// Whether a process counts.
pub(super) fn matches(tracked: &TrackProcess, process: &Process) -> bool {
    if !wants_command_line(tracked) {
        return process.name.as_bytes() == cut(&tracked.process);
    }
    let Some((program, given)) = process.arguments.split_first() else {
        return false;
    };
    let file_name = program.rsplit('/').next().unwrap_or(program);
    // A name without a directory means the program wherever it lies.
    let named = tracked.process == *program || tracked.process == file_name;
    let parameters = tracked.parameters.as_ref();
    named && parameters.is_none_or(|parameters| parameters_match(parameters, given))
}

fn cut(name: &str) -> &[u8] {
    let bytes = name.as_bytes();
    &bytes[..bytes.len().min(NAME)]
}

fn parameters_match(wanted: &Parameters, given: &[String]) -> bool {
    let words = &wanted.words;
    // So `param_match` without parameters asks for a process without any (keepalived.conf(5)).
    if words.is_empty() {
        return given.is_empty();
    }
    match wanted.matching {
        ParameterMatch::Exact => words == given,
        ParameterMatch::Partial => given.starts_with(words),
        ParameterMatch::Initial => {
            given.len() == words.len()
                && words.split_last().is_none_or(|(last, first)| {
                    given.starts_with(first) && given[first.len()].starts_with(last.as_str())
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::tracked;
    use super::*;

    fn process(name: &str, line: &[&str]) -> Process {
        Process {
            name: name.into(),
            arguments: line.iter().map(|&it| it.into()).collect(),
        }
    }

    fn with_parameters(words: &[&str], matching: ParameterMatch) -> TrackProcess {
        let words = words.iter().map(|&it| it.into()).collect();
        TrackProcess {
            parameters: Some(Parameters { words, matching }),
            ..tracked("haproxy")
        }
    }

    #[test]
    fn a_name_is_compared_as_the_kernel_keeps_it() {
        assert!(matches(&tracked("haproxy"), &process("haproxy", &[])));
        assert!(!matches(&tracked("haproxy"), &process("haproxy2", &[])));
        let long = tracked("a-name-of-more-than-15");
        assert!(matches(&long, &process("a-name-of-more-", &[])));
    }

    #[test]
    fn a_path_or_the_full_command_is_compared_with_the_command_line() {
        let process = process("other", &["/usr/sbin/haproxy", "-W"]);
        assert!(matches(&tracked("/usr/sbin/haproxy"), &process));
        assert!(!matches(&tracked("/usr/bin/haproxy"), &process));
        assert!(!matches(&tracked("haproxy"), &process));
        let full = TrackProcess {
            full_command: true,
            ..tracked("haproxy")
        };
        assert!(matches(&full, &process));
    }

    #[test]
    fn parameters_match_exactly_at_their_beginning_or_by_the_last_ones_beginning() {
        use ParameterMatch::{Exact, Initial, Partial};
        let process = process("haproxy", &["haproxy", "-f", "/etc/haproxy.cfg", "-D"]);
        for (words, matching, expected) in [
            (&["-f", "/etc/haproxy.cfg", "-D"][..], Exact, true),
            (&["-f", "/etc/haproxy.cfg"], Exact, false),
            (&["-f", "/etc/haproxy.cfg"], Partial, true),
            (&["-f", "/etc"], Partial, false),
            (&["-f", "/etc/haproxy.cfg", "-"], Initial, true),
            (&["-f", "/etc/haproxy.cfg", "-x"], Initial, false),
            (&["-f", "/etc"], Initial, false),
            (&[], Partial, false),
            (&[], Initial, false),
        ] {
            let tracked = with_parameters(words, matching);
            assert_eq!(
                matches(&tracked, &process),
                expected,
                "{words:?} {matching:?}"
            );
        }
        let alone = self::process("haproxy", &["haproxy"]);
        assert!(matches(&with_parameters(&[], Partial), &alone));
    }

    #[test]
    fn this_process_runs_and_another_does_not() {
        let own = look(std::process::id(), true).unwrap();
        assert_eq!(own.arguments, std::env::args().collect::<Vec<_>>());
        assert_eq!(look(u32::MAX, false), None);
        assert!(all().any(|pid| pid == std::process::id()));
    }

    #[test]
    fn a_name_may_contain_brackets() {
        let read = name_and_state("12 (a) (b)) S 1 2");
        assert_eq!(read, Some(("a) (b)".into(), 'S')));
        assert_eq!(name_and_state("nonsense"), None);
    }
}
