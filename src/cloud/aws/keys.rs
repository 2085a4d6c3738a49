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

    /// How long until then; `None`: they do not end.
    pub(super) fn fresh_for(&self, now: Timestamp) -> Option<Duration> {
        let end = self.expires?;
        let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
        Some(left.saturating_sub(MARGIN))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fresh_until_it_is_time_for_new_ones() {
        let now = Timestamp::UNIX_EPOCH;
        let ending_after = |seconds| Keys {
            access: "ASIAEXAMPLE".into(),
            secret: "secret".into(),
            token: None,
            expires: Some(now + Duration::from_secs(seconds)),
            origin: "the instance role pontoon".into(),
        };
        let keys = ending_after(3600);
        assert_eq!(keys.fresh_for(now), Some(Duration::from_secs(3300)));
        assert!(keys.expiring(now + Duration::from_secs(3300)));
        assert_eq!(ending_after(100).fresh_for(now), Some(Duration::ZERO));
        let over = now + Duration::from_secs(200);
        assert_eq!(ending_after(100).fresh_for(over), Some(Duration::ZERO));
        let endless = Keys {
            expires: None,
            ..keys
        };
        assert_eq!(endless.fresh_for(now), None);
    }
}
