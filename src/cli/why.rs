//! `pontoon why`: why a server is down, why this node is or is not master, what is noteworthy.

mod election;
mod server;

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{
    ask::AskError,
    runtime::{RuntimeError, Which, why},
    say,
};
use crate::{
    admin::why::Why,
    election::status::Status,
    proxy::process::announce::{Announcer, Style},
};

/// So many lines of each timeline are shown if nothing was asked for.
const SHOWN: usize = 10;

/// What follows `pontoon why`.
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// BACKEND/SERVER, a backend, `master`, or a `vrrp_instance`; without it, whatever is noteworthy
    subject: Option<String>,
    #[command(flatten)]
    which: Which,
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What is known.
#[derive(Debug, Default, Serialize)]
struct Told {
    /// Of the proxy's servers.
    proxy: Option<Why>,
    /// Of the election.
    election: Option<Status>,
}

/// Tells why. Exits with 0 if there was somebody to tell.
#[must_use]
pub(super) fn run(args: &WhyArgs) -> ExitCode {
    match tell(args) {
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

fn tell(args: &WhyArgs) -> Result<String, RuntimeError> {
    let told = ask(args)?;
    if args.format == Format::Json {
        return Ok(serde_json::to_string_pretty(&told)? + "\n");
    }
    let zone = TimeZone::system();
    let everything = args.subject.is_none();
    let mut out = String::new();
    if let Some(status) = &told.election {
        out += &election::text(status, everything, &zone);
    }
    if let Some(why) = &told.proxy {
        if !out.is_empty() {
            out.push('\n');
        }
        out += &server::text(why, everything, &zone);
    }
    Ok(out)
}

/// All that is known of an election, for people.
pub(super) fn of_election(status: &Status, zone: &TimeZone) -> String {
    election::text(status, false, zone)
}

fn ask(args: &WhyArgs) -> Result<Told, RuntimeError> {
    let subject = args.subject.as_deref().unwrap_or_default();
    if args.which.pid.is_some() {
        let proxy = Some(why(args.which.pid()?, subject)?);
        return Ok(Told {
            proxy,
            ..Told::default()
        });
    }
    let node = args.which.whom.status()?;
    let status: Option<Status> = node.vrrp.map(serde_json::from_value).transpose()?;
    if let Some(status) = status.as_ref().and_then(|it| election::about(it, subject)) {
        return Ok(Told {
            election: Some(status),
            ..Told::default()
        });
    }
    if subject == "master" {
        let why = "the node runs no election that answers".to_owned();
        return Err(AskError::Refused(why).into());
    }
    let pid = node.proxy.and_then(|proxy| proxy.pid);
    let proxy = match pid {
        Some(pid) => Some(why(pid, subject)?),
        None if !subject.is_empty() => return Err(RuntimeError::NoProxy),
        None => None,
    };
    let election = status.filter(|_| subject.is_empty());
    Ok(Told { proxy, election })
}
