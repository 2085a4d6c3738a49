//! What a probe says of a server, and what can go wrong on the way to an answer.

use std::io;

use pontoon_engine::health::CheckStatus;

/// The longest info an answer may put into a report, in bytes.
pub(super) const INFO_LIMIT: usize = 127;

/// What a probe found; with its duration it becomes a `CheckResult`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) status: CheckStatus,
    pub(super) code: Option<u16>,
    pub(super) info: Option<String>,
}

impl Verdict {
    /// A status. Verdicts on answers carry a code, which is 0 where the protocol has none.
    pub(super) fn new(status: CheckStatus) -> Self {
        let answered = matches!(
            status,
            CheckStatus::L7Ok | CheckStatus::L7OkConditional | CheckStatus::L7Status
        );
        Self {
            status,
            code: answered.then_some(0),
            info: None,
        }
    }

    pub(super) fn with_code(mut self, code: u16) -> Self {
        self.code = Some(code);
        self
    }

    pub(super) fn with_info(mut self, info: impl Into<String>) -> Self {
        self.info = Some(info.into());
        self
    }
}

/// No answer could be had.
#[derive(Debug)]
pub(super) enum Failure {
    /// The socket could not be made, or broke while it was used.
    Socket(io::Error),
    /// No connection: refused, unreachable.
    Connect(io::Error),
    /// No connection in time.
    ConnectTimeout,
    /// The TLS handshake failed, in these words.
    Tls(&'static str),
    /// No TLS handshake in time.
    TlsTimeout,
    /// Connected, but no answer in time.
    Silent,
    /// The server closed without a word.
    Empty,
}

impl Failure {
    /// The verdict of a probe whose second step waited for an answer.
    pub(super) fn verdict(&self, step: u32) -> Verdict {
        let verdict = Verdict::new(self.status());
        match self {
            Self::Empty => {
                verdict.with_info(format!("TCPCHK got an empty response at step {step}"))
            }
            other => match other.text() {
                Some(text) => verdict.with_info(text),
                None => verdict,
            },
        }
    }

    /// The status of a probe that expected an answer.
    pub(super) const fn status(&self) -> CheckStatus {
        match self {
            Self::Socket(_) => CheckStatus::SocketError,
            Self::Connect(_) => CheckStatus::L4Connection,
            Self::ConnectTimeout => CheckStatus::L4Timeout,
            Self::Tls(_) => CheckStatus::L6Response,
            Self::TlsTimeout => CheckStatus::L6Timeout,
            Self::Silent => CheckStatus::L7Timeout,
            Self::Empty => CheckStatus::L7Response,
        }
    }

    /// What there is to say beyond the status.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Socket(error) | Self::Connect(error) => Some(error_text(error)),
            Self::Tls(problem) => Some((*problem).to_owned()),
            Self::ConnectTimeout | Self::TlsTimeout | Self::Silent | Self::Empty => None,
        }
    }
}

/// What became of a `connect`: the server's answer, or trouble on our side.
pub(super) fn connect_failure(error: io::Error) -> Failure {
    use io::ErrorKind::{
        ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, TimedOut,
    };
    match error.kind() {
        ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable | TimedOut => {
            Failure::Connect(error)
        }
        _ => Failure::Socket(io::Error::other(format!(
            "General socket error ({})",
            error_text(&error)
        ))),
    }
}

/// The system's words for an error, without the number that Rust adds.
fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// The first line of an answer, fit for a report.
pub(super) fn first_line(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .position(|byte| matches!(byte, b'\r' | b'\n' | 0))
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end.min(INFO_LIMIT)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_the_systems_words() {
        let refused = io::Error::from_raw_os_error(111);
        let verdict = Failure::Connect(refused).verdict(2);
        assert_eq!(verdict.status, CheckStatus::L4Connection);
        assert_eq!(verdict.info.as_deref(), Some("Connection refused"));
        assert_eq!(verdict.code, None);
    }

    #[test]
    fn an_empty_answer_names_the_step() {
        let verdict = Failure::Empty.verdict(3);
        assert_eq!(
            verdict.info.as_deref(),
            Some("TCPCHK got an empty response at step 3")
        );
    }

    #[test]
    fn a_report_shows_one_short_line() {
        assert_eq!(first_line(b"-ERR foo\r\nmore"), "-ERR foo");
        assert_eq!(first_line(&[b'x'; 1000]).len(), INFO_LIMIT);
    }
}
