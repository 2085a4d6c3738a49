//! Where the election's lines go.

use std::{
    fmt::Display,
    io::{self, Write as _},
    sync::Arc,
};

/// How much a line matters, as syslog counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something will surprise.
    Warning,
    /// Roles change.
    Notice,
    /// What else happens.
    Info,
    /// Detail (`-D`, `debug`).
    Debug,
}

/// Writes lines; cheap to clone, never blocks for long, never fails.
#[derive(Debug, Clone)]
pub struct Log {
    outlet: Arc<Outlet>,
}

#[derive(Debug)]
enum Outlet {
    StandardError,
}

impl Log {
    /// Lines on standard error.
    #[must_use]
    pub fn to_standard_error() -> Self {
        Self {
            outlet: Arc::new(Outlet::StandardError),
        }
    }

    /// Writes one line.
    pub fn line(&self, _level: Level, message: impl Display) {
        match *self.outlet {
            // If nobody reads standard error, there is nobody to tell.
            Outlet::StandardError => {
                let _unread = writeln!(io::stderr().lock(), "{message}");
            }
        }
    }
}
