//! What survives a reload beside sessions.
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Running;

/// Placeholder until the real one lands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {}

impl Running {
    /// What another process must know.
    #[must_use]
    pub fn carry(&self, _now: Instant) -> Carried {
        Carried {}
    }

    /// Goes on from there.
    pub fn take_over(&self, _carried: &Carried, _now: Instant) {}
}
