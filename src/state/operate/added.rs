//! Servers that are added and deleted while the process runs.

use std::{
    sync::{Mutex, PoisonError, atomic::Ordering},
    time::Instant,
};

use pontoon_config::haproxy::model::{Proxy, Server, ServerSide};
use pontoon_engine::{
    balance::Algorithm,
    units::{ProxyId, ServerId},
};
use tokio::sync::Notify;

use super::{Refusal, ServerAt};
use crate::state::{Running, ServerState};

/// Servers of one backend that can be added before a reload: those that were deleted count, since
/// logs and sessions may still name them.
const MOST: usize = 4096;

/// Servers that were added, for whoever checks them.
#[derive(Debug, Default)]
pub struct Newcomers {
    waiting: Mutex<Vec<ServerAt>>,
    told: Notify,
}

impl Newcomers {
    fn take(&self) -> Vec<ServerAt> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting)
    }

    fn add(&self, server: ServerAt) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(server);
        drop(waiting);
        self.told.notify_one();
    }

    /// The next, once there are any.
    pub async fn next(&self) -> Vec<ServerAt> {
        loop {
            let told = self.told.notified();
            let some = self.take();
            if !some.is_empty() {
                return some;
            }
            told.await;
        }
    }
}

impl Running {
    /// The backend of this name, to which servers can be added.
    ///
    /// # Errors
    /// There is none, or its algorithm knows only the servers of the file.
    pub fn backend_for_more(&self, backend: &str) -> Result<ProxyId, Refusal> {
        let proxy = self.find_backend(backend).ok_or(Refusal::NoSuchBackend)?;
        let side = proxy.backend.as_ref().ok_or(Refusal::NoSuchBackend)?;
        let algorithm = side.settings.algorithm;
        if !algorithm.is_dynamic() && algorithm != Algorithm::First {
            return Err(Refusal::StaticAlgorithm);
        }
        Ok(proxy.id)
    }

    /// Adds a server to a backend that can have more ([`Running::backend_for_more`]).
    ///
    /// # Errors
    /// Its name or number is taken, or too many have been added.
    pub fn add_server(
        &self,
        backend: ProxyId,
        mut server: Server,
        now: Instant,
    ) -> Result<ServerAt, Refusal> {
        let proxy = self.proxy(backend);
        let (side, state) = proxy
            .backend
            .as_ref()
            .zip(self.backend(backend))
            .ok_or(Refusal::NoSuchBackend)?;
        let mut servers = self.servers(proxy);
        if servers.any(|(it, _)| it.settings.name == server.settings.name) {
            return Err(Refusal::ServerExists);
        }
        if side.servers.len() >= side.servers.in_file() + MOST {
            return Err(Refusal::TooManyServers);
        }
        server.number = self.number_for(proxy, &server)?;
        // The balancer comes last: nobody is sent to a server that is not known yet.
        let place = state.servers.join(ServerState::new(self.threads.len() + 1));
        server.id = ServerId(u32::try_from(place).unwrap_or(u32::MAX));
        let (id, settings) = (server.id, server.settings.clone());
        side.servers.join(server);
        self.with_backend(backend, now, |balancer| balancer.join(settings, now));
        let at = ServerAt {
            backend,
            server: id,
        };
        self.newcomers.add(at);
        Ok(at)
    }

    fn number_for(&self, proxy: &Proxy, server: &Server) -> Result<u32, Refusal> {
        let taken = |number| self.servers(proxy).find(|(it, _)| it.number == number);
        if !server.number_written {
            let free = (1..).find(|number| taken(*number).is_none());
            return Ok(free.unwrap_or(u32::MAX));
        }
        match taken(server.number) {
            None => Ok(server.number),
            Some((other, _)) => Err(Refusal::NumberTaken {
                number: server.number,
                server: other.settings.name.to_string(),
            }),
        }
    }

    /// Whether a server could be deleted now.
    ///
    /// # Errors
    /// It is in use, or something in the file names it.
    pub fn removable(&self, at: ServerAt) -> Result<(), Refusal> {
        let (_, state, _) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        if self.is_named(at) {
            return Err(Refusal::Named);
        }
        Ok(state.balancer().may_leave(at.server)?)
    }

    /// Deletes a server.
    ///
    /// # Errors
    /// As of [`Running::removable`]: nothing changes.
    pub fn delete_server(&self, at: ServerAt, now: Instant) -> Result<(), Refusal> {
        self.removable(at)?;
        let (_, _, server) = self.server_at(at).ok_or(Refusal::NoSuchServer)?;
        let left = self.with_backend(at.backend, now, |balancer| balancer.leave(at.server, now));
        left.ok_or(Refusal::NoSuchBackend)??;
        server.gone.store(true, Ordering::Relaxed);
        // Its checks end.
        server.state_changed.notify_one();
        server.agent_changed.notify_one();
        Ok(())
    }

    /// Whether the file names a server elsewhere than on its line: `use-server`, `track`.
    fn is_named(&self, at: ServerAt) -> bool {
        let chosen = |side: &ServerSide| {
            let rules = side.use_server.iter();
            rules.map(|rule| rule.action.0).any(|it| it == at.server)
        };
        let side = self.proxy(at.backend).backend.as_ref();
        let tracked = self.backend(at.backend).is_some_and(|state| {
            let mut trackers = state.trackers.iter();
            trackers.any(|(ours, _, _)| *ours == at.server)
        });
        tracked || side.is_some_and(chosen)
    }
}
