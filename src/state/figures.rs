//! Figures that rules and log lines ask of the state, of a proxy that may be none.

use pontoon_engine::units::ProxyId;

use super::{BackendState, Running};

impl Running {
    /// Servers of a backend that can take a session (`nbsrv`); 0 where there is no backend.
    #[must_use]
    pub fn usable_servers(&self, backend: Option<ProxyId>) -> u32 {
        let state = self.backend_of(backend);
        state.map_or(0, |state| state.balancer().usable_servers())
    }

    /// Sessions in a backend, waiting ones included (`be_conn`); 0 where there is none.
    #[must_use]
    pub fn backend_sessions(&self, backend: Option<ProxyId>) -> u32 {
        let state = self.backend_of(backend);
        state.map_or(0, |state| state.sessions.get())
    }

    /// Sessions waiting in a backend, for one of its servers or for any (`queue`); 0 where there
    /// is none.
    #[must_use]
    pub fn queued(&self, backend: Option<ProxyId>) -> u32 {
        let state = self.backend_of(backend);
        state.map_or(0, |state| state.balancer().queued())
    }

    /// Sessions in a frontend (`fe_conn`); 0 where there is none.
    #[must_use]
    pub fn frontend_sessions(&self, frontend: Option<ProxyId>) -> u32 {
        let state = frontend.and_then(|id| self.frontend(id));
        state.map_or(0, |state| state.sessions.get())
    }

    fn backend_of(&self, id: Option<ProxyId>) -> Option<&BackendState> {
        self.backend(id?)
    }
}
