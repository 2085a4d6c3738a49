//! The how-to's whole picture in namespaces of one process, without root where the kernel allows
//! it, without any tool, and without touching the host.
//!
//! ```text
//!  client 203.0.113.9 ── internet ── gateway ── subnet 10.0.1.0/24 ┬─ node 10.0.1.207
//!                        34.249.49.35 ⇄ whom the cloud says        ├─ node 10.0.1.190
//!                        metadata 169.254.169.254, API 10.0.1.5    └─ databases 10.0.1.11-13
//! ```
//!
//! [`enter`] leaves the host; it must come before the process has a second thread. What is bound
//! before, stays in the host's network: that is how the statistics pages are reached from there.
//! Each node is a machine of its own: its processes, its `/tmp`, its `/run`. When this process
//! ends, even by `SIGKILL`, so does everything else, and nothing is left.

mod configuration;
mod databases;
mod enter;
mod event;
mod forward;
mod init;
mod limit;
mod machine;
mod name;
mod network;
mod nursery;
mod provider;
mod refused;
mod root;
mod words;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    time::Duration,
};

use self::{
    databases::Databases,
    event::Teller,
    forward::{Forward, Way},
    machine::Machine,
    network::Picture,
    nursery::{Nursery, Plan},
    provider::Provider,
    root::Written,
};
pub use self::{
    enter::{Entrance, enter},
    event::{Event, What},
    limit::Limit,
    name::Name,
    refused::Refused,
};
use crate::{
    cloud::Cloud,
    probe::Probe,
    problem::{Problem, Result, Trying},
};

/// The floating IP.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(34, 249, 49, 35);
/// The databases' port, and the proxy's.
pub const SERVICE: u16 = 8563;
/// How long a node may take to tell how it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the client remembers its attempts: a demo may run for days.
const MEMORY: Duration = Duration::from_secs(60);
/// Where a node is asked.
const DOOR: &str = "/run/pontoon/node.sock";
const HAPROXY: &str = "haproxy/haproxy.cfg";
const KEEPALIVED: &str = "keepalived/keepalived.conf";

/// All of it. Dropped, it is gone.
pub struct Site {
    // In this order they end: first what uses others.
    client: Probe,
    forwards: [Forward; 2],
    nodes: [Option<Machine>; 2],
    ways: [Way; 2],
    databases: Databases,
    provider: Provider,
    mapped: Arc<Mutex<Option<Ipv4Addr>>>,
    picture: Picture,
    nursery: Nursery,
    program: PathBuf,
    limits: Vec<Limit>,
    teller: Teller,
    events: Option<Receiver<Event>>,
}

impl Site {
    /// Builds everything and starts everything: both nodes, the databases, the cloud, and a client
    /// that connects all the time. Does not wait until there is a master.
    ///
    /// # Errors
    /// Something is refused that was not in the rehearsal.
    pub fn build(entrance: Entrance) -> Result<Self> {
        let Entrance {
            nursery,
            doors,
            program,
            limits,
        } = entrance;
        let (sender, events) = mpsc::channel();
        let teller = Teller(sender);
        let services = [provider::API, provider::METADATA];
        let picture = Picture::draw(&services, &databases::ADDRESSES)?;
        let provider = Provider::open(&picture.gateway)?;
        let mapped = follow(&provider.cloud, &picture, &teller)?;
        let databases = Databases::start(&picture.databases)?;
        let target = SocketAddr::from((ADDRESS, SERVICE));
        let connect = || Probe::remembering(target, MEMORY);
        let client = picture.client.run(connect).trying("start the client")?;
        let ways: [Way; 2] = Default::default();
        let [first, second] = doors;
        let forward = |door, way: &Way| {
            Forward::start(door, Arc::clone(way)).trying("forward the statistics pages")
        };
        let forwards = [forward(first, &ways[0])?, forward(second, &ways[1])?];
        let mut site = Self {
            client,
            forwards,
            nodes: [None, None],
            ways,
            databases,
            provider,
            mapped,
            picture,
            nursery,
            program,
            limits,
            teller,
            events: Some(events),
        };
        for node in Name::ALL {
            site.power_on(node)?;
        }
        Ok(site)
    }

    /// What is not as on real machines.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// What happens from the beginning on; `None` the second time.
    pub const fn events(&mut self) -> Option<Receiver<Event>> {
        self.events.take()
    }

    /// The cloud: its calls, its faults, who has the address there.
    #[must_use]
    pub const fn cloud(&self) -> &Cloud {
        &self.provider.cloud
    }

    /// To whom the gateway maps the address.
    #[must_use]
    pub fn holder(&self) -> Option<Name> {
        let mapped = *self.mapped.lock().unwrap_or_else(PoisonError::into_inner);
        mapped.and_then(Name::at)
    }

    /// The client on the internet, with its attempts of the last minute.
    #[must_use]
    pub const fn client(&self) -> &Probe {
        &self.client
    }

    /// Does something beside the client, on a thread of its own; what is connected there stays so.
    ///
    /// # Errors
    /// The network cannot be entered.
    pub fn on_the_internet<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let done = self.picture.client.run(work);
        done.trying("do something on the internet")
    }

    /// Where the host finds a node's statistics: `http://…/haproxy_stats`, for `admin` with
    /// `strongPassworD`.
    #[must_use]
    pub const fn statistics(&self, node: Name) -> SocketAddr {
        self.forwards[node.index()].address()
    }

    /// A node's files: where they are inside, and what they hold.
    #[must_use]
    pub fn configuration(&self, node: Name) -> [(String, String); 2] {
        let files = [
            (HAPROXY, configuration::haproxy(&self.limits)),
            (KEEPALIVED, configuration::keepalived(node, &self.limits)),
        ];
        files.map(|(path, content)| (format!("/etc/{path}"), content))
    }

    /// How a node is: the line of JSON that it gives to `pontoon status`.
    ///
    /// # Errors
    /// It is off, starts just now, or does not answer.
    pub fn status(&self, node: Name) -> Result<String> {
        let what = "ask a node how it is";
        let mut door = self.door(node)?;
        door.set_read_timeout(Some(PATIENCE)).trying(what)?;
        door.write_all(b"{\"command\":\"status\"}\n").trying(what)?;
        let mut answer = String::new();
        BufReader::new(door).read_line(&mut answer).trying(what)?;
        Ok(answer)
    }

    /// A connection to the socket at which a node is asked.
    ///
    /// # Errors
    /// It is off, or starts just now.
    pub fn door(&self, node: Name) -> Result<UnixStream> {
        self.machine(node)?.connect(DOOR)
    }

    /// A connection from a node, to itself as a rule.
    ///
    /// # Errors
    /// It is off, or nobody listens there.
    pub fn connect(&self, node: Name, to: SocketAddr) -> Result<TcpStream> {
        let what = || format!("connect to {to} on {}", node.host());
        let network = self.way(node).clone();
        let network =
            network.ok_or_else(|| Problem::Unexpected(format!("{}: it is off", what())))?;
        let connect = || TcpStream::connect_timeout(&to, PATIENCE);
        network.run(connect).flatten().trying(what())
    }

    /// Kills the proxy of a node, all its processes; tells how many.
    ///
    /// # Errors
    /// It is off.
    pub fn kill_proxy(&self, node: Name) -> Result<usize> {
        self.machine(node)?.kill_all("haproxy")
    }

    /// Kills the election of a node; tells how many processes.
    ///
    /// # Errors
    /// It is off.
    pub fn kill_election(&self, node: Name) -> Result<usize> {
        self.machine(node)?.kill_all("keepalived")
    }

    /// What a file of a node holds.
    ///
    /// # Errors
    /// It is off, or has no such file.
    pub fn file(&self, node: Name, path: &str) -> Result<String> {
        self.machine(node)?.read(path)
    }

    /// Runs a program on a node to its end and returns what it said.
    ///
    /// # Errors
    /// It is off or has no such program, or that failed.
    pub fn run(&self, node: Name, line: &[&str]) -> Result<String> {
        self.machine(node)?.run(line)
    }

    /// Cuts the power of a node: nothing there says goodbye.
    ///
    /// # Errors
    /// The kernel does not end it.
    pub fn power_off(&mut self, node: Name) -> Result<()> {
        self.picture.disconnect(node)?;
        *self.way(node) = None;
        let machine = self.nodes[node.index()].take();
        machine.map_or(Ok(()), Machine::power_off)
    }

    /// Switches a node on, if it is off: it boots afresh and starts its program.
    ///
    /// # Errors
    /// It does not boot.
    pub fn power_on(&mut self, node: Name) -> Result<()> {
        if self.is_on(node) {
            return Ok(());
        }
        let network = self.picture.connect(node)?;
        let files = self.configuration(node);
        let own = [HAPROXY, KEEPALIVED].into_iter().zip(&files);
        let own = own.map(|(path, (_, content))| (path, content.as_str()));
        let written = configuration::users(&self.limits).into_iter().chain(own);
        let written: Vec<_> = written
            .map(|(path, content)| Written { path, content })
            .collect();
        let plan = Plan {
            name: node.host(),
            program: &self.program,
            written: &written,
        };
        let machine = Machine::boot(&self.nursery, &plan, &network)?;
        self.start(node, &machine, &files)?;
        *self.way(node) = Some(network);
        self.nodes[node.index()] = Some(machine);
        Ok(())
    }

    fn start(&self, node: Name, machine: &Machine, files: &[(String, String); 2]) -> Result<()> {
        let [(haproxy, _), (keepalived, _)] = files;
        let started = machine.start(&[root::PROGRAM, "run", haproxy, keepalived])?;
        let (saying, ending) = (self.teller.clone(), self.teller.clone());
        machine::listen(
            started,
            move |line| saying.tell(What::Said { node, line }),
            move |how| ending.tell(What::Ended { node, how }),
        );
        Ok(())
    }

    /// Whether it has power.
    #[must_use]
    pub const fn is_on(&self, node: Name) -> bool {
        self.nodes[node.index()].is_some()
    }

    /// Kills a database (0 to 2).
    pub fn kill_database(&mut self, number: usize) {
        self.databases.kill(number);
    }

    /// Revives a database (0 to 2), if it is dead.
    ///
    /// # Errors
    /// It does not start.
    pub fn revive_database(&mut self, number: usize) -> Result<()> {
        self.databases.revive(&self.picture.databases, number)
    }

    /// The cloud's API resets all connections. Metadata, which comes from the machine that carries a
    /// node, stays.
    pub fn cloud_down(&self) {
        self.provider.down(true);
    }

    /// It answers again.
    pub fn cloud_up(&self) {
        self.provider.down(false);
    }

    /// Cuts the nodes off from each other. Everything else still reaches both.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn cut_link(&mut self) -> Result<()> {
        self.picture.cut(true)
    }

    /// Lets them hear each other again.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn heal_link(&mut self) -> Result<()> {
        self.picture.cut(false)
    }

    fn machine(&self, node: Name) -> Result<&Machine> {
        let machine = self.nodes[node.index()].as_ref();
        machine.ok_or_else(|| Problem::Unexpected(format!("{} is off", node.host())))
    }

    fn way(
        &self,
        node: Name,
    ) -> std::sync::MutexGuard<'_, Option<Arc<pontoon_sys::namespace::Network>>> {
        let way = self.ways[node.index()].lock();
        way.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for node in Name::ALL {
            // They end with this process at the latest.
            let _gone = self.power_off(node);
        }
    }
}

/// Lets the gateway do as the cloud says; what it maps to is in the answer.
fn follow(
    cloud: &Cloud,
    picture: &Picture,
    teller: &Teller,
) -> Result<Arc<Mutex<Option<Ipv4Addr>>>> {
    provider::map(&picture.gateway, None).trying("map the address to nobody")?;
    let mapped = Arc::<Mutex<Option<Ipv4Addr>>>::default();
    let (gateway, teller, told) = (
        Arc::clone(&picture.gateway),
        teller.clone(),
        Arc::clone(&mapped),
    );
    cloud.on_move(Box::new(move |public, private| {
        if public != ADDRESS {
            return;
        }
        match provider::map(&gateway, private) {
            Ok(()) => {
                *told.lock().unwrap_or_else(PoisonError::into_inner) = private;
                let to = private.and_then(Name::at);
                teller.tell(What::Moved { to });
            }
            Err(error) => teller.tell(What::Trouble(format!("map the address: {error}"))),
        }
    }));
    Ok(mapped)
}
