//! What a `%[sample]` in a log line can ask: the record, and the state of the process.

use std::net::IpAddr;

use pontoon_engine::{
    sample::Facts,
    units::{ProxyId, ServerId},
};

use crate::{record::SessionRecord, state::Running};

/// Answers for a session that is being logged. The bytes it sent are gone.
pub(super) struct RecordFacts<'a> {
    pub(super) running: &'a Running,
    pub(super) record: &'a SessionRecord,
}

impl RecordFacts<'_> {
    fn own_backend(&self, backend: Option<ProxyId>) -> Option<ProxyId> {
        backend.or(self.record.backend)
    }
}

impl Facts for RecordFacts<'_> {
    fn source(&self) -> Option<(IpAddr, u16)> {
        let address = self.record.client.0.ip()?;
        Some((address.ip(), address.port()))
    }

    fn destination(&self) -> Option<(IpAddr, u16)> {
        let address = self.record.local.0.ip()?;
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
        let state = self
            .own_backend(backend)
            .and_then(|id| self.running.backend(id));
        state.map_or(0, |state| state.balancer().usable_servers())
    }

    fn backend_sessions(&self, backend: Option<ProxyId>) -> u32 {
        let state = self
            .own_backend(backend)
            .and_then(|id| self.running.backend(id));
        state.map_or(0, |state| state.sessions.get())
    }

    fn frontend_sessions(&self, frontend: Option<ProxyId>) -> u32 {
        let id = frontend.unwrap_or(self.record.frontend);
        let state = self.running.frontend(id);
        state.map_or(0, |state| state.sessions.get())
    }

    fn queued(&self, backend: Option<ProxyId>) -> u32 {
        let state = self
            .own_backend(backend)
            .and_then(|id| self.running.backend(id));
        let Some(state) = state else { return 0 };
        let now = std::time::Instant::now();
        let balancer = state.balancer();
        let servers = (0..).map(ServerId).take(state.servers.len());
        let waiting: u32 = servers
            .map(|server| balancer.server_view(server, now).queued)
            .sum();
        balancer.view(now).queued + waiting
    }

    fn frontend(&self) -> (u32, &str) {
        let proxy = self.running.proxy(self.record.frontend);
        (proxy.number, &proxy.name)
    }

    fn backend_name(&self) -> Option<&str> {
        Some(&self.running.proxy(self.record.backend?).name)
    }

    fn listener_number(&self) -> u32 {
        let proxy = self.running.proxy(self.record.frontend);
        let binds = proxy.frontend.as_ref().map(|side| &side.binds);
        binds
            .and_then(|binds| binds.get(self.record.listener))
            .map_or(0, |bind| bind.number)
    }

    fn is_local(&self, address: IpAddr) -> bool {
        // Asked of a rule, this needs the machine's addresses; a line knows loopback and the
        // address the client connected to.
        let own = self.destination().is_some_and(|(ip, _)| ip == address);
        own || address.is_loopback()
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(self.record.accepted)
    }
}
