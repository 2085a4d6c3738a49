//! `log-format` strings (HAProxy configuration manual, 8.2.6).

mod builtin;
mod names;
mod parse;
#[cfg(test)]
mod tests;

pub use self::{
    builtin::{clf_log, http_log, tcp_log},
    names::{HTTP_VARIABLES, VARIABLES},
    parse::{parse, parse_verbatim},
};

use pontoon_engine::sample::Expression;

/// A format, ready to be rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFormat {
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
}

impl LogFormat {
    /// The name of its first variable that only HTTP gives a value, if there is one: HAProxy
    /// refuses these in a TCP proxy.
    #[must_use]
    pub fn http_variable(&self) -> Option<&'static str> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Variable(variable, _) => names::http_name(*variable),
            Piece::Text(_) | Piece::Sample(..) => None,
        })
    }
}

/// A piece of a format.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// `%var` or `%{flags}var`.
    Variable(Variable, Flags),
    /// `%[expression]`.
    Sample(Expression, Flags),
}

/// `%{…}`: how a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// `+Q`: quoted.
    pub quote: bool,
    /// `+X`: numbers and addresses in hexadecimal.
    pub hex: bool,
    /// `+E`: `"`, `\` and `]` escaped.
    pub escape: bool,
}

/// A variable of a log line; the name in the manual stands behind each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variable {
    /// `%ci`.
    ClientIp,
    /// `%cp`.
    ClientPort,
    /// `%fi`.
    FrontendIp,
    /// `%fp`.
    FrontendPort,
    /// `%bi`.
    BackendSourceIp,
    /// `%bp`.
    BackendSourcePort,
    /// `%si`.
    ServerIp,
    /// `%sp`.
    ServerPort,
    /// `%f`.
    FrontendName,
    /// `%ft`: with `~` behind a TLS listener.
    FrontendNameTransport,
    /// `%b`.
    BackendName,
    /// `%s`.
    ServerName,
    /// `%t`: accept date with milliseconds.
    DateTime,
    /// `%T`: accept date in GMT.
    DateTimeGmt,
    /// `%Tl`: accept date in local time.
    DateTimeLocal,
    /// `%Ts`: seconds since the epoch.
    Timestamp,
    /// `%ms`: milliseconds of the accept date.
    Milliseconds,
    /// `%tr`: date of the request.
    RequestDate,
    /// `%trg`.
    RequestDateGmt,
    /// `%trl`.
    RequestDateLocal,
    /// `%Th`: handshake (PROXY header) time.
    HandshakeTime,
    /// `%Ti`: idle time before the request.
    IdleTime,
    /// `%TR`: time to receive the request.
    RequestTime,
    /// `%Tq`: `Th + Ti + TR`.
    QueryTime,
    /// `%Tw`.
    QueueTime,
    /// `%Tc`.
    ConnectTime,
    /// `%Tr`: server response time.
    ResponseTime,
    /// `%Td`: data transfer time.
    DataTime,
    /// `%Ta`: active time of the request.
    ActiveTime,
    /// `%Tt`.
    TotalTime,
    /// `%Tu`: total time from accept with the estimated user view.
    UserTime,
    /// `%B`.
    BytesRead,
    /// `%U`.
    BytesUploaded,
    /// `%ST`: HTTP status.
    HttpStatus,
    /// `%ts`.
    Termination,
    /// `%tsc`: with persistence cookies.
    TerminationCookies,
    /// `%ac`.
    ActiveConnections,
    /// `%fc`.
    FrontendConnections,
    /// `%bc`.
    BackendConnections,
    /// `%sc`.
    ServerConnections,
    /// `%rc`.
    Retries,
    /// `%sq`.
    ServerQueue,
    /// `%bq`.
    BackendQueue,
    /// `%lc`.
    FrontendLogCounter,
    /// `%rt`: request counter.
    RequestCounter,
    /// `%H`.
    HostName,
    /// `%pid`.
    ProcessId,
    /// `%ID`: unique id.
    UniqueId,
    /// `%r`: HTTP request line.
    HttpRequest,
    /// `%HM`.
    HttpMethod,
    /// `%HP`.
    HttpPath,
    /// `%HQ`.
    HttpQuery,
    /// `%HU`.
    HttpUri,
    /// `%HV`.
    HttpVersion,
    /// `%CC`, `%CS`: captured cookies; always `-` here.
    NoCapture,
    /// `%sslc`, `%sslv`: TLS is not ended here, so that there is nothing to say; always `-`.
    NoTls,
    /// `%hr`, `%hs`, `%hrl`, `%hsl`: captured headers; always empty here, and a blank next to
    /// them is written once.
    NoHeaders,
}
