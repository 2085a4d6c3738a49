//! Health checks: probes servers and agents, tells the backends what they found, and drives the
//! backends' own timers.

use std::{path::PathBuf, sync::Arc};

use pontoon_config::haproxy::model::Model;

use crate::state::Running;

/// The checks of a configuration, with everything read that lies in files.
#[derive(Debug)]
pub struct Checks {}

/// A file that a check needs cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("'{server}': {}: {problem}", file.display())]
pub struct LoadError {
    /// `backend/server`.
    pub server: String,
    /// The file named by `ca-file` or `crt`.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl Checks {
    /// Reads what the checks of a configuration need (`ca-file`, `crt`). To be called before
    /// `chroot` and before privileges are dropped.
    ///
    /// # Errors
    /// All files that cannot be used.
    pub fn load(_model: &Model) -> Result<Self, Vec<LoadError>> {
        Ok(Self {})
    }

    /// Checks until dropped. To be polled on a current-thread tokio runtime with I/O and time.
    pub async fn run(self, _running: Arc<Running>) {
        std::future::pending().await
    }
}
