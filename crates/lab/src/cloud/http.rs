//! As much HTTP/1.1 as an API needs: requests with a known length, answers with one.

use std::io::{self, Read};

/// Longer requests than this are not read.
const LONGEST: usize = 256 << 10;
const HEADERS: usize = 64;

/// A request, read to its end.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// As it was sent, still encoded, without the query.
    pub(super) path: String,
    /// As it was sent, still encoded; empty if there is none.
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The only header of this name; `None` also if there are two.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(each, _)| each.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let mut names = self.headers.iter().map(|(name, _)| name);
        names.any(|each| each.eq_ignore_ascii_case(name))
    }

    pub(super) fn keeps_alive(&self) -> bool {
        let close = |value: &str| value.eq_ignore_ascii_case("close");
        !self.header("connection").is_some_and(close)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Response {
    pub(super) fn new(status: u16, kind: &str, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", kind.to_owned())],
            body: body.into(),
        }
    }

    pub(super) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain", body)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        head.push_str(&self.body);
        head.into_bytes()
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        422 => "Unprocessable Entity",
        423 => "Locked",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}

/// What reading a request came to.
pub(super) enum Incoming {
    Request(Request),
    /// The client has closed between two requests.
    End,
    /// That was none; the sentence says why.
    Malformed(&'static str),
}

/// Reads one request; `rest` holds what was read beyond the last one.
pub(super) fn read(stream: &mut impl Read, rest: &mut Vec<u8>) -> io::Result<Incoming> {
    let mut buffer = [0; 4096];
    loop {
        match parse(rest) {
            Parsed::Whole(request, length) => {
                rest.drain(..length);
                return Ok(Incoming::Request(request));
            }
            Parsed::Malformed(why) => return Ok(Incoming::Malformed(why)),
            Parsed::Partial if rest.len() > LONGEST => {
                return Ok(Incoming::Malformed("the request is too long"));
            }
            Parsed::Partial => {}
        }
        match stream.read(&mut buffer)? {
            0 if rest.is_empty() => return Ok(Incoming::End),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => rest.extend_from_slice(&buffer[..length]),
        }
    }
}

enum Parsed {
    Whole(Request, usize),
    Partial,
    Malformed(&'static str),
}

fn parse(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let start = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::Malformed("not a request of HTTP/1.1"),
    };
    let Some(mut request) = taken(&head) else {
        return Parsed::Malformed("a header is not text");
    };
    if request.has("transfer-encoding") {
        return Parsed::Malformed("a request with an unknown length");
    }
    let length = match request.header("content-length").map(str::parse::<usize>) {
        None if request.has("content-length") => return Parsed::Malformed("two lengths"),
        None => 0,
        Some(Ok(length)) if length <= LONGEST => length,
        Some(_) => return Parsed::Malformed("no length that will do"),
    };
    let Some(body) = bytes.get(start..start + length) else {
        return Parsed::Partial;
    };
    request.body = body.to_vec();
    Parsed::Whole(request, start + length)
}

fn taken(head: &httparse::Request<'_, '_>) -> Option<Request> {
    let target = head.path?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |header: &httparse::Header<'_>| {
        let value = std::str::from_utf8(header.value).ok()?;
        Some((header.name.to_owned(), value.trim().to_owned()))
    };
    Some(Request {
        method: head.method?.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: head.headers.iter().map(header).collect::<Option<_>>()?,
        body: Vec::new(),
    })
}
