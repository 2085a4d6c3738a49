//! The servers at the other end.

mod echo;
mod flood;

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use pontoon_sys::{
    epoll::{Epoll, Events, Interest, Ready},
    option::{reset_on_close, reuse_address, set_no_delay},
    socket::{self, Address},
    wake::Wake,
};

use super::{
    Close,
    dial::{events, wait},
    letters::Desk,
    streams,
};
use crate::problem::{Result, Trying};

use self::{echo::Echo, flood::Flood};

/// Length of the queue of connections.
const BACKLOG: i32 = 32_768;

/// What a server does. Whatever it receives is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Answers requests, which bear tags, with messages that bear the same.
    Echo {
        /// Size of a request in bytes, from 1 to 128 KiB.
        request: usize,
        /// Size of an answer.
        response: usize,
        /// Whether it closes after its first answer, or leaves that to the client.
        close: Close,
    },
    /// Receives until the end, and answers how much it was.
    Sink,
    /// Sends until the client ends its side.
    Source,
    /// Sends and receives until the client ends its side.
    Both,
}

/// What a server has seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Connections that are open.
    pub open: usize,
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections on which wrong bytes came.
    pub wrong: u64,
    /// Connections that broke, or ended in the middle of something.
    pub cut: u64,
}

#[derive(Debug, Default)]
struct Counters {
    open: AtomicUsize,
    connections: AtomicU64,
    wrong: AtomicU64,
    cut: AtomicU64,
    stop: AtomicBool,
}

/// A server on a thread of its own, which runs on the processors of whoever starts it. Dropped, it
/// closes all its connections.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    counters: Arc<Counters>,
    wake: Arc<Wake>,
    thread: Option<JoinHandle<()>>,
}

impl Backend {
    /// Listens there (port 0: the kernel chooses) and serves.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub fn start(service: Service, address: SocketAddr) -> Result<Self> {
        let listener = listen(address)?;
        let address = listener.local_addr().trying("ask for a socket's address")?;
        let counters = Arc::<Counters>::default();
        let wake = Arc::new(Wake::new().trying("make an eventfd")?);
        let mut house = House::new(service, listener.into(), &counters, &wake)?;
        let thread = thread::Builder::new()
            .name("backend".into())
            .spawn(move || house.run())
            .trying("start a thread")?;
        Ok(Self {
            address,
            counters,
            wake,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    #[must_use]
    pub fn served(&self) -> Served {
        Served {
            open: self.counters.open.load(Ordering::Relaxed),
            connections: self.counters.connections.load(Ordering::Relaxed),
            wrong: self.counters.wrong.load(Ordering::Relaxed),
            cut: self.counters.cut.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.counters.stop.store(true, Ordering::Relaxed);
        self.wake.notify();
        if let Some(thread) = self.thread.take() {
            let _joined = thread.join();
        }
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let address = Address::Ip(address);
    let make = || {
        let listener = socket::stream_for(&address)?;
        reuse_address(&listener)?;
        socket::bind_to(&listener, &address)?;
        socket::listen_on(&listener, BACKLOG)?;
        Ok::<_, std::io::Error>(listener.into())
    };
    make().trying(format!("listen at {address:?}"))
}

/// A connection and what is done with it.
enum Guest {
    Echo(Echo),
    Flood(Flood),
}

/// What a guest wants after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// To be told when something happens.
    Wait,
    /// Another turn, soon.
    Again,
    /// Nothing: it is through.
    Leave,
}

/// What all guests share.
struct Kitchen {
    service: Service,
    desk: Desk,
    room: Box<[u8]>,
}

/// The server's own side.
struct House {
    epoll: Epoll,
    listener: OwnedFd,
    guests: Vec<Option<Guest>>,
    free: Vec<usize>,
    again: Vec<usize>,
    kitchen: Kitchen,
    counters: Arc<Counters>,
    wake: Arc<Wake>,
}

const LISTENER: u64 = u64::MAX;
const WAKE: u64 = u64::MAX - 1;

impl House {
    fn new(
        service: Service,
        listener: OwnedFd,
        counters: &Arc<Counters>,
        wake: &Arc<Wake>,
    ) -> Result<Self> {
        let epoll = Epoll::new().trying("make an epoll")?;
        let watched = epoll
            .add(&listener, LISTENER, Interest::Readable)
            .and_then(|()| epoll.add(&**wake, WAKE, Interest::Readable));
        watched.trying("watch a socket")?;
        let (outgoing, incoming) = match service {
            Service::Echo {
                request, response, ..
            } => (response, request),
            _ => (1, 1),
        };
        Ok(Self {
            epoll,
            listener,
            guests: Vec::new(),
            free: Vec::new(),
            again: Vec::new(),
            kitchen: Kitchen {
                service,
                desk: Desk::new(outgoing, incoming),
                room: streams::room(),
            },
            counters: Arc::clone(counters),
            wake: Arc::clone(wake),
        })
    }

    fn run(&mut self) {
        let mut events = events();
        while !self.counters.stop.load(Ordering::Relaxed) {
            if self.turn(&mut events).is_err() {
                // Without its epoll it can serve nobody, which clients will notice.
                return;
            }
        }
    }

    fn turn(&mut self, events: &mut Events) -> Result<()> {
        for place in std::mem::take(&mut self.again) {
            self.serve(place, None);
        }
        let now = Instant::now();
        let patience = if self.again.is_empty() {
            now + Duration::from_secs(1)
        } else {
            now
        };
        wait(&self.epoll, events, patience)?;
        for ready in events.iter() {
            match ready.token {
                LISTENER => self.accept(),
                WAKE => self.wake.drain(),
                token => self.serve(usize::try_from(token).unwrap_or(usize::MAX), Some(ready)),
            }
        }
        Ok(())
    }

    /// Takes all connections there are.
    fn accept(&mut self) {
        // Out of descriptors or memory: they stay in the queue, and the epoll tells again.
        while let Ok(Some((socket, _))) = socket::accept_from(&self.listener) {
            add(&self.counters.connections);
            let guest = Guest::new(self.kitchen.service, socket);
            let place = self.seat(guest);
            // What came with the connection is served at once.
            self.serve(place, None);
            self.watch(place);
        }
    }

    fn seat(&mut self, guest: Guest) -> usize {
        self.counters.open.fetch_add(1, Ordering::Relaxed);
        let place = self.free.pop().unwrap_or(self.guests.len());
        if place == self.guests.len() {
            self.guests.push(None);
        }
        self.guests[place] = Some(guest);
        place
    }

    /// Begins to wait for a guest, if it is there still.
    fn watch(&mut self, place: usize) {
        let Some(guest) = &self.guests[place] else {
            return;
        };
        let token = place as u64;
        if self
            .epoll
            .add(guest.socket(), token, guest.interest())
            .is_err()
        {
            add(&self.counters.cut);
            self.leave(place);
        }
    }

    fn serve(&mut self, place: usize, ready: Option<Ready>) {
        let Some(guest) = self.guests.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        let before = guest.interest();
        match guest.turn(&mut self.kitchen, ready) {
            Ok(Wish::Wait) => {
                // A new guest is not watched yet, and will be with the right interest.
                if guest.interest() != before && ready.is_some() {
                    let token = place as u64;
                    let _known = self.epoll.modify(guest.socket(), token, guest.interest());
                }
            }
            Ok(Wish::Again) => self.again.push(place),
            Ok(Wish::Leave) => self.leave(place),
            Err(error) => {
                let wrong = error.kind() == ErrorKind::InvalidData;
                add(if wrong {
                    &self.counters.wrong
                } else {
                    &self.counters.cut
                });
                // The client shall not take it for a good end.
                let _gone = reset_on_close(guest.socket());
                self.leave(place);
            }
        }
    }

    fn leave(&mut self, place: usize) {
        // Closing takes it out of the epoll, too.
        self.guests[place] = None;
        self.free.push(place);
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Guest {
    fn new(service: Service, socket: OwnedFd) -> Self {
        // Not having it slows down at most.
        match service {
            Service::Echo { close, .. } => {
                if close == Close::Client {
                    let _slower = set_no_delay(&socket);
                }
                Self::Echo(Echo::new(socket, close))
            }
            Service::Sink => Self::Flood(Flood::sink(socket)),
            Service::Source => Self::Flood(Flood::source(socket)),
            Service::Both => Self::Flood(Flood::both(socket)),
        }
    }

    fn socket(&self) -> &OwnedFd {
        match self {
            Self::Echo(echo) => echo.socket(),
            Self::Flood(flood) => flood.socket(),
        }
    }

    const fn interest(&self) -> Interest {
        match self {
            Self::Echo(echo) if !echo.is_answering() => Interest::Arrivals,
            _ => Interest::Everything,
        }
    }

    fn turn(&mut self, kitchen: &mut Kitchen, ready: Option<Ready>) -> io::Result<Wish> {
        match self {
            Self::Echo(echo) => {
                let ended = ready.is_some_and(|ready| ready.read_closed);
                echo.turn(&mut kitchen.desk, ended)
            }
            Self::Flood(flood) => flood.turn(&mut kitchen.room),
        }
    }
}
