//! What a reconciler orders, and what it reports.

use std::time::Duration;

use super::{
    CallId,
    event::{Failure, Holder, Whereabouts},
};

/// An order. The shell carries them out one after the other, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the provider where the address is.
    Describe(CallId),
    /// Ask the provider to bring it here, from wherever it is.
    Associate(CallId),
    /// Mastership has ended, or the call has taken too long: if it has not started it must not, if
    /// it has it is not waited for.
    Abandon(CallId),
    /// Tell the user.
    Report(Report),
}

/// Something worth a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The provider says that the address is here: told once per mastership, and after it was away.
    Here {
        /// Since it was wanted, or since it was found away.
        after: Duration,
        /// Calls this took.
        calls: u32,
    },
    /// It is to be brought here.
    Moving {
        /// Where it was found.
        from: Whereabouts,
    },
    /// It was here, and is not any more: it is taken back.
    TakenBack {
        /// Who had it.
        holder: Option<Holder>,
    },
    /// A call failed; the next one follows after a wait.
    Failed {
        /// Why.
        failure: Failure,
        /// The wait.
        retry_in: Duration,
        /// So many in a row, this one among them.
        attempt: u32,
    },
    /// Something needs the user's attention; told once until it is over.
    Alarm(Alarm),
    /// It is over.
    AlarmOver(Alarm),
}

/// What needs the user's attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alarm {
    /// The master has wanted the address for so long that something must be wrong.
    NotHere {
        /// The last failure, if a call has failed.
        failure: Option<Failure>,
    },
    /// A peer that also believes to be master has it, and its word counts more: two masters.
    Yielded {
        /// Who.
        holder: Holder,
    },
    /// Where it is cannot be verified: it was here when the provider last answered.
    Unverified {
        /// The last failure.
        failure: Failure,
    },
}
