//! Asking a running proxy over its runtime protocol.

use std::io;

use clap::Args;

use super::ask::{AskError, Whom};
use crate::{admin::why::Why, node::runtime};

/// Which proxy.
#[derive(Debug, Clone, Args)]
pub(super) struct Which {
    #[command(flatten)]
    pub(super) whom: Whom,
    /// The proxy process of this number, which no node runs: one started under the name haproxy
    #[arg(long, value_name = "PID", conflicts_with_all = ["name", "socket"])]
    pub(super) pid: Option<u32>,
}

/// Why it does not do what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuntimeError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("the node runs no proxy now")]
    NoProxy,
    #[error("process {0} does not answer as a proxy of this version: {1}")]
    Silent(u32, io::Error),
    #[error("the proxy refuses: {0}")]
    Refused(String),
    #[error("the answer is in no form that this version knows: {0}")]
    Strange(#[from] serde_json::Error),
}

impl Which {
    /// The number of the proxy process.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn pid(&self) -> Result<u32, RuntimeError> {
        match self.pid {
            Some(pid) => Ok(pid),
            None => {
                let proxy = self.whom.status()?.proxy;
                proxy.and_then(|it| it.pid).ok_or(RuntimeError::NoProxy)
            }
        }
    }
}

/// What a proxy answers to a command.
///
/// # Errors
/// It does not answer.
pub(super) fn ask(pid: u32, command: &str) -> Result<String, RuntimeError> {
    runtime::ask(pid, command).map_err(|error| RuntimeError::Silent(pid, error))
}

/// Lets a proxy do something that is answered with nothing if it is done.
///
/// # Errors
/// It says why it is not.
pub(super) fn order(pid: u32, command: &str) -> Result<(), RuntimeError> {
    let answer = ask(pid, command)?;
    match answer.trim() {
        "" => Ok(()),
        why => Err(RuntimeError::Refused(why.to_owned())),
    }
}

/// Why a server, or whatever is noteworthy, is as it is.
///
/// # Errors
/// There is no such server.
pub(super) fn why(pid: u32, subject: &str) -> Result<Why, RuntimeError> {
    let answer = ask(pid, format!("show why {subject}").trim_end())?;
    match answer.trim() {
        json if json.starts_with('{') => Ok(serde_json::from_str(json)?),
        why => Err(RuntimeError::Refused(why.to_owned())),
    }
}
