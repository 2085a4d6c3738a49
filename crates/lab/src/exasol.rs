//! A fake Exasol database: a cluster of nodes that share their tables, their users and, by
//! default, their certificate. What the real client pyexasol sends is what it understands.
//!
//! ```text
//! door        one port: TLS, a clear WebSocket, the tunnel, each known by its first byte
//! session     login and commands of the WebSocket API
//! sql         the few statements there are, and what they do
//! results     result sets, at once or to be fetched
//! tunnel      IMPORT and EXPORT through a connection that the client has opened
//! ```
//!
//! Not here: prepared statements, compression, transactions, the native protocol (refused), and
//! any SQL beyond [`sql`].

mod certificate;
mod connection;
mod csv;
mod door;
mod key;
mod results;
mod session;
mod sql;
mod tables;
mod tunnel;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use self::{certificate::Certificate, connection::Registry, tables::Tables, tunnel::Tunnels};
use crate::{
    problem::{Result, Trying},
    server,
};

/// Who may log in.
const USER: &str = "sys";
/// With what.
const PASSWORD: &str = "exasol";

/// What all nodes have in common.
#[derive(Debug)]
struct Shared {
    addresses: Vec<SocketAddr>,
    tables: Mutex<Tables>,
    tunnels: Tunnels,
    transfers: Mutex<Vec<Transfer>>,
    sessions: AtomicU64,
    /// How often a Pong is sent while a statement runs; zero: never.
    pongs: Mutex<Duration>,
}

/// One IMPORT or EXPORT that has ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The node of the session that asked for it.
    pub session_node: usize,
    /// The node that the client's second connection has come to.
    pub tunnel_node: usize,
    /// How many rows.
    pub rows: usize,
}

/// How a node behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Serving,
    /// Talks, and refuses every login: the database is starting up.
    StartingUp,
    /// Takes connections and says nothing.
    Silent,
}

/// A cluster; it ends with its owner.
#[derive(Debug)]
pub struct Cluster {
    shared: Arc<Shared>,
    nodes: Vec<Node>,
}

impl Cluster {
    /// So many nodes, on free ports of loopback.
    ///
    /// # Errors
    /// No socket can be bound.
    pub fn start(nodes: usize) -> Result<Self> {
        let doors: Vec<_> = (0..nodes)
            .map(|_| server::listen(SocketAddr::from(([127, 0, 0, 1], 0))))
            .collect::<Result<_>>()?;
        let addresses: Vec<_> = doors
            .iter()
            .map(|door| door.local_addr().trying("ask for a socket's address"))
            .collect::<Result<_>>()?;
        let shared = Arc::new(Shared {
            addresses: addresses.clone(),
            tables: Mutex::default(),
            tunnels: Tunnels::default(),
            transfers: Mutex::default(),
            sessions: AtomicU64::new(0),
            pongs: Mutex::new(Duration::from_secs(1)),
        });
        let certificate = Arc::new(Certificate::new()?);
        let mut nodes = Vec::with_capacity(doors.len());
        for (index, (address, door)) in addresses.into_iter().zip(doors).enumerate() {
            let inside = Inside {
                index,
                shared: Arc::clone(&shared),
                certificate: Mutex::new(Arc::clone(&certificate)),
                mood: Mutex::new(Mood::Serving),
                connections: Registry::default(),
            };
            let mut node = Node {
                address,
                inside: Arc::new(inside),
                running: None,
            };
            node.serve(door);
            nodes.push(node);
        }
        Ok(Self { shared, nodes })
    }

    /// A node, counted from 0.
    ///
    /// # Panics
    /// There are not so many.
    #[must_use]
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// The same, to kill or revive it.
    ///
    /// # Panics
    /// There are not so many.
    pub fn node_mut(&mut self, index: usize) -> &mut Node {
        &mut self.nodes[index]
    }

    /// Where they all listen.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.shared.addresses
    }

    /// How often a Pong is sent while a statement runs; zero: never.
    pub fn set_pongs(&self, interval: Duration) {
        *lock(&self.shared.pongs) = interval;
    }

    /// The IMPORTs and EXPORTs so far.
    #[must_use]
    pub fn transfers(&self) -> Vec<Transfer> {
        lock(&self.shared.transfers).clone()
    }

    /// How many sessions have ever logged in.
    #[must_use]
    pub fn logins(&self) -> u64 {
        self.shared.sessions.load(Ordering::SeqCst)
    }
}

/// A node of the cluster.
#[derive(Debug)]
pub struct Node {
    address: SocketAddr,
    inside: Arc<Inside>,
    running: Option<Running>,
}

/// What the threads of a node share.
#[derive(Debug)]
struct Inside {
    index: usize,
    shared: Arc<Shared>,
    certificate: Mutex<Arc<Certificate>>,
    mood: Mutex<Mood>,
    connections: Registry,
}

#[derive(Debug)]
struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Node {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// SHA-256 of its certificate, in hexadecimal: what a client writes behind the `/`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        lock(&self.inside.certificate).fingerprint()
    }

    /// Gives it a certificate of its own.
    ///
    /// # Errors
    /// None can be made.
    pub fn renew_certificate(&self) -> Result<()> {
        *lock(&self.inside.certificate) = Arc::new(Certificate::new()?);
        Ok(())
    }

    /// How it behaves from now on, to whoever connects or logs in.
    pub fn set_mood(&self, mood: Mood) {
        *lock(&self.inside.mood) = mood;
    }

    /// How many connections it has, of any kind.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inside.connections.len()
    }

    /// Ends it as a crash does: nobody listens, every connection is closed by the kernel.
    pub fn kill(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            stop.store(true, Ordering::SeqCst);
            let _joined = thread.join();
        }
        self.inside.connections.close_all();
        self.inside.shared.tunnels.forget(self.inside.index);
    }

    /// Starts it again where it was.
    ///
    /// # Errors
    /// Somebody else has its port.
    pub fn revive(&mut self) -> Result<()> {
        if self.running.is_none() {
            let door = server::listen(self.address)?;
            self.serve(door);
        }
        Ok(())
    }

    fn serve(&mut self, door: std::net::TcpListener) {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (inside, stop) = (Arc::clone(&self.inside), Arc::clone(&stop));
            move || door::watch(&door, &inside, &stop)
        });
        self.running = Some(Running { stop, thread });
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A panic elsewhere is reported where it happens.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
