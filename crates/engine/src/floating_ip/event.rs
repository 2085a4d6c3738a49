//! What a reconciler is told.

use std::{net::IpAddr, time::Duration};

use super::CallId;
use crate::vrrp::Priority;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This node has become master, with this priority.
    Master {
        /// What it advertises.
        priority: Priority,
    },
    /// This node is master no longer.
    NotMaster,
    /// Tracking has changed what this node advertises.
    Priority(Priority),
    /// One of the configured peers advertises: it is (or, with [`Priority::RESIGN`], was) master.
    Peer {
        /// Who.
        address: IpAddr,
        /// What it advertised.
        priority: Priority,
    },
    /// A [`Describe`](super::action::Action::Describe) was answered.
    Described {
        /// Which.
        call: CallId,
        /// Where the address is, or why nobody knows.
        result: Result<Whereabouts, Failure>,
    },
    /// An [`Associate`](super::action::Action::Associate) was answered.
    Associated {
        /// Which.
        call: CallId,
        /// The provider has agreed; that is not yet seen by everybody.
        result: Result<(), Failure>,
    },
    /// Somebody wants the address here now, whatever was yielded (`pontoon floating-ip associate`).
    Asserted,
    /// The time that `poll_timeout` named has come.
    Timeout,
}

/// Where the provider says the address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// With this node.
    Here,
    /// With nobody.
    Nowhere,
    /// With somebody else.
    With(Holder),
}

/// Who has the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The provider's name for it: `i-0abc… 10.0.1.190`.
    pub name: String,
    /// Which of the configured peers it is; `None`: a stranger.
    pub peer: Option<IpAddr>,
}

/// Why a call brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// A line for the log that says what to do.
    pub text: String,
}

/// How to go on after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Too many calls; the provider may say when the next one is welcome.
    Throttled {
        /// Not before.
        after: Option<Duration>,
    },
    /// No answer, or a broken one: the call may have been carried out, or still be.
    Unanswered,
    /// The provider is not well: it refused for reasons of its own, nothing was carried out.
    Unwell,
    /// Refused, and will be until somebody changes something: credentials, rights, names.
    Refused,
}
