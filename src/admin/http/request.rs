//! Requests: the head, and how long the body is.

/// Bytes of a request head at most: HAProxy's buffer less its reserve
/// (`tune.bufsize`, `tune.maxrewrite`).
pub(crate) const MAX_HEAD: usize = 15_360;
/// Header lines at most (`tune.http.maxhdr`).
const MAX_HEADERS: usize = 101;

/// A request without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// As sent.
    pub(crate) method: String,
    /// As sent.
    pub(crate) target: String,
    /// `HTTP/1.0` or `HTTP/1.1`.
    pub(crate) version: &'static str,
    /// How the body ends.
    pub(crate) framing: Framing,
    /// The connection may carry another request after this one.
    pub(crate) keep_alive: bool,
    headers: Vec<(String, Vec<u8>)>,
}

/// How the body ends (RFC 9112, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes, maybe none.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// The bytes are no request, or one that could be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads a request head; `None` while it is incomplete. Returns how many bytes it takes.
///
/// # Errors
/// It cannot become a request whatever follows.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Malformed> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Malformed),
    };
    if length > MAX_HEAD {
        return Err(Malformed);
    }
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
        .collect();
    let modern = request.version == Some(1);
    let head = Head {
        method: request.method.ok_or(Malformed)?.to_owned(),
        target: request.path.ok_or(Malformed)?.to_owned(),
        version: if modern { "HTTP/1.1" } else { "HTTP/1.0" },
        framing: framing(&headers, modern)?,
        keep_alive: keeps_alive(&headers, modern),
        headers,
    };
    Ok(Some((head, length)))
}

/// Two lengths, or a length and chunks, are how requests are smuggled: refused.
fn framing(headers: &[(String, Vec<u8>)], modern: bool) -> Result<Framing, Malformed> {
    let mut lengths = values(headers, "content-length");
    let mut encodings = values(headers, "transfer-encoding");
    match (lengths.next(), encodings.next()) {
        (None, None) => Ok(Framing::Length(0)),
        (Some(length), None) if lengths.all(|other| other == length) => {
            let digits = std::str::from_utf8(length).map_err(|_| Malformed)?;
            if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(Malformed);
            }
            digits.parse().map(Framing::Length).map_err(|_| Malformed)
        }
        (None, Some(encoding)) if modern && encodings.next().is_none() => encoding
            .eq_ignore_ascii_case(b"chunked")
            .then_some(Framing::Chunked)
            .ok_or(Malformed),
        _ => Err(Malformed),
    }
}

fn keeps_alive(headers: &[(String, Vec<u8>)], modern: bool) -> bool {
    let says = |word: &str| {
        values(headers, "connection").any(|value| {
            value
                .split(|&byte| byte == b',')
                .any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
        })
    };
    if modern {
        !says("close")
    } else {
        says("keep-alive")
    }
}

fn values<'h>(
    headers: &'h [(String, Vec<u8>)],
    name: &'static str,
) -> impl Iterator<Item = &'h [u8]> + 'h {
    headers
        .iter()
        .filter(move |(given, _)| given == name)
        .map(|(_, value)| value.as_slice())
}

impl Head {
    /// The value of a header (its name in lower case), if there is exactly one and it is text.
    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        let mut found = values(&self.headers, name);
        match (found.next(), found.next()) {
            (Some(value), None) => std::str::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// Whether a header was sent at all.
    pub(crate) fn has(&self, name: &'static str) -> bool {
        values(&self.headers, name).next().is_some()
    }

    /// Path and query, whether the target has the origin or the absolute form.
    pub(crate) fn path(&self) -> &str {
        let Some((_, rest)) = self.target.split_once("://") else {
            return &self.target;
        };
        if self.target.starts_with('/') {
            return &self.target;
        }
        rest.find('/').map_or("/", |start| &rest[start..])
    }

    /// The client waits for a word before it sends the body (RFC 9110, 10.1.1).
    pub(crate) fn expects_continue(&self) -> bool {
        self.header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<(Head, usize)>, Malformed> {
        parse(text.replace('\n', "\r\n").as_bytes())
    }

    fn complete(text: &str) -> Head {
        head(text).unwrap().unwrap().0
    }

    #[test]
    fn a_head_ends_with_its_empty_line() {
        assert_eq!(head("GET / HT"), Ok(None));
        assert_eq!(head("GET / HTTP/1.1\nHost: a\n"), Ok(None));
        let request = complete("GET /x;csv HTTP/1.1\nHost: a\n\n");
        assert_eq!((&*request.method, request.path()), ("GET", "/x;csv"));
        assert!(request.keep_alive);
    }

    #[test]
    fn what_cannot_become_a_request_is_refused() {
        assert_eq!(head("GARBAGE\n\n"), Err(Malformed));
        let endless = format!("GET / HTTP/1.1\nX: {}", "a".repeat(20_000));
        assert_eq!(head(&endless), Err(Malformed));
    }

    #[test]
    fn a_body_that_could_end_in_two_places_is_refused() {
        for lines in [
            "Content-Length: 1\nContent-Length: 2",
            "Content-Length: 1\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Content-Length: +1",
            "Content-Length: ",
        ] {
            let text = format!("POST / HTTP/1.1\nHost: a\n{lines}\n\n");
            assert_eq!(head(&text), Err(Malformed), "{lines}");
        }
        let old = "POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n";
        assert_eq!(head(old), Err(Malformed));
    }

    #[test]
    fn connections_stay_open_by_version_and_by_wish() {
        assert!(!complete("GET / HTTP/1.1\nConnection: x, Close\n\n").keep_alive);
        assert!(!complete("GET / HTTP/1.0\n\n").keep_alive);
        assert!(complete("GET / HTTP/1.0\nConnection: keep-alive\n\n").keep_alive);
    }

    #[test]
    fn the_absolute_form_names_the_same_page() {
        let request = complete("GET http://host/stats;csv HTTP/1.1\nHost: host\n\n");
        assert_eq!(request.path(), "/stats;csv");
        assert_eq!(complete("GET http://host HTTP/1.1\n\n").path(), "/");
    }
}
