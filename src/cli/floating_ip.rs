//! `pontoon floating-ip`: the cloud's addresses by hand, with the code of the election.

mod associate;
mod preflight;
mod status;
mod subject;
mod verify;
mod vrrp;

use std::{io, process::ExitCode};

use clap::{Args, Subcommand};

use self::subject::{Subject, SubjectError};
use super::{
    ask::{AskError, Whom},
    say::line as say,
};
use crate::proxy::process::announce::{Announcer, Style};

/// What follows `pontoon floating-ip`.
#[derive(Debug, Args)]
pub(super) struct FloatingIpArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell what the running node knows of its floating IPs; with files and no node, ask the provider
    Status(Words),
    /// Bring floating IPs here: through the running node if it is master, directly without a node
    Associate(associate::AssociateArgs),
    /// Ask the provider where floating IPs are: 0 if all are here, 1 if not, 2 if nobody knows
    Verify(Words),
    /// Try out what a failover needs, moving nothing: credentials, rights, address, metadata, and
    /// whether VRRP reaches the peer
    Preflight(Words),
}

/// What is meant.
#[derive(Debug, Args)]
struct Words {
    #[command(flatten)]
    whom: Whom,
    /// keepalived.conf (without one: that of the running node), and addresses (without one: all)
    #[arg(value_name = "FILE|ADDRESS")]
    words: Vec<String>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum FloatingIpError {
    #[error("{0}")]
    Subject(#[from] SubjectError),
    #[error("{0}")]
    Ask(#[from] AskError),
    #[error("cannot start: {0}")]
    Runtime(#[from] io::Error),
}

/// The exit code for questions that nobody has answered.
const UNKNOWN: u8 = 2;

/// Does what the arguments say.
#[must_use]
pub(super) fn run(args: &FloatingIpArgs) -> ExitCode {
    let done = match &args.what {
        What::Status(words) => status::run(words),
        What::Associate(args) => associate::run(args),
        What::Verify(words) => verify::run(words),
        What::Preflight(words) => preflight::run(words),
    };
    done.unwrap_or_else(|error| {
        Announcer::new(Style::Pontoon, false).alert(error);
        ExitCode::from(UNKNOWN)
    })
}

/// Runs calls to a provider to their end.
fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(work))
}
