//! Times as an operator reads them.

use jiff::{Timestamp, tz::TimeZone};

/// A duration in seconds: `0.4 s`, `5 s`, `4 min 10 s`, `3 h 20 min`, `12 d 4 h`.
pub(in crate::cli) fn duration(seconds: f64) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    if seconds < 0.0995 {
        return format!("{:.0} ms", seconds.max(0.0) * 1000.0);
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s").replace(".0 s", " s");
    }
    let mut left = std::time::Duration::try_from_secs_f64(seconds.round())
        .unwrap_or(std::time::Duration::MAX)
        .as_secs();
    let mut parts = Vec::new();
    for (unit, size) in UNITS {
        let count = left / size;
        left %= size;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}

/// A moment in seconds since the epoch: `2026-11-22 03:12:04`, local time.
pub(in crate::cli) fn moment(seconds: f64, zone: &TimeZone) -> String {
    let since = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let whole = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(whole).map_or_else(
        |_| "?".to_owned(),
        |at| {
            at.to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_what_matters() {
        let cases = [
            (0.0, "0 ms"),
            (0.0312, "31 ms"),
            (0.4, "0.4 s"),
            (5.0, "5 s"),
            (9.96, "10 s"),
            (59.7, "1 min"),
            (250.2, "4 min 10 s"),
            (3600.0, "1 h"),
            (12_000.0, "3 h 20 min"),
            (1_051_200.0, "12 d 4 h"),
            (86_405.0, "1 d"),
            (-1.0, "0 ms"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn moments_are_dates() {
        let utc = TimeZone::UTC;
        assert_eq!(moment(1_700_000_000.9, &utc), "2023-11-14 22:13:20");
        assert_eq!(moment(f64::MAX, &utc), "1970-01-01 00:00:00");
    }
}
