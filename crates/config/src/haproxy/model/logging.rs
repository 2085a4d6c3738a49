//! What is logged, how, and where to.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::haproxy::log_format::LogFormat;

/// Where and how a proxy logs.
#[derive(Debug, Clone)]
pub struct Logging {
    /// `log` lines; `log global` has been replaced by the global ones.
    pub targets: Vec<LogTarget>,
    /// `log-tag`.
    pub tag: Option<String>,
    /// The line of a session; `None`: the default `Connect from …` line at its start.
    pub line: Option<Arc<LogFormat>>,
    /// `error-log-format`.
    pub error_line: Option<Arc<LogFormat>>,
    /// `option logasap`.
    pub as_soon_as_possible: bool,
    /// `option pontoon-log-sessions`: lines of sessions that go on.
    pub progress: Option<Progress>,
    /// `option dontlog-normal`.
    pub dont_log_normal: bool,
    /// `option log-separate-errors`: errors go out at level err.
    pub separate_errors: bool,
    /// `log-format-sd`: RFC 5424 structured data.
    pub structured_data: Option<Arc<LogFormat>>,
}

/// `option pontoon-log-sessions`: when a session gets lines beside the one at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// `start`: when its server is connected.
    pub start: bool,
    /// `every`: so long after it was accepted, and again and again.
    pub every: Option<Duration>,
}

/// One `log` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTarget {
    /// Where to.
    pub address: LogAddress,
    /// `len`: bytes of a line at most.
    pub length: usize,
    /// `format`.
    pub format: LogEncoding,
    /// `sample`.
    pub sample: Option<LogSample>,
    /// The facility, 0 to 23 (RFC 5424, 6.2.1).
    pub facility: u8,
    /// The least severe level sent.
    pub level: LogLevel,
    /// More severe levels are sent as this one.
    pub min_level: LogLevel,
}

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LogAddress {
    /// A syslog daemon over UDP.
    Udp(std::net::SocketAddr),
    /// A UNIX datagram socket.
    Unix(PathBuf),
    /// A descriptor: `stdout`, `stderr`, `fd@N`.
    Descriptor(i32),
}

/// How lines are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogEncoding {
    /// None was written: [`LogEncoding::Local`], or [`LogEncoding::Rfc3164`] with
    /// `log-send-hostname`.
    #[default]
    Unset,
    /// RFC 3164; without `log-send-hostname` the host is `localhost`.
    Rfc3164,
    /// RFC 5424.
    Rfc5424,
    /// Like RFC 3164 without a host, for a local daemon.
    Local,
    /// `<PRI>` and the text.
    Priority,
    /// `<LEVEL>` and the text, for systemd (`format short`).
    Short,
    /// `<LEVEL>`, an ISO date and the text (`format timed`).
    Timed,
    /// An ISO date and the text (`format iso`).
    Iso,
    /// The text only.
    Raw,
}

/// `sample RANGES:SIZE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSample {
    /// Which of every `size` lines are sent; both ends included, counted from 1.
    pub ranges: Vec<(u32, u32)>,
    /// The period.
    pub size: u32,
}

/// Syslog severities (RFC 5424, 6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// The system is unusable.
    Emergency,
    /// Act at once.
    Alert,
    /// Critical.
    Critical,
    /// An error.
    Error,
    /// A warning.
    Warning,
    /// Normal but significant.
    Notice,
    /// Informational.
    Info,
    /// For debugging.
    Debug,
}
