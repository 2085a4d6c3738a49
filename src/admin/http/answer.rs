//! Answers: status, header lines and body, and HAProxy's own pages for what goes wrong.

use std::fmt::Write as _;

/// An answer, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Header lines besides length and connection.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body; empty for a redirection.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer of this type that nobody may cache.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![
                ("cache-control", "no-cache".to_owned()),
                ("content-type", content_type.to_owned()),
            ],
            body: body.into(),
        }
    }

    /// With one more header line. A value with a control character is left out: it would end
    /// the line and begin another.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.contains(char::is_control) {
            self.headers.push((name, value));
        }
        self
    }

    /// A short page that says what is wrong.
    pub(crate) fn error(status: u16, explanation: &str) -> Self {
        let reason = reason(status);
        let body =
            format!("<html><body><h1>{status} {reason}</h1>\n{explanation}\n</body></html>\n");
        Self::new(status, "text/html", body)
    }

    /// Nothing lives at this address: what a balancer without servers says.
    pub(crate) fn no_server() -> Self {
        Self::error(503, "No server is available to handle this request.")
    }

    /// The bytes on the wire; `HEAD` gets no body.
    pub(crate) fn bytes(&self, head_only: bool, keep_alive: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            // Writing to a string cannot fail.
            let _infallible = write!(head, "{name}: {value}\r\n");
        }
        let _infallible = write!(head, "content-length: {}\r\n", self.body.len());
        if !keep_alive {
            head.push_str("connection: close\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        if !head_only {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Time-out",
        500 => "Internal Server Error",
        _ => "Service Unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_announces_what_get_would_bring() {
        let answer = Answer::no_server();
        let (get, head) = (answer.bytes(false, true), answer.bytes(true, true));
        assert_eq!(head, get[..head.len()]);
        assert!(head.ends_with(b"\r\n\r\n"));
        assert_eq!(get.len() - head.len(), answer.body.len());
        let closing = String::from_utf8(answer.bytes(true, false)).unwrap();
        assert!(closing.contains("connection: close\r\n"));
    }

    #[test]
    fn a_value_cannot_begin_a_line_of_its_own() {
        let answer = Answer::error(401, "").with("location", "/x\r\nset-cookie: a=b");
        let bytes = String::from_utf8(answer.bytes(false, false)).unwrap();
        assert!(!bytes.contains("set-cookie"));
    }
}
