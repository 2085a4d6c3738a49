//! What went wrong while a test host was built or used.

/// A sentence for whoever reads the test's output.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Something did not happen in time.
    #[error("waited {seconds} s in vain for {what}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// Something else than expected happened.
    #[error("{0}")]
    Unexpected(String),
}

/// The result of most things in the lab.
pub type Result<T> = std::result::Result<T, Problem>;

/// Says what was tried when a system call fails.
pub trait Trying<T> {
    /// Adds the sentence.
    ///
    /// # Errors
    /// [`Problem::Io`] with that sentence.
    fn trying(self, what: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<std::io::Error>> Trying<T> for std::result::Result<T, E> {
    fn trying(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|error| Problem::Io {
            what: what.into(),
            source: error.into(),
        })
    }
}
