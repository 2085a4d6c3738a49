//! Asking a running node at its socket.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use crate::{
    files::without_number,
    node::status::{self, Answer, NodeStatus, Request},
};

/// How long a node may take; it answers within a second even if its processes hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which node.
#[derive(Debug, Clone, Args)]
pub(super) struct Whom {
    /// The node's name (`pontoon run --name`); `keepalived` for a drop-in
    #[arg(long, default_value = status::NODE)]
    pub(super) name: String,
    /// Where it listens, instead of /run/pontoon/NAME.sock
    #[arg(long, value_name = "PATH", conflicts_with = "name")]
    pub(super) socket: Option<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
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
    #[error("the answer is none to what was asked: {0:?}")]
    Unexpected(Box<Answer>),
    #[error("the node refuses: {0}")]
    Refused(String),
}

impl Whom {
    /// Where it is asked.
    ///
    /// # Errors
    /// [`AskError::Nowhere`].
    pub(super) fn path(&self) -> Result<PathBuf, AskError> {
        let path = self.socket.clone();
        path.or_else(|| status::socket(&self.name))
            .ok_or(AskError::Nowhere)
    }

    /// How the node is.
    ///
    /// # Errors
    /// It cannot be asked, or refuses.
    pub(super) fn status(&self) -> Result<NodeStatus, AskError> {
        match ask(&self.path()?, &Request::Status)? {
            Answer::Status(node) => Ok(node),
            Answer::Refused(why) => Err(AskError::Refused(why)),
            other => Err(AskError::Unexpected(Box::new(other))),
        }
    }
}

/// One question, one answer.
///
/// # Errors
/// Nobody answers.
pub(super) fn ask(path: &Path, request: &Request) -> Result<Answer, AskError> {
    ask_patiently(path, request, PATIENCE)
}

/// One question, and an answer that takes its time.
///
/// # Errors
/// Nobody answers.
pub(super) fn ask_patiently(
    path: &Path,
    request: &Request,
    patience: Duration,
) -> Result<Answer, AskError> {
    let stream = UnixStream::connect(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::Nobody {
            path: path.to_owned(),
            others: neighbours(path),
        },
        io::ErrorKind::PermissionDenied => AskError::Forbidden(path.to_owned()),
        _ => AskError::Silent(error),
    })?;
    stream.set_read_timeout(Some(patience))?;
    let request = serde_json::to_string(request)? + "\n";
    (&stream).write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
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
