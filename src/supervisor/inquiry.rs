//! A question about the whole node, until the processes have said their part.

use std::{
    os::fd::{AsFd as _, BorrowedFd},
    time::{Duration, Instant},
};

use super::door::ClientId;
use crate::node::{
    beat::{Felt, Pulse},
    message::Servers,
};

/// How long the processes may take; one that hangs must not keep us from telling so.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is asked and what is known so far.
#[derive(Debug)]
pub(super) struct Inquiry {
    pub(super) client: ClientId,
    /// The number of our question to the election.
    id: u64,
    until: Instant,
    /// The election was asked and has not answered yet.
    election_thinks: bool,
    pub(super) vrrp: Option<serde_json::Value>,
    /// The proxy's beat, until one has come.
    pulse: Option<Pulse>,
    pub(super) servers: Option<Servers>,
}

impl Inquiry {
    /// The election was asked under this number, if there is one; the proxy's beat is listened to.
    pub(super) fn new(client: ClientId, id: u64, asked: bool, proxy: Option<u32>) -> Self {
        Self {
            client,
            id,
            until: Instant::now() + PATIENCE,
            election_thinks: asked,
            vrrp: None,
            pulse: proxy.and_then(|pid| Pulse::of(pid).ok()),
            servers: None,
        }
    }

    /// The election has answered, perhaps to somebody else.
    pub(super) fn answered(&mut self, id: u64, status: &serde_json::Value) {
        if self.id == id {
            self.election_thinks = false;
            self.vrrp = Some(status.clone());
        }
    }

    /// Whether all is known, or has taken long enough.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        match self.pulse.as_ref().map(Pulse::feel) {
            Some(Felt::Beat(beat)) => {
                self.servers = Some(beat.servers);
                self.pulse = None;
            }
            Some(Felt::End) => self.pulse = None,
            Some(Felt::Nothing) | None => {}
        }
        (!self.election_thinks && self.pulse.is_none()) || now >= self.until
    }

    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pulse.as_ref().map(|pulse| pulse.as_fd())
    }
}
