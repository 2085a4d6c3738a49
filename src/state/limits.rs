//! Limits of the process that can be changed while it runs.

use std::sync::atomic::{AtomicU32, Ordering};

/// Limits in force; each is read once or twice per connection.
#[derive(Debug, Default)]
pub struct Limits {
    /// Sessions at once; never above what the process began with.
    sessions: AtomicU32,
    /// New connections a second; 0: no limit.
    connection_rate: AtomicU32,
    /// New sessions a second; 0: no limit.
    session_rate: AtomicU32,
}

/// A limit of the process by name (`set maxconn global`, `set rate-limit … global`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessLimit {
    /// Sessions at once.
    Sessions,
    /// New connections a second.
    ConnectionRate,
    /// New sessions a second.
    SessionRate,
}

impl Limits {
    /// So many sessions at once, at any rate.
    #[must_use]
    pub fn of(sessions: u32) -> Self {
        Self {
            sessions: AtomicU32::new(sessions),
            ..Self::default()
        }
    }

    /// The limit in force.
    #[must_use]
    pub fn get(&self, limit: ProcessLimit) -> u32 {
        self.cell(limit).load(Ordering::Relaxed)
    }

    /// Another limit from now on.
    pub fn set(&self, limit: ProcessLimit, value: u32) {
        self.cell(limit).store(value, Ordering::Relaxed);
    }

    const fn cell(&self, limit: ProcessLimit) -> &AtomicU32 {
        match limit {
            ProcessLimit::Sessions => &self.sessions,
            ProcessLimit::ConnectionRate => &self.connection_rate,
            ProcessLimit::SessionRate => &self.session_rate,
        }
    }
}

/// `maxconn` of a frontend.
#[derive(Debug)]
pub struct FrontendLimit(AtomicU32);

/// More than there can be.
pub const NO_LIMIT: u32 = u32::MAX;
/// Nothing is said: the process's limit is the only one.
const UNSAID: u32 = NO_LIMIT;

impl FrontendLimit {
    /// What the file says.
    #[must_use]
    pub fn of(limit: Option<u32>) -> Self {
        Self(AtomicU32::new(limit.unwrap_or(UNSAID)))
    }

    /// Sessions at once, at most; [`NO_LIMIT`]: as many as the process takes. Read for each
    /// connection.
    #[must_use]
    #[inline]
    pub fn ceiling(&self) -> u32 {
        match self.0.load(Ordering::Relaxed) {
            0 => NO_LIMIT,
            limit => limit,
        }
    }

    /// What was said, if anything: 0 is said to have no limit.
    #[must_use]
    pub fn shown(&self) -> Option<u32> {
        let limit = self.0.load(Ordering::Relaxed);
        (limit != UNSAID).then_some(limit)
    }

    /// Another limit from now on; 0: none.
    pub fn set(&self, limit: u32) {
        self.0.store(limit, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frontend_without_a_limit_differs_from_one_that_was_given_none() {
        let limit = FrontendLimit::of(None);
        assert_eq!((limit.ceiling(), limit.shown()), (NO_LIMIT, None));
        limit.set(0);
        assert_eq!((limit.ceiling(), limit.shown()), (NO_LIMIT, Some(0)));
        limit.set(7);
        assert_eq!((limit.ceiling(), limit.shown()), (7, Some(7)));
    }
}
