//! The arguments of `keepalived`, read as getopt_long(3) does.

use std::{collections::VecDeque, ffi::OsString, path::PathBuf};

use super::option::{Declared, Does, Setting, Value};
use crate::election::log::Facility;

/// Where the original looks for its file.
const FILE: &str = "/etc/keepalived/keepalived.conf";

/// What the arguments say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) task: Task,
    /// `-f`: the last one counts, as there; all of them under `--node`.
    files: Vec<String>,
    /// `-l`.
    pub(super) console: bool,
    /// `--node`.
    pub(super) node: bool,
    /// `-D`.
    pub(super) detail: bool,
    /// `-S`.
    pub(super) facility: Facility,
    /// `-g`.
    pub(super) log_file: Option<PathBuf>,
    /// `-G`.
    pub(super) no_syslog: bool,
    /// `-V`.
    pub(super) keep_addresses: bool,
    /// `-R`.
    pub(super) no_respawn: bool,
    /// `-n`.
    pub(super) foreground: bool,
    /// `-d`.
    pub(super) dump_configuration: bool,
    /// `-p`.
    pub(super) pidfile: PathBuf,
    /// `-r`.
    pub(super) vrrp_pidfile: PathBuf,
    /// `-e`.
    pub(super) all_files: bool,
    /// `-i`.
    pub(super) config_id: Option<String>,
    /// `-u`.
    pub(super) umask: Option<u32>,
    /// `-m`, `-M`.
    pub(super) core_dump: bool,
    /// What is no option; told, and otherwise ignored, as there.
    pub(super) unexpected: Vec<String>,
    /// What is said about arguments before anything is done.
    pub(super) remarks: Vec<Remark>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    Run,
    /// `-t`, and the file its messages go into.
    Test(Option<PathBuf>),
    Version,
    Help,
    /// `--signum`.
    SignalNumber(String),
}

/// Something about an argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Remark {
    #[error("Unknown option {0}")]
    Unknown(String),
    #[error("Missing parameter for option {0}")]
    Missing(String),
    #[error("Invalid log facility '{0}'")]
    Facility(String),
    #[error("Invalid --umask option {0}")]
    Umask(String),
    #[error("Option {option} refused: {instead}")]
    Refused {
        option: String,
        instead: &'static str,
    },
    #[error("Option {option} has no effect: {why}")]
    WithoutEffect { option: String, why: &'static str },
}

impl Remark {
    /// Whether nothing can be started.
    pub(super) const fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Unknown(_) | Self::Missing(_) | Self::Refused { .. }
        )
    }
}

impl Arguments {
    /// Reads everything behind the program's name.
    pub(super) fn parse(arguments: impl Iterator<Item = OsString>) -> Self {
        let words = arguments.map(|word| word.to_string_lossy().into_owned());
        let mut words: VecDeque<String> = words.collect();
        let mut parsed = Self::default();
        while let Some(word) = words.pop_front() {
            match word.strip_prefix("--") {
                Some("") => parsed.unexpected.extend(words.drain(..)),
                Some(long) => parsed.long(long, &mut words),
                None if word.len() > 1 && word.starts_with('-') => {
                    parsed.letters(&word[1..], &mut words);
                }
                None => parsed.unexpected.push(word),
            }
            // These do not read on: what follows them may be anything.
            if matches!(parsed.task, Task::Version | Task::Help) {
                break;
            }
        }
        parsed
    }

    /// The files to read, in this order.
    pub(super) fn files(&self) -> Vec<String> {
        match self.files.as_slice() {
            [] => vec![FILE.to_owned()],
            files if self.node => files.to_vec(),
            [.., last] => vec![last.clone()],
        }
    }

    fn long(&mut self, word: &str, rest: &mut VecDeque<String>) {
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        let shown = format!("--{name}");
        match Declared::of_word(name) {
            Some(option) => self.take(option, shown, attached, rest),
            None => self.remarks.push(Remark::Unknown(format!("--{word}"))),
        }
    }

    fn letters(&mut self, letters: &str, rest: &mut VecDeque<String>) {
        for (at, letter) in letters.char_indices() {
            let shown = format!("-{letter}");
            let Some(option) = Declared::of_letter(letter) else {
                self.remarks.push(Remark::Unknown(shown));
                continue;
            };
            let behind = &letters[at + letter.len_utf8()..];
            let attached = (!behind.is_empty()).then(|| behind.to_owned());
            if option.value == Value::None {
                self.take(option, shown, None, rest);
            } else {
                return self.take(option, shown, attached, rest);
            }
        }
    }

    fn take(
        &mut self,
        option: &Declared,
        shown: String,
        attached: Option<String>,
        rest: &mut VecDeque<String>,
    ) {
        let value = match option.value {
            Value::None | Value::Optional => attached.unwrap_or_default(),
            Value::Needed => {
                let value = attached.or_else(|| rest.pop_front());
                match value.filter(|value| !value.is_empty()) {
                    Some(value) => value,
                    None => return self.remarks.push(Remark::Missing(shown)),
                }
            }
        };
        match option.does {
            Does::Sets(setting) => self.set(setting, value),
            Does::Nothing(_) => {}
            Does::Warns(why) => self
                .remarks
                .push(Remark::WithoutEffect { option: shown, why }),
            Does::Refused(instead) => {
                self.remarks.push(Remark::Refused {
                    option: shown,
                    instead,
                });
            }
        }
    }

    fn set(&mut self, setting: Setting, value: String) {
        match setting {
            Setting::File => self.files.push(value),
            Setting::Console => self.console = true,
            Setting::Node => self.node = true,
            Setting::Detail => self.detail = true,
            Setting::Facility => self.set_facility(value),
            Setting::LogFile => self.log_file = Some(value.into()),
            Setting::NoSyslog => self.no_syslog = true,
            Setting::KeepAddresses => self.keep_addresses = true,
            Setting::NoRespawn => self.no_respawn = true,
            Setting::Foreground => self.foreground = true,
            Setting::DumpConfiguration => self.dump_configuration = true,
            Setting::Pidfile => self.pidfile = value.into(),
            Setting::VrrpPidfile => self.vrrp_pidfile = value.into(),
            Setting::AllFiles => self.all_files = true,
            Setting::ConfigId => self.config_id = Some(value),
            Setting::Umask => self.set_umask(value),
            Setting::CoreDump | Setting::CorePattern => self.core_dump = true,
            Setting::SignalNumber => self.task = Task::SignalNumber(value),
            Setting::Test => {
                self.task = Task::Test((!value.is_empty()).then(|| value.into()));
            }
            Setting::Version => self.task = Task::Version,
            Setting::Help => self.task = Task::Help,
        }
    }

    fn set_facility(&mut self, name: String) {
        match Facility::named(&name) {
            Some(facility) => self.facility = facility,
            None => self.remarks.push(Remark::Facility(name)),
        }
    }

    fn set_umask(&mut self, mask: String) {
        match number(&mask).filter(|mask| *mask <= 0o777) {
            Some(mask) => self.umask = Some(mask),
            None => self.remarks.push(Remark::Umask(mask)),
        }
    }
}

/// As strtol(3) reads it: `0x…`, `0…` octal, decimal.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            task: Task::Run,
            files: Vec::new(),
            console: false,
            node: false,
            detail: false,
            facility: Facility::DAEMON,
            log_file: None,
            no_syslog: false,
            keep_addresses: false,
            no_respawn: false,
            foreground: false,
            dump_configuration: false,
            pidfile: "/run/keepalived.pid".into(),
            vrrp_pidfile: "/run/vrrp.pid".into(),
            all_files: false,
            config_id: None,
            umask: None,
            core_dump: false,
            unexpected: Vec::new(),
            remarks: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Arguments {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn letters_may_stand_together_and_values_may_be_attached() {
        let parsed = parse("-nlDf a.conf -S3 -p/run/a.pid");
        assert!(parsed.foreground && parsed.console && parsed.detail);
        assert_eq!(parsed.files(), ["a.conf"]);
        assert_eq!(Some(parsed.facility), Facility::named("local3"));
        assert_eq!(parsed.pidfile, PathBuf::from("/run/a.pid"));
        assert_eq!(parsed.remarks, []);
    }

    #[test]
    fn long_names_take_values_both_ways() {
        assert_eq!(parse("--use-file=a --vrrp").files(), ["a"]);
        assert_eq!(parse("--use-file a -f b").files(), ["b"]);
        assert_eq!(parse("--use-file=").remarks.len(), 1);
    }

    #[test]
    fn an_optional_value_must_be_attached() {
        assert_eq!(parse("-t").task, Task::Test(None));
        assert_eq!(parse("-tlog").task, Task::Test(Some("log".into())));
        let parsed = parse("-t log");
        assert_eq!(parsed.task, Task::Test(None));
        assert_eq!(parsed.unexpected, ["log"]);
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let said = |line: &str| parse(line).remarks.first().map(ToString::to_string);
        assert_eq!(said("-Z").unwrap(), "Unknown option -Z");
        assert_eq!(said("--badopt=1").unwrap(), "Unknown option --badopt=1");
        assert_eq!(said("-f").unwrap(), "Missing parameter for option -f");
        assert_eq!(said("-S 9").unwrap(), "Invalid log facility '9'");
        assert_eq!(said("-u 999").unwrap(), "Invalid --umask option 999");
        assert!(parse("-s red").remarks[0].is_fatal());
        assert!(!parse("-x").remarks[0].is_fatal());
        assert_eq!(said("-P --all -I -B"), None);
    }

    #[test]
    fn a_umask_is_read_as_c_reads_numbers() {
        assert_eq!(parse("-u 022").umask, Some(0o22));
        assert_eq!(parse("-u 18").umask, Some(0o22));
        assert_eq!(parse("-u 0x12").umask, Some(0o22));
    }

    #[test]
    fn the_version_ends_the_reading() {
        assert_eq!(parse("-v -Z").task, Task::Version);
        assert_eq!(parse("-v -Z").remarks, []);
    }
}
