//! `pontoon reload`: a running node reads its files again.

use std::{process::ExitCode, time::Duration};

use clap::Args;

use super::{
    ask::{AskError, Whom, ask_patiently},
    say,
};
use crate::{
    node::status::{Answer, Reloaded, Request},
    proxy::process::announce::{Announcer, Style},
};

/// The node gives up by itself before.
const PATIENCE: Duration = Duration::from_secs(70);

/// What follows `pontoon reload`.
#[derive(Debug, Args)]
pub(super) struct ReloadArgs {
    #[command(flatten)]
    whom: Whom,
}

/// Reloads. Exits with 0 if the node runs on its new files, with 1 if it does not: then standard
/// error tells why.
#[must_use]
pub(super) fn run(args: &ReloadArgs) -> ExitCode {
    match reload(args) {
        Ok(reloaded) => {
            // Warnings of the files; what was done goes to standard output.
            say::error_text(&reloaded.findings);
            say::line(format_args!("reloaded: {reloaded}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            Announcer::new(Style::Pontoon, false).alert(error);
            ExitCode::FAILURE
        }
    }
}

fn reload(args: &ReloadArgs) -> Result<Reloaded, AskError> {
    match ask_patiently(&args.whom.path()?, &Request::Reload, PATIENCE)? {
        Answer::Reloaded(reloaded) => Ok(reloaded),
        Answer::Refused(why) => Err(AskError::Refused(why)),
        other => Err(AskError::Unexpected(Box::new(other))),
    }
}
