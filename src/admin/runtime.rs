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

mod answer;
mod apply;
mod command;
mod connection;
pub mod door;
mod help;
mod reader;
mod session;
mod show;
mod standing;
mod table;
#[cfg(test)]
mod tests;

use std::{
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use pontoon_config::haproxy::model::Access;
use pontoon_engine::address::Endpoint;
use pontoon_sys::{readiness::Readiness, socket};

use self::door::Door;
use super::stream::Stream;
use crate::state::Running;

/// How long a client may be silent where `stats timeout` says nothing, as in HAProxy.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at once to the door, whoever uses the sockets.
const MOST_AT_DOOR: u32 = 32;

/// Serves the runtime protocol of one process.
#[derive(Debug)]
pub struct Runtime {
    running: Arc<Running>,
}

/// Who may be served at one place, and how.
#[derive(Debug, Clone)]
struct Place {
    /// What its clients may do.
    access: Access,
    /// How long they may be silent.
    patience: Duration,
    /// Connections now.
    connections: Arc<AtomicU32>,
    /// Connections at once, at most.
    most: u32,
}

impl Runtime {
    /// Of this process.
    #[must_use]
    pub const fn new(running: Arc<Running>) -> Self {
        Self { running }
    }

    /// Serves those who knock at the door, for as long as the process lives.
    pub async fn at_door(&self, door: &Door) {
        let place = Place {
            access: Access::Admin,
            patience: PATIENCE,
            connections: Arc::default(),
            most: MOST_AT_DOOR,
        };
        // Nothing that a correct program meets; whoever knocks is refused when the door closes.
        let _ended = self
            .accept(door.listener(), &place, |client| door.admits(client))
            .await;
    }

    /// Takes connections until that is impossible.
    async fn accept(
        &self,
        listener: &OwnedFd,
        place: &Place,
        admits: impl Fn(&OwnedFd) -> bool,
    ) -> std::io::Result<()> {
        let readiness = Readiness::of(listener)?;
        loop {
            // Out of descriptors, they wait in the queue for better times.
            let Ok(Some((client, _))) = socket::accept_from(listener) else {
                readiness.readable().await?;
                continue;
            };
            if admits(&client)
                && let Some(seat) = place.seat()
            {
                self.serve(client, place, seat);
            }
        }
    }

    fn serve(&self, client: OwnedFd, place: &Place, seat: Seat) {
        let local = socket::local_address(&client).map_or_else(
            |_| Endpoint::Abstract(Arc::default()),
            crate::proxy::listen::to_endpoint,
        );
        let Ok(stream) = Stream::new(client, &local, Vec::new()) else {
            return;
        };
        let session =
            session::Session::new(Arc::clone(&self.running), place.access, place.patience);
        tokio::spawn(async move {
            connection::serve(session, stream).await;
            drop(seat);
        });
    }
}

/// A connection's place among those that are allowed at once.
#[derive(Debug)]
struct Seat(Arc<AtomicU32>);

impl Place {
    fn seat(&self) -> Option<Seat> {
        let seat = Seat(Arc::clone(&self.connections));
        // All of this happens on one thread.
        (self.connections.fetch_add(1, Ordering::Relaxed) < self.most).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
