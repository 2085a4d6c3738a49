//! What a health check says to a server, and what it wants to hear
//! (HAProxy configuration manual, 4.2 `tcp-check`, `http-check`, `option …-check`).

mod draft;
mod exasol;
mod expect;
mod http;
mod keywords;
mod options;
mod steps;
mod tcp;
#[cfg(test)]
mod tests;

pub use self::{draft::CheckDraft, keywords::KEYWORDS};

use std::{path::PathBuf, sync::Arc};

use super::log_format::LogFormat;

/// The kind of check of a backend.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckMethod {
    /// Connect only.
    Connect,
    /// `option tcp-check`.
    Script(Vec<Step>),
    /// `option httpchk`.
    Http(HttpCheck),
    /// `option ssl-hello-chk`: a ClientHello by hand, any ServerHello will do.
    SslHello,
    /// `option pgsql-check user …`.
    Postgres {
        /// `user`.
        user: String,
    },
    /// `option mysql-check`.
    Mysql {
        /// `user`; `None`: only the server's greeting is checked.
        user: Option<String>,
        /// `pre-41`: the old client protocol.
        pre_41: bool,
    },
    /// `option redis-check`.
    Redis,
    /// `option smtpchk`.
    Smtp {
        /// `HELO` or `EHLO`.
        hello: String,
        /// Our name.
        domain: String,
    },
    /// `option ldap-check`.
    Ldap,
    /// `option exasol-check`, Pontoon's own.
    Exasol(ExasolCheck),
    /// `option external-check` with `external-check command`.
    External {
        /// The program.
        command: String,
    },
}

/// How `option exasol-check` reaches the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExasolCheck {
    /// `clear`: a WebSocket without TLS (but that of `check-ssl`).
    Clear,
    /// A WebSocket in TLS.
    Tls {
        /// `fingerprint`: the SHA-256 of the certificate that the server must show.
        fingerprint: Option<[u8; 32]>,
    },
}

/// One `tcp-check` line (a `tcp-check comment` line is no step, but counts in the numbers).
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which of the proxy's `tcp-check` lines this is, `comment` lines counted, from 1; 0 for a
    /// connection that no line asks for.
    pub number: u32,
    /// `comment`, or else what a `comment` line right before said.
    pub comment: Option<String>,
    /// What to do.
    pub action: StepAction,
}

/// What a `tcp-check` line does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepAction {
    /// `connect`.
    Connect(ConnectStep),
    /// `send`, `send-binary`.
    Send(Vec<u8>),
    /// `send-lf`, `send-binary-lf`.
    SendFormat(Arc<LogFormat>),
    /// `expect`.
    Expect(Expect),
}

/// `tcp-check connect`, `http-check connect`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConnectStep {
    /// `port`.
    pub port: Option<u16>,
    /// `addr`.
    pub address: Option<std::net::IpAddr>,
    /// `send-proxy`.
    pub send_proxy: bool,
    /// `ssl` with `sni`; everything but the name is the server's own.
    pub tls: Option<Arc<CheckTls>>,
    /// `linger`: close with FIN rather than RST.
    pub linger: bool,
    /// `default`: the server's own `check-…` parameters.
    pub default: bool,
}

/// `check-ssl`, `check-sni`, `verify`, `ca-file`, `verifyhost`, `crt`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CheckTls {
    /// `check-sni`.
    pub server_name: Option<String>,
    /// `verify required` (the default) or `none`.
    pub verify: bool,
    /// `verifyhost`.
    pub verify_host: Option<String>,
    /// `ca-file`, `ca-base` applied; `None`: the system's.
    pub ca_file: Option<PathBuf>,
    /// `crt`, `crt-base` applied: a client certificate.
    pub certificate: Option<PathBuf>,
}

/// `tcp-check expect`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// `!`.
    pub negated: bool,
    /// What.
    pub pattern: BytePattern,
    /// `min-recv`: bytes to wait for before a mismatch counts.
    pub min_receive: Option<u32>,
    /// `ok-status`, or what fits.
    pub ok_status: Option<pontoon_engine::health::CheckStatus>,
    /// `error-status`.
    pub error_status: Option<pontoon_engine::health::CheckStatus>,
    /// `tout-status`.
    pub timeout_status: Option<pontoon_engine::health::CheckStatus>,
    /// `on-success`: the info of the report.
    pub on_success: Option<Arc<LogFormat>>,
    /// `on-error`.
    pub on_error: Option<Arc<LogFormat>>,
}

/// What bytes must look like.
#[derive(Debug, Clone)]
pub enum BytePattern {
    /// `string`: anywhere in what was received.
    Contains(Vec<u8>),
    /// `binary`: the same, written in hexadecimal.
    Binary(Vec<u8>),
    /// `string-lf`: the same, made anew for each check.
    Format(Arc<LogFormat>),
    /// `rstring`: a regular expression.
    Regex(regex::bytes::Regex),
    /// `rbinary`: a regular expression on the uppercase hexadecimal form of what was received.
    HexRegex(regex::bytes::Regex),
}

impl PartialEq for BytePattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Contains(a), Self::Contains(b)) | (Self::Binary(a), Self::Binary(b)) => a == b,
            (Self::Format(a), Self::Format(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) | (Self::HexRegex(a), Self::HexRegex(b)) => {
                a.as_str() == b.as_str()
            }
            _ => false,
        }
    }
}

/// `option httpchk` and `http-check …`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpCheck {
    /// Steps in order; a plain `option httpchk` is one `Send` and one `Expect`.
    pub steps: Vec<HttpStep>,
    /// `http-check disable-on-404`.
    pub disable_on_404: bool,
    /// `http-check send-state`.
    pub send_state: bool,
}

/// One `http-check` line.
#[derive(Debug, Clone, PartialEq)]
pub enum HttpStep {
    /// `connect`.
    Connect(ConnectStep),
    /// `send`.
    Send(HttpRequest),
    /// `expect`.
    Expect(HttpExpect),
}

/// `http-check send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `meth` (default `OPTIONS`).
    pub method: String,
    /// `uri` (default `/`).
    pub uri: String,
    /// `ver` (default `HTTP/1.0`).
    pub version: String,
    /// `hdr` lines.
    pub headers: Vec<(String, String)>,
    /// `body`.
    pub body: Vec<u8>,
}

/// `http-check expect`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpExpect {
    /// `!`.
    pub negated: bool,
    /// What.
    pub pattern: HttpPattern,
    /// `min-recv`.
    pub min_receive: Option<u32>,
    /// `comment`, or else what a `comment` line right before said.
    pub comment: Option<String>,
    /// `ok-status`, or what fits.
    pub ok_status: Option<pontoon_engine::health::CheckStatus>,
    /// `error-status`.
    pub error_status: Option<pontoon_engine::health::CheckStatus>,
    /// `tout-status`.
    pub timeout_status: Option<pontoon_engine::health::CheckStatus>,
    /// `on-success`: the info of the report.
    pub on_success: Option<Arc<LogFormat>>,
    /// `on-error`.
    pub on_error: Option<Arc<LogFormat>>,
}

/// What an answer must look like.
#[derive(Debug, Clone)]
pub enum HttpPattern {
    /// `status`: codes and ranges, both ends included.
    Status(Vec<(u16, u16)>),
    /// `rstatus`.
    StatusRegex(regex::bytes::Regex),
    /// `string`, `rstring`: in the body.
    Body(BytePattern),
    /// `hdr`, `fhdr`: a header by name and, if given, value.
    Header {
        /// The name; letters match whatever their case.
        name: TextPattern,
        /// The value.
        value: Option<TextPattern>,
        /// `fhdr`: the value as a whole, not the elements of its comma-separated list.
        full: bool,
    },
}

/// What a header's name or value must look like (`-m`).
#[derive(Debug, Clone)]
pub enum TextPattern {
    /// `-m str`, the default.
    Exact(String),
    /// `-m beg`.
    Prefix(String),
    /// `-m end`.
    Suffix(String),
    /// `-m sub`.
    Contains(String),
    /// `-m reg`.
    Regex(regex::bytes::Regex),
}

impl PartialEq for TextPattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(a), Self::Exact(b))
            | (Self::Prefix(a), Self::Prefix(b))
            | (Self::Suffix(a), Self::Suffix(b))
            | (Self::Contains(a), Self::Contains(b)) => a == b,
            (Self::Regex(a), Self::Regex(b)) => a.as_str() == b.as_str(),
            _ => false,
        }
    }
}

impl PartialEq for HttpPattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Status(a), Self::Status(b)) => a == b,
            (Self::StatusRegex(a), Self::StatusRegex(b)) => a.as_str() == b.as_str(),
            (Self::Body(a), Self::Body(b)) => a == b,
            (
                Self::Header { name, value, full },
                Self::Header {
                    name: n,
                    value: v,
                    full: f,
                },
            ) => name == n && value == v && full == f,
            _ => false,
        }
    }
}
