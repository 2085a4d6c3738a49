//! Reads as much of a response as has come.

use std::borrow::Cow;

use pontoon_config::haproxy::check::TextPattern;

use crate::checks::pattern::contains;

/// More headers than any health page needs.
const HEADERS: usize = 100;

/// What the bytes so far are.
pub(super) enum Parsed<'a> {
    /// A whole head, and as much of the body as has come.
    Response(Response<'a>),
    /// The beginning of a head.
    Partial,
    /// No HTTP.
    Malformed,
}

/// A response.
pub(super) struct Response<'a> {
    pub(super) status: u16,
    pub(super) reason: &'a [u8],
    headers: Vec<(&'a str, &'a [u8])>,
    pub(super) body: Cow<'a, [u8]>,
    /// Nothing more belongs to the body.
    pub(super) body_complete: bool,
}

pub(super) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::Malformed,
    };
    let headers: Vec<(&str, &[u8])> = head.headers.iter().map(|h| (h.name, h.value)).collect();
    let (body, body_complete) = body(&headers, &bytes[length..]);
    Parsed::Response(Response {
        status: head.code.unwrap_or_default(),
        reason: head.reason.unwrap_or_default().as_bytes(),
        headers,
        body,
        body_complete,
    })
}

fn body<'a>(headers: &[(&str, &[u8])], bytes: &'a [u8]) -> (Cow<'a, [u8]>, bool) {
    let value = |wanted: &str| {
        let mut values = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        values.next_back().map(|(_, value)| value.trim_ascii())
    };
    if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked")) {
        let (body, complete) = dechunk(bytes);
        return (Cow::Owned(body), complete);
    }
    let length = value("content-length")
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.parse::<usize>().ok());
    match length {
        Some(length) => (
            Cow::Borrowed(&bytes[..length.min(bytes.len())]),
            bytes.len() >= length,
        ),
        None => (Cow::Borrowed(bytes), false),
    }
}

/// The data of the chunks that have come, and whether the last one has.
fn dechunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(bytes) {
        if size == 0 {
            return (body, true);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let data = &bytes[start..];
        body.extend_from_slice(&data[..size.min(data.len())]);
        // Each chunk ends with CR LF.
        match size.checked_add(2).and_then(|end| data.get(end..)) {
            Some(rest) => bytes = rest,
            None => break,
        }
    }
    (body, false)
}

impl Response<'_> {
    /// Whether a header of this name is there, with a value that fits: any element of its
    /// comma-separated list, or with `full` the whole.
    pub(super) fn has_header(
        &self,
        wanted: &TextPattern,
        value: Option<&TextPattern>,
        full: bool,
    ) -> bool {
        let named = self
            .headers
            .iter()
            .filter(|(name, _)| fits(name.as_bytes(), wanted, true));
        let mut values = named.map(|(_, value)| value.trim_ascii());
        let Some(value) = value else {
            return values.next().is_some();
        };
        values.any(|text| {
            let mut parts = text.split(|byte| *byte == b',' && !full);
            parts.any(|part| fits(part.trim_ascii(), value, false))
        })
    }
}

fn fits(text: &[u8], pattern: &TextPattern, any_case: bool) -> bool {
    let fold = |bytes: &[u8]| {
        if any_case {
            bytes.to_ascii_lowercase()
        } else {
            bytes.to_vec()
        }
    };
    let text = fold(text);
    match pattern {
        TextPattern::Exact(wanted) => text == fold(wanted.as_bytes()),
        TextPattern::Prefix(wanted) => text.starts_with(&fold(wanted.as_bytes())),
        TextPattern::Suffix(wanted) => text.ends_with(&fold(wanted.as_bytes())),
        TextPattern::Contains(wanted) => contains(&text, &fold(wanted.as_bytes())),
        TextPattern::Regex(regex) => regex.is_match(&text),
    }
}

/// For [`crate::fuzzing`]: a body is no longer than what came, and one that is complete stays as it is.
pub(in crate::checks) fn fuzz(bytes: &[u8]) -> bool {
    let Parsed::Response(response) = parse(bytes) else {
        return false;
    };
    assert!(response.body.len() <= bytes.len());
    let more = [bytes, b"more"].concat();
    if response.body_complete {
        assert!(matches!(parse(&more), Parsed::Response(it) if it.body == response.body));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_as_they_come() {
        assert_eq!(
            dechunk(b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
            (b"abcdef".to_vec(), true)
        );
        assert_eq!(dechunk(b"3\r\nabc\r\n3\r\nd"), (b"abcd".to_vec(), false));
        assert_eq!(
            dechunk(b"ffffffffffffffff\r\nabc"),
            (b"abc".to_vec(), false)
        );
        assert_eq!(dechunk(b"zz\r\n"), (Vec::new(), false));
    }
}
