//! Numbers, bytes and times for people.

use std::time::Duration;

/// Digits in groups of three: `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Short enough for a narrow column: `999,999`, then `12.3M`.
pub(super) fn count(number: u64) -> String {
    if number < 1_000_000 {
        return grouped(number);
    }
    scaled(number, 1000, &["k", "M", "G", "T", "P", "E"], "")
}

/// Bytes: `0`, `812 B`, `1.2 MiB`.
pub(super) fn bytes(number: u64) -> String {
    match number {
        0 => return "0".to_owned(),
        1..1024 => return format!("{number}\u{a0}B"),
        _ => {}
    }
    scaled(
        number,
        1024,
        &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"],
        "\u{a0}",
    )
}

fn scaled(number: u64, base: u64, units: &[&str], gap: &str) -> String {
    let mut unit = 0;
    let mut divisor = base;
    while unit + 1 < units.len() && number / divisor >= base {
        divisor *= base;
        unit += 1;
    }
    let tenths = u128::from(number) * 10 / u128::from(divisor);
    format!("{}.{}{gap}{}", tenths / 10, tenths % 10, units[unit])
}

/// The two largest units: `3d4h`, `5m12s`, `7s`.
pub(super) fn age(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => format!("{minutes}m{rest}s"),
        (0, ..) => format!("{hours}h{minutes}m"),
        _ => format!("{days}d{hours}h"),
    }
}

/// How long the process has been running: `3d 04:05:06`.
pub(super) fn uptime(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    format!("{days}d {hours:02}:{minutes:02}:{rest:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(count(999_999), "999,999");
        assert_eq!(count(12_345_678), "12.3M");
        assert_eq!(bytes(0), "0");
        assert_eq!(bytes(1023), "1023\u{a0}B");
        assert_eq!(bytes(1536), "1.5\u{a0}KiB");
        assert_eq!(bytes(u64::MAX), "15.9\u{a0}EiB");
    }

    #[test]
    fn times_show_their_two_largest_units() {
        assert_eq!(age(7), "7s");
        assert_eq!(age(312), "5m12s");
        assert_eq!(age(7_260), "2h1m");
        assert_eq!(age(273_600), "3d4h");
        assert_eq!(uptime(Duration::from_secs(273_906)), "3d 04:05:06");
    }
}
