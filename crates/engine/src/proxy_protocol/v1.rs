//! Version 1: one line of text, at most 107 bytes with its end.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use super::{Ends, Header, Malformed, Parsed};

/// What every line begins with.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// The longest line, its CR LF included.
const MAX_LINE: usize = 107;

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, Malformed> {
    let window = &bytes[..bytes.len().min(MAX_LINE)];
    let Some(end) = memchr::memchr(b'\r', window) else {
        return incomplete(window);
    };
    check_text(&window[..end])?;
    match bytes.get(end + 1) {
        Some(b'\n') if end + 2 <= MAX_LINE => {}
        None if end + 2 <= MAX_LINE => return Ok(Parsed::Incomplete),
        Some(_) | None => return Err(Malformed::Line),
    }
    let line = std::str::from_utf8(&window[SIGNATURE.len()..end]).map_err(|_| Malformed::Line)?;
    let header = read_line(line).ok_or(Malformed::Line)?;
    Ok(Parsed::Complete {
        header,
        length: end + 2,
    })
}

fn incomplete(window: &[u8]) -> Result<Parsed, Malformed> {
    check_text(window)?;
    // The end needs two bytes more.
    if window.len() + 2 > MAX_LINE {
        return Err(Malformed::Line);
    }
    Ok(Parsed::Incomplete)
}

/// A line is printable ASCII.
fn check_text(bytes: &[u8]) -> Result<(), Malformed> {
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(())
    } else {
        Err(Malformed::Line)
    }
}

/// What follows `PROXY `, without the end of the line.
fn read_line(line: &str) -> Option<Header> {
    let mut words = line.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(Header::Local);
    }
    let mut addresses = [words.next()?, words.next()?].into_iter();
    let mut ports = [words.next()?, words.next()?].into_iter();
    if words.next().is_some() {
        return None;
    }
    let mut end = || {
        let ip: IpAddr = addresses.next()?.parse().ok()?;
        let expected = if ip.is_ipv4() { "TCP4" } else { "TCP6" };
        (family == expected).then_some(SocketAddr::new(ip, number(ports.next()?)?))
    };
    Some(Header::Proxied {
        source: end()?,
        destination: end()?,
    })
}

/// A port, digits only and without leading zeros.
fn number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (plain && !leading_zero).then(|| u16::from_str(text).ok())?
}

pub(super) fn write(ends: Option<Ends>, out: &mut Vec<u8>) {
    let line = match ends {
        None => "PROXY UNKNOWN\r\n".to_owned(),
        Some(Ends::V4(from, to)) => {
            format!(
                "PROXY TCP4 {} {} {} {}\r\n",
                from.ip(),
                to.ip(),
                from.port(),
                to.port()
            )
        }
        Some(Ends::V6(from, to)) => {
            format!(
                "PROXY TCP6 {} {} {} {}\r\n",
                from.ip(),
                to.ip(),
                from.port(),
                to.port()
            )
        }
    };
    out.extend_from_slice(line.as_bytes());
}
