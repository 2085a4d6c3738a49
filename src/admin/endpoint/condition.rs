//! How this process is, in one word.

use std::fmt;

use pontoon_engine::backend::Readiness;

use crate::state::Running;

/// Whether clients may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// They may.
    Serving,
    /// A stop was asked for: sessions run on, new ones should go elsewhere.
    Stopping,
    /// There are servers, and none of them takes sessions.
    NoServer,
}

impl Condition {
    /// That of a process. One whose servers have not been checked yet, or are not checked at all,
    /// serves: that nothing is known is no reason to send clients away.
    pub(super) fn of(running: &Running) -> Self {
        // Who has handed over stops nothing: clients are served as before, by another process.
        let handed_over = running.process.has_handed_over();
        if running.process.is_stopping() && !handed_over {
            return Self::Stopping;
        }
        match running.readiness() {
            Readiness::AllDown => Self::NoServer,
            Readiness::Unchecked | Readiness::Pending | Readiness::Usable => Self::Serving,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serving => "ok",
            Self::Stopping => "stopping",
            Self::NoServer => "no usable server",
        })
    }
}
