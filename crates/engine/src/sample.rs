//! Samples: what a rule or a log line can ask of a session
//! (HAProxy configuration manual, chapter 7).

mod client_hello;
mod convert;
mod fetch;
#[cfg(test)]
pub(crate) mod tests;

use std::{net::IpAddr, sync::Arc};

use crate::{
    acl::{ListRef, Pattern},
    units::ProxyId,
};

/// A fetch method, then the converters its value passes through.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Where the value comes from.
    pub fetch: Fetch,
    /// What it passes through, in order.
    pub converters: Vec<Converter>,
}

/// Where a value comes from. A `None` backend or frontend means the session's own.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetch {
    /// `always_true`.
    AlwaysTrue,
    /// `always_false`.
    AlwaysFalse,
    /// `src`: the client's address.
    Source,
    /// `src_port`.
    SourcePort,
    /// `dst`: the address the client connected to.
    Destination,
    /// `dst_port`.
    DestinationPort,
    /// `src_is_local`: the client's address is one of this machine's.
    SourceIsLocal,
    /// `req.len`: bytes received and not yet forwarded.
    RequestLength,
    /// `req.payload(offset,length)`; length 0 means all there is.
    RequestPayload {
        /// Bytes to skip.
        offset: u32,
        /// Bytes to take.
        length: u32,
    },
    /// `req.ssl_sni`: the server name in a TLS ClientHello.
    TlsServerName,
    /// `req.ssl_hello_type`: 1 for ClientHello.
    TlsHelloType,
    /// `req.ssl_ver`: the version in the ClientHello, as major * 65536 + minor.
    TlsVersion,
    /// `wait_end`: true once the inspection period is over.
    WaitEnd,
    /// `nbsrv([backend])`: usable servers.
    UsableServers(Option<ProxyId>),
    /// `be_conn([backend])`: sessions of the backend.
    BackendSessions(Option<ProxyId>),
    /// `fe_conn([frontend])`: sessions of the frontend.
    FrontendSessions(Option<ProxyId>),
    /// `queue([backend])`: sessions waiting in the backend.
    Queue(Option<ProxyId>),
    /// `fe_id`.
    FrontendNumber,
    /// `fe_name`.
    FrontendName,
    /// `be_name`.
    BackendName,
    /// `so_id`: the listener's number.
    ListenerNumber,
    /// `path`: the path of an HTTP request, without its query.
    Path,
    /// `url`: the target of an HTTP request, as sent.
    Url,
    /// `method`: that of an HTTP request.
    Method,
    /// `str(…)`.
    String(Arc<str>),
    /// `int(…)`.
    Integer(i64),
    /// `rand([range])`.
    Random(u32),
}

/// What a value passes through.
#[derive(Debug, Clone, PartialEq)]
pub enum Converter {
    /// `lower`.
    Lower,
    /// `upper`.
    Upper,
    /// `length`.
    Length,
    /// `hex`.
    Hex,
    /// `ipmask(4[,6])`: prefix lengths.
    IpMask {
        /// Bits kept of an IPv4 address.
        v4: u8,
        /// Bits kept of an IPv6 address.
        v6: u8,
    },
    /// `not`.
    Not,
    /// `bool`.
    Bool,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// An address.
    Ip(IpAddr),
    /// Text.
    String(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// What asking gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sampled {
    /// A value that will not change.
    Value(Value),
    /// A value that more data may change.
    Changing(Value),
    /// Nothing, and nothing will come.
    Missing,
    /// Nothing yet: more data may bring it.
    NotYet,
}

/// What a session, or whoever asks on its behalf, can answer.
pub trait Facts {
    /// The client's address and port.
    fn source(&self) -> Option<(IpAddr, u16)>;
    /// The address and port the client connected to.
    fn destination(&self) -> Option<(IpAddr, u16)>;
    /// Bytes received from the client and not yet forwarded.
    fn request(&self) -> &[u8];
    /// No more bytes will come: end of stream, full buffer or end of the inspection period.
    fn request_complete(&self) -> bool;
    /// The inspection period is over.
    fn inspection_over(&self) -> bool;
    /// What has taken the place of a list's patterns; `None`: they are as in the files.
    fn changed_patterns(&self, _list: ListRef) -> Option<Arc<Vec<Pattern>>> {
        None
    }
    /// Usable servers of a backend, or of the session's own.
    fn usable_servers(&self, backend: Option<ProxyId>) -> u32;
    /// Sessions of a backend, or of the session's own.
    fn backend_sessions(&self, backend: Option<ProxyId>) -> u32;
    /// Sessions of a frontend, or of the session's own.
    fn frontend_sessions(&self, frontend: Option<ProxyId>) -> u32;
    /// Sessions queued in a backend, or in the session's own.
    fn queued(&self, backend: Option<ProxyId>) -> u32;
    /// Number and name of the frontend.
    fn frontend(&self) -> (u32, &str);
    /// The name of the backend, if one was chosen.
    fn backend_name(&self) -> Option<&str>;
    /// The number of the listener.
    fn listener_number(&self) -> u32;
    /// Whether an address is one of this machine's.
    fn is_local(&self, address: IpAddr) -> bool;
    /// Random bits.
    fn random(&self) -> u64;
    /// Method and target of the HTTP request, where there is one.
    fn http_request(&self) -> Option<(&str, &str)> {
        None
    }
}

impl Expression {
    /// Asks. A converter that cannot take the value makes it [`Sampled::Missing`].
    #[must_use]
    pub fn sample(&self, facts: &dyn Facts) -> Sampled {
        match self.fetch.ask(facts) {
            Sampled::Value(value) => self.convert(value).map_or(Sampled::Missing, Sampled::Value),
            Sampled::Changing(value) => self
                .convert(value)
                .map_or(Sampled::NotYet, Sampled::Changing),
            Sampled::Missing => Sampled::Missing,
            Sampled::NotYet => Sampled::NotYet,
        }
    }

    fn convert(&self, value: Value) -> Option<Value> {
        self.converters
            .iter()
            .try_fold(value, |value, converter| converter.apply(value))
    }
}
