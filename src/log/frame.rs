//! What stands around a message: syslog headers and their kin.

use std::time::SystemTime;

use pontoon_config::haproxy::model::{LogEncoding, LogLevel};

use super::{date::Calendar, digits::decimal, text::put};

/// Who speaks.
#[derive(Debug, Clone)]
pub(super) struct Speaker {
    /// `log-tag`, or the program's name.
    pub(super) tag: String,
    /// `log-send-hostname`.
    pub(super) host: Option<String>,
}

/// What one line's header needs.
pub(super) struct Header<'a> {
    pub(super) encoding: LogEncoding,
    /// 0 to 23.
    pub(super) facility: u8,
    pub(super) level: LogLevel,
    pub(super) speaker: &'a Speaker,
    pub(super) at: SystemTime,
    pub(super) calendar: &'a Calendar,
    /// RFC 5424 structured data; empty: none.
    pub(super) structured: &'a [u8],
}

impl Header<'_> {
    /// Writes the header.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let level = severity(self.level);
        let priority = self.facility * 8 + level;
        match self.encoding {
            LogEncoding::Raw => {}
            LogEncoding::Short => bracketed(out, level),
            LogEncoding::Priority => bracketed(out, priority),
            LogEncoding::Timed => {
                bracketed(out, level);
                self.iso(out);
            }
            LogEncoding::Iso => self.iso(out),
            LogEncoding::Rfc5424 => self.rfc5424(out, priority),
            LogEncoding::Rfc3164 => {
                let host = self.speaker.host.as_deref().unwrap_or("localhost");
                self.rfc3164(out, priority, Some(host));
            }
            LogEncoding::Local => self.rfc3164(out, priority, None),
            LogEncoding::Unset => {
                self.rfc3164(out, priority, self.speaker.host.as_deref());
            }
        }
    }

    fn iso(&self, out: &mut Vec<u8>) {
        self.calendar.iso(out, self.at);
        out.push(b' ');
    }

    fn rfc3164(&self, out: &mut Vec<u8>, priority: u8, host: Option<&str>) {
        bracketed(out, priority);
        self.calendar.syslog(out, self.at);
        for word in host.into_iter().chain([self.speaker.tag.as_str()]) {
            out.push(b' ');
            out.extend_from_slice(word.as_bytes());
        }
        out.push(b'[');
        decimal(out, std::process::id().into());
        out.extend_from_slice(b"]: ");
    }

    fn rfc5424(&self, out: &mut Vec<u8>, priority: u8) {
        put(out, format_args!("<{priority}>1 "));
        self.calendar.iso(out, self.at);
        let host = self.speaker.host.as_deref().unwrap_or("-");
        let (tag, pid) = (&self.speaker.tag, std::process::id());
        put(out, format_args!(" {host} {tag} {pid} - "));
        let structured = if self.structured.is_empty() {
            b"-"
        } else {
            self.structured
        };
        out.extend_from_slice(structured);
        out.push(b' ');
    }
}

/// `<134>`.
fn bracketed(out: &mut Vec<u8>, number: u8) {
    out.push(b'<');
    decimal(out, number.into());
    out.push(b'>');
}

/// The level's number (RFC 5424, 6.2.1).
pub(super) const fn severity(level: LogLevel) -> u8 {
    match level {
        LogLevel::Emergency => 0,
        LogLevel::Alert => 1,
        LogLevel::Critical => 2,
        LogLevel::Error => 3,
        LogLevel::Warning => 4,
        LogLevel::Notice => 5,
        LogLevel::Info => 6,
        LogLevel::Debug => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn header(encoding: LogEncoding, host: Option<&str>, structured: &[u8]) -> String {
        let speaker = Speaker {
            tag: "haproxy".to_owned(),
            host: host.map(str::to_owned),
        };
        let mut out = Vec::new();
        let header = Header {
            encoding,
            facility: 18,
            level: LogLevel::Info,
            speaker: &speaker,
            at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_343_239_651_740),
            calendar: &Calendar::utc(),
            structured,
        };
        header.write(&mut out);
        let text = String::from_utf8(out).unwrap();
        text.replace(&std::process::id().to_string(), "543")
    }

    #[test]
    fn without_a_host_name_as_haproxy_does() {
        let plain = |encoding| header(encoding, None, b"");
        let local = "<150>Nov 22 10:27:19 haproxy[543]: ";
        assert_eq!(plain(LogEncoding::Unset), local);
        assert_eq!(plain(LogEncoding::Local), local);
        assert_eq!(
            plain(LogEncoding::Rfc3164),
            "<150>Nov 22 10:27:19 localhost haproxy[543]: "
        );
        assert_eq!(
            plain(LogEncoding::Rfc5424),
            "<150>1 2026-11-22T10:27:19.651740+00:00 - haproxy 543 - - "
        );
        assert_eq!(plain(LogEncoding::Priority), "<150>");
        assert_eq!(plain(LogEncoding::Short), "<6>");
        assert_eq!(
            plain(LogEncoding::Timed),
            "<6>2026-11-22T10:27:19.651740+00:00 "
        );
        assert_eq!(plain(LogEncoding::Iso), "2026-11-22T10:27:19.651740+00:00 ");
        assert_eq!(plain(LogEncoding::Raw), "");
    }

    #[test]
    fn with_a_host_name_as_haproxy_does() {
        let named = |encoding| header(encoding, Some("vm"), b"");
        let rfc3164 = "<150>Nov 22 10:27:19 vm haproxy[543]: ";
        assert_eq!(named(LogEncoding::Unset), rfc3164);
        assert_eq!(named(LogEncoding::Rfc3164), rfc3164);
        assert_eq!(
            named(LogEncoding::Local),
            "<150>Nov 22 10:27:19 haproxy[543]: "
        );
        assert_eq!(
            named(LogEncoding::Rfc5424),
            "<150>1 2026-11-22T10:27:19.651740+00:00 vm haproxy 543 - - "
        );
    }

    #[test]
    fn structured_data_takes_its_place() {
        assert_eq!(
            header(LogEncoding::Rfc5424, None, b"[ex@1 b=\"6\"]"),
            "<150>1 2026-11-22T10:27:19.651740+00:00 - haproxy 543 - [ex@1 b=\"6\"] "
        );
    }
}
