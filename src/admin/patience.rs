//! How long a client of the statistics may take.

use std::time::{Duration, Instant};

use pontoon_config::haproxy::model::Frontend;

/// How long a client may be silent where `timeout client` says nothing.
const DEFAULT: Duration = Duration::from_secs(60);

/// The times a client is given. Whatever the others say, `timeout client` ends a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// `timeout client`: the longest silence.
    pub(super) client: Duration,
    /// `timeout http-request`: for a whole head.
    head: Option<Duration>,
    /// `timeout http-keep-alive`: between two requests; without it that of a head.
    between: Option<Duration>,
}

impl Patience {
    /// What the client's side of a proxy says.
    pub(super) fn of(side: Option<&Frontend>) -> Self {
        let client = side.and_then(|side| side.timeout_client);
        let head = side.and_then(|side| side.timeout_http_request);
        let between = side.and_then(|side| side.timeout_http_keep_alive);
        Self {
            client: client.unwrap_or(DEFAULT),
            head,
            between,
        }
    }

    /// When a head must be there that is awaited since `began`; `None`: whenever.
    pub(super) fn of_head(&self, began: Instant) -> Option<Instant> {
        self.head.map(|limit| began + limit)
    }

    /// When the first byte of a request must be there.
    pub(super) fn of_silence(&self, first_request: bool, since: Instant) -> Instant {
        let between = self.between.or(self.head);
        let limit = if first_request { self.head } else { between };
        // A file cannot say a time that is too long to be added: it ends at 25 days.
        since + limit.map_or(self.client, |limit| limit.min(self.client))
    }

    /// How long to wait for more of a head.
    pub(super) fn until(&self, deadline: Option<Instant>) -> Duration {
        deadline.map_or(self.client, |deadline| left(deadline).min(self.client))
    }
}

/// The time until then.
pub(super) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(client: u64, head: Option<u64>, between: Option<u64>) -> Patience {
        Patience {
            client: Duration::from_secs(client),
            head: head.map(Duration::from_secs),
            between: between.map(Duration::from_secs),
        }
    }

    fn silence(patience: Patience, first: bool) -> u64 {
        let since = Instant::now();
        (patience.of_silence(first, since) - since).as_secs()
    }

    #[test]
    fn a_silence_ends_with_the_shortest_time_that_applies() {
        assert_eq!(silence(patience(9, None, None), true), 9);
        assert_eq!(silence(patience(9, Some(5), None), true), 5);
        assert_eq!(silence(patience(9, Some(5), None), false), 5);
        assert_eq!(silence(patience(9, Some(5), Some(2)), true), 5);
        assert_eq!(silence(patience(9, Some(5), Some(2)), false), 2);
        assert_eq!(silence(patience(9, None, Some(2)), true), 9);
        assert_eq!(silence(patience(1, Some(5), Some(2)), false), 1);
    }

    #[test]
    fn a_slow_head_is_late_though_its_client_is_never_silent_for_long() {
        let began = Instant::now();
        let patience = patience(9, Some(5), None);
        let deadline = patience.of_head(began).unwrap();
        assert_eq!((deadline - began).as_secs(), 5);
        assert!(patience.until(Some(deadline)) <= Duration::from_secs(5));
        assert_eq!(patience.until(Some(began)), Duration::ZERO);
        assert_eq!(patience.until(None).as_secs(), 9);
    }
}
