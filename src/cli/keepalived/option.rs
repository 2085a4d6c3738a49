//! The options of `keepalived` (keepalived(8)), each declared once: its names, whether it takes a
//! value, what becomes of it here, and its line of the help text.

/// One option.
#[derive(Debug)]
pub(super) struct Declared {
    /// `-f`; `None`: it has a long name only.
    pub(super) short: Option<char>,
    /// `use-file`, without its dashes.
    pub(super) long: &'static str,
    pub(super) value: Value,
    pub(super) does: Does,
    /// Its line of the help text.
    pub(super) help: &'static str,
}

/// Whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    None,
    /// `-f FILE`, `-fFILE`, `--use-file FILE`, `--use-file=FILE`.
    Needed,
    /// `-tFILE`, `--config-test=FILE` only.
    Optional,
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// What it says.
    Sets(Setting),
    /// Nothing, for this reason; nobody misses anything.
    Nothing(&'static str),
    /// Nothing, and something is missing without it.
    Warns(&'static str),
    /// It cannot be followed; what to do instead.
    Refused(&'static str),
}

/// What can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    File,
    Console,
    Detail,
    Facility,
    LogFile,
    NoSyslog,
    Node,
    KeepAddresses,
    NoRespawn,
    Foreground,
    DumpConfiguration,
    Pidfile,
    VrrpPidfile,
    AllFiles,
    ConfigId,
    Umask,
    CoreDump,
    CorePattern,
    SignalNumber,
    Test,
    Version,
    Help,
}

impl Declared {
    const fn flag(short: char, long: &'static str, does: Does, help: &'static str) -> Self {
        Self::new(Some(short), long, Value::None, does, help)
    }

    const fn value(short: char, long: &'static str, does: Does, help: &'static str) -> Self {
        Self::new(Some(short), long, Value::Needed, does, help)
    }

    const fn new(
        short: Option<char>,
        long: &'static str,
        value: Value,
        does: Does,
        help: &'static str,
    ) -> Self {
        Self {
            short,
            long,
            value,
            does,
            help,
        }
    }

    /// The option of a letter.
    pub(super) fn of_letter(letter: char) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.short == Some(letter))
    }

    /// The option of a long name, or of its beginning if no other begins so.
    pub(super) fn of_word(word: &str) -> Option<&'static Self> {
        let whole = OPTIONS.iter().find(|option| option.long == word);
        whole.or_else(|| {
            let mut begun = OPTIONS.iter().filter(|it| it.long.starts_with(word));
            let first = begun.next()?;
            begun.next().is_none().then_some(first)
        })
    }
}

use Does::{Nothing, Refused, Sets, Warns};

const NO_IPVS: &str = "there is no IPVS here: load is balanced by the proxy";
const NO_BFD: &str = "there is no BFD here";
const NO_SNMP: &str = "nobody answers to SNMP here: `pontoon status --json` tells the state";

/// All of them, in the order of the manual.
pub(super) const OPTIONS: &[Declared] = &[
    Declared::value(
        'f',
        "use-file",
        Sets(Setting::File),
        "FILE  Use the specified configuration file (/etc/keepalived/keepalived.conf)",
    ),
    Declared::flag(
        'P',
        "vrrp",
        Nothing("VRRP is all there is"),
        "Only run with VRRP subsystem (there is no other)",
    ),
    Declared::flag(
        'C',
        "check",
        Refused(
            "there are no LVS health checkers here: describe the servers in a haproxy.cfg, with \
             `check`, and start `pontoon run haproxy.cfg keepalived.conf`",
        ),
        "Refused: servers and their checks belong into a haproxy.cfg",
    ),
    Declared::flag(
        'B',
        "no_bfd",
        Nothing(NO_BFD),
        "Without effect: there is no BFD",
    ),
    Declared::new(
        None,
        "all",
        Value::None,
        Nothing("VRRP is all there is"),
        "Without effect: VRRP is all there is",
    ),
    Declared::flag(
        'l',
        "log-console",
        Sets(Setting::Console),
        "Log messages to local console",
    ),
    Declared::flag(
        'D',
        "log-detail",
        Sets(Setting::Detail),
        "Detailed log messages",
    ),
    Declared::value(
        'S',
        "log-facility",
        Sets(Setting::Facility),
        "([0-7]|local[0-7]|user|daemon)  Set syslog facility (daemon)",
    ),
    Declared::value(
        'g',
        "log-file",
        Sets(Setting::LogFile),
        "FILE  Also log to FILE, _vrrp standing before its last dot",
    ),
    Declared::new(
        None,
        "flush-log-file",
        Value::None,
        Nothing("each line is written at once"),
        "Without effect: each line is written at once",
    ),
    Declared::flag(
        'G',
        "no-syslog",
        Sets(Setting::NoSyslog),
        "Don't log via syslog",
    ),
    Declared::new(
        None,
        "node",
        Value::None,
        Sets(Setting::Node),
        "(Pontoon) As `pontoon run` starts it: lines on standard error only, unknown words refused",
    ),
    Declared::value(
        'u',
        "umask",
        Sets(Setting::Umask),
        "MASK  umask for file creation (in numeric form)",
    ),
    Declared::flag(
        'X',
        "release-vips",
        Nothing("addresses are always given back when the role is lost"),
        "Without effect: addresses are always given back when the role is lost",
    ),
    Declared::flag(
        'V',
        "dont-release-vrrp",
        Sets(Setting::KeepAddresses),
        "Don't remove addresses and routes on stop",
    ),
    Declared::flag(
        'I',
        "dont-release-ipvs",
        Nothing(NO_IPVS),
        "Without effect: there is no IPVS",
    ),
    Declared::flag(
        'R',
        "dont-respawn",
        Sets(Setting::NoRespawn),
        "Don't respawn the child process",
    ),
    Declared::flag(
        'n',
        "dont-fork",
        Sets(Setting::Foreground),
        "Don't fork the daemon process",
    ),
    Declared::flag(
        'd',
        "dump-conf",
        Sets(Setting::DumpConfiguration),
        "Dump the configuration data into the log",
    ),
    Declared::value(
        'p',
        "pid",
        Sets(Setting::Pidfile),
        "FILE  Use specified pidfile for the parent process (/run/keepalived.pid)",
    ),
    Declared::value(
        'r',
        "vrrp_pid",
        Sets(Setting::VrrpPidfile),
        "FILE  Use specified pidfile for the VRRP child process (/run/vrrp.pid)",
    ),
    Declared::flag(
        'T',
        "genhash",
        Refused("digests of web pages are no business of an election: use the original genhash"),
        "Refused: use the original genhash",
    ),
    Declared::value(
        'c',
        "checkers_pid",
        Nothing(NO_IPVS),
        "FILE  Without effect: there is no checker process",
    ),
    Declared::flag(
        'a',
        "address-monitoring",
        Warns("addresses are only told of when they are ours; `ip monitor address` shows all"),
        "Without effect: `ip monitor address` shows them",
    ),
    Declared::value(
        'b',
        "bfd_pid",
        Nothing(NO_BFD),
        "FILE  Without effect: there is no BFD",
    ),
    Declared::value(
        's',
        "namespace",
        Refused("start it there: `ip netns exec NAME keepalived …`"),
        "NAME  Refused: use `ip netns exec NAME keepalived …`",
    ),
    Declared::flag(
        'e',
        "all-config",
        Sets(Setting::AllFiles),
        "Error if any configuration file is missing",
    ),
    Declared::value(
        'i',
        "config-id",
        Sets(Setting::ConfigId),
        "ID  Heed lines beginning '@ID', skip those of other ids (the host's name)",
    ),
    Declared::flag(
        'x',
        "snmp",
        Warns(NO_SNMP),
        "Without effect: there is no SNMP",
    ),
    Declared::value(
        'A',
        "snmp-agent-socket",
        Warns(NO_SNMP),
        "FILE  Without effect: there is no SNMP",
    ),
    Declared::flag(
        'm',
        "core-dump",
        Sets(Setting::CoreDump),
        "Produce core dump if terminate abnormally",
    ),
    Declared::new(
        Some('M'),
        "core-dump-pattern",
        Value::Optional,
        Sets(Setting::CorePattern),
        "[=PATN]  As -m; the kernel's core_pattern is left alone",
    ),
    Declared::new(
        None,
        "signum",
        Value::Needed,
        Sets(Setting::SignalNumber),
        "SIGFUNC  Return signal number for STOP, RELOAD, DATA, STATS, STATS_CLEAR, JSON",
    ),
    Declared::new(
        Some('t'),
        "config-test",
        Value::Optional,
        Sets(Setting::Test),
        "[=LOG_FILE]  Check the configuration, output to stderr by default",
    ),
    Declared::new(
        None,
        "perf",
        Value::Optional,
        Nothing("nothing is recorded here: use `perf record -p`"),
        "Without effect: use `perf record -p`",
    ),
    Declared::new(
        None,
        "no-mem-check",
        Value::None,
        Nothing("memory is checked by the language"),
        "Without effect: memory is checked by the language",
    ),
    Declared::new(
        None,
        "debug",
        Value::Optional,
        Nothing("its letters are keepalived's own; -D tells details"),
        "Without effect: use -D",
    ),
    Declared::flag(
        'v',
        "version",
        Sets(Setting::Version),
        "Display the version number",
    ),
    Declared::flag(
        'h',
        "help",
        Sets(Setting::Help),
        "Display this help message",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let longs: HashSet<_> = OPTIONS.iter().map(|option| option.long).collect();
        assert_eq!(longs.len(), OPTIONS.len());
        let shorts: Vec<_> = OPTIONS.iter().filter_map(|option| option.short).collect();
        let distinct: HashSet<_> = shorts.iter().collect();
        assert_eq!(distinct.len(), shorts.len());
    }

    #[test]
    fn a_beginning_is_enough_if_no_other_begins_so() {
        let of = |word| Declared::of_word(word).map(|option| option.long);
        assert_eq!(of("config-t"), Some("config-test"));
        assert_eq!(of("vrrp"), Some("vrrp"), "and not vrrp_pid");
        assert_eq!(of("dont-r"), None);
        assert_eq!(of("badopt"), None);
    }
}
