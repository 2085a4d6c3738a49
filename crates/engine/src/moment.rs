//! Time where it is kept for each session: half the size of what the standard library has, and a
//! comparison is one of integers.

use std::{
    num::NonZeroU64,
    ops::Add,
    time::{Duration, Instant},
};

/// A moment in the life of a process, exact to a microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(
    /// Microseconds since the process started, plus one.
    NonZeroU64,
);

/// A length of time in whole milliseconds; the longest there is, 49 days, stands for all longer
/// ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u32);

const MICROS: u64 = 1000;

impl Moment {
    /// When the process started.
    pub const START: Self = Self(NonZeroU64::MIN);

    /// The moment of this instant, in a process that started at that one.
    #[must_use]
    pub fn at(now: Instant, started: Instant) -> Self {
        let uptime = now.saturating_duration_since(started);
        let seconds = uptime.as_secs().saturating_mul(1_000_000);
        Self::from_micros(seconds.saturating_add(u64::from(uptime.subsec_micros())))
    }

    /// The instant of this moment, in a process that started at that one.
    #[must_use]
    pub fn instant(self, started: Instant) -> Instant {
        let since = Duration::from_micros(self.micros());
        started.checked_add(since).unwrap_or(started)
    }

    /// So many milliseconds after the start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self::from_micros(millis.saturating_mul(MICROS))
    }

    /// So many microseconds after the start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(micros))
    }

    /// Whole microseconds since the start.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0.get() - 1
    }

    /// Whole milliseconds since the start.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.micros() / MICROS
    }

    /// The first whole millisecond that is not before this.
    #[must_use]
    pub const fn millis_rounded_up(self) -> u64 {
        self.micros().div_ceil(MICROS)
    }

    /// The time since then; none, if that is yet to come.
    #[must_use]
    pub const fn since(self, then: Self) -> Span {
        Span::from_millis(self.micros().saturating_sub(then.micros()) / MICROS)
    }

    /// The time until then, to the microsecond: who sleeps so long wakes neither before nor a
    /// millisecond late. None, if that is past.
    #[must_use]
    pub const fn until(self, then: Self) -> Duration {
        Duration::from_micros(then.micros().saturating_sub(self.micros()))
    }
}

impl Add<Span> for Moment {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.micros()))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        if millis > u32::MAX as u64 {
            return Self(u32::MAX);
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was compared just now")]
        Self(millis as u32)
    }

    /// The shortest that is at least as long as this: no timeout fires too early.
    #[must_use]
    pub fn at_least(duration: Duration) -> Self {
        let millis = duration.as_nanos().div_ceil(1_000_000);
        Self(u32::try_from(millis).unwrap_or(u32::MAX))
    }

    /// In milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0 as u64
    }

    /// In microseconds.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0 as u64 * MICROS
    }

    /// What is left without a part of it.
    #[must_use]
    pub const fn without(self, part: Self) -> Self {
        Self(self.0.saturating_sub(part.0))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_spans_are_small() {
        assert_eq!(size_of::<Option<Moment>>(), 8);
        assert_eq!(size_of::<Span>(), 4);
    }

    #[test]
    fn a_moment_keeps_its_distance_to_the_start() {
        let started = Instant::now();
        let moment = Moment::at(started + Duration::from_micros(1_234_567), started);
        assert_eq!((moment.millis(), moment.millis_rounded_up()), (1234, 1235));
        assert_eq!(Moment::at(started, started), Moment::START);
        assert_eq!(Moment::at(moment.instant(started), started), moment);
        assert_eq!(
            Moment::at(started, started + Duration::from_secs(1)),
            Moment::START
        );
        assert_eq!(
            moment.since(Moment::from_millis(1000)),
            Span::from_millis(234)
        );
        assert_eq!(Moment::START.since(moment), Span::ZERO);
        let tick = Moment::from_millis(1235);
        assert_eq!(moment.until(tick), Duration::from_micros(433));
        assert_eq!(tick.until(moment), Duration::ZERO);
        assert_eq!((Moment::START + Span::from_millis(7)).millis(), 7);
    }

    #[test]
    fn a_timeout_is_rounded_up_and_the_longest_is_the_end() {
        assert_eq!(
            Span::at_least(Duration::from_micros(1)),
            Span::from_millis(1)
        );
        assert_eq!(
            Span::at_least(Duration::from_millis(30)),
            Span::from_millis(30)
        );
        assert_eq!(Span::at_least(Duration::MAX), Span::from_millis(u64::MAX));
        let end = Moment::from_millis(u64::MAX) + Span::from_millis(u64::MAX);
        assert_eq!(end.since(Moment::START), Span::from_millis(u64::MAX));
    }
}
