//! A cloud of our own: an EC2 Query API and instance metadata that are as strict as the documented
//! ones, and break in the ways that real ones do.
//!
//! Nothing here is shared with the client under test: signatures are verified by a second
//! implementation, answers are written from the documented shapes. All state is in one [`Cloud`],
//! whose clones are the same cloud; each API is served on whatever listener it is given.

mod ec2;
mod estate;
mod faults;
mod form;
mod http;
mod metadata;
mod server;
mod signature;
mod sts;
mod vault;
mod world;
mod xml;

use std::{
    net::{IpAddr, Ipv4Addr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustls::ServerConfig;

pub use self::{
    estate::Estate,
    faults::{Down, Faults, Lost},
    metadata::Tokens,
    server::Server,
};
use self::{vault::Vault, world::World};

/// A machine, or one more network interface of a machine that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `i-…`.
    pub id: String,
    /// `eni-…`.
    pub interface: String,
    /// The interface's private addresses; the first is the primary one. The metadata service
    /// knows a machine by these.
    pub private_ips: Vec<Ipv4Addr>,
    /// `eu-west-1`. The API serves the region of the first instance.
    pub region: String,
}

/// One request to an API, as it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When it was carried out.
    pub at: Instant,
    /// What it asked for: `AssociateAddress`, or `GET /latest/meta-data/mac`.
    pub action: String,
    /// Whether it only asked whether it might (`DryRun`).
    pub dry_run: bool,
    /// The access key that signed it; empty if none did.
    pub by: String,
    /// Where it came from.
    pub source: IpAddr,
    /// `ok`, or the error's code.
    pub outcome: String,
}

type Watcher = Box<dyn Fn(Ipv4Addr, Option<Ipv4Addr>) + Send>;

/// The cloud. Clones share everything.
#[derive(Clone)]
pub struct Cloud(Arc<Shared>);

struct Shared {
    world: Mutex<World>,
    vault: Mutex<Vault>,
    calls: Mutex<Vec<Call>>,
    metadata_calls: Mutex<Vec<Call>>,
    metadata: Mutex<metadata::State>,
    /// Held while an address moves and its watchers are told, so that they hear in order.
    watchers: Mutex<Vec<Watcher>>,
    api_faults: Faults,
    metadata_faults: Faults,
}

/// A panic in a test's thread must not hide behind a poisoned lock elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Cloud {
    fn default() -> Self {
        Self::new()
    }
}

impl Cloud {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            world: Mutex::default(),
            vault: Mutex::default(),
            calls: Mutex::default(),
            metadata_calls: Mutex::default(),
            metadata: Mutex::default(),
            watchers: Mutex::default(),
            api_faults: Faults::default(),
            metadata_faults: Faults::default(),
        }))
    }

    /// Adds a machine; the same `id` once more adds an interface to it.
    pub fn instance(&self, instance: Instance) {
        lock(&self.0.world).instances.push(instance);
    }

    /// Adds an Elastic IP that nobody has.
    pub fn address(&self, public: Ipv4Addr, allocation: &str) {
        lock(&self.0.world).allocate(public, allocation);
    }

    /// Adds a key that may do what `allowed` says: `ec2:AssociateAddress`, or `ec2:*`.
    pub fn credentials(
        &self,
        access_key: &str,
        secret: &str,
        session_token: Option<&str>,
        allowed: &[&str],
    ) {
        lock(&self.0.vault).add(access_key, secret, session_token, allowed);
    }

    /// Gives the machines a role, whose keys the metadata service hands out. A key is good for
    /// `lifetime`, up to the next whole second, and is followed by a new one when a quarter of
    /// that is left.
    pub fn instance_role(&self, name: &str, allowed: &[&str], lifetime: Duration) {
        lock(&self.0.vault).instance_role(name, allowed, lifetime);
    }

    /// Adds a role that whoever shows `token` may assume at the STS (web identity).
    pub fn web_identity(&self, role_arn: &str, token: &str, allowed: &[&str], lifetime: Duration) {
        lock(&self.0.vault).web_identity(role_arn, token, allowed, lifetime);
    }

    /// Adds a role whose keys the container endpoint hands out at `path` to whoever sends
    /// `authorization`.
    pub fn container(
        &self,
        path: &str,
        authorization: Option<&str>,
        allowed: &[&str],
        lifetime: Duration,
    ) {
        lock(&self.0.vault).container(path, authorization, allowed, lifetime);
    }

    /// The secrets of all keys so far, and all tokens that were handed out with them or for metadata.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let mut all: Vec<_> = lock(&self.0.vault).secrets().collect();
        all.extend(lock(&self.0.metadata).given().cloned());
        all
    }

    /// From here on every key of every role has expired, whatever was said when it was handed out.
    pub fn expire_role_keys(&self) {
        lock(&self.0.vault).expire_roles();
    }

    /// The private address that has a public one.
    #[must_use]
    pub fn holder(&self, public: Ipv4Addr) -> Option<Ipv4Addr> {
        lock(&self.0.world).holder(public)
    }

    /// Somebody else moves an address, past the API: to the machine with this private address, or
    /// to nobody. Ignored if there is no such address or machine.
    pub fn move_to(&self, public: Ipv4Addr, private: Option<Ipv4Addr>) {
        self.0.moving(|world| world.force(public, private));
    }

    /// Calls back on every move, in the order of the moves. The callback may ask this cloud, but
    /// not move anything.
    pub fn on_move(&self, watcher: Watcher) {
        lock(&self.0.watchers).push(watcher);
    }

    /// All calls of the EC2 API (and STS) so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0.calls).clone()
    }

    /// The calls that came after the first `known` ones.
    #[must_use]
    pub fn calls_after(&self, known: usize) -> Vec<Call> {
        let calls = lock(&self.0.calls);
        calls.get(known..).unwrap_or_default().to_vec()
    }

    /// All requests to the metadata service and the container endpoint so far.
    #[must_use]
    pub fn metadata_calls(&self) -> Vec<Call> {
        lock(&self.0.metadata_calls).clone()
    }

    /// What is wrong with the API.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.api_faults
    }

    /// What is wrong with the metadata service.
    #[must_use]
    pub fn metadata_faults(&self) -> &Faults {
        &self.0.metadata_faults
    }

    /// Whether metadata is told without a token; it is not unless this says so.
    pub fn metadata_tokens(&self, tokens: Tokens) {
        lock(&self.0.metadata).tokens = tokens;
    }

    /// Every token handed out so far is worthless.
    pub fn forget_metadata_tokens(&self) {
        lock(&self.0.metadata).forget();
    }

    /// Serves the EC2 Query API.
    #[must_use]
    pub fn serve_ec2(&self, listener: TcpListener) -> Server {
        Server::start(listener, None, ec2::Ec2(Arc::clone(&self.0)))
    }

    /// Serves the EC2 Query API over TLS.
    #[must_use]
    pub fn serve_ec2_tls(&self, listener: TcpListener, tls: Arc<ServerConfig>) -> Server {
        Server::start(listener, Some(tls), ec2::Ec2(Arc::clone(&self.0)))
    }

    /// Serves the Security Token Service, which turns web identities into keys.
    #[must_use]
    pub fn serve_sts(&self, listener: TcpListener) -> Server {
        Server::start(listener, None, sts::Sts(Arc::clone(&self.0)))
    }

    /// Serves the instance metadata; who asks is known by the source address.
    #[must_use]
    pub fn serve_metadata(&self, listener: TcpListener) -> Server {
        Server::start(listener, None, metadata::Metadata::by_source(&self.0))
    }

    /// Serves the metadata of one instance to whoever asks: where all come from loopback.
    #[must_use]
    pub fn serve_metadata_of(&self, instance: &str, listener: TcpListener) -> Server {
        Server::start(listener, None, metadata::Metadata::of(&self.0, instance))
    }

    /// Serves the container credential endpoint.
    #[must_use]
    pub fn serve_container(&self, listener: TcpListener) -> Server {
        Server::start(listener, None, metadata::Container(Arc::clone(&self.0)))
    }
}

impl Shared {
    /// Changes the world, and tells the watchers of every address whose holder is another now.
    fn moving<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let watchers = lock(&self.watchers);
        let (result, moved) = {
            let mut world = lock(&self.world);
            let before = world.holders();
            let result = change(&mut world);
            (result, world::changed(&before, &world.holders()))
        };
        for (public, private) in moved {
            for watcher in watchers.iter() {
                watcher(public, private);
            }
        }
        result
    }
}
