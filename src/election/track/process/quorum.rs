//! How many processes there are to be, and how long a change must last.

use std::time::Instant;

use pontoon_config::keepalived::model::TrackProcess;

/// Whether so many processes are as many as are wanted.
pub(super) fn reached(tracked: &TrackProcess, count: usize) -> bool {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    count >= tracked.quorum && tracked.quorum_max.is_none_or(|most| count <= most)
}

/// What has been told of a quorum, and what will be if nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    up: bool,
    change_at: Option<Instant>,
}

impl Told {
    pub(super) const fn new(up: bool) -> Self {
        Self {
            up,
            change_at: None,
        }
    }

    /// When the change that is under way is to be told.
    pub(super) const fn change_at(&self) -> Option<Instant> {
        self.change_at
    }

    /// Takes what is the case now; the answer is news.
    pub(super) fn update(
        &mut self,
        up: bool,
        tracked: &TrackProcess,
        now: Instant,
    ) -> Option<bool> {
        if up == self.up {
            self.change_at = None;
            return None;
        }
        let delay = if up {
            tracked.gained_delay
        } else {
            tracked.lost_delay
        };
        if now < *self.change_at.get_or_insert(now + delay) {
            return None;
        }
        *self = Self::new(up);
        Some(up)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::tracked;
    use super::*;

    #[test]
    fn at_least_and_at_most_so_many_are_wanted() {
        let wanted = TrackProcess {
            quorum: 2,
            quorum_max: Some(3),
            ..tracked("x")
        };
        let counts = [0, 1, 2, 3, 4].map(|count| reached(&wanted, count));
        assert_eq!(counts, [false, false, true, true, false]);
        let none = TrackProcess {
            quorum: 0,
            quorum_max: Some(0),
            ..tracked("x")
        };
        assert!(reached(&none, 0) && !reached(&none, 1));
    }

    #[test]
    fn a_change_that_does_not_last_is_not_told() {
        let tracked = TrackProcess {
            lost_delay: Duration::from_secs(2),
            ..tracked("x")
        };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut told = Told::new(true);
        assert_eq!(told.update(false, &tracked, at(0)), None);
        assert_eq!(told.change_at(), Some(at(2)));
        assert_eq!(told.update(true, &tracked, at(1)), None);
        assert_eq!(told.change_at(), None);
        assert_eq!(told.update(false, &tracked, at(5)), None);
        assert_eq!(told.update(false, &tracked, at(6)), None);
        assert_eq!(told.update(false, &tracked, at(7)), Some(false));
        assert_eq!(told.update(true, &tracked, at(7)), Some(true), "no delay");
    }
}
