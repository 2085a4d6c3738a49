//! Clients and servers: one thread that does one thing after the other.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use super::stage::settle;
use crate::{
    problem::{Problem, Result, Trying},
    statistics,
};

/// What happens, and what a unit of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A connection with a request and a response of 64 B, which the client ends.
    ClientCloses,
    /// The same, which the server ends.
    ServerCloses,
    /// A request and a response of so many bytes in a session that stays.
    Message(usize),
    /// A MiB from the client to the server.
    Up,
    /// A MiB from the server to the client.
    Down,
    /// The statistics in this form: `/stats`, `/stats;csv`.
    Scrape(&'static str),
    /// A connection, of many at once.
    Rush,
    /// A request and a response of 64 B, in many sessions at once.
    Chatter,
    /// A session whose client says nothing after its first message, until its time is over.
    Expiry,
    /// A second in which nothing happens.
    Second,
}

/// Bytes of a request and of a response.
const SMALL: usize = 64;
/// How many clients are many.
const CROWD: u32 = 8;
const MIB: usize = 1 << 20;
/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Both ends of the sessions through a program.
pub(super) struct Talk {
    servers: TcpListener,
    front: SocketAddr,
    page: SocketAddr,
    pid: u32,
    idle: Vec<(TcpStream, TcpStream)>,
}

impl Talk {
    pub(super) fn new(servers: TcpListener, front: SocketAddr, page: SocketAddr, pid: u32) -> Self {
        Self {
            servers,
            front,
            page,
            pid,
            idle: Vec::new(),
        }
    }

    /// So many sessions that stay and say nothing from now on.
    pub(super) fn fill(&mut self, sessions: usize) -> Result<()> {
        for _ in 0..sessions {
            let pair = self.session()?;
            self.idle.push(pair);
            settle(self.pid)?;
        }
        Ok(())
    }

    /// So much work, one unit after the other.
    pub(super) fn work(&self, work: Work, amount: u32) -> Result<()> {
        match work {
            Work::ClientCloses => self.repeat(amount, || self.connection(true)),
            Work::ServerCloses => self.repeat(amount, || self.connection(false)),
            Work::Expiry => self.repeat(amount, || {
                let (client, server) = self.session()?;
                // Silence counts as the client's end; the server's is the session's.
                ended(server)?;
                ended(client)
            }),
            Work::Scrape(path) => self.repeat(amount, || self.scrape(path)),
            Work::Rush => self.at_once(amount, |amount| {
                (0..amount).try_for_each(|_| self.echoes(1))
            }),
            Work::Chatter => self.at_once(amount, |amount| self.echoes(amount)),
            Work::Second => {
                thread::sleep(Duration::from_secs(amount.into()));
                Ok(())
            }
            Work::Message(size) => {
                let (mut client, mut server) = self.session()?;
                self.repeat(amount, || exchange(&mut client, &mut server, size))
            }
            Work::Up => {
                let (mut client, mut server) = self.session()?;
                self.repeat(amount, || carry(&mut client, &mut server))
            }
            Work::Down => {
                let (mut client, mut server) = self.session()?;
                self.repeat(amount, || carry(&mut server, &mut client))
            }
        }
    }

    fn repeat(&self, amount: u32, mut once: impl FnMut() -> Result<()>) -> Result<()> {
        (0..amount).try_for_each(|_| {
            once()?;
            settle(self.pid)
        })
    }

    /// A session that has exchanged its first message.
    fn session(&self) -> Result<(TcpStream, TcpStream)> {
        let mut client = TcpStream::connect(self.front).trying("connect")?;
        prepare(&client)?;
        send(&mut client, SMALL)?;
        let (mut server, _) = self.servers.accept().trying("accept")?;
        prepare(&server)?;
        receive(&mut server, SMALL)?;
        send(&mut server, SMALL)?;
        receive(&mut client, SMALL)?;
        Ok((client, server))
    }

    fn connection(&self, by_client: bool) -> Result<()> {
        if by_client {
            let (client, server) = self.session()?;
            drop(client);
            return ended(server);
        }
        let mut client = TcpStream::connect(self.front).trying("connect")?;
        prepare(&client)?;
        send(&mut client, SMALL)?;
        let (mut server, _) = self.servers.accept().trying("accept")?;
        receive(&mut server, SMALL)?;
        send(&mut server, SMALL)?;
        drop(server);
        receive(&mut client, SMALL)?;
        ended(client)
    }

    /// Shares work among many clients, and serves whatever comes.
    fn at_once(&self, amount: u32, client: impl Fn(u32) -> Result<()> + Sync) -> Result<()> {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..CROWD {
                scope.spawn(|| serve(&self.servers, &done));
            }
            let clients: Vec<_> = (0..CROWD)
                .map(|_| scope.spawn(|| client(amount / CROWD)))
                .collect();
            let ended = clients.into_iter().try_for_each(joined);
            done.store(true, Ordering::Relaxed);
            // The servers wake for one more connection, and see that it is the last.
            let address = self.servers.local_addr().trying("ask for an address")?;
            for _ in 0..CROWD {
                let _seen = TcpStream::connect(address);
            }
            ended
        })?;
        settle(self.pid)
    }

    /// A session of its own in which a server answers so often.
    fn echoes(&self, amount: u32) -> Result<()> {
        let mut client = TcpStream::connect(self.front).trying("connect")?;
        prepare(&client)?;
        (0..amount).try_for_each(|_| {
            send(&mut client, SMALL)?;
            receive(&mut client, SMALL)
        })
    }

    fn scrape(&self, path: &str) -> Result<()> {
        let answer = statistics::get(self.page, path, "")?;
        if answer.status == 200 {
            return Ok(());
        }
        let problem = format!("the page answered {}", answer.status);
        Err(Problem::Unexpected(problem))
    }
}

/// Serves sessions, one after the other, until told that it is done.
fn serve(servers: &TcpListener, done: &AtomicBool) {
    while let Ok((mut server, _)) = servers.accept() {
        if done.load(Ordering::Relaxed) || prepare(&server).is_err() {
            return;
        }
        // The client notices what fails here.
        while receive(&mut server, SMALL).is_ok() && send(&mut server, SMALL).is_ok() {}
    }
}

fn joined(thread: ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    let panicked = |_| Problem::Unexpected("a client panicked".into());
    thread.join().map_err(panicked)?
}

fn prepare(stream: &TcpStream) -> Result<()> {
    stream.set_nodelay(true).trying("set an option")?;
    let patience = Some(PATIENCE);
    stream.set_read_timeout(patience).trying("set a timeout")?;
    stream.set_write_timeout(patience).trying("set a timeout")
}

fn send(stream: &mut TcpStream, bytes: usize) -> Result<()> {
    stream.write_all(&vec![b'x'; bytes]).trying("send")
}

fn receive(stream: &mut TcpStream, bytes: usize) -> Result<()> {
    stream.read_exact(&mut vec![0; bytes]).trying("receive")
}

/// The other side has ended it, and so do we.
fn ended(mut stream: TcpStream) -> Result<()> {
    match stream.read(&mut [0; SMALL]).trying("read the end")? {
        0 => Ok(()),
        more => Err(Problem::Unexpected(format!(
            "{more} bytes instead of the end"
        ))),
    }
}

fn exchange(client: &mut TcpStream, server: &mut TcpStream, size: usize) -> Result<()> {
    send(client, size)?;
    receive(server, size)?;
    send(server, size)?;
    receive(client, size)
}

fn carry(from: &mut TcpStream, to: &mut TcpStream) -> Result<()> {
    thread::scope(|scope| {
        let sending = scope.spawn(|| send(from, MIB));
        receive(to, MIB)?;
        joined(sending)
    })
}
