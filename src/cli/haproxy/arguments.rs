//! The arguments of `haproxy` (management manual, 3).

use std::{ffi::OsString, path::PathBuf};

use pontoon_sys::process::Pid;

use crate::proxy::process::{Leave, OldProcesses};

/// What the arguments say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// What to do.
    pub(super) task: Task,
    /// `-f` and whatever follows `--`.
    pub(super) files: Vec<String>,
    /// `-C`.
    pub(super) directory: Option<PathBuf>,
    /// `-V`, which reverts `-q` and `quiet`.
    pub(super) verbose: bool,
    /// `-q`.
    pub(super) quiet: bool,
    /// `-d`, `-db`, or `-D`; the file decides otherwise.
    pub(super) background: Option<bool>,
    /// `-W`, `-Ws`.
    pub(super) master: Option<Master>,
    /// `-p`.
    pub(super) pidfile: Option<PathBuf>,
    /// `-n`.
    pub(super) max_connections: Option<u32>,
    /// `-N`.
    pub(super) proxy_max_connections: Option<u32>,
    /// `-m`, in bytes.
    pub(super) memory: Option<u64>,
    /// `-L`.
    pub(super) local_peer: Option<String>,
    /// `-sf`, `-st`.
    pub(super) old: Option<OldProcesses>,
    /// `-x`: a socket of the process whose listeners are taken over.
    pub(super) transfer: Option<PathBuf>,
    /// `-dS`.
    pub(super) no_splice: bool,
    /// `-dV`.
    pub(super) no_verify: bool,
    /// `-dW`.
    pub(super) zero_warning: bool,
    /// `-dD`: tell notes as well.
    pub(super) diagnose: bool,
    /// Options that are accepted and change nothing, with the reason.
    pub(super) inert: Vec<(String, &'static str)>,
    /// `-S`.
    pub(super) master_sockets: Vec<String>,
}

/// How a master process was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Master {
    /// `-W`, or `master-worker`.
    Plain,
    /// `-Ws`: systemd waits for it, and `daemon` does not count.
    Systemd,
}

/// What to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Task {
    /// Run.
    #[default]
    Run,
    /// `-c`.
    Check,
    /// `-cc CONDITION`.
    Condition(String),
    /// `-v`.
    Version,
    /// `-vv`.
    BuildOptions,
}

/// Arguments that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UsageError {
    /// No option of HAProxy's.
    #[error("unknown option '{0}'")]
    Unknown(String),
    /// A value is missing.
    #[error("option '{0}' needs a value")]
    Missing(&'static str),
    /// A value is not a number.
    #[error("option '{option}' needs a number, not '{value}'")]
    Number {
        /// Which option.
        option: &'static str,
        /// What was given.
        value: String,
    },
    /// Not even the program itself fits.
    #[error("'-m {0}' is too little memory: a process needs {LEAST_MEMORY} MB at least")]
    Memory(u32),
    /// `-cc` without a condition.
    #[error("option '-cc' needs a condition")]
    NoCondition,
    /// Nothing to run.
    #[error("no configuration file: give one with -f")]
    NoFile,
}

impl Arguments {
    /// Reads everything behind the program's name.
    ///
    /// # Errors
    /// The first argument that cannot be followed.
    pub(super) fn parse(args: impl Iterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut parsed = Self::default();
        let mut args = Words(
            args.map(|arg| arg.to_string_lossy().into_owned())
                .peekable(),
        );
        while let Some(arg) = args.next() {
            parsed.option(&arg, &mut args)?;
            if matches!(parsed.task, Task::Version | Task::BuildOptions) {
                return Ok(parsed);
            }
        }
        let needs_files = matches!(parsed.task, Task::Run | Task::Check);
        if needs_files && parsed.files.is_empty() {
            return Err(UsageError::NoFile);
        }
        Ok(parsed)
    }

    fn option<I: Iterator<Item = String>>(
        &mut self,
        arg: &str,
        rest: &mut Words<I>,
    ) -> Result<(), UsageError> {
        match arg {
            "--" => self.files.extend(rest),
            "-f" => self.files.push(rest.value("-f")?),
            "-c" => self.task = Task::Check,
            "-cc" => self.task = Task::Condition(rest.next().ok_or(UsageError::NoCondition)?),
            "-v" => self.task = Task::Version,
            "-vv" => self.task = Task::BuildOptions,
            "-V" => self.verbose = true,
            "-q" => self.quiet = true,
            "-D" => self.background = Some(true),
            "-W" => self.master = Some(Master::Plain),
            "-Ws" => self.master = Some(Master::Systemd),
            "-C" => self.directory = Some(rest.value("-C")?.into()),
            "-L" => self.local_peer = Some(rest.value("-L")?),
            "-p" => self.pidfile = Some(rest.value("-p")?.into()),
            "-n" => self.max_connections = some_limit(rest.number("-n")?),
            "-N" => self.proxy_max_connections = some_limit(rest.number("-N")?),
            "-m" => self.memory = memory(rest.number("-m")?)?,
            "-sf" => self.old = rest.processes(Leave::Softly),
            "-st" => self.old = rest.processes(Leave::AtOnce),
            "-x" => self.transfer = Some(rest.value("-x")?.into()),
            "-S" => self.master_sockets.push(rest.value("-S")?),
            _ => self.debug_option(arg)?,
        }
        Ok(())
    }

    fn debug_option(&mut self, arg: &str) -> Result<(), UsageError> {
        match arg {
            "-d" => {
                self.background = Some(false);
                self.verbose = true;
            }
            "-db" => self.background = Some(false),
            "-dS" => self.no_splice = true,
            "-dV" => self.no_verify = true,
            "-dW" => self.zero_warning = true,
            "-dD" => self.diagnose = true,
            _ if arg.starts_with("-d") => {
                self.inert.push((arg.to_owned(), why_inert(arg)));
            }
            _ => return Err(UsageError::Unknown(arg.to_owned())),
        }
        Ok(())
    }
}

fn why_inert(option: &str) -> &'static str {
    match option.as_bytes().get(2) {
        Some(b'e' | b'k' | b'p') => "epoll is the only poller there is",
        Some(b'M') => "memory is managed by the language; there are no pools to poison",
        Some(b'R') => "SO_REUSEPORT is not used",
        Some(b'G') => "names are always resolved by the system's resolver",
        Some(b'r') => "a server whose name has no address is an error; `init-addr none` allows it",
        Some(b'K') => "`pontoon reference` lists the keywords",
        Some(b'L') => "there are no libraries loaded at run time besides the system's own",
        _ => "a debugging option of HAProxy's",
    }
}

/// Megabytes of address space below which the threads cannot be started.
const LEAST_MEMORY: u32 = 32;

/// `-m` in bytes; 0 means no limit.
fn memory(megabytes: u32) -> Result<Option<u64>, UsageError> {
    match megabytes {
        0 => Ok(None),
        1..LEAST_MEMORY => Err(UsageError::Memory(megabytes)),
        _ => Ok(Some(u64::from(megabytes) << 20)),
    }
}

fn some_limit(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

impl Arguments {
    /// The arguments of the first worker only, which takes over from others, and those of each: the
    /// same without what is the master's business.
    pub(super) fn of_worker(
        args: impl Iterator<Item = OsString>,
    ) -> (Vec<OsString>, Vec<OsString>) {
        let mut once = Vec::new();
        let mut kept = vec![OsString::from("-db")];
        let mut args = args.peekable();
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--") => {
                    kept.push(arg);
                    kept.extend(args);
                    return (once, kept);
                }
                Some("-W" | "-Ws" | "-D") => {}
                // Their values are the master's as well: it has changed the directory already.
                Some("-p" | "-C" | "-S") => drop(args.next()),
                Some("-f" | "-L" | "-n" | "-N" | "-m") => {
                    kept.push(arg);
                    kept.extend(args.next());
                }
                Some("-x") => once.extend([Some(arg), args.next()].into_iter().flatten()),
                Some("-sf" | "-st") => {
                    once.push(arg);
                    let is_number = |word: &OsString| !word.as_encoded_bytes().starts_with(b"-");
                    while let Some(pid) = args.next_if(is_number) {
                        once.push(pid);
                    }
                }
                _ => kept.push(arg),
            }
        }
        (once, kept)
    }
}

/// The arguments still to come.
struct Words<I: Iterator<Item = String>>(std::iter::Peekable<I>);

impl<I: Iterator<Item = String>> Iterator for Words<I> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.0.next()
    }
}

impl<I: Iterator<Item = String>> Words<I> {
    fn value(&mut self, option: &'static str) -> Result<String, UsageError> {
        self.next().ok_or(UsageError::Missing(option))
    }

    fn number(&mut self, option: &'static str) -> Result<u32, UsageError> {
        let value = self.value(option)?;
        value
            .parse()
            .map_err(|_| UsageError::Number { option, value })
    }

    /// All numbers up to the next option. An empty list is no mistake: it often comes from
    /// `$(pidof haproxy)`.
    fn processes(&mut self, leave: Leave) -> Option<OldProcesses> {
        let mut pids = Vec::new();
        while let Some(word) = self.0.next_if(|word| !word.starts_with('-')) {
            // As with HAProxy, what is no number is nobody.
            pids.extend(word.parse().ok().and_then(Pid::from_raw));
        }
        (!pids.is_empty()).then_some(OldProcesses { pids, leave })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, UsageError> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_line_of_an_init_script() {
        let parsed =
            parse("-f /etc/haproxy.cfg -D -p /run/haproxy.pid -sf 12 13 -f b.cfg").unwrap();
        assert_eq!(parsed.files, ["/etc/haproxy.cfg", "b.cfg"]);
        assert_eq!(parsed.background, Some(true));
        assert_eq!(parsed.pidfile, Some("/run/haproxy.pid".into()));
        let old = parsed.old.unwrap();
        assert_eq!(old.leave, Leave::Softly);
        assert_eq!(old.pids, [12, 13].map(|n| Pid::from_raw(n).unwrap()));
        assert_eq!(parse("-f a -x b").unwrap().transfer, Some("b".into()));
    }

    #[test]
    fn an_empty_list_of_old_processes_is_fine() {
        assert_eq!(parse("-f a -st").unwrap().old, None);
        assert_eq!(parse("-sf -f a").unwrap().files, ["a"]);
    }

    #[test]
    fn everything_after_two_dashes_is_a_file() {
        assert_eq!(parse("-c -- a -b c").unwrap().files, ["a", "-b", "c"]);
    }

    #[test]
    fn zero_means_no_limit() {
        assert_eq!(parse("-f a -n 0").unwrap().max_connections, None);
        assert_eq!(parse("-f a -m 50").unwrap().memory, Some(50 << 20));
    }

    #[test]
    fn unknown_letters_after_d_are_tolerated() {
        let parsed = parse("-f a -dMno-merge -dX").unwrap();
        assert_eq!(parsed.inert.len(), 2);
        assert_eq!(parsed.inert[0].0, "-dMno-merge");
    }

    #[test]
    fn a_worker_does_not_do_the_masters_work() {
        let args = "-Ws -f -W -p /run/h.pid -C /etc -q -x a -D -sf 1 2 -- -D".split(' ');
        let kept = Arguments::of_worker(args.map(OsString::from));
        let (once, kept) = kept;
        assert_eq!(once, ["-x", "a", "-sf", "1", "2"]);
        assert_eq!(kept, ["-db", "-f", "-W", "-q", "--", "-D"]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("-Z"), Err(UsageError::Unknown("-Z".into())));
        assert_eq!(parse("-f"), Err(UsageError::Missing("-f")));
        assert_eq!(parse("-c"), Err(UsageError::NoFile));
        assert_eq!(
            parse("-n 10 a.cfg"),
            Err(UsageError::Unknown("a.cfg".into()))
        );
        assert_eq!(parse("-f a -m 5"), Err(UsageError::Memory(5)));
        let number = parse("-n x").unwrap_err().to_string();
        assert_eq!(number, "option '-n' needs a number, not 'x'");
    }

    #[test]
    fn the_version_is_told_whatever_follows() {
        assert_eq!(parse("-v -Z").unwrap().task, Task::Version);
    }
}
