//! A frontend listens no more, listens again, or is gone for good.

use std::{
    io,
    sync::{Arc, MutexGuard, PoisonError, Weak},
};

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
            FrontendStatus::Disabled => return Err(Refusal::AlreadyDisabled),
            FrontendStatus::Stopped => return Err(Refusal::ShutDownCannotDisable),
            // A signal paused it; from now on it is not for a signal to take that back.
            FrontendStatus::Paused => {
                *status = FrontendStatus::Disabled;
                return Ok(());
            }
            FrontendStatus::Open | FrontendStatus::Full => {}
        }
        self.close_frontend(id, frontend);
        *status = FrontendStatus::Disabled;
        self.logger.paused(self.proxy(id));
        Ok(())
    }

    /// SIGTTOU: those that take connections refuse them until [`Running::resume_frontends`]; the
    /// addresses stay ours.
    pub fn pause_frontends(&self) {
        for (proxy, frontend) in self.frontends() {
            let mut status = frontend.lock_status();
            if matches!(*status, FrontendStatus::Open | FrontendStatus::Full) {
                self.close_frontend(proxy.id, frontend);
                *status = FrontendStatus::Paused;
                self.logger.paused(proxy);
            }
        }
    }

    /// SIGTTIN: those that a signal paused take connections again. Who was disabled stays so.
    ///
    /// # Errors
    /// Somebody else took an address meanwhile: of these frontends; the others go on.
    pub fn resume_frontends(&self) -> io::Result<()> {
        let mut outcome = Ok(());
        for (proxy, frontend) in self.frontends() {
            let mut status = frontend.lock_status();
            if *status != FrontendStatus::Paused {
                continue;
            }
            match self.open_frontend(proxy, frontend) {
                Ok(()) => *status = FrontendStatus::Open,
                failed => outcome = failed,
            }
        }
        outcome
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
            FrontendStatus::Disabled | FrontendStatus::Paused => {}
        }
        self.open_frontend(self.proxy(id), frontend)
            .map_err(|_| Refusal::CannotListen)?;
        *status = FrontendStatus::Open;
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

    /// Whether no other process has this listener.
    #[must_use]
    pub fn is_last_to_serve(&self, listener: &Listener) -> bool {
        let bound = listener.bound(self);
        bound.is_some_and(|bound| self.process.is_last_at(&bound))
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

    /// What a signal paused in the process before this one takes connections here. To be called
    /// before [`Running::keep_closed`].
    pub fn forget_pauses(&self) {
        for (_, frontend) in self.frontends() {
            let mut status = frontend.lock_status();
            if *status == FrontendStatus::Paused {
                *status = FrontendStatus::Open;
            }
        }
    }

    /// The frontends that were disabled or paused in the process before this one stay so.
    pub fn keep_closed(&self) {
        for (proxy, frontend) in self.frontends() {
            let status = *frontend.lock_status();
            if matches!(status, FrontendStatus::Disabled | FrontendStatus::Paused) {
                self.close_frontend(proxy.id, frontend);
            }
        }
    }

    /// The proxies with a client side that were started.
    fn frontends(&self) -> impl Iterator<Item = (&Proxy, &FrontendState)> {
        let proxies = self.model.proxies.iter().filter(|proxy| !proxy.disabled);
        proxies.filter_map(|proxy| Some((proxy, self.frontend(proxy.id)?)))
    }

    fn open_frontend(&self, proxy: &Proxy, frontend: &FrontendState) -> io::Result<()> {
        for listener in frontend.sockets() {
            listener.resume()?;
        }
        self.tell_all(|| Message::OpenFrontend(proxy.id));
        self.logger.resumed(proxy);
        Ok(())
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
