//! `defaults`, `frontend`, `backend` and `listen` as written
//! (HAProxy configuration manual, chapter 4).

mod balance;
mod http;
mod listening;
mod logging;
mod options;
mod rules;
mod servers;
mod services;
mod states;
pub(super) mod stats;
mod timeouts;
mod unsupported;

use std::{collections::BTreeMap, time::Duration};

use pontoon_engine::{
    balance::Algorithm,
    rules::{ConnectionAction, ContentAction, Rule, SourceAddress, UseBackend},
};

pub(super) use self::{
    listening::listen,
    logging::{Format, Line, ProxyLog},
    options::{Flag, Flags},
    rules::http_auth,
    stats::StatsDraft,
};
use super::{
    Context,
    check::CheckDraft,
    model::{Bind, Keepalive, Mode, Progress, Service},
    rules::ServerName,
    server::{ServerDraft, ServerOptions},
};
use crate::{
    haproxy::keyword::{Draft, Keyword},
    source::{Span, Word},
};

/// Something and where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written<T> {
    /// What.
    pub(super) value: T,
    /// Where.
    pub(super) span: Span,
}

/// What stands before a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Prefix {
    /// Nothing.
    #[default]
    None,
    /// `no`.
    No,
    /// `default`: as if `defaults` had said nothing.
    Default,
}

/// A section as written. A proxy begins as a copy of its `defaults`.
#[derive(Debug, Clone, Default)]
pub(super) struct ProxyDraft {
    /// Of the line at hand.
    pub(super) prefix: Prefix,
    pub(super) mode: Option<Written<Mode>>,
    pub(super) disabled: bool,
    pub(super) number: Option<Written<u32>>,
    pub(super) description: Option<String>,
    pub(super) flags: Flags,
    pub(super) timeouts: Timeouts,

    pub(super) binds: Vec<Bind>,
    pub(super) bind_spans: Vec<Span>,
    pub(super) bind_ids: Vec<Option<Span>>,
    pub(super) max_connections: Option<u32>,
    pub(super) backlog: Option<u32>,
    pub(super) rate_limit: Option<u32>,
    pub(super) default_backend: Option<Word>,
    pub(super) use_backend: Vec<Written<Rule<UseBackend>>>,
    pub(super) monitor_net: Option<ipnet::IpNet>,
    pub(super) client_keepalive: Keepalive,

    pub(super) algorithm: Option<Written<Algorithm>>,
    pub(super) hash: balance::HashDraft,
    pub(super) full_connections: Option<u32>,
    pub(super) retries: Option<u32>,
    pub(super) redispatch: Option<i32>,
    pub(super) source: Option<SourceAddress>,
    pub(super) server_keepalive: Keepalive,
    pub(super) default_server: ServerOptions,
    pub(super) servers: Vec<ServerDraft>,
    pub(super) use_server: Vec<Rule<ServerName>>,
    pub(super) check: CheckDraft,
    pub(super) states: states::StatesDraft,

    pub(super) connection_rules: Vec<Rule<ConnectionAction>>,
    pub(super) session_rules: Vec<Rule<ConnectionAction>>,
    pub(super) content_rules: Vec<Rule<ContentAction>>,
    pub(super) inspect_delay: Option<Duration>,

    pub(super) logs: Vec<ProxyLog>,
    pub(super) log_tag: Option<String>,
    pub(super) line: Option<Written<Line>>,
    pub(super) error_line: Option<Format>,
    pub(super) progress: Option<Written<Progress>>,
    pub(super) structured_data: Option<Format>,
    pub(super) stats: Option<StatsDraft>,
    /// Names of `acl` lines that ask for a password, and their userlists.
    pub(super) http_auth: BTreeMap<String, Word>,

    /// Rules on HTTP messages: without effect on a TCP proxy, an error on an HTTP one.
    pub(super) http_rules: Vec<Written<String>>,
    /// `http-request use-service`.
    pub(super) services: Vec<Written<Rule<Service>>>,
}

/// `timeout …`; `None` also stands for an endless one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timeouts {
    pub(super) client: Option<Written<Duration>>,
    pub(super) client_fin: Option<Written<Duration>>,
    pub(super) connect: Option<Written<Duration>>,
    pub(super) server: Option<Written<Duration>>,
    pub(super) server_fin: Option<Written<Duration>>,
    pub(super) queue: Option<Written<Duration>>,
    pub(super) tunnel: Option<Written<Duration>>,
    pub(super) check: Option<Written<Duration>>,
    pub(super) http_request: Option<Written<Duration>>,
    pub(super) http_keep_alive: Option<Written<Duration>>,
}

impl Draft for ProxyDraft {
    type Context<'a> = Context<'a>;
}

/// All keywords of proxies but those of checks, which fill in a draft of their own.
pub(crate) const TABLES: &[&[Keyword<ProxyDraft>]] = &[
    listening::KEYWORDS,
    timeouts::KEYWORDS,
    options::KEYWORDS,
    balance::KEYWORDS,
    servers::KEYWORDS,
    states::KEYWORDS,
    rules::KEYWORDS,
    logging::KEYWORDS,
    stats::KEYWORDS,
    http::KEYWORDS,
    unsupported::KEYWORDS,
];

/// Keywords that may have `no` or `default` before them: the manual marks them with `(*)`.
pub(crate) const NEGATABLE: &[&str] = &[
    "log",
    "option abortonclose",
    "option accept-invalid-http-request",
    "option accept-invalid-http-response",
    "option allbackups",
    "option checkcache",
    "option clitcpka",
    "option contstats",
    "option disable-h2-upgrade",
    "option dontlog-normal",
    "option dontlognull",
    "option forceclose",
    "option h1-case-adjust-bogus-client",
    "option h1-case-adjust-bogus-server",
    "option http-buffer-request",
    "option http-ignore-probes",
    "option http-keep-alive",
    "option http-no-delay",
    "option http-pretend-keepalive",
    "option http-server-close",
    "option http-tunnel",
    "option http-use-htx",
    "option http-use-proxy-header",
    "option httpclose",
    "option idle-close-on-response",
    "option independent-streams",
    "option log-health-checks",
    "option log-separate-errors",
    "option logasap",
    "option nolinger",
    "option persist",
    "option pontoon-log-sessions",
    "option prefer-last-server",
    "option redispatch",
    "option socket-stats",
    "option splice-auto",
    "option splice-request",
    "option splice-response",
    "option srvtcpka",
    "option tcp-smart-accept",
    "option tcp-smart-connect",
    "option tcpka",
    "option transparent",
];

impl ProxyDraft {
    /// What the statistics settings are written into; any of them enables the page.
    pub(super) fn stats(&mut self, span: Span) -> &mut StatsDraft {
        self.stats.get_or_insert_with(|| StatsDraft::new(span))
    }

    /// Notes a rule on HTTP messages.
    pub(super) fn http_rule(&mut self, name: String, span: Span) {
        self.http_rules.push(Written { value: name, span });
    }
}
