//! What a condition behind `stats admin` can ask of who looks at the page.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    net::{IpAddr, SocketAddr},
};

use pontoon_engine::{sample::Facts, units::ProxyId};

use crate::{record::SessionRecord, state::Running};

/// One who looks at the page.
#[derive(Debug)]
pub(crate) struct Visitor<'r> {
    running: &'r Running,
    record: &'r SessionRecord,
}

impl<'r> Visitor<'r> {
    /// The one whose session this is.
    pub(crate) const fn new(running: &'r Running, record: &'r SessionRecord) -> Self {
        Self { running, record }
    }

    /// The proxy asked about, or the session's own.
    fn or_own(&self, proxy: Option<ProxyId>) -> ProxyId {
        proxy.unwrap_or(self.record.frontend)
    }
}

impl Facts for Visitor<'_> {
    fn source(&self) -> Option<(IpAddr, u16)> {
        self.record.client.0.ip().map(parts)
    }

    fn destination(&self) -> Option<(IpAddr, u16)> {
        self.record.local.0.ip().map(parts)
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
        let state = self.running.backend(self.or_own(backend));
        state.map_or(0, |state| state.balancer().usable_servers())
    }

    fn backend_sessions(&self, backend: Option<ProxyId>) -> u32 {
        let state = self.running.backend(self.or_own(backend));
        state.map_or(0, |state| state.sessions.get())
    }

    fn frontend_sessions(&self, frontend: Option<ProxyId>) -> u32 {
        let state = self.running.frontend(self.or_own(frontend));
        state.map_or(0, |state| state.sessions.get())
    }

    fn queued(&self, backend: Option<ProxyId>) -> u32 {
        let state = self.running.backend(self.or_own(backend));
        state.map_or(0, |state| {
            state.balancer().view(std::time::Instant::now()).queued
        })
    }

    fn frontend(&self) -> (u32, &str) {
        let proxy = self.running.proxy(self.record.frontend);
        (proxy.number, &proxy.name)
    }

    fn backend_name(&self) -> Option<&str> {
        let proxy = self.running.proxy(self.record.frontend);
        proxy.backend.as_ref().map(|_| &*proxy.name)
    }

    fn listener_number(&self) -> u32 {
        let proxy = self.running.proxy(self.record.frontend);
        let binds = proxy.frontend.as_ref().map(|side| &side.binds);
        binds
            .and_then(|binds| binds.get(self.record.listener))
            .map_or(0, |bind| bind.number)
    }

    fn is_local(&self, address: IpAddr) -> bool {
        // An address of this machine can be bound; nothing else can.
        std::net::UdpSocket::bind((address, 0)).is_ok()
    }

    fn random(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }
}

const fn parts(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip(), address.port())
}
