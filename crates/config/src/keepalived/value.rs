//! Values: numbers, seconds, switches, addresses.

use std::{net::IpAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use super::{context::Context, statement::Line};
use crate::source::Word;

/// A whole number in a range.
///
/// Fault: `bad-number`.
pub(super) fn integer<T: TryFrom<i64>>(
    word: &Word,
    what: &str,
    range: RangeInclusive<i64>,
    ctx: &mut Context<'_>,
) -> Option<T> {
    let number = word.text.parse::<i64>().ok();
    let number = number.filter(|number| range.contains(number));
    let number = number.and_then(|number| T::try_from(number).ok());
    if number.is_none() {
        let message = format!("`{}` is not {what}", word.text);
        let advice = if *range.end() == i64::from(u32::MAX) {
            format!("a whole number from {} on", range.start())
        } else {
            format!("a whole number from {} to {}", range.start(), range.end())
        };
        ctx.fault("bad-number", word.span, message).suggest(advice);
    }
    number
}

/// [`integer`] of the next word.
pub(super) fn integer_after<T: TryFrom<i64>>(
    line: &mut Line<'_>,
    what: &str,
    range: RangeInclusive<i64>,
    ctx: &mut Context<'_>,
) -> Option<T> {
    let word = line.required(what, ctx)?;
    integer(word, what, range, ctx)
}

/// The range of a number of times, of which there is no most.
pub(super) const ANY_COUNT: RangeInclusive<i64> = 0..=u32::MAX as i64;

/// A day in seconds: longer times are mistakes.
pub(super) const DAY: u32 = 86_400;

/// A time in seconds, with fractions down to microseconds.
///
/// Fault: `bad-seconds`.
pub(super) fn seconds(
    word: &Word,
    least: Duration,
    most: Duration,
    ctx: &mut Context<'_>,
) -> Option<Duration> {
    let time = parse_seconds(&word.text).filter(|time| (least..=most).contains(time));
    if time.is_none() {
        let message = format!("`{}` is not a number of seconds that fits here", word.text);
        let (least, most) = (least.as_secs_f64(), most.as_secs_f64());
        ctx.fault("bad-seconds", word.span, message)
            .suggest(format!("{least} to {most}, as in `1` or `0.5`"));
    }
    time
}

/// [`seconds`] of the next word, from zero on.
pub(super) fn seconds_after(
    line: &mut Line<'_>,
    most: u32,
    ctx: &mut Context<'_>,
) -> Option<Duration> {
    let word = line.required("a number of seconds", ctx)?;
    let most = Duration::from_secs(u64::from(most));
    seconds(word, Duration::ZERO, most, ctx)
}

fn parse_seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let micros: u64 = format!("{fraction:0<6.6}").parse().ok()?;
    Some(Duration::from_secs(whole) + Duration::from_micros(micros))
}

/// `on`, `off`, `true`, `false`, `yes`, `no`; nothing is on.
///
/// Fault: `bad-switch`.
pub(super) fn switch_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<bool> {
    let Some(word) = line.args.next() else {
        return Some(true);
    };
    match word.text.as_str() {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        other => {
            let message = format!("`{other}` is neither on nor off");
            ctx.fault("bad-switch", word.span, message)
                .suggest("`on`, `off`, `true`, `false`, `yes` or `no`");
            None
        }
    }
}

/// An IP address.
///
/// Fault: `bad-address`.
pub(super) fn address(word: &Word, ctx: &mut Context<'_>) -> Option<IpAddr> {
    let address = word.text.parse().ok();
    if address.is_none() {
        let message = format!("`{}` is not an IP address", word.text);
        ctx.fault("bad-address", word.span, message);
    }
    address
}

/// [`address`] of the next word.
pub(super) fn address_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<IpAddr> {
    let word = line.required("an IP address", ctx)?;
    address(word, ctx)
}

/// The name of a network interface, at most 15 bytes.
///
/// Fault: `bad-interface`.
pub(super) fn interface(word: &Word, ctx: &mut Context<'_>) -> Option<String> {
    let name = &word.text;
    let fits = (1..=15).contains(&name.len())
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/')
        && name != "."
        && name != "..";
    if !fits {
        let message = format!("`{name}` cannot be the name of an interface");
        ctx.fault("bad-interface", word.span, message)
            .suggest("at most 15 letters, no `/`; `ip link` lists them");
    }
    fits.then(|| name.clone())
}

/// [`interface`] of the next word.
pub(super) fn interface_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<String> {
    let word = line.required("an interface", ctx)?;
    interface(word, ctx)
}

/// The whole path of a file.
///
/// Fault: `bad-path`.
pub(super) fn absolute_path_after(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<PathBuf> {
    let word = line.required("a path", ctx)?;
    if !word.text.starts_with('/') {
        let message = format!("`{}` does not begin with `/`", word.text);
        ctx.fault("bad-path", word.span, message)
            .suggest("write the whole path");
        return None;
    }
    Some(PathBuf::from(&word.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_fractions_down_to_microseconds() {
        let micros = |text| parse_seconds(text).map(|it| it.as_micros());
        assert_eq!(micros("1"), Some(1_000_000));
        assert_eq!(micros("0.1"), Some(100_000));
        assert_eq!(micros("2.71828"), Some(2_718_280));
        assert_eq!(micros(".5"), Some(500_000));
        assert_eq!(micros("0.0000019"), Some(1));
        for text in ["", ".", "-1", "1s", "1e3", "1.2.3", "99999999999999999999"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
