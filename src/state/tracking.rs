//! `track`: what a server begins with that follows another.

use std::time::Instant;

use pontoon_config::haproxy::model::Server;
use pontoon_engine::{
    server::{AdminState, OperState},
    units::{ProxyId, ServerId},
};

use super::Running;

impl Running {
    /// Servers that track one which begins disabled or down begin as it does.
    pub(super) fn begin_tracking(&self, now: Instant) {
        for (proxy, server, oper, admin) in self.tracking(now) {
            if let Some(state) = self.backend(proxy) {
                state.balancer().tracked_at_start(server, oper, admin, now);
            }
        }
    }

    /// The same after a restart: they go on as those do that they track.
    pub(super) fn track_again(&self, now: Instant) {
        for (proxy, server, oper, admin) in self.tracking(now) {
            if let Some(state) = self.backend(proxy) {
                state.balancer().tracked_again(server, oper, admin, now);
            }
        }
    }

    /// All servers that track another, and the state of that one.
    fn tracking(&self, now: Instant) -> Vec<(ProxyId, ServerId, OperState, AdminState)> {
        let sides = self.model.proxies.iter();
        let sides = sides.filter_map(|proxy| Some((proxy.id, proxy.backend.as_ref()?)));
        let servers = sides.flat_map(|(id, side)| side.servers.iter().map(move |it| (id, it)));
        servers
            .filter(|(_, server)| server.track.is_some())
            .map(|(proxy, server)| {
                let (oper, admin) = self.tracked_first(server, now);
                (proxy, server.id, oper, admin)
            })
            .collect()
    }

    /// What the chain of servers that this one tracks begins with: the checks of the last, the
    /// maintenance of any.
    fn tracked_first(&self, server: &Server, now: Instant) -> (OperState, AdminState) {
        let (mut oper, mut admin) = (OperState::Up, AdminState::Ready);
        let mut next = server.track;
        // A chain is no longer than there are servers; the bound ends one that closes on itself.
        for _ in 0..self.servers_in_model() {
            let Some((proxy, id)) = next else { break };
            let (Some(state), Some(side)) = (self.backend(proxy), &self.proxy(proxy).backend)
            else {
                break;
            };
            let view = state.balancer().server_view(id, now);
            oper = view.oper;
            if view.admin == AdminState::Maintenance {
                admin = view.admin;
            }
            next = side.servers[id.index()].track;
        }
        (oper, admin)
    }

    fn servers_in_model(&self) -> usize {
        let sides = self
            .model
            .proxies
            .iter()
            .filter_map(|proxy| proxy.backend.as_ref());
        sides.map(|side| side.servers.len()).sum()
    }
}
