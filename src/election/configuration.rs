//! The files of the election, read at start and again at a reload.

use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    keepalived::{self, Loaded, Unknown, model::Model},
    source::{SourceFile, Sources},
};
use pontoon_sys::process::identity;

use super::log::Level;
use crate::{
    files::{self, Unreadable, without_number},
    surroundings::System,
};

/// Which files, and how they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// In this order, as if they were one.
    pub names: Vec<String>,
    /// `-i`; the host's name without its domain if nothing is said.
    pub config_id: Option<String>,
    /// What an unknown word is.
    pub unknown_words: Unknown,
    /// `-e`: a file that an `include` names and that is not there is an error.
    pub all_files: bool,
}

/// What came of reading.
#[derive(Debug)]
pub struct Outcome {
    /// `None`: nothing can run.
    pub model: Option<Model>,
    /// What is to be said, in the order of the files.
    pub findings: Vec<Finding>,
}

/// Something about the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable name.
    pub code: &'static str,
    /// `(keepalived.conf: Line 17) …`, as keepalived says it.
    pub text: String,
}

impl Finding {
    /// Whether keepalived's own test would fail because of it (measured with 2.2.7).
    #[must_use]
    pub fn is_mistake(&self) -> bool {
        match self.severity {
            Severity::Error => true,
            Severity::Warning => !PARDONED.contains(&self.code),
            Severity::Note => false,
        }
    }

    /// The level of its line in the log.
    pub(super) const fn level(&self) -> Level {
        match self.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Note => Level::Debug,
        }
    }
}

impl Files {
    /// Reads them.
    #[must_use]
    pub fn read(&self) -> Outcome {
        match files::read(&self.names) {
            Ok(sources) => self.load(sources),
            Err(missing) => Outcome {
                model: None,
                findings: vec![unreadable(&missing)],
            },
        }
    }

    /// Why the files cannot be read, if they cannot.
    #[must_use]
    pub fn unreadable(&self) -> Option<String> {
        let missing = files::read(&self.names).err()?;
        Some(unreadable(&missing).text)
    }

    fn load(&self, sources: Vec<SourceFile>) -> Outcome {
        let settings = keepalived::Settings {
            config_id: self.config_id.clone().unwrap_or_else(short_host_name),
            unknown_words: self.unknown_words,
        };
        let Loaded {
            model,
            files,
            diagnostics,
        } = keepalived::load(sources, &settings, &System);
        let sources = Sources::new(files);
        let mut findings: Vec<_> = diagnostics
            .all()
            .iter()
            .map(|found| self.finding(found, &sources))
            .collect();
        findings.dedup();
        let failed = findings.iter().any(|it| it.severity == Severity::Error);
        Outcome {
            model: model.filter(|_| !failed),
            findings,
        }
    }

    fn finding(&self, found: &Diagnostic, sources: &Sources) -> Finding {
        let place = found.span.map_or_else(String::new, |span| {
            let place = sources.location(span);
            format!("({}: Line {}) ", place.file, place.line)
        });
        let advice = found.suggestion.as_ref();
        let advice = advice.map_or_else(String::new, |advice| format!(" ({advice})"));
        let missing = self.all_files && found.code == MISSING_INCLUDE;
        Finding {
            severity: if missing {
                Severity::Error
            } else {
                found.severity
            },
            code: found.code,
            text: format!("{place}{}{advice}", found.message),
        }
    }
}

/// What we warn of and keepalived's test does not: it does what we do not, or does not mind.
const PARDONED: &[&str] = &[
    "asks-for-proxy",
    "default-interval",
    "extra-words",
    "include-missing",
    "no-instance",
    "not-done",
    "nothing-moves",
    "obsolete",
    "own-peer",
    "refused",
    "repeated",
    "sandbox-exception",
    "script-security",
    "timeout-over-interval",
    "unquoted-command",
    "unused-script",
    "wide-group",
    "without-effect",
    "writable-script",
];

/// The code of a finding about an `include` that names nothing.
const MISSING_INCLUDE: &str = "include-missing";

/// In keepalived's words.
fn unreadable(missing: &Unreadable) -> Finding {
    let Unreadable { name, error } = missing;
    let why = without_number(&error.to_string());
    Finding {
        severity: Severity::Error,
        code: "unreadable-file",
        text: format!("Config files missing '{name}'. ({why})"),
    }
}

fn short_host_name() -> String {
    let name = identity::host_name();
    let short = name.split('.').next();
    short.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let files = Files {
            names: vec!["/nonexistent.conf".into()],
            config_id: None,
            unknown_words: Unknown::Warning,
            all_files: false,
        };
        let outcome = files.read();
        assert!(outcome.model.is_none());
        assert_eq!(
            outcome.findings[0].text,
            "Config files missing '/nonexistent.conf'. (No such file or directory)"
        );
    }
}
