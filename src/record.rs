//! One record per session: what the counters, the access line and the statistics learn of it.

use std::time::{Duration, SystemTime};

use pontoon_engine::{
    address::{ClientAddr, LocalAddr, ServerAddr},
    moment::{Moment, Span},
    termination::Termination,
    units::{ProxyId, ServerId},
};

/// What is known of a session, filled in as it lives.
///
/// The data thread (or the statistics service) that owns the session owns its record; when the
/// session ends, [`crate::state::Running::finish`] takes it, counts it and logs it.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    /// The proxy that accepted it.
    pub frontend: ProxyId,
    /// Index of the listener in that proxy's `binds`.
    pub listener: usize,
    /// The backend, once chosen.
    pub backend: Option<ProxyId>,
    /// The server, once chosen.
    pub server: Option<ServerId>,
    /// Who connected (after PROXY protocol).
    pub client: ClientAddr,
    /// What it connected to (after PROXY protocol).
    pub local: LocalAddr,
    /// Our own end of the connection to the server, if the log line shows it.
    pub source: Option<Box<std::net::SocketAddr>>,
    /// The server's address.
    pub server_address: Option<ServerAddr>,
    /// When it was accepted, for people.
    pub accepted_on: SystemTime,
    /// When it was accepted, for durations.
    pub accepted: Moment,
    /// Time to receive a PROXY header (`%Th`).
    pub handshake: Span,
    /// Time in queues (`%Tw`); `None` if it never left inspection.
    pub queue_time: Option<Span>,
    /// Time to connect (`%Tc`), retries included; `None` if it never was.
    pub connect_time: Option<Span>,
    /// From accept to the end (`%Tt`); with `option logasap`, to the line.
    pub total_time: Span,
    /// Bytes from the client to the server (`%U`).
    pub bytes_in: u64,
    /// Bytes from the server to the client (`%B`).
    pub bytes_out: u64,
    /// How it ended.
    pub termination: Termination,
    /// Connection attempts after the first (`%rc`).
    pub retries: u32,
    /// It went to another server than the first chosen one.
    pub redispatched: bool,
    /// The place it took in the server's queue, from 1 (`%sq`); 0: none.
    pub server_queue: u32,
    /// The place it took in the backend's queue, from 1 (`%bq`); 0: none.
    pub backend_queue: u32,
    /// Its line is written already (at accept or, with `option logasap`, at connect).
    pub logged: bool,
    /// How many of `bytes_in` the counters know.
    pub counted_in: u64,
    /// How many of `bytes_out` the counters know.
    pub counted_out: u64,
    /// Its number since the process started (`%rt`).
    pub number: u32,
    /// What HTTP adds, on a proxy that serves statistics.
    pub http: Option<Box<HttpRecord>>,
}

/// One HTTP request on a statistics proxy.
#[derive(Debug, Clone)]
pub struct HttpRecord {
    /// Method.
    pub method: String,
    /// The request target as sent.
    pub uri: String,
    /// `HTTP/1.1` and the like.
    pub version: &'static str,
    /// The status answered; `None` if none was.
    pub status: Option<u16>,
    /// Time spent idle before the request (`%Ti`).
    pub idle: Duration,
    /// Time to receive the request (`%TR`).
    pub request_time: Option<Duration>,
    /// When the request was complete.
    pub request_on: SystemTime,
    /// The service that answered, as in the log: `<STATS>`.
    pub service: Option<&'static str>,
}

/// The sessions there are while a line is written: `%ac/%fc/%bc/%sc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Concurrency {
    /// In the process.
    pub process: u32,
    /// In the frontend.
    pub frontend: u32,
    /// In the backend.
    pub backend: u32,
    /// On the server.
    pub server: u32,
}

impl SessionRecord {
    /// A record at the moment of accept.
    #[must_use]
    pub fn accepted(
        frontend: ProxyId,
        listener: usize,
        client: ClientAddr,
        local: LocalAddr,
        accepted_on: SystemTime,
        accepted: Moment,
    ) -> Self {
        Self {
            frontend,
            listener,
            backend: None,
            server: None,
            client,
            local,
            source: None,
            server_address: None,
            accepted_on,
            accepted,
            handshake: Span::ZERO,
            queue_time: None,
            connect_time: None,
            total_time: Span::ZERO,
            bytes_in: 0,
            bytes_out: 0,
            termination: Termination::default(),
            retries: 0,
            redispatched: false,
            server_queue: 0,
            backend_queue: 0,
            logged: false,
            counted_in: 0,
            counted_out: 0,
            number: 0,
            http: None,
        }
    }
}
