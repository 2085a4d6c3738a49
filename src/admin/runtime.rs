//! The runtime protocol (HAProxy management manual, 9.3): commands as lines, answers as text.
//!
//! It is served on the control thread, at the `stats socket` lines of the files and at a door that
//! every process has ([`door`]).
//!
//! ```text
//! door ────┐
//!          ├→ session → reader → table → Command → apply → Answer
//! sockets ─┘            lines    words   parsed    done
//! ```

mod acl;
mod answer;
mod apply;
mod change;
mod command;
mod connection;
pub mod door;
pub(crate) mod fuzzing;
mod help;
mod map;
mod reader;
mod session;
mod show;
pub mod sockets;
mod table;
#[cfg(test)]
mod tests;
mod wait;

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use pontoon_config::haproxy::model::{Access, SeverityOutput};
use pontoon_engine::address::Endpoint;
use pontoon_sys::{readiness::Readiness, socket};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use self::{door::Door, sockets::Sockets};
use super::stream::Stream;
use crate::{proxy::listen::to_endpoint, state::Running};

/// How long a client may be silent where `stats timeout` says nothing, as in HAProxy.
const PATIENCE: Duration = Duration::from_secs(10);
/// Clients of the sockets at once where `stats maxconn` says nothing, as in HAProxy.
const MOST_CLIENTS: u32 = 10;
/// Clients at the door at once, whoever uses the sockets.
const MOST_AT_DOOR: usize = 32;

/// Serves the runtime protocol of one process.
#[derive(Debug)]
pub struct Runtime {
    running: Arc<Running>,
}

/// On which terms a client is served.
#[derive(Debug, Clone, Copy)]
struct Terms {
    /// What it may do.
    access: Access,
    /// Whether feedback shows how grave it is.
    severity: SeverityOutput,
    /// How long it may be silent, and how long it may leave an answer unread.
    patience: Duration,
}

impl Runtime {
    /// Of this process.
    #[must_use]
    pub const fn new(running: Arc<Running>) -> Self {
        Self { running }
    }

    /// Serves those who knock at the door, for as long as the process lives.
    pub async fn at_door(&self, door: &Door) {
        let terms = Terms {
            access: Access::Admin,
            severity: SeverityOutput::None,
            patience: PATIENCE,
        };
        let room = Arc::new(Semaphore::new(MOST_AT_DOOR));
        let admits = |client: &OwnedFd| door.admits(client);
        self.accept(door, terms, &room, admits).await;
    }

    /// Serves the clients of the sockets, until this is dropped; those who are in by then are
    /// served on.
    pub async fn at_sockets(self: Arc<Self>, sockets: Sockets) {
        let global = &self.running.model.global;
        let places = global.stats_max_connections.unwrap_or(MOST_CLIENTS);
        let places = usize::try_from(places).unwrap_or(usize::MAX);
        let room = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        let mut accepting = JoinSet::new();
        for socket in sockets {
            let terms = Terms {
                access: socket.access,
                severity: socket.severity,
                patience: global.stats_timeout.unwrap_or(PATIENCE),
            };
            let (runtime, room) = (Arc::clone(&self), Arc::clone(&room));
            accepting.spawn(async move {
                let all = |_: &OwnedFd| true;
                runtime.accept(&socket.listener, terms, &room, all).await;
            });
        }
        while accepting.join_next().await.is_some() {}
    }

    /// Takes clients for as long as the system lets us. Those for whom there is no room wait.
    async fn accept(
        &self,
        listener: impl AsFd,
        terms: Terms,
        room: &Arc<Semaphore>,
        admits: impl Fn(&OwnedFd) -> bool,
    ) {
        let Ok(readiness) = Readiness::of(&listener) else {
            return;
        };
        loop {
            let Ok(seat) = Arc::clone(room).acquire_owned().await else {
                return;
            };
            // Out of descriptors, they wait in the queue for better times.
            if let Ok(Some((client, _))) = socket::accept_from(&listener) {
                if admits(&client) {
                    self.serve(client, terms, seat);
                }
                continue;
            }
            drop(seat);
            if readiness.readable().await.is_err() {
                return;
            }
        }
    }

    fn serve(&self, client: OwnedFd, terms: Terms, seat: OwnedSemaphorePermit) {
        let nowhere = |_| Endpoint::Abstract(Vec::new().into());
        let local = socket::local_address(&client).map_or_else(nowhere, to_endpoint);
        let Ok(stream) = Stream::new(client, &local, Vec::new()) else {
            return;
        };
        let running = Arc::clone(&self.running);
        let session = session::Session::new(Arc::clone(&running), terms);
        tokio::spawn(async move {
            connection::serve(session, stream, &running.process.owed).await;
            drop(seat);
        });
    }
}
