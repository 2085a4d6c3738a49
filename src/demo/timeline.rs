//! What has happened, in order, and what clients missed through it.

use std::time::{Duration, Instant};

use pontoon_lab::probe::PATIENCE;

use super::outage::Interruption;

/// How much is kept.
const KEPT: usize = 1000;

/// So soon after a deed its consequences are met, if it has any at once.
const SOON: Duration = Duration::from_millis(100);

/// What an entry is about; decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody did something to the site.
    Deed,
    /// Something came back, or the better.
    Good,
    /// Something broke.
    Bad,
    /// The address moved.
    Moved,
    /// A sentence about the show itself.
    Note,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// When, from the beginning of the show.
    pub(super) at: Duration,
    /// What it is about.
    pub(super) kind: Kind,
    /// What.
    pub(super) text: String,
    /// What clients missed because of this deed.
    pub(super) missed: Option<Missed>,
}

/// What clients missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Missed {
    /// The longest time in which nobody was served.
    pub(super) outage: Duration,
    /// Attempts that failed.
    pub(super) failed: usize,
}

/// All entries.
#[derive(Debug)]
pub(super) struct Timeline {
    start: Instant,
    entries: Vec<Entry>,
    /// So many were dropped from the front.
    dropped: usize,
}

impl Timeline {
    pub(super) const fn new(start: Instant) -> Self {
        Self {
            start,
            entries: Vec::new(),
            dropped: 0,
        }
    }

    pub(super) fn add(&mut self, at: Instant, kind: Kind, text: impl Into<String>) {
        if self.entries.len() == KEPT {
            self.entries.remove(0);
            self.dropped += 1;
        }
        self.entries.push(Entry {
            at: self.since_start(at),
            kind,
            text: text.into(),
            missed: None,
        });
    }

    /// Puts an interruption down to the deed that was its cause.
    pub(super) fn blame(&mut self, interruption: &Interruption) {
        let began = self.since_start(interruption.first_failure);
        if let Some(cause) = self.cause(began) {
            let missed = self.entries[cause].missed.get_or_insert_default();
            missed.outage = missed.outage.max(interruption.outage);
            missed.failed += interruption.failed;
        }
    }

    /// The last deed before the first attempt that failed, if it was just before. Otherwise the
    /// first one after: an attempt may fail through what was done after it began, as long as
    /// nobody had served it.
    fn cause(&self, first_failure: Duration) -> Option<usize> {
        let deeds = self.entries.iter().enumerate();
        let deeds = deeds.filter(|(_, entry)| entry.kind == Kind::Deed);
        let before = deeds.clone().rfind(|(_, deed)| deed.at <= first_failure);
        let after = || {
            let within = first_failure..=first_failure + PATIENCE;
            deeds.clone().find(|(_, deed)| within.contains(&deed.at))
        };
        let is_just_before = |deed: &Entry| deed.at + SOON >= first_failure;
        let cause = match before {
            Some((_, deed)) if is_just_before(deed) => before,
            _ => after().or(before),
        };
        cause.map(|(index, _)| index)
    }

    /// All that are kept, the earliest first.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Those that came after the first `known` ones of the whole show.
    pub(super) fn after(&self, known: usize) -> &[Entry] {
        let from = known.saturating_sub(self.dropped);
        self.entries.get(from..).unwrap_or_default()
    }

    pub(super) fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn interruption(first_failure: Instant, outage: Duration) -> Interruption {
        Interruption {
            first_failure,
            outage,
            failed: 1,
        }
    }

    #[test]
    fn an_interruption_belongs_to_the_last_deed_before_it() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.add(start + SECOND, Kind::Deed, "first");
        timeline.add(start + 2 * SECOND, Kind::Deed, "second");
        timeline.add(start + 2 * SECOND, Kind::Bad, "noticed");
        timeline.add(start + 4 * SECOND, Kind::Deed, "third");
        timeline.blame(&interruption(start + 3 * SECOND, 2 * SECOND));
        timeline.blame(&interruption(start + 3 * SECOND, SECOND));
        let missed: Vec<_> = timeline.entries().iter().map(|it| it.missed).collect();
        let both = Missed {
            outage: 2 * SECOND,
            failed: 2,
        };
        assert_eq!(missed, [None, Some(both), None, None]);
    }

    #[test]
    fn an_attempt_that_began_before_the_deed_may_fail_through_it() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.add(start + SECOND, Kind::Deed, "deed");
        let just_before = start + SECOND - PATIENCE / 2;
        timeline.blame(&interruption(just_before, SECOND));
        assert!(timeline.entries()[0].missed.is_some());
    }

    #[test]
    fn a_deed_that_follows_quickly_is_not_blamed_for_the_one_before() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.add(start + SECOND, Kind::Deed, "cause");
        timeline.add(start + SECOND + PATIENCE / 2, Kind::Deed, "innocent");
        timeline.blame(&interruption(start + SECOND + SOON / 2, SECOND));
        let missed = timeline.entries().iter().map(|it| it.missed.is_some());
        assert_eq!(missed.collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_long_show_forgets_its_beginning() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        for number in 0..KEPT + 5 {
            timeline.add(start, Kind::Note, number.to_string());
        }
        assert_eq!(timeline.entries().len(), KEPT);
        let after: Vec<_> = timeline.after(KEPT + 3).iter().collect();
        assert_eq!(after.len(), 2);
        assert_eq!(after[1].text, (KEPT + 4).to_string());
    }
}
