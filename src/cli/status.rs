//! `pontoon status`: asks a running node how it is.

mod age;
mod process;
mod report;
mod router;

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;

use crate::{
    files::without_number,
    node::status::{self, Answer, NodeStatus, Request},
    proxy::process::announce::{Announcer, Style},
};

/// How long a node may take; it answers within a second even if its processes hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// What follows `pontoon status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The node's name (`pontoon run --name`); `keepalived` for a drop-in
    #[arg(long, default_value = status::NODE)]
    name: String,
    /// Where it listens, instead of /run/pontoon/NAME.sock
    #[arg(long, value_name = "PATH", conflicts_with = "name")]
    socket: Option<PathBuf>,
    /// Everything it tells, as JSON
    #[arg(long)]
    json: bool,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
enum StatusError {
    #[error("where to ask is not known: $XDG_RUNTIME_DIR is not set; say --socket")]
    Nowhere,
    #[error("no node listens at {}; {}", path.display(), advice(others))]
    Nobody {
        path: PathBuf,
        /// Where nodes listen that may be meant.
        others: Vec<PathBuf>,
    },
    #[error("{}: only its user and root may ask", .0.display())]
    Forbidden(PathBuf),
    #[error("the node does not answer: {}", without_number(&.0.to_string()))]
    Silent(#[from] io::Error),
    #[error("the answer is in no form that this version knows: {0}")]
    Strange(#[from] serde_json::Error),
    #[error("the node refuses: {0}")]
    Refused(String),
}

/// Shows how a node is. Exits with 0 if it could be asked.
#[must_use]
#[expect(clippy::print_stdout, reason = "this is what was asked for")]
pub(super) fn run(args: &StatusArgs) -> ExitCode {
    match show(args) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            Announcer::new(Style::Pontoon, false).alert(error);
            ExitCode::FAILURE
        }
    }
}

fn show(args: &StatusArgs) -> Result<String, StatusError> {
    let path = args.socket.clone().or_else(|| status::socket(&args.name));
    let node = ask(&path.ok_or(StatusError::Nowhere)?)?;
    if args.json {
        return Ok(serde_json::to_string_pretty(&node)? + "\n");
    }
    Ok(report::of(&node)?)
}

fn ask(path: &Path) -> Result<NodeStatus, StatusError> {
    let stream = UnixStream::connect(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => StatusError::Nobody {
            path: path.to_owned(),
            others: neighbours(path),
        },
        io::ErrorKind::PermissionDenied => StatusError::Forbidden(path.to_owned()),
        _ => StatusError::Silent(error),
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = serde_json::to_string(&Request::Status)? + "\n";
    (&stream).write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    match serde_json::from_str(&line)? {
        Answer::Status(node) => Ok(node),
        Answer::Refused(why) => Err(StatusError::Refused(why)),
    }
}

/// Sockets in the same directory that somebody listens at.
fn neighbours(path: &Path) -> Vec<PathBuf> {
    let directory = path.parent().map(fs::read_dir);
    let files = directory.into_iter().flatten().flatten().flatten();
    let paths = files.map(|file| file.path());
    let sockets = paths.filter(|path| path.extension().is_some_and(|it| it == "sock"));
    let mut living: Vec<_> = sockets
        .filter(|path| UnixStream::connect(path).is_ok())
        .collect();
    living.sort();
    living
}

fn advice(others: &[PathBuf]) -> String {
    if others.is_empty() {
        return "is it running? Names are told by --name".to_owned();
    }
    let options: Vec<_> = others
        .iter()
        .map(|path| format!("--socket {}", path.display()))
        .collect();
    format!("try {}", options.join(" or "))
}
