//! `pontoon plan [FILE…]`: what a reload would change, before it is done.

mod effects;
mod election;
mod proxy;
mod text;
mod version;

use std::{
    env, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use pontoon_config::difference::Difference;
use serde::Serialize;

use self::{
    election::ElectionEffects,
    proxy::ProxyEffects,
    version::{Faults, Version},
};
use super::{
    ask::{AskError, Whom, ask},
    check::Format,
    say,
};
use crate::{
    files::Unreadable,
    node::status::{Answer, AppliedFiles, Request},
    proxy::process::announce::{Announcer, Style},
};

/// Something would change.
const CHANGES: u8 = 2;

/// What follows `pontoon plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// What the node would run on; without any, the files that it was started with
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Compare with these files instead of what a running node runs on
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "socket"], requires = "files")]
    against: Vec<String>,
    #[command(flatten)]
    whom: Whom,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
enum PlanError {
    #[error("{0}; `--against FILE` compares with files instead")]
    Ask(#[from] AskError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("cannot enter the directory of the node: {0}")]
    Directory(#[from] io::Error),
    #[error("{0}")]
    Faults(#[from] Faults),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What a reload would change.
#[derive(Debug, Default, Serialize)]
struct Plan {
    /// Whether it would change anything.
    changes: bool,
    /// Of each `haproxy.cfg`, if there is one.
    haproxy: Option<Of<ProxyEffects>>,
    /// Of the `keepalived.conf`, if there is one.
    keepalived: Option<Of<ElectionEffects>>,
}

/// What changes in the files of a language, and what that does.
#[derive(Debug, Serialize)]
struct Of<Effects> {
    #[serde(flatten)]
    effects: Effects,
    lines: Difference,
}

/// Tells it. Exits with 0 if nothing would change, with 2 if something would, with 1 if that cannot
/// be told, or the files have errors.
#[must_use]
pub(super) fn run(args: &PlanArgs) -> ExitCode {
    match tell(args) {
        Ok(plan) if plan.changes => ExitCode::from(CHANGES),
        Ok(_) => ExitCode::SUCCESS,
        Err(PlanError::Faults(faults)) => {
            say::error_text(faults);
            ExitCode::FAILURE
        }
        Err(error) => {
            Announcer::new(Style::Pontoon, false).alert(error);
            ExitCode::FAILURE
        }
    }
}

fn tell(args: &PlanArgs) -> Result<Plan, PlanError> {
    let plan = plan(args)?;
    match args.format {
        Format::Human => say::text(text::of(&plan)),
        Format::Json => say::line(serde_json::to_string_pretty(&plan)?),
    }
    Ok(plan)
}

fn plan(args: &PlanArgs) -> Result<Plan, PlanError> {
    if !args.against.is_empty() {
        let old = Version::of_files(&args.against, &AppliedFiles::default())?;
        let new = Version::of_files(&args.files, &AppliedFiles::default())?;
        return Ok(compare(&old, &new, None));
    }
    let applied = applied(&args.whom)?;
    let files = if args.files.is_empty() {
        strings(&applied.names)
    } else {
        let absolute = args.files.iter().map(std::path::absolute);
        strings(&absolute.collect::<Result<Vec<_>, _>>()?)
    };
    // Names inside the files are relative to where the node is.
    env::set_current_dir(&applied.directory)?;
    let new = Version::of_files(&files, &applied)?;
    let old = Version::applied(&applied)?;
    Ok(compare(&old, &new, applied.proxy_pid))
}

fn applied(whom: &Whom) -> Result<AppliedFiles, AskError> {
    match ask(&whom.path()?, &Request::Files)? {
        Answer::Files(files) => Ok(files),
        Answer::Refused(why) => Err(AskError::Refused(why)),
        other => Err(AskError::Unexpected(Box::new(other))),
    }
}

fn strings(paths: &[PathBuf]) -> Vec<String> {
    let paths = paths
        .iter()
        .map(PathBuf::as_path)
        .map(Path::to_string_lossy);
    paths.map(std::borrow::Cow::into_owned).collect()
}

/// From the old to the new version, whose sessions are those of this process.
fn compare(old: &Version, new: &Version, proxy: Option<u32>) -> Plan {
    let haproxy = old.proxy.is_some() || new.proxy.is_some();
    let haproxy = haproxy.then(|| proxy::compare(old.proxy.as_ref(), new.proxy.as_ref(), proxy));
    let keepalived = old.election.is_some() || new.election.is_some();
    let keepalived =
        keepalived.then(|| election::compare(old.election.as_ref(), new.election.as_ref()));
    let is_changed = haproxy.as_ref().is_some_and(|it| !it.lines.is_empty())
        || keepalived.as_ref().is_some_and(|it| !it.lines.is_empty());
    Plan {
        changes: is_changed,
        haproxy,
        keepalived,
    }
}
