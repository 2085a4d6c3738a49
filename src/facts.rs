//! What rules, conditions and log lines can ask of a session: its record, the bytes it sent, and
//! the state of the process.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::Arc,
};

use pontoon_config::haproxy::model::Proxy;
use pontoon_engine::{
    acl::{ListRef, Pattern},
    sample::Facts,
    units::ProxyId,
};

use crate::{record::SessionRecord, state::Running};

/// Answers for one session.
#[derive(Debug)]
pub struct SessionFacts<'a> {
    running: &'a Running,
    record: &'a SessionRecord,
    backend: Option<ProxyId>,
    request: &'a [u8],
    request_complete: bool,
    inspection_over: bool,
}

impl<'a> SessionFacts<'a> {
    /// For a session of which no bytes are kept, and no more are waited for.
    #[must_use]
    pub const fn new(running: &'a Running, record: &'a SessionRecord) -> Self {
        Self {
            running,
            record,
            backend: record.backend,
            request: &[],
            request_complete: true,
            inspection_over: true,
        }
    }

    /// With the bytes that the client sent. `complete`: no more will come; `over`: the inspection
    /// period has ended.
    #[must_use]
    pub const fn reading(self, request: &'a [u8], complete: bool, over: bool) -> Self {
        Self {
            request,
            request_complete: complete,
            inspection_over: over,
            ..self
        }
    }

    /// For a session that its own section answers, as its own backend.
    #[must_use]
    pub fn answered_by_own_section(self) -> Self {
        let own = self.record.frontend;
        let backend = self.running.backend(own).map(|_| own);
        Self { backend, ..self }
    }

    fn proxy(&self) -> &Proxy {
        self.running.proxy(self.record.frontend)
    }
}

impl Facts for SessionFacts<'_> {
    fn source(&self) -> Option<(IpAddr, u16)> {
        self.record.client.0.ip().map(parts)
    }

    fn destination(&self) -> Option<(IpAddr, u16)> {
        self.record.local.0.ip().map(parts)
    }

    fn request(&self) -> &[u8] {
        self.request
    }

    fn request_complete(&self) -> bool {
        self.request_complete
    }

    fn inspection_over(&self) -> bool {
        self.inspection_over
    }

    fn changed_patterns(&self, list: ListRef) -> Option<Arc<Vec<Pattern>>> {
        self.running.lists.patterns(list)
    }

    fn usable_servers(&self, backend: Option<ProxyId>) -> u32 {
        self.running.usable_servers(backend.or(self.backend))
    }

    fn backend_sessions(&self, backend: Option<ProxyId>) -> u32 {
        self.running.backend_sessions(backend.or(self.backend))
    }

    fn frontend_sessions(&self, frontend: Option<ProxyId>) -> u32 {
        let id = frontend.unwrap_or(self.record.frontend);
        self.running.frontend_sessions(Some(id))
    }

    fn queued(&self, backend: Option<ProxyId>) -> u32 {
        self.running.queued(backend.or(self.backend))
    }

    fn frontend(&self) -> (u32, &str) {
        (self.proxy().number, &self.proxy().name)
    }

    fn backend_name(&self) -> Option<&str> {
        Some(&self.running.proxy(self.backend?).name)
    }

    fn listener_number(&self) -> u32 {
        let frontend = self.proxy().frontend.as_ref();
        let bind = frontend.and_then(|frontend| frontend.binds.get(self.record.listener));
        bind.map_or(0, |bind| bind.number)
    }

    fn is_local(&self, address: IpAddr) -> bool {
        // Only an address of this machine can be bound.
        UdpSocket::bind((address, 0)).is_ok()
    }

    fn http_request(&self) -> Option<(&str, &str)> {
        let http = self.record.http.as_ref()?;
        Some((&http.method, &http.uri))
    }

    fn random(&self) -> u64 {
        RandomState::new().hash_one(self.record.accepted)
    }
}

const fn parts(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip(), address.port())
}
