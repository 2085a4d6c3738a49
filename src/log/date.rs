//! Dates of log lines. The time zone is looked up once a second and thread, not once a line.

use std::{
    cell::RefCell,
    io::Write as _,
    time::{Duration, SystemTime},
};

use jiff::{Timestamp, tz::TimeZone};

use super::digits::{decimal, padded};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A second, broken down in some time zone.
#[derive(Debug, Clone, Copy)]
struct Civil {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Of the time zone, in minutes.
    offset: i32,
}

/// Formats dates in one time zone.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// The machine's time zone; to be called before `chroot`.
    pub(crate) fn local() -> Self {
        Self {
            zone: TimeZone::system(),
        }
    }

    /// Greenwich.
    #[cfg(test)]
    pub(crate) fn utc() -> Self {
        Self {
            zone: TimeZone::UTC,
        }
    }

    /// `22/Nov/2026:10:11:12.123`, local time (`%t`).
    pub(crate) fn with_milliseconds(&self, out: &mut Vec<u8>, at: SystemTime) {
        let (seconds, within) = split(at);
        clf(out, &self.civil(seconds));
        out.push(b'.');
        padded(out, within.subsec_millis().into(), 3);
    }

    /// `22/Nov/2026:10:11:12.123456`, local time.
    pub(crate) fn with_microseconds(&self, out: &mut Vec<u8>, at: SystemTime) {
        let (seconds, within) = split(at);
        clf(out, &self.civil(seconds));
        out.push(b'.');
        padded(out, within.subsec_micros().into(), 6);
    }

    /// `22/Nov/2026:10:11:12 +0100`, local time (`%Tl`).
    pub(super) fn with_offset(&self, out: &mut Vec<u8>, at: SystemTime) {
        let civil = self.civil(split(at).0);
        clf(out, &civil);
        let (sign, hours, minutes) = offset(civil.offset);
        put(out, format_args!(" {sign}{hours:02}{minutes:02}"));
    }

    /// `Sun Nov 22 10:11:12 2026`, local time, as asctime(3) writes it.
    pub(crate) fn asctime(&self, out: &mut Vec<u8>, at: SystemTime) {
        let (seconds, _) = split(at);
        let civil = self.civil(seconds);
        let weekday = weekday(seconds + 60 * i64::from(civil.offset));
        put(out, format_args!("{weekday} "));
        self.syslog(out, at);
        put(out, format_args!(" {}", civil.year));
    }

    /// `Nov 22 10:11:12`, local time, as in RFC 3164.
    pub(crate) fn syslog(&self, out: &mut Vec<u8>, at: SystemTime) {
        let civil = self.civil(split(at).0);
        out.extend_from_slice(month(&civil).as_bytes());
        out.extend_from_slice(if civil.day < 10 { b"  " } else { b" " });
        decimal(out, civil.day.into());
        out.push(b' ');
        clock(out, &civil);
    }

    /// `2026-11-22T10:11:12.123456+01:00`, local time, as in RFC 5424.
    pub(super) fn iso(&self, out: &mut Vec<u8>, at: SystemTime) {
        let (seconds, within) = split(at);
        let civil = self.civil(seconds);
        padded(out, civil.year.into(), 4);
        out.push(b'-');
        padded(out, civil.month.into(), 2);
        out.push(b'-');
        padded(out, civil.day.into(), 2);
        out.push(b'T');
        clock(out, &civil);
        let (sign, hours, minutes) = offset(civil.offset);
        put(
            out,
            format_args!(".{:06}{sign}{hours:02}:{minutes:02}", within.as_micros()),
        );
    }

    fn civil(&self, seconds: i64) -> Civil {
        RECENT.with_borrow_mut(|recent| {
            // Two entries, so that the second of an accept and the one of its line share them.
            let entry = &mut recent[usize::from(seconds & 1 == 1)];
            match *entry {
                Some((cached, civil)) if cached == seconds => civil,
                _ => {
                    let civil = civil_in(&self.zone, seconds);
                    *entry = Some((seconds, civil));
                    civil
                }
            }
        })
    }
}

thread_local! {
    static RECENT: RefCell<[Option<(i64, Civil)>; 2]> = const { RefCell::new([None; 2]) };
}

/// `22/Nov/2026:10:11:12 +0000` in Greenwich (`%T`).
pub(super) fn greenwich(out: &mut Vec<u8>, at: SystemTime) {
    clf(out, &civil_in(&TimeZone::UTC, split(at).0));
    out.extend_from_slice(b" +0000");
}

/// Seconds since the epoch, and the rest.
pub(super) fn split(at: SystemTime) -> (i64, Duration) {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    (seconds, Duration::from_nanos(since.subsec_nanos().into()))
}

fn civil_in(zone: &TimeZone, seconds: i64) -> Civil {
    // Clocks beyond the year 9999 read as the epoch.
    let timestamp = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let zoned = timestamp.to_zoned(zone.clone());
    Civil {
        year: zoned.year().unsigned_abs(),
        month: zoned.month().unsigned_abs(),
        day: zoned.day().unsigned_abs(),
        hour: zoned.hour().unsigned_abs(),
        minute: zoned.minute().unsigned_abs(),
        second: zoned.second().unsigned_abs(),
        offset: zoned.offset().seconds() / 60,
    }
}

/// The day of a second since the epoch, which was a Thursday.
fn weekday(local: i64) -> &'static str {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let day = usize::try_from(local.div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    DAYS.get(day).copied().unwrap_or("Thu")
}

fn month(civil: &Civil) -> &'static str {
    MONTHS
        .get(usize::from(civil.month.saturating_sub(1)))
        .copied()
        .unwrap_or("Jan")
}

fn clf(out: &mut Vec<u8>, civil: &Civil) {
    padded(out, civil.day.into(), 2);
    out.push(b'/');
    out.extend_from_slice(month(civil).as_bytes());
    out.push(b'/');
    padded(out, civil.year.into(), 4);
    out.push(b':');
    clock(out, civil);
}

/// `10:11:12`.
fn clock(out: &mut Vec<u8>, civil: &Civil) {
    padded(out, civil.hour.into(), 2);
    out.push(b':');
    padded(out, civil.minute.into(), 2);
    out.push(b':');
    padded(out, civil.second.into(), 2);
}

fn offset(minutes: i32) -> (char, u32, u32) {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    (sign, minutes / 60, minutes % 60)
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _always = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, micros: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::new(seconds, micros * 1000)
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_read_as_haproxy_writes_them() {
        let calendar = Calendar::utc();
        let then = at(1_795_343_239, 491_740);
        assert_eq!(
            text(|out| calendar.with_milliseconds(out, then)),
            "22/Nov/2026:10:27:19.491"
        );
        assert_eq!(
            text(|out| calendar.with_offset(out, then)),
            "22/Nov/2026:10:27:19 +0000"
        );
        assert_eq!(
            text(|out| greenwich(out, then)),
            "22/Nov/2026:10:27:19 +0000"
        );
        assert_eq!(text(|out| calendar.syslog(out, then)), "Nov 22 10:27:19");
        assert_eq!(
            text(|out| calendar.asctime(out, then)),
            "Sun Nov 22 10:27:19 2026"
        );
        assert_eq!(
            text(|out| calendar.iso(out, then)),
            "2026-11-22T10:27:19.491740+00:00"
        );
    }

    #[test]
    fn a_day_of_one_digit_is_padded_with_a_blank_in_syslog_only() {
        let calendar = Calendar::utc();
        let then = at(1_796_083_200, 0);
        assert_eq!(text(|out| calendar.syslog(out, then)), "Dec  1 00:00:00");
        assert_eq!(
            text(|out| calendar.with_milliseconds(out, then)),
            "01/Dec/2026:00:00:00.000"
        );
    }

    #[test]
    fn the_cache_follows_the_clock_back_and_forth() {
        let calendar = Calendar::utc();
        for seconds in [10, 11, 12, 10, 12, 13] {
            assert_eq!(
                text(|out| calendar.syslog(out, at(seconds, 0))),
                format!("Jan  1 00:00:{seconds}")
            );
        }
    }

    #[test]
    fn zones_west_of_greenwich_have_a_minus() {
        let calendar = Calendar {
            zone: TimeZone::fixed(jiff::tz::offset(-3)),
        };
        // A second that no other test on this thread asked for: the cache is per thread.
        let then = at(1_600_000_000, 0);
        assert_eq!(
            text(|out| calendar.iso(out, then)),
            "2020-09-13T09:26:40.000000-03:00"
        );
        assert_eq!(
            text(|out| calendar.with_offset(out, then)),
            "13/Sep/2020:09:26:40 -0300"
        );
    }
}
