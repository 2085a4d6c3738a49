//! What a master is just doing about the address.

use std::time::Instant;

use crate::floating_ip::{
    CallId,
    event::{Failure, Whereabouts},
};

/// A step and its deadline.
#[derive(Debug)]
pub(super) enum Step {
    /// The provider was asked where the address is.
    Looking(Asked),
    /// The provider was asked to bring it here.
    Moving(Asked),
    /// Nothing is to be done before then.
    Resting {
        until: Instant,
        /// What is to be done then.
        next: Next,
    },
}

/// A call under way.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) call: CallId,
    /// When it is not waited for any longer.
    pub(super) overdue_at: Instant,
}

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask where the address is.
    Look,
    /// Bring it here.
    Move,
}

/// What a call has brought.
#[derive(Debug)]
pub(super) enum Answer {
    Described(Result<Whereabouts, Failure>),
    Associated(Result<(), Failure>),
}

impl Step {
    /// When it wants to be called.
    pub(super) const fn deadline(&self) -> Instant {
        match self {
            Self::Looking(asked) | Self::Moving(asked) => asked.overdue_at,
            Self::Resting { until, .. } => *until,
        }
    }

    pub(super) const fn resting_until(&self) -> Option<Instant> {
        match self {
            Self::Looking(_) | Self::Moving(_) => None,
            Self::Resting { until, .. } => Some(*until),
        }
    }

    /// The call under way.
    pub(super) const fn call(&self) -> Option<CallId> {
        match self {
            Self::Looking(asked) | Self::Moving(asked) => Some(asked.call),
            Self::Resting { .. } => None,
        }
    }

    /// Rests no longer than that.
    pub(super) fn no_later_than(&mut self, latest: Instant) {
        if let Self::Resting { until, .. } = self {
            *until = latest.min(*until);
        }
    }
}
