//! Keys that sign requests, and where they came from.

use std::{fmt, time::Duration};

use jiff::Timestamp;

/// So long before they expire keys are looked for anew: the metadata service has new ones by then.
const MARGIN: Duration = Duration::from_secs(300);

/// What signs a request. The secret parts are never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Keys {
    /// `AKIA…`, `ASIA…`; no secret.
    pub(super) access: String,
    /// The secret key.
    pub(super) secret: String,
    /// The session token of temporary keys.
    pub(super) token: Option<String>,
    /// When they stop working.
    pub(super) expires: Option<Timestamp>,
    /// Where they are from, for messages: `the instance role pontoon`.
    pub(super) origin: String,
}

impl Keys {
    /// Whether they work no longer.
    pub(super) fn expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// Whether it is time to look for new ones.
    pub(super) fn expiring(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now + MARGIN)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("access", &self.access)
            .field("origin", &self.origin)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
