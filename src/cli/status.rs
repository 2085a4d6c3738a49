//! `pontoon status`: asks a running node how it is.

pub(super) mod age;
pub(super) mod floating;
mod process;
pub(super) mod report;
pub(super) mod router;

use std::process::ExitCode;

use clap::Args;

use super::{
    ask::{AskError, Whom},
    say,
    why::Format,
};
use crate::proxy::process::announce::{Announcer, Style};

/// What follows `pontoon status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    whom: Whom,
    /// Everything it tells, as JSON; the same as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Shows how a node is. Exits with 0 if it could be asked.
#[must_use]
pub(super) fn run(args: &StatusArgs) -> ExitCode {
    match show(args) {
        Ok(text) => {
            say::text(text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            Announcer::new(Style::Pontoon, false).alert(error);
            ExitCode::FAILURE
        }
    }
}

fn show(args: &StatusArgs) -> Result<String, AskError> {
    let node = args.whom.status()?;
    if args.json || args.format == Format::Json {
        return Ok(serde_json::to_string_pretty(&node)? + "\n");
    }
    Ok(report::of(&node)?)
}
