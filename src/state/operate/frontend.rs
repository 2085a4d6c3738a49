//! A frontend listens no more, listens again, or is gone for good.

use std::sync::{Arc, MutexGuard, PoisonError, Weak};

use pontoon_config::haproxy::model::Proxy;
use pontoon_engine::units::ProxyId;

use super::Refusal;
use crate::{
    proxy::listen::Listener,
    state::{FrontendState, FrontendStatus, Running, mailbox::Message},
};

impl Running {
    /// `disable frontend`: new connections are refused, sessions go on, the addresses stay ours.
    ///
    /// # Errors
    /// It does not listen.
    pub fn disable_frontend(&self, id: ProxyId) -> Result<(), Refusal> {
        let frontend = self.frontend(id).ok_or(Refusal::NoSuchFrontend)?;
        let mut status = frontend.lock_status();
        match *status {
            FrontendStatus::Paused => return Err(Refusal::AlreadyDisabled),
            FrontendStatus::Stopped => return Err(Refusal::ShutDownCannotDisable),
            FrontendStatus::Open | FrontendStatus::Full => {}
        }
        self.close_frontend(id, frontend);
        *status = FrontendStatus::Paused;
        self.logger.paused(self.proxy(id));
        Ok(())
    }

    /// `enable frontend`: connections are taken again.
    ///
    /// # Errors
    /// It listens already, is gone for good, or somebody else has an address of it meanwhile.
    pub fn enable_frontend(&self, id: ProxyId) -> Result<(), Refusal> {
        let frontend = self.frontend(id).ok_or(Refusal::NoSuchFrontend)?;
        let mut status = frontend.lock_status();
        match *status {
            FrontendStatus::Open | FrontendStatus::Full => return Err(Refusal::AlreadyEnabled),
            FrontendStatus::Stopped => return Err(Refusal::ShutDownCannotEnable),
            FrontendStatus::Paused => {}
        }
        for listener in frontend.sockets() {
            listener.resume().map_err(|_| Refusal::CannotListen)?;
        }
        *status = FrontendStatus::Open;
        self.tell_all(|| Message::OpenFrontend(id));
        self.logger.resumed(self.proxy(id));
        Ok(())
    }

    /// `shutdown frontend`: as if disabled, and for good; a reload brings back what the files say.
    ///
    /// # Errors
    /// It is gone already.
    pub fn shut_down_frontend(&self, id: ProxyId) -> Result<(), Refusal> {
        let frontend = self.frontend(id).ok_or(Refusal::NoSuchFrontend)?;
        let mut status = frontend.lock_status();
        if *status == FrontendStatus::Stopped {
            return Err(Refusal::AlreadyShutDown);
        }
        self.close_frontend(id, frontend);
        *status = FrontendStatus::Stopped;
        let proxy = self.proxy(id);
        let (clients, servers) = self.totals(proxy);
        self.logger.stopped(proxy, clients, servers);
        Ok(())
    }

    /// Whether a frontend takes connections.
    #[must_use]
    pub fn frontend_status(&self, id: ProxyId) -> Option<FrontendStatus> {
        Some(*self.frontend(id)?.lock_status())
    }

    /// Sessions there ever were: of the client side, of the server side.
    #[must_use]
    pub fn totals(&self, proxy: &Proxy) -> (u64, u64) {
        let frontend = self.frontend(proxy.id);
        let backend = self.backend(proxy.id);
        (
            frontend.map_or(0, |side| side.counters.sum(|c| &c.connections)),
            backend.map_or(0, |side| side.counters.sum(|c| &c.sessions)),
        )
    }

    /// These are the sockets of our listeners.
    pub fn know_listeners<'a>(&self, listeners: impl Iterator<Item = &'a Arc<Listener>>) {
        for listener in listeners {
            let frontend = self.frontend(listener.proxy);
            if let Some(state) = frontend.and_then(|it| it.listeners.get(listener.index)) {
                state.socket.get_or_init(|| Arc::downgrade(listener));
            }
        }
    }

    /// The frontends that were disabled in the process before this one stay so.
    pub fn keep_disabled(&self) {
        for proxy in &self.model.proxies {
            if let Some(frontend) = self.frontend(proxy.id)
                && *frontend.lock_status() == FrontendStatus::Paused
            {
                self.close_frontend(proxy.id, frontend);
            }
        }
    }

    fn close_frontend(&self, id: ProxyId, frontend: &FrontendState) {
        self.tell_all(|| Message::CloseFrontend(id));
        for listener in frontend.sockets() {
            listener.pause();
        }
    }

    fn tell_all(&self, message: impl Fn() -> Message) {
        for thread in &self.threads {
            thread.post(message());
        }
    }
}

impl FrontendState {
    pub(in crate::state) fn lock_status(&self) -> MutexGuard<'_, FrontendStatus> {
        // A panic aborts the process, so a poisoned lock cannot be seen.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of its listening sockets that are not closed yet.
    fn sockets(&self) -> impl Iterator<Item = Arc<Listener>> {
        let sockets = self.listeners.iter().filter_map(|it| it.socket.get());
        sockets.filter_map(Weak::upgrade)
    }
}
