//! Where a server is, if it was moved while the process runs.

use std::{
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use pontoon_config::haproxy::model::{Server, ServerPort};
use pontoon_engine::{
    address::ServerAddr,
    units::{ProxyId, ServerId},
};

use super::Running;

/// What was said of a server's addresses since the start. Nobody has said anything of most servers,
/// and that costs whoever asks one look.
#[derive(Debug, Default)]
pub struct Whereabouts {
    moved: AtomicBool,
    said: Mutex<Moved>,
}

/// What was said; `None`: as in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// `set server … addr`: the address, and the way its port is found.
    pub address: Option<(ServerAddr, ServerPort)>,
    /// `set server … check-addr`.
    pub check_address: Option<IpAddr>,
    /// `set server … check-port`; 0: the server's own.
    pub check_port: Option<u16>,
    /// `set server … agent-addr`.
    pub agent_address: Option<IpAddr>,
    /// `set server … agent-port`.
    pub agent_port: Option<u16>,
    /// `set server … agent-send`.
    pub agent_send: Option<Vec<u8>>,
}

impl Whereabouts {
    /// What was said, if anything.
    #[must_use]
    pub fn get(&self) -> Option<Moved> {
        self.moved
            .load(Ordering::Acquire)
            .then(|| self.said().clone())
    }

    /// Says something else from now on.
    pub fn change(&self, change: impl FnOnce(&mut Moved)) {
        change(&mut self.said());
        self.moved.store(true, Ordering::Release);
    }

    fn said(&self) -> MutexGuard<'_, Moved> {
        // A panic aborts the process, so a poisoned lock cannot be seen.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// The address of a server, and the way its port is found, if it is not that of the file.
    #[must_use]
    pub fn moved_to(&self, backend: ProxyId, server: ServerId) -> Option<(ServerAddr, ServerPort)> {
        self.server(backend, server)?.whereabouts.get()?.address
    }

    /// The address of a server now, and the way its port is found.
    #[must_use]
    pub fn address_of(
        &self,
        backend: ProxyId,
        server: &Server,
    ) -> (Option<ServerAddr>, ServerPort) {
        match self.moved_to(backend, server.id) {
            Some((address, port)) => (Some(address), port),
            None => (server.address.clone(), server.port),
        }
    }
}
