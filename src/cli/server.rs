//! `pontoon drain | ready | maint server BACKEND/SERVER`: what a running proxy is to do with a
//! server.

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};

use super::{
    runtime::{RuntimeError, Which, order, why},
    say,
    status::age::duration,
    switchover::time,
};
use crate::{
    admin::why::ServerWhy,
    counted::counted,
    proxy::process::announce::{Announcer, Style},
};

/// Between two looks at what is left.
const PAUSE: Duration = Duration::from_millis(250);

/// What can be drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A server of a backend.
    Server,
}

/// What follows `pontoon ready` and `pontoon maint`.
#[derive(Debug, Args)]
pub(super) struct ServerArgs {
    /// What it is about
    kind: Kind,
    /// Its name
    #[arg(value_name = "BACKEND/SERVER")]
    subject: String,
    #[command(flatten)]
    which: Which,
}

/// What follows `pontoon drain`.
#[derive(Debug, Args)]
pub(super) struct DrainArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Wait until its last session has ended, at most so long; exits with 1 if some are left then
    #[arg(long, value_name = "TIME", value_parser = time)]
    wait: Option<Duration>,
}

/// No new sessions; established ones go on.
#[must_use]
pub(super) fn drain(args: &DrainArgs) -> ExitCode {
    exit(
        set(&args.server, "drain").and_then(|server| match args.wait {
            Some(longest) => empty(&args.server, server, longest),
            None => Ok(true),
        }),
    )
}

/// Sessions again, and checks decide.
#[must_use]
pub(super) fn ready(args: &ServerArgs) -> ExitCode {
    exit(set(args, "ready").map(|_| true))
}

/// Neither sessions nor checks.
#[must_use]
pub(super) fn maint(args: &ServerArgs) -> ExitCode {
    exit(set(args, "maint").map(|_| true))
}

fn exit(result: Result<bool, RuntimeError>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            Announcer::new(Style::Pontoon, false).alert(error);
            ExitCode::FAILURE
        }
    }
}

/// Tells how the server is afterwards.
fn set(args: &ServerArgs, state: &str) -> Result<ServerWhy, RuntimeError> {
    let Kind::Server = args.kind;
    let pid = args.which.pid()?;
    // A name that would be another command is none that is known.
    let known = look(pid, &args.subject)?;
    order(pid, &format!("set server {} state {state}", known.name))?;
    let server = look(pid, &known.name)?;
    say::line(format_args!("{}: {}", server.name, sessions(&server)));
    Ok(server)
}

fn look(pid: u32, name: &str) -> Result<ServerWhy, RuntimeError> {
    if !name.contains('/') || name.contains([' ', ';', '\n', '\\']) {
        let text = format!("'{name}' is no BACKEND/SERVER");
        return Err(RuntimeError::Refused(text));
    }
    let found = why(pid, name)?.servers.into_iter().next();
    found.ok_or_else(|| RuntimeError::Refused(format!("there is no server {name}")))
}

fn sessions(server: &ServerWhy) -> String {
    let status = &server.status;
    match server.sessions {
        0 => format!("{status}, no session"),
        some => format!("{status}, {}", counted(some, "session")),
    }
}

fn empty(
    args: &ServerArgs,
    mut server: ServerWhy,
    longest: Duration,
) -> Result<bool, RuntimeError> {
    let began = Instant::now();
    while server.sessions > 0 && began.elapsed() < longest {
        thread::sleep(PAUSE.min(longest.saturating_sub(began.elapsed())));
        server = look(args.which.pid()?, &server.name)?;
    }
    let time = duration(began.elapsed().as_secs_f64());
    say::line(format_args!(
        "{}: {} after {time}",
        server.name,
        sessions(&server)
    ));
    Ok(server.sessions == 0)
}
