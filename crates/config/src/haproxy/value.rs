//! Numbers, durations and sizes (HAProxy configuration manual, 2.5).
//!
//! Every function says what is wrong and returns `None`, so that the caller can go on with the
//! next word and all problems come out in one pass.

use std::{ops::RangeInclusive, time::Duration};

use crate::{args::Args, diagnostic::Diagnostics, source::Word};

/// The unit of a bare number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Most timers.
    Milliseconds,
    /// `stats refresh` and the like.
    Seconds,
}

/// The longest timer HAProxy takes: 2^31 - 1 ms, about 24.8 days.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// A duration such as `500`, `10s` or `2h`. Microseconds are rounded up to whole milliseconds.
///
/// Errors: `bad-duration`, `duration-too-long`. Letters after a complete duration are ignored with
/// the warning `trailing-letters`, as HAProxy does.
pub(super) fn duration(word: &Word, default: Unit, d: &mut Diagnostics) -> Option<Duration> {
    let digits = leading_digits(&word.text);
    let (number, suffix) = word.text.split_at(digits);
    if number.is_empty() {
        bad_duration(word, d);
        return None;
    }
    let Some((micros_per_unit, rest)) = unit(suffix, default) else {
        bad_duration(word, d);
        return None;
    };
    let micros = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(micros_per_unit));
    let Some(duration) = micros.map(whole_milliseconds).filter(|it| *it <= LONGEST) else {
        d.error(
            "duration-too-long",
            word.span,
            format!("`{}` is too long for a timer", word.text),
        )
        .suggest("the longest is 2147483647 ms, about 24.8 days");
        return None;
    };
    if !rest.is_empty() {
        warn_trailing(word, rest, d);
    }
    Some(duration)
}

/// A duration that may not be zero. Error: `bad-duration`.
pub(super) fn positive_duration(
    word: &Word,
    default: Unit,
    d: &mut Diagnostics,
) -> Option<Duration> {
    let duration = duration(word, default, d)?;
    if duration.is_zero() {
        d.error(
            "bad-duration",
            word.span,
            "a duration of zero makes no sense here",
        );
        return None;
    }
    Some(duration)
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Microseconds in the unit that `suffix` begins with, and what follows it.
fn unit(suffix: &str, default: Unit) -> Option<(u64, &str)> {
    if suffix.is_empty() {
        let micros = match default {
            Unit::Milliseconds => 1_000,
            Unit::Seconds => 1_000_000,
        };
        return Some((micros, ""));
    }
    // `ms` before `m`: the longer name first.
    const UNITS: [(&str, u64); 6] = [
        ("us", 1),
        ("ms", 1_000),
        ("s", 1_000_000),
        ("m", 60_000_000),
        ("h", 3_600_000_000),
        ("d", 86_400_000_000),
    ];
    UNITS
        .iter()
        .find_map(|(name, micros)| Some((*micros, suffix.strip_prefix(name)?)))
}

const fn whole_milliseconds(micros: u64) -> Duration {
    Duration::from_millis(micros.div_ceil(1_000))
}

fn bad_duration(word: &Word, d: &mut Diagnostics) {
    d.error(
        "bad-duration",
        word.span,
        format!("`{}` is not a duration", word.text),
    )
    .suggest("a whole number and a unit: us, ms, s, m, h or d, as in `10s`");
}

fn warn_trailing(word: &Word, rest: &str, d: &mut Diagnostics) {
    let meant = &word.text[..word.text.len() - rest.len()];
    d.warning(
        "trailing-letters",
        word.span,
        format!("`{rest}` after the duration `{meant}` is ignored"),
    )
    .suggest(format!("write `{meant}`"));
}

/// A size in bytes such as `16384`, `64k`, `10m` or `1g`; units count in powers of 1024.
///
/// Error: `bad-size`.
pub(super) fn size(word: &Word, d: &mut Diagnostics) -> Option<u64> {
    let (number, suffix) = word.text.split_at(leading_digits(&word.text));
    let shift = match suffix {
        "" => Some(0),
        "k" | "K" => Some(10),
        "m" | "M" => Some(20),
        "g" | "G" => Some(30),
        _ => None,
    };
    let bytes = shift.and_then(|shift: u32| number.parse::<u64>().ok()?.checked_mul(1 << shift));
    if bytes.is_none() {
        d.error(
            "bad-size",
            word.span,
            format!("`{}` is not a size in bytes", word.text),
        )
        .suggest("a whole number, then k, m or g for powers of 1024, as in `64k`");
    }
    bytes
}

/// An integer of this range. `what` names it in the message: "a weight".
///
/// Error: `bad-number`.
pub(super) fn integer<T: TryFrom<i64>>(
    word: &Word,
    what: &str,
    range: RangeInclusive<i64>,
    d: &mut Diagnostics,
) -> Option<T> {
    let number = word
        .text
        .parse::<i64>()
        .ok()
        .filter(|number| range.contains(number))
        .and_then(|number| T::try_from(number).ok());
    if number.is_none() {
        bad_number(word, what, &range, d);
    }
    number
}

fn bad_number(word: &Word, what: &str, range: &RangeInclusive<i64>, d: &mut Diagnostics) {
    let diagnostic = d.error(
        "bad-number",
        word.span,
        format!("`{}` is not {what}", word.text),
    );
    let (low, high) = (range.start(), range.end());
    diagnostic.suggest(if *high >= i64::from(i32::MAX) {
        format!("a whole number, at least {low}")
    } else {
        format!("a whole number from {low} to {high}")
    });
}

/// The range of counts: 0 to 2^31 - 1.
pub(super) const COUNT: RangeInclusive<i64> = 0..=(i32::MAX as i64);
/// The range of counts that may not be zero.
pub(super) const POSITIVE: RangeInclusive<i64> = 1..=(i32::MAX as i64);
/// The range of ports.
pub(super) const PORT: RangeInclusive<i64> = 1..=65_535;

/// A count that means "no limit" when it is 0.
pub(super) fn limit(word: &Word, what: &str, d: &mut Diagnostics) -> Option<Option<u32>> {
    integer::<u32>(word, what, COUNT, d).map(|count| (count > 0).then_some(count))
}

/// The permission bits of a file in octal, such as `660`.
///
/// Error: `bad-mode`.
pub(super) fn octal_mode(word: &Word, d: &mut Diagnostics) -> Option<u32> {
    let mode = u32::from_str_radix(&word.text, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777 && word.text.bytes().all(|b| b.is_ascii_digit()));
    if mode.is_none() {
        d.error(
            "bad-mode",
            word.span,
            format!("`{}` is not a file mode", word.text),
        )
        .suggest("octal digits, as in `660`");
    }
    mode
}

/// A percentage such as `50` or `50%`, in this range.
///
/// Error: `bad-number`.
pub(super) fn percent<T: TryFrom<i64>>(
    word: &Word,
    range: RangeInclusive<i64>,
    d: &mut Diagnostics,
) -> Option<T> {
    let bare = Word {
        text: word.text.strip_suffix('%').unwrap_or(&word.text).to_owned(),
        span: word.span,
    };
    integer(&bare, "a percentage", range, d)
}

/// An even number of hexadecimal digits as bytes.
///
/// Error: `bad-hex`.
pub(super) fn hex(word: &Word, d: &mut Diagnostics) -> Option<Vec<u8>> {
    let bytes = decode_hex(&word.text);
    if bytes.is_none() {
        d.error(
            "bad-hex",
            word.span,
            format!(
                "`{}` is not an even number of hexadecimal digits",
                word.text
            ),
        )
        .suggest("two digits a byte, as in `50494e470d0a`");
    }
    bytes
}

/// An even number of hexadecimal digits as bytes.
pub(super) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok())
        .collect()
}

/// The next word, or the error `missing-argument`, which names what was expected: "a port".
pub(super) fn required<'a>(
    args: &mut Args<'a>,
    what: &str,
    d: &mut Diagnostics,
) -> Option<&'a Word> {
    let word = args.next().filter(|word| !word.text.is_empty());
    if word.is_none() {
        d.error(
            "missing-argument",
            args.keyword_span(),
            format!("`{}` needs {what}", args.keyword_text()),
        );
    }
    word
}

/// [`required`], as a string.
pub(super) fn text_after(args: &mut Args<'_>, what: &str, d: &mut Diagnostics) -> Option<String> {
    required(args, what, d).map(|word| word.text.clone())
}

/// [`integer`] of the next word.
pub(super) fn integer_after<T: TryFrom<i64>>(
    args: &mut Args<'_>,
    what: &str,
    range: RangeInclusive<i64>,
    d: &mut Diagnostics,
) -> Option<T> {
    let word = required(args, what, d)?;
    integer(word, what, range, d)
}

/// [`limit`] of the next word.
pub(super) fn limit_after(
    args: &mut Args<'_>,
    what: &str,
    d: &mut Diagnostics,
) -> Option<Option<u32>> {
    let word = required(args, what, d)?;
    limit(word, what, d)
}

/// [`duration`] of the next word, in milliseconds unless it has a unit.
pub(super) fn duration_after(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Duration> {
    let word = required(args, "a duration such as `10s`", d)?;
    duration(word, Unit::Milliseconds, d)
}

/// [`positive_duration`] of the next word, in milliseconds unless it has a unit.
pub(super) fn positive_duration_after(
    args: &mut Args<'_>,
    d: &mut Diagnostics,
) -> Option<Duration> {
    let word = required(args, "a duration such as `10s`", d)?;
    positive_duration(word, Unit::Milliseconds, d)
}

/// Nothing may follow. Error: `unexpected-argument`.
pub(super) fn end(args: &mut Args<'_>, d: &mut Diagnostics) {
    let keyword = args.keyword_text();
    if let Some(word) = args.take_rest().first() {
        d.error(
            "unexpected-argument",
            word.span,
            format!("`{}` is too much after `{keyword}`", word.text),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word {
        Word {
            text: text.to_owned(),
            span: crate::source::Span::default(),
        }
    }

    fn ms(text: &str) -> Option<u128> {
        let mut d = Diagnostics::default();
        let duration = duration(&word(text), Unit::Milliseconds, &mut d);
        assert_eq!(duration.is_none(), d.has_errors(), "{text}");
        duration.map(|it| it.as_millis())
    }

    #[test]
    fn durations_have_units_and_default_to_milliseconds() {
        assert_eq!(ms("0"), Some(0));
        assert_eq!(ms("500"), Some(500));
        assert_eq!(ms("10s"), Some(10_000));
        assert_eq!(ms("2m"), Some(120_000));
        assert_eq!(ms("24d"), Some(24 * 86_400_000));
        assert_eq!(ms("1h"), Some(3_600_000));
    }

    #[test]
    fn microseconds_are_rounded_up() {
        assert_eq!(ms("1us"), Some(1));
        assert_eq!(ms("1500us"), Some(2));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "abc", "1.5s", "-1", "s", "10x"] {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    #[test]
    fn timers_end_at_24_days_and_a_bit() {
        assert_eq!(ms("2147483647"), Some(2_147_483_647));
        assert_eq!(ms("2147483648"), None);
        assert_eq!(ms("25d"), None);
        assert_eq!(ms("99999999999999999999"), None);
    }

    #[test]
    fn letters_after_a_duration_are_ignored_with_a_warning() {
        let mut d = Diagnostics::default();
        let it = duration(&word("10sec"), Unit::Milliseconds, &mut d);
        assert_eq!(it, Some(Duration::from_secs(10)));
        assert_eq!(d.all()[0].code, "trailing-letters");
    }

    #[test]
    fn sizes_count_in_powers_of_1024() {
        let mut d = Diagnostics::default();
        assert_eq!(size(&word("16384"), &mut d), Some(16_384));
        assert_eq!(size(&word("64k"), &mut d), Some(65_536));
        assert_eq!(size(&word("1G"), &mut d), Some(1 << 30));
        assert!(!d.has_errors());
        assert_eq!(size(&word("64kb"), &mut d), None);
        assert_eq!(size(&word("99999999999g"), &mut d), None);
        assert_eq!(d.all().len(), 2);
    }

    #[test]
    fn integers_keep_to_their_range_and_the_message_names_it() {
        let mut d = Diagnostics::default();
        assert_eq!(
            integer::<u16>(&word("256"), "a weight", 0..=256, &mut d),
            Some(256)
        );
        assert_eq!(
            integer::<u16>(&word("257"), "a weight", 0..=256, &mut d),
            None
        );
        assert_eq!(d.all()[0].message, "`257` is not a weight");
        assert_eq!(
            d.all()[0].suggestion.as_deref(),
            Some("a whole number from 0 to 256")
        );
    }

    #[test]
    fn modes_are_octal() {
        let mut d = Diagnostics::default();
        assert_eq!(octal_mode(&word("0660"), &mut d), Some(0o660));
        assert_eq!(octal_mode(&word("999"), &mut d), None);
        assert_eq!(octal_mode(&word("+7"), &mut d), None);
    }

    #[test]
    fn hex_needs_whole_bytes() {
        let mut d = Diagnostics::default();
        assert_eq!(hex(&word("50494E47"), &mut d), Some(b"PING".to_vec()));
        assert_eq!(hex(&word("504"), &mut d), None);
        assert_eq!(hex(&word("5ä"), &mut d), None);
    }
}
