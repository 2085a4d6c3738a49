//! What the parameters of a server say, whether on its own line or on `default-server`.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use pontoon_engine::{
    health::{InitialState, OnError},
    proxy_protocol::Version,
    rules::SourceAddress,
    units::Weight,
};

use crate::{
    haproxy::keyword::Draft,
    haproxy::{Context, address::Lookup},
    source::Span,
};

/// All parameters; what `default-server` says is where `server` begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerOptions {
    pub(super) id: Option<Id>,
    pub(super) weight: Option<Weight>,
    pub(super) backup: bool,
    pub(super) disabled: bool,
    pub(super) max_connections: Option<u32>,
    pub(super) min_connections: Option<u32>,
    pub(super) max_queue: Option<u32>,
    pub(super) slow_start: Duration,
    pub(super) track: Option<TrackName>,
    pub(super) send_proxy: Option<Version>,
    pub(super) source: Option<SourceAddress>,
    pub(super) tcp_user_timeout: Option<Duration>,
    pub(super) fast_open: bool,
    pub(super) congestion_control: Option<String>,
    pub(super) lookup: Lookup,
    pub(super) shutdown_on_down: bool,
    pub(super) shutdown_backup_on_up: bool,
    pub(super) check: CheckOptions,
    pub(super) agent: AgentOptions,
    pub(super) observe: ObserveOptions,
    pub(super) tls: TlsOptions,
}

impl Draft for ServerOptions {
    type Context<'a> = Context<'a>;
}

/// `id`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Id {
    pub(super) number: u32,
    pub(super) span: Span,
}

/// `track [PROXY/]SERVER`, not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrackName {
    /// The proxy; `None`: the server's own.
    pub proxy: Option<String>,
    /// The server.
    pub server: String,
    /// Where it stands.
    pub span: Span,
}

/// `check` and what shapes it.
#[derive(Debug, Clone, Default)]
pub(super) struct CheckOptions {
    /// Where `check` stands.
    pub(super) enabled: Option<Span>,
    pub(super) address: Option<IpAddr>,
    pub(super) port: Option<u16>,
    pub(super) interval: Option<Duration>,
    pub(super) fast_interval: Option<Duration>,
    pub(super) down_interval: Option<Duration>,
    pub(super) rise: Option<u32>,
    pub(super) fall: Option<u32>,
    pub(super) initial: InitialState,
    pub(super) send_proxy: bool,
    pub(super) alpn: Vec<Vec<u8>>,
}

/// `agent-check` and what shapes it.
#[derive(Debug, Clone, Default)]
pub(super) struct AgentOptions {
    /// Where `agent-check` stands.
    pub(super) enabled: Option<Span>,
    pub(super) address: Option<IpAddr>,
    pub(super) port: Option<u16>,
    pub(super) interval: Option<Duration>,
    pub(super) send: Option<String>,
}

/// `observe`, `on-error`, `error-limit`.
#[derive(Debug, Clone, Default)]
pub(super) struct ObserveOptions {
    pub(super) layer4: bool,
    pub(super) error_limit: Option<u32>,
    pub(super) on_error: OnError,
}

/// `check-ssl` and the TLS parameters that hold for it.
#[derive(Debug, Clone, Default)]
pub(super) struct TlsOptions {
    pub(super) enabled: bool,
    pub(super) server_name: Option<String>,
    pub(super) verify: Option<bool>,
    pub(super) verify_host: Option<String>,
    pub(super) ca_file: Option<(PathBuf, Span)>,
    pub(super) certificate: Option<(PathBuf, Span)>,
    /// The first of these parameters, to say that it has no effect without `check-ssl`.
    pub(super) first: Option<Span>,
}
