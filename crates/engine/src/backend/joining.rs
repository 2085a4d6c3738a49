//! Servers that come and go while the process runs.

use std::time::Instant;

use super::{Backend, member::Member, queue::Line};
use crate::{
    server::{AdminState, Settings as ServerSettings},
    units::ServerId,
};

/// Why a server cannot be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// It is not in maintenance.
    InUse,
    /// Sessions are on it, or wait for it.
    Busy,
}

impl Backend {
    /// A server joins. Its checks and its agent are switched off, until an administrator switches them
    /// on (HAProxy management manual, 9.3 `add server`).
    pub fn join(&mut self, settings: ServerSettings, now: Instant) -> ServerId {
        let id = ServerId(u32::try_from(self.members.len()).unwrap_or(u32::MAX));
        let clock = self.chooser.clock();
        let mut turns: Vec<_> = self.ids().map(|id| self.chooser.turn(id)).collect();
        turns.push(None);
        let mut member = Member::new(&settings, now);
        member.checks_off = settings.health.is_some();
        member.agent_off = settings.agent.is_some();
        if settings.min_connections.is_some() {
            self.dynamic.push(id);
        }
        self.servers.push(settings);
        self.members.push(member);
        self.queue.add_server();
        self.chooser = self.settings.algorithm.chooser(self.members.len());
        self.repool(now);
        self.chooser.resume(clock, &turns);
        id
    }

    /// Whether a server could be deleted now.
    ///
    /// # Errors
    /// Why not.
    pub fn may_leave(&self, server: ServerId) -> Result<(), Stays> {
        let member = &self.members[server.index()];
        if member.admin != AdminState::Maintenance {
            return Err(Stays::InUse);
        }
        if member.sessions > 0 || self.queue.length(Line::Server(server)) > 0 {
            return Err(Stays::Busy);
        }
        Ok(())
    }

    /// A server goes for good: it is never usable again, and counts nowhere. Its number stays taken.
    ///
    /// # Errors
    /// It is in use: nothing changes.
    pub fn leave(&mut self, server: ServerId, now: Instant) -> Result<(), Stays> {
        self.may_leave(server)?;
        let member = &mut self.members[server.index()];
        member.gone = true;
        member.tracked = None;
        self.dynamic.retain(|id| *id != server);
        self.repool(now);
        Ok(())
    }
}
