//! The line of a session: a `log-format` filled in (HAProxy configuration manual, 8.2).

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use pontoon_config::haproxy::log_format::{Flags, LogFormat, Piece, Variable};
use pontoon_engine::{
    address::Endpoint,
    sample::{Facts, Sampled, Value},
};

use super::{
    date::{self, Calendar},
    digits::{decimal, padded},
    text::{self, put},
};
use crate::record::{Concurrency, HttpRecord, SessionRecord};

/// What a line can tell.
pub(super) struct Line<'a> {
    pub(super) record: &'a SessionRecord,
    pub(super) concurrency: Concurrency,
    /// The frontend's name.
    pub(super) frontend: &'a str,
    /// The backend's name; the frontend's if none was chosen.
    pub(super) backend: &'a str,
    /// The server's name, or what stands in its place.
    pub(super) server: &'a str,
    /// The listener's number, which stands for the port of UNIX sockets.
    pub(super) listener: u32,
    /// The proxy serves HTTP.
    pub(super) http: bool,
    /// Figures are marked with a `+`: `option logasap`.
    pub(super) early: bool,
    /// `%lc`.
    pub(super) counter: u32,
    /// `%H`.
    pub(super) host: &'a str,
    pub(super) calendar: &'a Calendar,
    /// Answers samples.
    pub(super) facts: &'a dyn Facts,
}

impl Line<'_> {
    /// Fills in a format.
    pub(super) fn render(&self, format: &LogFormat, out: &mut Vec<u8>) {
        let mut nothing_before = false;
        for piece in &format.pieces {
            let length = out.len();
            match piece {
                Piece::Text(text) => {
                    let merge = nothing_before && out.last() == Some(&b' ');
                    let text = text.as_bytes();
                    let skip = usize::from(merge && text.first() == Some(&b' '));
                    out.extend_from_slice(&text[skip..]);
                }
                Piece::Variable(variable, flags) => self.variable(out, *variable, *flags),
                Piece::Sample(expression, flags) => {
                    sampled(out, &expression.sample(self.facts), *flags);
                }
            }
            nothing_before = out.len() == length;
        }
    }

    /// The line of a proxy that has no format: `Connect from 10.0.0.1:80 to 10.0.0.2:81 (fe/TCP)`.
    pub(super) fn connect(&self, out: &mut Vec<u8>) {
        let mode = if self.http { "HTTP" } else { "TCP" };
        let flags = Flags::default();
        if self.record.client.0.ip().is_some() {
            out.extend_from_slice(b"Connect from ");
            self.ip(out, Some(&self.record.client.0), flags);
            out.push(b':');
            self.port(out, Some(&self.record.client.0), flags);
        } else {
            out.extend_from_slice(b"Connect");
        }
        out.extend_from_slice(b" to ");
        self.ip(out, Some(&self.record.local.0), flags);
        out.push(b':');
        self.port(out, Some(&self.record.local.0), flags);
        put(out, format_args!(" ({}/{mode})", self.frontend));
    }

    /// `10.0.0.1:80 [22/Nov/2026:10:27:25.155] fe/bind: why`.
    pub(super) fn refused(&self, listener: &str, why: &str, out: &mut Vec<u8>) {
        let flags = Flags::default();
        self.ip(out, Some(&self.record.client.0), flags);
        out.push(b':');
        self.port(out, Some(&self.record.client.0), flags);
        out.extend_from_slice(b" [");
        self.calendar
            .with_milliseconds(out, self.record.accepted_on);
        put(out, format_args!("] {}/{listener}: {why}", self.frontend));
    }

    fn variable(&self, out: &mut Vec<u8>, variable: Variable, flags: Flags) {
        use Variable as V;
        match variable {
            V::ClientIp
            | V::ClientPort
            | V::FrontendIp
            | V::FrontendPort
            | V::BackendSourceIp
            | V::BackendSourcePort
            | V::ServerIp
            | V::ServerPort => self.address(out, variable, flags),
            V::FrontendName
            | V::FrontendNameTransport
            | V::BackendName
            | V::ServerName
            | V::HostName => self.name(out, variable, flags),
            V::DateTime
            | V::DateTimeGmt
            | V::DateTimeLocal
            | V::Timestamp
            | V::Milliseconds
            | V::RequestDate
            | V::RequestDateGmt
            | V::RequestDateLocal => self.date(out, variable, flags),
            V::HandshakeTime
            | V::IdleTime
            | V::RequestTime
            | V::QueryTime
            | V::QueueTime
            | V::ConnectTime
            | V::ResponseTime
            | V::DataTime
            | V::ActiveTime
            | V::TotalTime
            | V::UserTime => self.time(out, variable),
            V::HttpRequest
            | V::HttpMethod
            | V::HttpPath
            | V::HttpQuery
            | V::HttpUri
            | V::HttpVersion => self.request(out, variable, flags),
            V::UniqueId | V::NoCapture | V::NoTls => text::string(out, None, flags),
            V::NoHeaders if flags.quote => out.extend_from_slice(b"\"\""),
            V::NoHeaders => {}
            _ => self.figure(out, variable, flags),
        }
    }

    fn address(&self, out: &mut Vec<u8>, variable: Variable, flags: Flags) {
        let source = self.record.source.as_deref().copied().map(Endpoint::Ip);
        let server = self.record.server_address.as_ref().map(|server| &server.0);
        match variable {
            Variable::ClientIp => self.ip(out, Some(&self.record.client.0), flags),
            Variable::ClientPort => self.port(out, Some(&self.record.client.0), flags),
            Variable::FrontendIp => self.ip(out, Some(&self.record.local.0), flags),
            Variable::FrontendPort => self.port(out, Some(&self.record.local.0), flags),
            Variable::BackendSourceIp => self.ip(out, source.as_ref(), flags),
            Variable::BackendSourcePort => self.port(out, source.as_ref(), flags),
            Variable::ServerIp => self.ip(out, server, flags),
            _ => match server {
                Some(Endpoint::Unix(_) | Endpoint::Abstract(_)) => out.push(b'0'),
                other => self.port(out, other, flags),
            },
        }
    }

    fn ip(&self, out: &mut Vec<u8>, endpoint: Option<&Endpoint>, flags: Flags) {
        let Some(endpoint) = endpoint else {
            return text::string(out, None, flags);
        };
        match endpoint.ip().map(|address| address.ip()) {
            Some(IpAddr::V4(ip)) if flags.hex => put(out, format_args!("{:08X}", ip.to_bits())),
            Some(IpAddr::V6(ip)) if flags.hex => put(out, format_args!("{:032X}", ip.to_bits())),
            Some(ip) if flags.quote => put(out, format_args!("\"{ip}\"")),
            Some(IpAddr::V4(ip)) => dotted(out, ip),
            Some(IpAddr::V6(ip)) => put(out, format_args!("{ip}")),
            None => text::string(out, Some(b"unix"), flags),
        }
    }

    fn port(&self, out: &mut Vec<u8>, endpoint: Option<&Endpoint>, flags: Flags) {
        let Some(endpoint) = endpoint else {
            return text::string(out, None, flags);
        };
        let port = endpoint
            .ip()
            .map_or(self.listener, |address| u32::from(address.port()));
        number(out, port.into(), flags);
    }

    fn name(&self, out: &mut Vec<u8>, variable: Variable, flags: Flags) {
        let name = match variable {
            Variable::BackendName => self.backend,
            Variable::ServerName => self.server,
            Variable::HostName => self.host,
            // `%ft` adds a `~` behind TLS listeners, which there are none of.
            _ => self.frontend,
        };
        text::string(out, Some(name.as_bytes()), flags);
    }

    fn date(&self, out: &mut Vec<u8>, variable: Variable, flags: Flags) {
        let accepted = self.record.accepted_on;
        let request = self
            .record
            .http
            .as_ref()
            .map_or(accepted, |http| http.request_on);
        let (seconds, within) = date::split(accepted);
        match variable {
            Variable::DateTime => self.calendar.with_milliseconds(out, accepted),
            Variable::DateTimeGmt => date::greenwich(out, accepted),
            Variable::DateTimeLocal => self.calendar.with_offset(out, accepted),
            Variable::RequestDate => self.calendar.with_milliseconds(out, request),
            Variable::RequestDateGmt => date::greenwich(out, request),
            Variable::RequestDateLocal => self.calendar.with_offset(out, request),
            Variable::Milliseconds => padded(out, within.subsec_millis().into(), 3),
            _ => number(out, seconds, flags),
        }
    }

    fn time(&self, out: &mut Vec<u8>, variable: Variable) {
        let times = Times::of(self.record, self.http);
        let (marked, time) = match variable {
            Variable::HandshakeTime => (false, Some(times.handshake)),
            Variable::IdleTime => (false, Some(times.idle)),
            Variable::RequestTime => (false, times.request),
            Variable::QueryTime => (false, times.query()),
            Variable::QueueTime => (false, times.queue),
            Variable::ConnectTime => (false, times.connect),
            Variable::ResponseTime => (false, times.response),
            Variable::DataTime => (false, times.data()),
            Variable::ActiveTime => (true, Some(times.active())),
            Variable::UserTime => (true, Some(times.total.saturating_sub(times.idle))),
            _ => (true, Some(times.total)),
        };
        if marked && self.early {
            out.push(b'+');
        }
        match time {
            Some(time) => decimal(out, u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            None => out.extend_from_slice(b"-1"),
        }
    }

    fn request(&self, out: &mut Vec<u8>, variable: Variable, flags: Flags) {
        let http = self.record.http.as_deref();
        let Some(http) = http.filter(|http| !http.uri.is_empty()) else {
            return text::string(out, Some(b"<BADREQ>"), flags);
        };
        let query_at = http.uri.find('?').unwrap_or(http.uri.len());
        let HttpRecord {
            method,
            uri,
            version,
            ..
        } = http;
        match variable {
            Variable::HttpMethod => text::http(out, &[method], flags),
            Variable::HttpPath => text::http(out, &[&uri[..query_at]], flags),
            Variable::HttpQuery => text::http(out, &[&uri[query_at..]], flags),
            Variable::HttpUri => text::http(out, &[uri], flags),
            Variable::HttpVersion => text::http(out, &[version], flags),
            _ => text::http(out, &[method, " ", uri, " ", version], flags),
        }
    }

    fn figure(&self, out: &mut Vec<u8>, variable: Variable, flags: Flags) {
        let Self {
            record,
            concurrency,
            ..
        } = self;
        match variable {
            Variable::BytesRead => {
                if self.early {
                    out.push(b'+');
                }
                decimal(out, record.bytes_out);
            }
            Variable::BytesUploaded => decimal(out, record.bytes_in),
            Variable::HttpStatus => self.status(out),
            Variable::Termination => put(out, format_args!("{}", record.termination)),
            // No persistence cookies: neither asked for nor set.
            Variable::TerminationCookies => put(out, format_args!("{}--", record.termination)),
            Variable::ActiveConnections => decimal(out, concurrency.process.into()),
            Variable::FrontendConnections => decimal(out, concurrency.frontend.into()),
            Variable::BackendConnections => decimal(out, concurrency.backend.into()),
            Variable::ServerConnections => decimal(out, concurrency.server.into()),
            Variable::Retries => {
                if record.redispatched {
                    out.push(b'+');
                }
                decimal(out, record.retries.into());
            }
            Variable::ServerQueue => decimal(out, record.server_queue.into()),
            Variable::BackendQueue => decimal(out, record.backend_queue.into()),
            Variable::FrontendLogCounter => number(out, self.counter.into(), flags),
            Variable::RequestCounter => number(out, record.number.into(), flags),
            _ => number(out, std::process::id().into(), flags),
        }
    }

    fn status(&self, out: &mut Vec<u8>) {
        match self.record.http.as_ref().and_then(|http| http.status) {
            Some(status) => put(out, format_args!("{status}")),
            None if self.http => out.extend_from_slice(b"-1"),
            None => out.push(b'0'),
        }
    }
}

/// The phases of a session (manual, 8.4); `None` for one that it did not reach.
struct Times {
    handshake: Duration,
    idle: Duration,
    request: Option<Duration>,
    queue: Option<Duration>,
    connect: Option<Duration>,
    response: Option<Duration>,
    total: Duration,
}

/// The request was answered with an error of the client's.
const fn is_refused(request: &HttpRecord) -> bool {
    matches!(request.status, Some(400..=499))
}

impl Times {
    fn of(record: &SessionRecord, http: bool) -> Self {
        let request = record.http.as_deref();
        // What we answer ourselves waits in no queue and for no server.
        let answered = request
            .filter(|request| request.service.is_some())
            .map(|_| Duration::ZERO);
        let connect = record.connect_time.map(Duration::from).or(answered);
        Self {
            handshake: record.handshake.into(),
            idle: request.map_or(Duration::ZERO, |request| request.idle),
            request: request.and_then(|request| request.request_time),
            queue: record.queue_time.map(Duration::from).or(answered),
            connect,
            response: if http {
                // A refusal is no response: HAProxy shows none.
                answered.filter(|_| !request.is_some_and(is_refused))
            } else {
                connect.map(|_| Duration::ZERO)
            },
            total: record.total_time.into(),
        }
    }

    fn query(&self) -> Option<Duration> {
        Some(self.handshake + self.idle + self.request?)
    }

    fn active(&self) -> Duration {
        self.total.saturating_sub(self.handshake + self.idle)
    }

    /// What is left for data once the other phases are over.
    fn data(&self) -> Option<Duration> {
        let before = self.handshake
            + self.idle
            + self.request.unwrap_or_default()
            + self.queue?
            + self.connect?
            + self.response?;
        Some(self.total.saturating_sub(before))
    }
}

/// `10.0.0.1`.
fn dotted(out: &mut Vec<u8>, ip: Ipv4Addr) {
    let [first, rest @ ..] = ip.octets();
    decimal(out, first.into());
    for octet in rest {
        out.push(b'.');
        decimal(out, octet.into());
    }
}

fn number(out: &mut Vec<u8>, number: i64, flags: Flags) {
    match u64::try_from(number) {
        Ok(number) if !flags.hex => decimal(out, number),
        _ if flags.hex => put(out, format_args!("{number:04X}")),
        _ => put(out, format_args!("{number}")),
    }
}

fn sampled(out: &mut Vec<u8>, sampled: &Sampled, flags: Flags) {
    let (Sampled::Value(value) | Sampled::Changing(value)) = sampled else {
        return text::string(out, None, flags);
    };
    let mut quick = Vec::new();
    let bytes = match value {
        Value::Bool(value) => {
            quick.push(b'0' + u8::from(*value));
            &quick
        }
        Value::Integer(value) => {
            put(&mut quick, format_args!("{value}"));
            &quick
        }
        Value::Ip(value) => {
            put(&mut quick, format_args!("{value}"));
            &quick
        }
        Value::String(value) => value.as_bytes(),
        Value::Binary(value) => value,
    };
    text::string(out, Some(bytes), flags);
}

#[cfg(test)]
mod tests;
