//! What an administrator changes while the process runs: one function for each thing, shared by
//! the runtime socket and the statistics page.

mod added;
mod address;
mod counters;
mod frontend;
mod refusal;
mod server;
mod sessions;
mod weight;

use pontoon_config::haproxy::model::{Proxy, Server};
use pontoon_engine::units::{ProxyId, ServerId};

pub use self::{
    added::Newcomers,
    address::{AddressChange, AddressMoved, PortChange},
    refusal::Refusal,
    server::{ProbeAddress, ServerChange},
    sessions::{SessionId, Sessions},
    weight::WeightChange,
};
use super::{BackendState, Running, ServerState, limits::ProcessLimit};

/// A server of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerAt {
    /// Its backend, which has a server side.
    pub backend: ProxyId,
    /// Its place there.
    pub server: ServerId,
}

impl Running {
    /// The server that `backend/server` names; either part may be `#` and its number.
    ///
    /// # Errors
    /// It is not of that form, or there is none of that name.
    pub fn find_server(&self, path: &str) -> Result<ServerAt, Refusal> {
        let (backend, server) = path.split_once('/').ok_or(Refusal::NeedsPath)?;
        let proxy = self.find_backend(backend).ok_or(Refusal::NoSuchBackend)?;
        let servers = self.servers(proxy).map(|(server, _)| server);
        let mut servers = servers.filter(|it| is_called(server, &it.settings.name, it.number));
        let found = servers.next().ok_or(Refusal::NoSuchServer)?;
        Ok(ServerAt {
            backend: proxy.id,
            server: found.id,
        })
    }

    /// The proxy with a server side of this name, or of `#` and this number.
    #[must_use]
    pub fn find_backend(&self, name: &str) -> Option<&Proxy> {
        let mut proxies = self.model.proxies.iter();
        proxies.find(|it| it.backend.is_some() && is_called(name, &it.name, it.number))
    }

    /// The proxy with a client side of this name, or of `#` and this number.
    ///
    /// # Errors
    /// There is none.
    pub fn find_frontend(&self, name: &str) -> Result<ProxyId, Refusal> {
        let mut proxies = self.model.proxies.iter();
        let found =
            proxies.find(|it| it.frontend.is_some() && is_called(name, &it.name, it.number));
        found
            .filter(|proxy| !proxy.disabled)
            .map(|proxy| proxy.id)
            .ok_or(Refusal::NoSuchFrontend)
    }

    /// What the file says of a server, and its state.
    fn server_at(&self, at: ServerAt) -> Option<(&Server, &BackendState, &ServerState)> {
        let side = self.proxy(at.backend).backend.as_ref()?;
        let state = self.backend(at.backend)?;
        let server = side.servers.get(at.server.index())?;
        Some((server, state, state.servers.get(at.server.index())?))
    }

    /// Changes a limit of the process; 0: back to the most sessions, or no limit of the rate.
    ///
    /// # Errors
    /// More sessions than the process can have.
    pub fn set_limit(&self, limit: ProcessLimit, value: u32) -> Result<(), Refusal> {
        let most = self.process.max_connections;
        let value = match limit {
            ProcessLimit::Sessions if value > most => return Err(Refusal::OutOfRange),
            ProcessLimit::Sessions if value == 0 => most,
            _ => value,
        };
        self.process.limits.set(limit, value);
        self.tell_room_again();
        Ok(())
    }

    /// `set maxconn frontend`; 0: no limit but the process's.
    pub fn set_frontend_limit(&self, proxy: ProxyId, limit: u32) {
        if let Some(frontend) = self.frontend(proxy) {
            frontend.limit.set(limit);
            self.tell_room_again();
        }
    }
}

/// Whether somebody who is called `name` and counted as `number` is meant.
fn is_called(wanted: &str, name: &str, number: u32) -> bool {
    match wanted.strip_prefix('#') {
        Some(digits) => digits.parse() == Ok(number),
        None => wanted == name,
    }
}
