//! Text within a line: what came from outside cannot end the line or colour a terminal.

use std::{fmt, io::Write as _};

use pontoon_config::haproxy::log_format::Flags;

/// Appends formatted text.
pub(super) fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _always = out.write_fmt(text);
}

/// A string value with its flags; a missing one is `-`, or `""` quoted.
pub(super) fn string(out: &mut Vec<u8>, value: Option<&[u8]>, flags: Flags) {
    let value = value.filter(|value| !value.is_empty());
    if flags.quote {
        out.push(b'"');
    }
    match value {
        Some(value) => escaped(out, value, flags.escape),
        None if !flags.quote => out.push(b'-'),
        None => {}
    }
    if flags.quote {
        out.push(b'"');
    }
}

/// Part of an HTTP request: `"` and `#` are hexadecimal as well (manual, 8.6), and there is no
/// `-` for an empty one.
pub(super) fn http(out: &mut Vec<u8>, parts: &[&str], flags: Flags) {
    if flags.quote {
        out.push(b'"');
    }
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        match byte {
            b'"' | b'#' => hexadecimal(out, byte),
            _ => escaped(out, &[byte], flags.escape),
        }
    }
    if flags.quote {
        out.push(b'"');
    }
}

/// Printable ASCII as it is, the rest as `#XX`; with `backslash`, `"`, `\` and `]` behind a `\`
/// (RFC 5424, 6.3.3).
fn escaped(out: &mut Vec<u8>, bytes: &[u8], backslash: bool) {
    // Names, mostly.
    if !backslash && bytes.iter().all(|byte| (32..=126).contains(byte)) {
        return out.extend_from_slice(bytes);
    }
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | b']' if backslash => out.extend_from_slice(&[b'\\', byte]),
            32..=126 => out.push(byte),
            _ => hexadecimal(out, byte),
        }
    }
}

fn hexadecimal(out: &mut Vec<u8>, byte: u8) {
    put(out, format_args!("#{byte:02X}"));
}

/// What a probe reports: unprintable characters and quotes as `<XX>`.
pub(super) struct Reported<'a>(pub(super) &'a str);

impl fmt::Display for Reported<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'"' => f.write_str("<22>")?,
                32..=126 => fmt::Write::write_char(f, char::from(byte))?,
                _ => write!(f, "<{byte:02x}>")?,
            }
        }
        Ok(())
    }
}

/// Replaces what would end or colour a line of free text.
pub(super) fn plain(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            0..32 | 127 => hexadecimal(out, byte),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Flags = Flags {
        quote: false,
        hex: false,
        escape: false,
    };
    const QUOTED: Flags = Flags {
        quote: true,
        ..PLAIN
    };
    const ESCAPED: Flags = Flags {
        escape: true,
        ..PLAIN
    };

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_missing_string_is_a_dash_or_empty_quotes() {
        assert_eq!(text(|out| string(out, None, PLAIN)), "-");
        assert_eq!(text(|out| string(out, Some(b""), QUOTED)), "\"\"");
        assert_eq!(text(|out| string(out, Some(b"s1"), QUOTED)), "\"s1\"");
    }

    #[test]
    fn structured_data_is_escaped_with_a_backslash() {
        assert_eq!(
            text(|out| string(out, Some(br#"a"b\c]"#), ESCAPED)),
            r#"a\"b\\c\]"#
        );
    }

    #[test]
    fn no_byte_from_outside_can_end_a_line() {
        let all: Vec<u8> = (0..=255).collect();
        for flags in [PLAIN, QUOTED, ESCAPED] {
            let seen = text(|out| string(out, Some(&all), flags));
            assert!(seen.bytes().all(|byte| (32..=126).contains(&byte)));
        }
        let uri = "/a\r\nb\x1b[31m\"#\u{e9}";
        assert_eq!(
            text(|out| http(out, &["GET ", uri], PLAIN)),
            "GET /a#0D#0Ab#1B[31m#22#23#C3#A9"
        );
    }

    #[test]
    fn what_a_probe_reports_reads_as_haproxy_writes_it() {
        assert_eq!(Reported("\u{1}b\"ad").to_string(), "<01>b<22>ad");
    }
}
