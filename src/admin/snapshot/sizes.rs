//! How sessions, connects and checks of a backend spread over their sizes.

use crate::state::{
    BackendState,
    histogram::{CHECK_BOUNDS, CONNECT_BOUNDS, Distribution, Histogram, SESSION_BOUNDS},
};

/// The distributions of one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Lengths of sessions.
    pub(crate) sessions: Distribution,
    /// Times to connect.
    pub(crate) connects: Distribution,
    /// Durations of checks that passed, then of those that failed.
    pub(crate) checks: [Distribution; 2],
}

impl Sizes {
    /// All of them now.
    pub(super) fn take(state: &BackendState) -> Self {
        let counters = &state.counters;
        Self {
            sessions: Histogram::sum(counters, |c| &c.session_times, &SESSION_BOUNDS),
            connects: Histogram::sum(counters, |c| &c.connect_times, &CONNECT_BOUNDS),
            checks: state
                .checks
                .each_ref()
                .map(|checks| Histogram::sum(checks, |it| it, &CHECK_BOUNDS)),
        }
    }
}
