//! Lines of sessions that go on: at their start and every so often (`option pontoon-log-sessions`).
//!
//! A session keeps nothing for this: its lines are due at whole intervals after its accept, and its
//! one timer is never set later than the next of these moments. What the timer was set for tells
//! whether a line is due. Whoever does not ask for such lines pays a look when a timer is set or
//! fires, which is seldom.

use pontoon_engine::moment::Moment;

use super::{session::Session, thread::Worker};
use crate::record::SessionRecord;

impl Worker {
    /// The time between two lines of a session, in milliseconds, if it gets any.
    fn line_interval(&self, record: &SessionRecord) -> Option<u64> {
        let progress = self.running.proxy(record.frontend).log.progress?;
        let every = u64::try_from(progress.every?.as_millis()).ok()?;
        (every > 0).then_some(every)
    }

    /// When the session's next line is due, in milliseconds, if it gets any.
    pub(super) fn next_line(&self, record: &SessionRecord) -> Option<u64> {
        let every = self.line_interval(record)?;
        Some(next_after(record.accepted, every, self.moment))
    }

    /// The session's timer fired, which was set for `when`: perhaps for a line.
    pub(super) fn tell_progress(&self, session: &mut Session, when: u64) {
        let record = &mut session.record;
        let Some(every) = self.line_interval(record) else {
            return;
        };
        if session.counted && is_whole(record.accepted, every, when) {
            self.write_interim(record);
        }
    }

    /// The session's server is connected.
    pub(super) fn tell_start(&self, record: &mut SessionRecord) {
        let progress = self.running.proxy(record.frontend).log.progress;
        if progress.is_some_and(|progress| progress.start) {
            self.write_interim(record);
        }
    }

    fn write_interim(&self, record: &mut SessionRecord) {
        record.total_time = self.moment.since(record.accepted);
        self.running.write_interim(record);
    }
}

/// The first moment after now that is a whole number of intervals after the beginning.
const fn next_after(beginning: Moment, every: u64, now: Moment) -> u64 {
    let beginning = beginning.millis_rounded_up();
    let age = now.millis().saturating_sub(beginning);
    let next = (age / every).saturating_add(1).saturating_mul(every);
    beginning.saturating_add(next)
}

/// Whether a moment is a whole number of intervals after the beginning.
const fn is_whole(beginning: Moment, every: u64, when: u64) -> bool {
    match when.checked_sub(beginning.millis_rounded_up()) {
        Some(age) => age > 0 && age % every == 0,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_due_at_whole_intervals() {
        let at = Moment::from_millis;
        let beginning = at(1_234);
        for (now, next) in [(1_234, 6_234), (6_233, 6_234), (6_234, 11_234)] {
            assert_eq!(next_after(beginning, 5_000, at(now)), next);
            assert!(is_whole(beginning, 5_000, next));
        }
        for other in [0, 1_234, 5_000, 6_235] {
            assert!(!is_whole(beginning, 5_000, other), "{other}");
        }
    }
}
