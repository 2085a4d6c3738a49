//! The master socket (`haproxy -W -S`): its clients see and command the processes (management manual,
//! 9.4). What is for a worker is passed on to that process's runtime door.
//!
//! ```text
//! clients ─► lines ─► Command ─► Supervisor::commanded ─► answer
//!                                        └─ `@1 …` ─► the worker's door ─► answer
//! ```

mod apply;
mod client;
mod command;
pub(crate) mod fuzzing;
mod place;
mod show;

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd},
    time::{Duration, Instant},
};

use pontoon_sys::{process::wait::Wish, socket};

pub use self::place::{Place, PlaceError};
use self::{client::Client, place::Listener};
pub(super) use self::{command::Command, place::SavedListener};

/// Clients at once; one more takes the place of the oldest that says nothing.
const MOST_CLIENTS: usize = 16;
/// After an error in accepting, such as a lack of descriptors.
const PAUSE: Duration = Duration::from_secs(1);

/// All master sockets, and who is connected.
#[derive(Debug, Default)]
pub(super) struct Console {
    listeners: Vec<Listener>,
    clients: Vec<(ConsoleId, Client)>,
    next: u64,
    paused_until: Option<Instant>,
}

/// Names a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConsoleId(u64);

impl Console {
    /// Listens at these places.
    ///
    /// # Errors
    /// At one of them it cannot.
    pub(super) fn open(places: &[Place]) -> Result<Self, String> {
        let open = |place: &Place| {
            let listener = place.listen();
            listener.map_err(|error| format!("cannot listen at the master socket {place}: {error}"))
        };
        let listeners: Result<_, _> = places.iter().map(open).collect();
        Ok(Self {
            listeners: listeners?,
            ..Self::default()
        })
    }

    /// Whether nobody waits for an answer.
    pub(super) fn is_calm(&self) -> bool {
        self.clients.iter().all(|(_, client)| client.is_calm())
    }

    /// What the program after this one is told.
    pub(super) fn saved(&self) -> Vec<SavedListener> {
        self.listeners.iter().map(Listener::saved).collect()
    }

    /// The sockets of the program before this one.
    ///
    /// # Errors
    /// They were not left.
    pub(super) fn resumed(saved: Vec<SavedListener>) -> io::Result<Self> {
        let listeners = saved.into_iter().map(Listener::resumed);
        Ok(Self {
            listeners: listeners.collect::<io::Result<_>>()?,
            ..Self::default()
        })
    }

    /// What is to be waited for.
    pub(super) fn wishes(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Wish)> {
        let paused = self.paused_until.is_some();
        let listeners = self.listeners.iter().filter(move |_| !paused);
        let listeners = listeners.map(|listener| (listener.socket.as_fd(), Wish::Read));
        listeners.chain(self.clients.iter().flat_map(|(_, client)| client.wishes()))
    }

    /// When somebody has waited too long.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let clients = self.clients.iter().filter_map(|(_, client)| client.until());
        clients.chain(self.paused_until).min()
    }

    /// Lets in who is there, goes on with all, and returns a command if one is whole. The master's
    /// prompt is this.
    pub(super) fn look(&mut self, now: Instant, master: &str) -> Option<(ConsoleId, Command)> {
        self.paused_until = self.paused_until.filter(|until| now < *until);
        if self.paused_until.is_none() {
            self.let_in(now);
        }
        let mut commanded = None;
        self.clients.retain_mut(|(id, client)| {
            if commanded.is_some() {
                return true;
            }
            let prompt = prompt(client, master);
            match client.go_on(now, &prompt) {
                Ok(command) => {
                    commanded = command.map(|command| (*id, command));
                    true
                }
                Err(_) => false,
            }
        });
        commanded
    }

    fn let_in(&mut self, now: Instant) {
        for listener in &self.listeners {
            loop {
                match socket::accept_from(&listener.socket) {
                    Ok(Some((stream, _))) => {
                        if self.clients.len() >= MOST_CLIENTS {
                            let idle = self.clients.iter().position(|(_, it)| it.is_idle());
                            self.clients.remove(idle.unwrap_or(0));
                        }
                        self.next += 1;
                        let client = Client::new(stream, listener.level);
                        self.clients.push((ConsoleId(self.next), client));
                    }
                    Ok(None) => break,
                    Err(_) => {
                        self.paused_until = Some(now + PAUSE);
                        return;
                    }
                }
            }
        }
    }

    fn client(&mut self, id: ConsoleId) -> Option<&mut Client> {
        let mut clients = self.clients.iter_mut();
        clients.find(|(it, _)| *it == id).map(|(_, client)| client)
    }

    /// Before the end: gives answers a last chance to leave.
    pub(super) fn flush(&mut self) {
        let now = Instant::now();
        for (_, client) in &mut self.clients {
            let _gone = client.go_on(now, "");
        }
    }
}

/// What asks for the next command.
fn prompt(client: &Client, master: &str) -> String {
    client
        .turned_to
        .map_or_else(|| master.to_owned(), |pid| format!("{pid}> "))
}
