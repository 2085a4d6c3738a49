//! What a set of `haproxy.cfg` files means. Valid by construction: later code checks nothing.
//!
//! A `listen` section is a proxy with both sides; a `frontend` has the client side only, a
//! `backend` the server side only.

mod logging;
mod statistics;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use pontoon_engine::{
    address::{Endpoint, ServerAddr},
    backend, proxy_protocol,
    roster::Roster,
    rules::{ConnectionAction, ContentRules, Rule, SourceAddress, UseBackend, UseServer},
    server,
    units::{ProxyId, ServerId},
};

pub use self::{
    logging::{LogAddress, LogEncoding, LogLevel, LogSample, LogTarget, Logging, Progress},
    statistics::{Password, Stats, StatsAdmin, StatsAuth, User, UserList},
};
pub use super::acl::{PatternList, PatternUse, Reading};
use super::check::{CheckMethod, CheckTls};
use crate::source::Location;

/// Everything the files say.
#[derive(Debug, Clone)]
pub struct Model {
    /// The process.
    pub global: Global,
    /// The proxies; a [`ProxyId`] is an index.
    pub proxies: Vec<Proxy>,
    /// `userlist` sections by name.
    pub userlists: BTreeMap<String, Arc<UserList>>,
    /// The lists of patterns that conditions use; a test refers to one by its index.
    pub pattern_lists: Vec<PatternList>,
}

/// The `global` section.
#[derive(Debug, Clone, Default)]
pub struct Global {
    /// `daemon`.
    pub daemon: bool,
    /// `master-worker`.
    pub master_worker: bool,
    /// `user` or `uid`.
    pub uid: Option<u32>,
    /// `group` or `gid`.
    pub gid: Option<u32>,
    /// `chroot`.
    pub chroot: Option<PathBuf>,
    /// `pidfile`.
    pub pidfile: Option<PathBuf>,
    /// `server-state-file`.
    pub server_state_file: Option<PathBuf>,
    /// `server-state-base`: where files of servers' states are.
    pub server_state_base: Option<PathBuf>,
    /// `nbthread`; `None`: as many as processors.
    pub threads: Option<u16>,
    /// `cpu-map`: processors of each thread; empty where nothing was said.
    pub cpu_map: Vec<Vec<u16>>,
    /// `maxconn`: sessions of the whole process; `None`: from the limit of open files.
    pub max_connections: Option<u32>,
    /// `maxconnrate`: new connections a second.
    pub max_connection_rate: Option<u32>,
    /// `maxsessrate`.
    pub max_session_rate: Option<u32>,
    /// `maxpipes`.
    pub max_pipes: Option<u32>,
    /// `ulimit-n`.
    pub open_files: Option<u32>,
    /// `log` lines.
    pub logs: Vec<LogTarget>,
    /// `log-tag`.
    pub log_tag: Option<String>,
    /// `log-send-hostname`: the name sent; `Some("")` means this machine's.
    pub log_hostname: Option<String>,
    /// `hard-stop-after`: how long a soft stop may take.
    pub hard_stop_after: Option<Duration>,
    /// `grace`: how long listeners stay after the signal.
    pub grace: Option<Duration>,
    /// `spread-checks`: percent of the interval, -50 to 50.
    pub spread_checks: i8,
    /// `max-spread-checks`.
    pub max_spread_checks: Option<Duration>,
    /// `external-check`.
    pub external_check: bool,
    /// `insecure-setuid-wanted`: programs of checks may gain rights.
    pub insecure_setuid: bool,
    /// `node`; `None`: the machine's name.
    pub node: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `stats socket` lines, one for each address.
    pub stats_sockets: Vec<StatsSocket>,
    /// `stats timeout`: how long a client of these may be silent.
    pub stats_timeout: Option<Duration>,
    /// `stats maxconn`: clients of these at once.
    pub stats_max_connections: Option<u32>,
    /// `tune.pontoon.metrics`: where `/metrics` and `/health` are served.
    pub metrics: Option<SocketAddr>,
    /// `tune.pontoon.agent`: where agent checks are answered.
    pub agent: Option<SocketAddr>,
    /// `ca-base`.
    pub ca_base: Option<PathBuf>,
    /// `crt-base`.
    pub crt_base: Option<PathBuf>,
    /// `ssl-server-verify none`.
    pub tls_server_verify_none: bool,
    /// `set-dumpable`.
    pub dumpable: bool,
    /// `quiet`.
    pub quiet: bool,
    /// `zero-warning`.
    pub zero_warning: bool,
    /// `strict-limits` (default on).
    pub no_strict_limits: bool,
    /// `nosplice`.
    pub no_splice: bool,
    /// `tune.*`.
    pub tune: Tune,
}

/// `tune.*` settings that have an effect.
#[derive(Debug, Clone, Default)]
pub struct Tune {
    /// `tune.bufsize`: bytes inspected at most.
    pub buffer_size: Option<u32>,
    /// `tune.maxaccept`: connections accepted in one turn.
    pub max_accept: Option<u32>,
    /// `tune.maxpollevents`.
    pub max_poll_events: Option<u32>,
    /// `tune.pipesize`: bytes.
    pub pipe_size: Option<u32>,
    /// `tune.rcvbuf.client`: bytes.
    pub receive_buffer_client: Option<u32>,
    /// `tune.rcvbuf.server`: bytes.
    pub receive_buffer_server: Option<u32>,
    /// `tune.sndbuf.client`: bytes.
    pub send_buffer_client: Option<u32>,
    /// `tune.sndbuf.server`: bytes.
    pub send_buffer_server: Option<u32>,
    /// `tune.pontoon.spin-us`: how long to look for events before sleeping; zero: not at all.
    pub spin: Duration,
}

/// What a client of the runtime protocol may do, from little to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Access {
    /// Look at what is not sensitive.
    User,
    /// Look at everything, and change counters.
    #[default]
    Operator,
    /// Change everything.
    Admin,
}

/// Whether answers of the runtime protocol show how grave they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeverityOutput {
    /// They do not.
    #[default]
    None,
    /// As a number: `[3]: `.
    Number,
    /// As a word: `[err]: `.
    Word,
}

/// `stats socket`.
#[derive(Debug, Clone)]
pub struct StatsSocket {
    /// Where.
    pub endpoint: Endpoint,
    /// `level`.
    pub access: Access,
    /// `severity-output`.
    pub severity: SeverityOutput,
    /// `mode`, `uid`, `gid` of a UNIX socket.
    pub unix: UnixPermissions,
    /// Its line.
    pub declared: Location,
}

/// One `frontend`, `backend` or `listen`.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Its name.
    pub name: Arc<str>,
    /// Its index.
    pub id: ProxyId,
    /// `id`, or counted from 1 (`iid` in the statistics).
    pub number: u32,
    /// `id` was written.
    pub number_written: bool,
    /// `description`.
    pub description: Option<String>,
    /// `mode`.
    pub mode: Mode,
    /// `disabled`: not started.
    pub disabled: bool,
    /// The client side.
    pub frontend: Option<Frontend>,
    /// The server side.
    pub backend: Option<ServerSide>,
    /// Where and how it logs.
    pub log: Logging,
    /// The statistics page, if enabled.
    pub stats: Option<Arc<Stats>>,
    /// `http-request use-service`, in order; of a `mode http` proxy.
    pub services: Vec<Rule<Service>>,
    /// `option splice-…`.
    pub splice: Splice,
}

/// What answers requests by itself (`http-request use-service`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `prometheus-exporter`: metrics in the format of Prometheus.
    Prometheus,
}

/// What `option splice-…` say, and `no option splice-…`; `None`: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Splice {
    /// Whether bulk towards servers is spliced.
    pub request: Option<bool>,
    /// Whether bulk towards clients is spliced.
    pub response: Option<bool>,
}

/// `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Forwards bytes.
    Tcp,
    /// Serves statistics (and nothing else) over HTTP.
    Http,
}

/// The client side of a proxy.
#[derive(Debug, Clone)]
pub struct Frontend {
    /// `bind` lines, one entry for each address (ranges and lists are spread out).
    pub binds: Vec<Bind>,
    /// `maxconn`; `None`: the process's.
    pub max_connections: Option<u32>,
    /// `backlog`; `None`: from `maxconn`.
    pub backlog: Option<u32>,
    /// `rate-limit sessions`: new sessions a second.
    pub rate_limit: Option<u32>,
    /// `default_backend`; for a `listen`, the proxy itself.
    pub default_backend: Option<ProxyId>,
    /// `use_backend`, in order.
    pub use_backend: Vec<Rule<UseBackend>>,
    /// `tcp-request connection`.
    pub connection_rules: Vec<Rule<ConnectionAction>>,
    /// `tcp-request session`.
    pub session_rules: Vec<Rule<ConnectionAction>>,
    /// `tcp-request content` and `inspect-delay` of this side.
    pub content_rules: ContentRules,
    /// `timeout client`.
    pub timeout_client: Option<Duration>,
    /// `timeout client-fin`.
    pub timeout_client_fin: Option<Duration>,
    /// `timeout http-request`: for the head of a request to the statistics.
    pub timeout_http_request: Option<Duration>,
    /// `timeout http-keep-alive`: between two requests to the statistics; without it
    /// `timeout http-request` counts.
    pub timeout_http_keep_alive: Option<Duration>,
    /// `option tcpka` or `clitcpka`.
    pub keepalive: Option<Keepalive>,
    /// `option nolinger`.
    pub no_linger: bool,
    /// `option dontlognull`.
    pub dont_log_null: bool,
    /// `option socket-stats`.
    pub socket_stats: bool,
    /// `monitor-net`: sources that are answered by nothing but a close.
    pub monitor_net: Option<ipnet::IpNet>,
}

/// TCP keepalive and its rhythm; what is `None` is the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keepalive {
    /// `clitcpka-idle`, `srvtcpka-idle`.
    pub idle: Option<Duration>,
    /// `clitcpka-intvl`, `srvtcpka-intvl`.
    pub interval: Option<Duration>,
    /// `clitcpka-cnt`, `srvtcpka-cnt`.
    pub count: Option<u32>,
}

/// One listening socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Where.
    pub address: BindAddress,
    /// `name`, or none.
    pub name: Option<String>,
    /// `id`, or counted from 1 within the proxy (`sid` in the statistics).
    pub number: u32,
    /// `accept-proxy`.
    pub accept_proxy: bool,
    /// `backlog`.
    pub backlog: Option<u32>,
    /// `maxconn`.
    pub max_connections: Option<u32>,
    /// `defer-accept`.
    pub defer_accept: bool,
    /// `interface`.
    pub interface: Option<String>,
    /// `mss`.
    pub mss: Option<u16>,
    /// `tcp-ut`.
    pub tcp_user_timeout: Option<Duration>,
    /// `tfo`.
    pub fast_open: bool,
    /// `transparent`.
    pub transparent: bool,
    /// `v4v6` is `Some(false)`, `v6only` is `Some(true)`.
    pub v6_only: Option<bool>,
    /// `nice` and the like have no effect; `mode`, `uid`, `gid` of a UNIX socket do.
    pub unix: UnixPermissions,
    /// `cc`: congestion control.
    pub congestion_control: Option<String>,
    /// Its line.
    pub declared: Location,
}

/// Who may open a UNIX socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnixPermissions {
    /// `mode`.
    pub mode: Option<u32>,
    /// `uid` or `user`.
    pub uid: Option<u32>,
    /// `gid` or `group`.
    pub gid: Option<u32>,
}

/// What a `bind` names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BindAddress {
    /// An address of ours.
    Endpoint(Endpoint),
    /// `fd@N`: a listening socket that we inherited.
    Inherited(i32),
}

/// The server side of a proxy.
#[derive(Debug, Clone)]
pub struct ServerSide {
    /// What the balancer needs.
    pub settings: backend::Settings,
    /// The servers, those of the file first; a [`ServerId`] is an index.
    pub servers: Roster<Server>,
    /// `use-server`, in order.
    pub use_server: Vec<Rule<UseServer>>,
    /// `tcp-request content` and `inspect-delay` of this side.
    pub content_rules: ContentRules,
    /// `retries`: attempts after the first (default 3).
    pub retries: u32,
    /// `option redispatch`: `Some(-1)` is the default: at the last retry; `n`: every n-th.
    pub redispatch: Option<i32>,
    /// `timeout connect`.
    pub timeout_connect: Option<Duration>,
    /// `timeout server`.
    pub timeout_server: Option<Duration>,
    /// `timeout server-fin`.
    pub timeout_server_fin: Option<Duration>,
    /// `timeout queue`; without it `timeout connect` counts.
    pub timeout_queue: Option<Duration>,
    /// `timeout tunnel`: replaces the client's and the server's once both directions were used.
    pub timeout_tunnel: Option<Duration>,
    /// `timeout check`: added after the connection is made.
    pub timeout_check: Option<Duration>,
    /// `option tcpka` or `srvtcpka`.
    pub keepalive: Option<Keepalive>,
    /// `option nolinger`.
    pub no_linger: bool,
    /// `option abortonclose`.
    pub abort_on_close: bool,
    /// `source` of the backend.
    pub source: Option<SourceAddress>,
    /// `option log-health-checks`.
    pub log_health_checks: bool,
    /// What its checks do.
    pub check: Arc<CheckMethod>,
    /// `external-check path`.
    pub external_check_path: Option<String>,
    /// `load-server-state-from-file` and `server-state-file-name`.
    pub states: StateSource,
}

/// Where the states come from that servers begin with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StateSource {
    /// From nowhere: each begins as its line says.
    #[default]
    Nowhere,
    /// From `server-state-file`.
    Global,
    /// From this file of the proxy's own.
    Local(PathBuf),
}

impl Global {
    /// The file from which the states of such servers come, if any does.
    #[must_use]
    pub fn state_file(&self, source: &StateSource) -> Option<PathBuf> {
        let file = match source {
            StateSource::Nowhere => return None,
            StateSource::Global => self.server_state_file.as_ref()?,
            StateSource::Local(file) => file,
        };
        // What begins with a slash replaces the whole.
        Some(match &self.server_state_base {
            Some(base) => base.join(file),
            None => file.clone(),
        })
    }
}

/// One server.
#[derive(Debug, Clone)]
pub struct Server {
    /// What decisions need: name, weight, limits, health, tracking.
    pub settings: server::Settings,
    /// Its index.
    pub id: ServerId,
    /// `id`, or counted from 1 (`sid` in the statistics).
    pub number: u32,
    /// `id` was written.
    pub number_written: bool,
    /// The address; `None` if `init-addr none` left it without one.
    pub address: Option<ServerAddr>,
    /// The name it was resolved from.
    pub host: Option<String>,
    /// The port as written: fixed, the client's, or relative to it.
    pub port: ServerPort,
    /// `check` and what it probes.
    pub check: Option<ServerCheck>,
    /// `agent-check`.
    pub agent: Option<AgentCheck>,
    /// `track`: whose state it follows.
    pub track: Option<(ProxyId, ServerId)>,
    /// `send-proxy`, `send-proxy-v2`.
    pub send_proxy: Option<proxy_protocol::Version>,
    /// `source`.
    pub source: Option<SourceAddress>,
    /// `tcp-ut`.
    pub tcp_user_timeout: Option<Duration>,
    /// `tfo`.
    pub fast_open: bool,
    /// `cc`: congestion control (Pontoon's own keyword, and HAProxy's since 3.x).
    pub congestion_control: Option<String>,
    /// Its line.
    pub declared: Location,
}

/// The port part of a server's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerPort {
    /// As in the address.
    Fixed,
    /// None was written: the port the client connected to.
    Client,
    /// `+N` or `-N`: the client's plus this.
    Offset(i32),
}

/// Where and how a server is probed.
#[derive(Debug, Clone)]
pub struct ServerCheck {
    /// `addr`, else the server's.
    pub address: Option<IpAddr>,
    /// `port`, else the server's (after `addr`).
    pub port: Option<u16>,
    /// `check-send-proxy`.
    pub send_proxy: bool,
    /// `check-ssl` and its parameters.
    pub tls: Option<Arc<CheckTls>>,
    /// The same parameters for `connect ssl` of a script, which brings its own server name.
    pub step_tls: Arc<CheckTls>,
    /// `check-via-socks4` and other things are refused; this is `check-proto`-less.
    pub alpn: Vec<Vec<u8>>,
}

/// `agent-check`.
#[derive(Debug, Clone)]
pub struct AgentCheck {
    /// `agent-addr`, else the server's.
    pub address: Option<IpAddr>,
    /// `agent-port`.
    pub port: u16,
    /// `agent-send`.
    pub send: Option<Vec<u8>>,
}
