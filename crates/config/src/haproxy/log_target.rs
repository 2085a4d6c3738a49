//! `log` lines, of `global` and of proxies (HAProxy configuration manual, 3.1 and 4.2 `log`).

use super::{
    Context, address,
    model::{LogEncoding, LogLevel, LogSample, LogTarget},
    value,
};
use crate::{args::Args, diagnostic::Diagnostics, similar::nearest, source::Word};

/// The facilities, by number (RFC 5424, 6.2.1, with HAProxy's names).
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2",
    "ftp", "ntp", "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

const LEVELS: [(&str, LogLevel); 8] = [
    ("emerg", LogLevel::Emergency),
    ("alert", LogLevel::Alert),
    ("crit", LogLevel::Critical),
    ("err", LogLevel::Error),
    ("warning", LogLevel::Warning),
    ("notice", LogLevel::Notice),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
];

const FORMATS: [(&str, LogEncoding); 8] = [
    ("local", LogEncoding::Local),
    ("rfc3164", LogEncoding::Rfc3164),
    ("rfc5424", LogEncoding::Rfc5424),
    ("priority", LogEncoding::Priority),
    ("short", LogEncoding::Short),
    ("timed", LogEncoding::Timed),
    ("iso", LogEncoding::Iso),
    ("raw", LogEncoding::Raw),
];

/// Bytes of a line, unless `len` says otherwise.
const DEFAULT_LENGTH: usize = 1024;

/// Reads what follows `log`, other than `global`.
pub(super) fn parse(
    args: &mut Args<'_>,
    ctx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<LogTarget> {
    let word = value::required(args, "an address and a facility", d)?;
    let address = address::log(word, ctx, d)?;
    let mut options = Options::default();
    while options.take(args, d)? {}
    let facility = one_of(args, "a facility", "facility", &facilities(), d)?;
    let level = level(args, LogLevel::Debug, d)?;
    let min_level = self::level(args, LogLevel::Emergency, d)?;
    value::end(args, d);
    Some(LogTarget {
        address,
        length: options.length.unwrap_or(DEFAULT_LENGTH),
        format: options.format.unwrap_or(LogEncoding::Unset),
        sample: options.sample,
        facility,
        level,
        min_level,
    })
}

/// What may stand between address and facility.
#[derive(Default)]
struct Options {
    length: Option<usize>,
    format: Option<LogEncoding>,
    sample: Option<LogSample>,
}

impl Options {
    /// Takes one option; false if there is none left, `None` after an error.
    fn take(&mut self, args: &mut Args<'_>, d: &mut Diagnostics) -> Option<bool> {
        if args.take_if("len") {
            let word = value::required(args, "a length", d)?;
            self.length = Some(value::integer(word, "a line length", 80..=65_535, d)?);
        } else if args.take_if("format") {
            self.format = Some(one_of(args, "a log format", "log format", &FORMATS, d)?);
        } else if args.take_if("sample") {
            let word = value::required(args, "ranges and a size", d)?;
            self.sample = Some(sampling(word, d)?);
        } else {
            return Some(false);
        }
        Some(true)
    }
}

fn facilities() -> Vec<(&'static str, u8)> {
    FACILITIES.into_iter().zip(0..).collect()
}

fn level(args: &mut Args<'_>, default: LogLevel, d: &mut Diagnostics) -> Option<LogLevel> {
    if args.peek().is_none() {
        return Some(default);
    }
    one_of(args, "a level", "level", &LEVELS, d)
}

/// The next word as one of a few names.
fn one_of<T: Copy>(
    args: &mut Args<'_>,
    wanted: &str,
    noun: &str,
    known: &[(&'static str, T)],
    d: &mut Diagnostics,
) -> Option<T> {
    let word = value::required(args, wanted, d)?;
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == word.text) {
        return Some(*value);
    }
    let names = || known.iter().map(|(name, _)| *name);
    let message = format!("`{}` is not a {noun}", word.text);
    let found = d.error("unknown-value", word.span, message);
    match nearest(&word.text, names()) {
        Some(near) => found.suggest(format!("did you mean `{near}`?")),
        None => found.suggest(format!(
            "known are {}",
            names().collect::<Vec<_>>().join(", ")
        )),
    };
    None
}

/// `1,3-5:7`: of each seven lines, the first and the third to fifth.
fn sampling(word: &Word, d: &mut Diagnostics) -> Option<LogSample> {
    let sample = read_sampling(&word.text);
    if sample.is_none() {
        d.error(
            "bad-sample",
            word.span,
            format!(
                "`{}` does not say which lines of how many to send",
                word.text
            ),
        )
        .suggest("ranges from 1, a colon, and the size they repeat after, as in `1,3-5:7`");
    }
    sample
}

fn read_sampling(text: &str) -> Option<LogSample> {
    let (ranges, size) = text.split_once(':')?;
    let size: u32 = size.parse().ok()?;
    let ranges: Option<Vec<(u32, u32)>> = ranges.split(',').map(read_range).collect();
    let ranges = ranges.filter(|ranges| ranges.iter().all(|(_, high)| *high <= size))?;
    Some(LogSample { ranges, size })
}

fn read_range(text: &str) -> Option<(u32, u32)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let range = (low.parse().ok()?, high.parse().ok()?);
    (range.0 >= 1 && range.0 <= range.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::haproxy::testing::{World, words};

    fn read(line: &str) -> Result<LogTarget, String> {
        let world = World::new();
        let mut d = Diagnostics::default();
        let words = words(line);
        let found = parse(&mut Args::new(&words, 1), &world.context(), &mut d);
        match d.all().first() {
            Some(problem) => Err(problem.message.clone()),
            None => Ok(found.unwrap()),
        }
    }

    #[test]
    fn the_shortest_line_sends_everything_to_port_514() {
        let target = read("log 127.0.0.1 local2").unwrap();
        assert_eq!(
            target.address,
            crate::haproxy::model::LogAddress::Udp("127.0.0.1:514".parse().unwrap())
        );
        assert_eq!((target.facility, target.length), (18, 1024));
        assert_eq!(
            (target.level, target.min_level, target.format),
            (LogLevel::Debug, LogLevel::Emergency, LogEncoding::Unset)
        );
    }

    #[test]
    fn everything_may_be_said() {
        let target =
            read("log stdout len 200 format raw sample 1,3-5:7 daemon notice err").unwrap();
        assert_eq!((target.facility, target.length), (3, 200));
        assert_eq!(
            (target.level, target.min_level),
            (LogLevel::Notice, LogLevel::Error)
        );
        assert_eq!(target.format, LogEncoding::Raw);
        let sample = target.sample.unwrap();
        assert_eq!((sample.ranges, sample.size), (vec![(1, 1), (3, 5)], 7));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(
            read("log 127.0.0.1 local9").unwrap_err(),
            "`local9` is not a facility"
        );
        assert_eq!(
            read("log 127.0.0.1 daemon loud").unwrap_err(),
            "`loud` is not a level"
        );
        assert_eq!(
            read("log 127.0.0.1 sample 1-9:7 daemon").unwrap_err(),
            "`1-9:7` does not say which lines of how many to send"
        );
        assert_eq!(
            read("log 127.0.0.1 daemon info err x").unwrap_err(),
            "`x` is too much after `log`"
        );
        assert_eq!(read("log 127.0.0.1").unwrap_err(), "`log` needs a facility");
    }
}
