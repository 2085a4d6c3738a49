//! A cloud where servers have numbers and an address is assigned to one of them: the state behind
//! the fakes of Hetzner Cloud and DigitalOcean.

mod digitalocean;
mod hetzner;
mod rest;

use std::{
    net::{IpAddr, TcpListener},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::{Call, Faults, Server, lock};

/// Servers, addresses and tokens of one project. Clones share everything.
#[derive(Clone)]
pub struct Estate(Arc<Shared>);

#[derive(Default)]
struct Shared {
    land: Mutex<Land>,
    calls: Mutex<Vec<Call>>,
    metadata_calls: Mutex<Vec<Call>>,
    api_faults: Faults,
    metadata_faults: Faults,
}

/// What there is.
#[derive(Debug, Default)]
struct Land {
    tokens: Vec<(String, bool)>,
    servers: Vec<(u64, IpAddr)>,
    addresses: Vec<Address>,
    actions: Vec<Action>,
    action_takes: Duration,
    doomed: u32,
}

/// An address that can be assigned.
#[derive(Debug)]
struct Address {
    id: u64,
    ip: String,
    history: Vec<(Instant, Option<u64>)>,
}

/// Something that has been started.
#[derive(Debug, Clone)]
struct Action {
    id: u64,
    address: u64,
    server: u64,
    ends: Instant,
    /// It comes to nothing.
    doomed: bool,
    /// Its effect is there.
    applied: bool,
}

/// How far an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Running,
    Done,
    Failed,
}

impl Default for Estate {
    fn default() -> Self {
        Self::new()
    }
}

impl Estate {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Adds a token; one that may only read may not move anything.
    pub fn token(&self, token: &str, may_write: bool) {
        lock(&self.0.land)
            .tokens
            .push((token.to_owned(), may_write));
    }

    /// From here on nobody knows a token.
    pub fn revoke(&self, token: &str) {
        lock(&self.0.land).tokens.retain(|(each, _)| each != token);
    }

    /// Adds a server, which the metadata service knows by its address.
    pub fn server(&self, id: u64, address: IpAddr) {
        lock(&self.0.land).servers.push((id, address));
    }

    /// Adds an address that is assigned to nobody; `ip` as the provider writes it (`1.2.3.4`, at
    /// Hetzner also `2001:db8::/64`).
    pub fn address(&self, id: u64, ip: &str) {
        lock(&self.0.land).addresses.push(Address {
            id,
            ip: ip.to_owned(),
            history: vec![(Instant::now(), None)],
        });
    }

    /// The server that has an address.
    #[must_use]
    pub fn holder(&self, id: u64) -> Option<u64> {
        let mut land = lock(&self.0.land);
        land.settle();
        land.addresses.iter().find(|each| each.id == id)?.holder()
    }

    /// Somebody else moves an address, past the API.
    pub fn move_to(&self, id: u64, server: Option<u64>) {
        let mut land = lock(&self.0.land);
        land.settle();
        if let Some(address) = land.addresses.iter_mut().find(|each| each.id == id) {
            address.history.push((Instant::now(), server));
        }
    }

    /// An assignment has its effect so long after it was agreed to; until then the address is
    /// locked.
    pub fn action_takes(&self, time: Duration) {
        lock(&self.0.land).action_takes = time;
    }

    /// The next `count` assignments are agreed to and come to nothing.
    pub fn doom_actions(&self, count: u32) {
        lock(&self.0.land).doomed = count;
    }

    /// All calls of the API so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.0.calls).clone()
    }

    /// All requests to the metadata service so far.
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

    /// Serves the API of Hetzner Cloud.
    #[must_use]
    pub fn serve_hetzner(&self, listener: TcpListener) -> Server {
        Server::start(listener, None, hetzner::Api(Arc::clone(&self.0)))
    }

    /// Serves the API of DigitalOcean.
    #[must_use]
    pub fn serve_digitalocean(&self, listener: TcpListener) -> Server {
        Server::start(listener, None, digitalocean::Api(Arc::clone(&self.0)))
    }

    /// Serves the metadata of both; who asks is known by the source address, or is `only`.
    #[must_use]
    pub fn serve_metadata(&self, listener: TcpListener, only: Option<u64>) -> Server {
        let metadata = rest::Metadata {
            shared: Arc::clone(&self.0),
            only,
        };
        Server::start(listener, None, metadata)
    }
}

impl Land {
    /// Lets every action that is due have its effect.
    fn settle(&mut self) {
        let now = Instant::now();
        let Self {
            actions, addresses, ..
        } = self;
        let due = |action: &&mut Action| !action.applied && action.ends <= now;
        for action in actions.iter_mut().filter(due) {
            action.applied = true;
            let address = addresses.iter_mut().find(|each| each.id == action.address);
            if let Some(address) = address.filter(|_| !action.doomed) {
                address.history.push((action.ends, Some(action.server)));
            }
        }
    }

    fn is_locked(&self, address: u64) -> bool {
        let mut actions = self.actions.iter();
        actions.any(|action| action.address == address && !action.applied)
    }

    fn has_server(&self, id: u64) -> bool {
        self.servers.iter().any(|(each, _)| *each == id)
    }

    /// Starts to bring an address to a server.
    fn assign(&mut self, address: u64, server: u64) -> Action {
        let doomed = self.doomed > 0;
        self.doomed = self.doomed.saturating_sub(1);
        let action = Action {
            id: 1001 + self.actions.len() as u64,
            address,
            server,
            ends: Instant::now() + self.action_takes,
            doomed,
            applied: false,
        };
        self.actions.push(action.clone());
        self.settle();
        self.actions.last().cloned().unwrap_or(action)
    }
}

impl Address {
    fn holder(&self) -> Option<u64> {
        self.history.last().and_then(|(_, server)| *server)
    }

    /// Whom it was with so long ago.
    fn seen(&self, lag: Duration) -> Option<u64> {
        let old = |entry: &&(Instant, Option<u64>)| entry.0.elapsed() >= lag;
        let entry = self.history.iter().rev().find(old);
        entry.or(self.history.first())?.1
    }
}

impl Action {
    const fn progress(&self) -> Progress {
        match (self.applied, self.doomed) {
            (false, _) => Progress::Running,
            (true, false) => Progress::Done,
            (true, true) => Progress::Failed,
        }
    }
}
