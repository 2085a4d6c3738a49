//! `-t`: whether the files can run, and what is wrong with them.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::ExitCode,
};

use pontoon_config::{diagnostic::Severity, keepalived::model::Model};

use super::{arguments::Arguments, files, version};
use crate::election::{
    configuration::Outcome,
    network::{Network, NetworkError},
};

/// The code for files with mistakes, as 2.2.7 gives it (its manual says 4).
const MISTAKES: u8 = 5;
/// The code for scripts that run without script security, as 2.2.7 gives it (its manual says 5).
const INSECURE: u8 = 6;

/// Reads the files and says what is wrong with them, on standard error or into a file.
pub(super) fn run(arguments: &Arguments, log: Option<&Path>) -> ExitCode {
    let outcome = files(arguments).read();
    let missing = outcome.model.as_ref().and_then(missing_interface);
    let verdict = match &missing {
        Some(_) => Verdict::Mistaken,
        None => Verdict::of(&outcome),
    };
    let mut text = String::new();
    for finding in &outcome.findings {
        if finding.severity > Severity::Note || arguments.detail {
            text += &format!("{}\n", finding.text);
        }
    }
    if let Some(missing) = missing {
        text += &format!("{missing}\n");
    }
    if verdict == Verdict::Insecure {
        text += "SECURITY VIOLATION - scripts are being executed but script_security not \
                 enabled.\n";
    }
    match log {
        None => version::complain(&text),
        Some(path) => {
            if let Err(error) = write(path, &text) {
                version::complain(&format!("{text}Cannot write {}: {error}\n", path.display()));
            }
        }
    }
    verdict.exit()
}

/// An interface that is named and not there, as far as that can be seen.
fn missing_interface(model: &Model) -> Option<NetworkError> {
    // One line for each behind two of titles (proc_pid_net(5)).
    let table = fs::read_to_string("/proc/self/net/dev").ok()?;
    let names = table
        .lines()
        .skip(2)
        .filter_map(|line| line.split_once(':'));
    let names: Vec<_> = names.map(|(name, _)| name.trim().to_owned()).collect();
    Network::missing(model, &names)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    File::create(path)?.write_all(text.as_bytes())
}

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    Mistaken,
    Insecure,
}

impl Verdict {
    fn of(outcome: &Outcome) -> Self {
        let Some(model) = &outcome.model else {
            return Self::Mistaken;
        };
        let mut findings = outcome.findings.iter();
        if findings.any(|finding| finding.is_mistake()) {
            Self::Mistaken
        } else if runs_scripts(model) && !model.global.script_security {
            Self::Insecure
        } else {
            Self::Fine
        }
    }

    fn exit(self) -> ExitCode {
        match self {
            Self::Fine => ExitCode::SUCCESS,
            Self::Mistaken => ExitCode::from(MISTAKES),
            Self::Insecure => ExitCode::from(INSECURE),
        }
    }
}

/// Whether anything is run for somebody who could change it.
fn runs_scripts(model: &Model) -> bool {
    let instances = model.instances.iter().map(|instance| &instance.notify);
    let groups = model.groups.iter().map(|group| &group.notify);
    let notifies = instances.chain(groups).any(|notify| {
        let all = [
            &notify.master,
            &notify.backup,
            &notify.fault,
            &notify.stop,
            &notify.any,
            &notify.lower_priority,
            notify.deleted.as_ref().map_or(&None, |it| &it.script),
        ];
        all.into_iter().any(Option::is_some)
    });
    notifies || !model.scripts.is_empty()
}
