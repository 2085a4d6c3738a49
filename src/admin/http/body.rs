//! Request bodies: as long as announced, or in chunks (RFC 9112, 7.1).

use super::request::{Framing, Malformed};

/// Bytes of a body at most.
pub(crate) const MAX_BODY: usize = 15_360;
/// A chunk's line of digits and extensions.
const MAX_CHUNK_LINE: usize = 256;

/// What the bytes after the head are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Not all of it is there.
    Incomplete,
    /// All of it, and how many bytes it took on the wire.
    Complete(Vec<u8>, usize),
    /// More than we take.
    TooLarge,
}

/// Reads a body from the bytes after the head.
///
/// # Errors
/// The chunks make no sense.
pub(crate) fn parse(framing: Framing, bytes: &[u8]) -> Result<Body, Malformed> {
    match framing {
        Framing::Length(length) => Ok(with_length(length, bytes)),
        Framing::Chunked => chunked(bytes),
    }
}

fn with_length(length: u64, bytes: &[u8]) -> Body {
    match usize::try_from(length) {
        Ok(length) if length <= MAX_BODY => bytes.get(..length).map_or(Body::Incomplete, |body| {
            Body::Complete(body.to_vec(), length)
        }),
        _ => Body::TooLarge,
    }
}

fn chunked(bytes: &[u8]) -> Result<Body, Malformed> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let Some((size, line)) = chunk_size(&bytes[at..])? else {
            return Ok(Body::Incomplete);
        };
        at += line;
        if size == 0 {
            return Ok(trailers(&bytes[at..])
                .map_or(Body::Incomplete, |length| Body::Complete(body, at + length)));
        }
        if body.len().saturating_add(size) > MAX_BODY {
            return Ok(Body::TooLarge);
        }
        let Some(chunk) = bytes.get(at..at + size + 2) else {
            return Ok(Body::Incomplete);
        };
        if !chunk.ends_with(b"\r\n") {
            return Err(Malformed);
        }
        body.extend_from_slice(&chunk[..size]);
        at += size + 2;
    }
}

/// The size of the chunk that begins here, and how long its line is.
fn chunk_size(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        let endless = bytes.len() > MAX_CHUNK_LINE;
        return if endless { Err(Malformed) } else { Ok(None) };
    };
    let digits = bytes[..end].split(|&byte| byte == b';').next();
    let digits = digits.map(<[u8]>::trim_ascii_end).unwrap_or_default();
    let valid = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).map_err(|_| Malformed)?;
    match usize::from_str_radix(text, 16) {
        Ok(size) if valid => Ok(Some((size, end + 2))),
        _ => Err(Malformed),
    }
}

/// Skips what follows the last chunk, to the empty line.
fn trailers(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b"\r\n") {
        return Some(2);
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_as_long_as_announced() {
        let ask = |length, bytes| parse(Framing::Length(length), bytes).unwrap();
        assert_eq!(ask(3, b"ab"), Body::Incomplete);
        assert_eq!(ask(2, b"abc"), Body::Complete(b"ab".to_vec(), 2));
        assert_eq!(ask(1 << 40, b""), Body::TooLarge);
    }

    #[test]
    fn chunks_are_put_together() {
        let ask = |bytes| parse(Framing::Chunked, bytes);
        let whole = b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\nnext";
        assert_eq!(ask(whole), Ok(Body::Complete(b"abcd".to_vec(), 23)));
        for end in 0..23 {
            assert_eq!(ask(&whole[..end]), Ok(Body::Incomplete), "{end}");
        }
        assert_eq!(ask(b"4\r\nabcdXX"), Err(Malformed));
        assert_eq!(ask(b"-1\r\n"), Err(Malformed));
        assert_eq!(ask(b"ffffff\r\n"), Ok(Body::TooLarge));
        assert_eq!(ask(b"fffffffffffffffff\r\n"), Err(Malformed));
    }
}
