//! The server being checked, as far as others ask about it: log-format strings in check rules,
//! the state header of `http-check send-state`, the environment of external checks.

use std::{collections::BTreeMap, net::IpAddr, sync::atomic::Ordering, time::Instant};

use pontoon_config::haproxy::{
    log_format::{LogFormat, Piece, Variable},
    model::{BindAddress, Proxy, Server, ServerSide},
};
use pontoon_engine::{
    address::{Endpoint, ServerAddr},
    sample::{Facts, Sampled, Value},
    units::{ProxyId, ServerId},
};

use super::external::External;
use crate::state::{BackendState, Running, ServerState};

/// What stands for an address that does not apply.
const NOT_USED: &str = "NOT_USED";

/// A server of a running proxy.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) running: &'a Running,
    pub(super) side: &'a ServerSide,
    pub(super) state: &'a BackendState,
    pub(super) proxy: ProxyId,
    pub(super) server: ServerId,
}

impl<'a> Subject<'a> {
    /// `None` for a proxy without servers: there is nothing to check.
    pub(super) fn new(running: &'a Running, proxy: ProxyId, server: ServerId) -> Option<Self> {
        Some(Self {
            running,
            side: running.proxy(proxy).backend.as_ref()?,
            state: running.backend(proxy)?,
            proxy,
            server,
        })
    }

    pub(super) fn model(&self) -> &'a Server {
        &self.side.servers[self.server.index()]
    }

    pub(super) fn counters(&self) -> &'a ServerState {
        &self.state.servers[self.server.index()]
    }

    /// Where it is now.
    fn address(&self) -> Option<ServerAddr> {
        let (address, _) = self.running.address_of(self.proxy, self.model());
        address
    }

    /// `http-check send-state`: the value of the header.
    pub(super) fn state_header(&self) -> String {
        let now = Instant::now();
        let (server, whole) = {
            let balancer = self.state.balancer();
            (balancer.server_view(self.server, now), balancer.view(now))
        };
        let (address, port) = address_and_port(self.address().as_ref(), "unix");
        format!(
            "{}; address={address}; port={port}; name={}/{}; node={}; weight={}/{}; scur={}/{}; qcur={}",
            server.status,
            self.running.proxy(self.proxy).name,
            self.model().settings.name,
            self.running.process.node,
            server.effective_weight,
            whole.weight,
            server.sessions,
            whole.sessions,
            server.queued,
        )
    }

    /// Writes out a log-format string. What belongs to a session is `-`: there is none.
    pub(super) fn render(&self, format: &LogFormat) -> String {
        let pieces = format.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable(variable, _) => self.variable(*variable),
            Piece::Sample(expression, _) => match expression.sample(self) {
                Sampled::Value(value) | Sampled::Changing(value) => text_of(&value),
                Sampled::Missing | Sampled::NotYet => String::new(),
            },
        });
        pieces.collect()
    }

    fn variable(&self, variable: Variable) -> String {
        let (address, port) = address_and_port(self.address().as_ref(), "-");
        match variable {
            Variable::BackendName => self.running.proxy(self.proxy).name.to_string(),
            Variable::ServerName => self.model().settings.name.to_string(),
            Variable::ServerIp => address,
            Variable::ServerPort => port,
            Variable::HostName => self.running.process.node.clone(),
            Variable::ProcessId => std::process::id().to_string(),
            _ => "-".to_owned(),
        }
    }
}

/// The program of `external-check command`, with what it learns about a server.
pub(super) fn external(
    command: &str,
    proxy: &Proxy,
    side: &ServerSide,
    server: &Server,
) -> External {
    let listener = first_listener(proxy);
    let (proxy_address, proxy_port) = listener.clone().unwrap_or_default();
    let limit = server.settings.max_connections.unwrap_or(0);
    let environment = [
        ("HAPROXY_PROXY_ADDR", proxy_address),
        ("HAPROXY_PROXY_PORT", proxy_port),
        ("HAPROXY_PROXY_NAME", proxy.name.to_string()),
        ("HAPROXY_PROXY_ID", proxy.number.to_string()),
        ("HAPROXY_SERVER_NAME", server.settings.name.to_string()),
        ("HAPROXY_SERVER_ID", server.number.to_string()),
        ("HAPROXY_SERVER_MAXCONN", limit.to_string()),
        ("HAPROXY_SERVER_SSL", "0".to_owned()),
        ("HAPROXY_SERVER_PROTO", "tcp".to_owned()),
        ("PATH", side.external_check_path.clone().unwrap_or_default()),
    ];
    let (address, port) = listener.map_or_else(
        || (NOT_USED.to_owned(), NOT_USED.to_owned()),
        |(address, port)| {
            (
                address,
                if port.is_empty() {
                    NOT_USED.to_owned()
                } else {
                    port
                },
            )
        },
    );
    let external = External {
        command: command.into(),
        arguments: [address, port, String::new(), String::new()],
        environment: environment
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<BTreeMap<_, _>>(),
    };
    external_at(&external, server.address.as_ref())
}

/// The same for a server that is there.
pub(super) fn external_at(external: &External, address: Option<&ServerAddr>) -> External {
    let (address, port) = address_and_port(address, NOT_USED);
    let known_port = if port == NOT_USED { "" } else { &*port };
    let mut external = external.clone();
    let told = [
        ("HAPROXY_SERVER_ADDR", &*address),
        ("HAPROXY_SERVER_PORT", known_port),
    ];
    let told = told.map(|(name, value)| (name.to_owned(), value.to_owned()));
    external.environment.extend(told);
    let [.., own_address, own_port] = &mut external.arguments;
    (*own_address, *own_port) = (address, port);
    external
}

/// Address and port (empty for a UNIX socket) of the first listener of a proxy that has one.
fn first_listener(proxy: &Proxy) -> Option<(String, String)> {
    let binds = &proxy.frontend.as_ref()?.binds;
    binds.iter().find_map(|bind| match &bind.address {
        BindAddress::Endpoint(Endpoint::Ip(address)) => {
            Some((address.ip().to_string(), address.port().to_string()))
        }
        BindAddress::Endpoint(Endpoint::Unix(path)) => {
            Some((path.display().to_string(), String::new()))
        }
        BindAddress::Endpoint(Endpoint::Abstract(_)) | BindAddress::Inherited(_) => None,
    })
}

/// Address and port as texts; `without` stands for the port of what has none.
fn address_and_port(server: Option<&ServerAddr>, without: &str) -> (String, String) {
    match server.map(|address| &address.0) {
        Some(Endpoint::Ip(address)) => (address.ip().to_string(), address.port().to_string()),
        Some(Endpoint::Unix(path)) if without == NOT_USED => {
            (path.display().to_string(), without.to_owned())
        }
        Some(Endpoint::Unix(_) | Endpoint::Abstract(_)) => ("unix".to_owned(), without.to_owned()),
        None => (without.to_owned(), without.to_owned()),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Ip(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::Binary(value) => String::from_utf8_lossy(value).into_owned(),
    }
}

/// There is no client and no request, only a backend.
impl Facts for Subject<'_> {
    fn source(&self) -> Option<(IpAddr, u16)> {
        None
    }

    fn destination(&self) -> Option<(IpAddr, u16)> {
        let address = self.address()?.0.ip()?;
        Some((address.ip(), address.port()))
    }

    fn request(&self) -> &[u8] {
        &[]
    }

    fn request_complete(&self) -> bool {
        true
    }

    fn inspection_over(&self) -> bool {
        true
    }

    fn usable_servers(&self, backend: Option<ProxyId>) -> u32 {
        self.running.usable_servers(backend.or(Some(self.proxy)))
    }

    fn backend_sessions(&self, backend: Option<ProxyId>) -> u32 {
        self.running.backend_sessions(backend.or(Some(self.proxy)))
    }

    fn frontend_sessions(&self, frontend: Option<ProxyId>) -> u32 {
        self.running.frontend_sessions(frontend)
    }

    fn queued(&self, backend: Option<ProxyId>) -> u32 {
        self.running.queued(backend.or(Some(self.proxy)))
    }

    fn frontend(&self) -> (u32, &str) {
        (0, "")
    }

    fn backend_name(&self) -> Option<&str> {
        Some(&self.running.proxy(self.proxy).name)
    }

    fn listener_number(&self) -> u32 {
        0
    }

    fn is_local(&self, _address: IpAddr) -> bool {
        false
    }

    fn random(&self) -> u64 {
        u64::from(self.running.process.requests.load(Ordering::Relaxed))
            ^ u64::from(
                Instant::now()
                    .duration_since(self.running.process.started)
                    .subsec_nanos(),
            )
    }
}
