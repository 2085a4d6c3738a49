//! Many sessions: one server for all of them, clients that stay, clients that come and go.

use std::{
    collections::HashMap,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsRawFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit},
};

use crate::problem::{Problem, Result, Trying};

/// How long one step of one session may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Allows this process as many open files as it may ask for.
///
/// # Errors
/// The kernel refuses.
pub fn raise_file_limit() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).trying("raise the limit of open files")
}

/// Lets a process open `spare` more descriptors, no matter how many it has.
///
/// # Errors
/// There is no such process, or it is not ours.
pub fn leave_descriptors(pid: u32, spare: usize) -> Result<()> {
    let folder = format!("/proc/{pid}/fd");
    let open: Vec<u64> = std::fs::read_dir(&folder)
        .trying(format!("read {folder}"))?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    // The kernel hands out the lowest free numbers below the limit.
    let limit = (0..).filter(|number| !open.contains(number)).nth(spare);
    let limit = Rlimit {
        current: limit,
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let process = pid.ok_or_else(|| Problem::Unexpected("a process without a number".into()))?;
    prlimit(Some(process), Resource::Nofile, limit).trying("limit another's descriptors")?;
    Ok(())
}

/// Sends back what it gets, on one thread for any number of connections.
#[derive(Debug)]
pub struct EchoServer {
    address: SocketAddr,
    open: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl EchoServer {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// No socket can be made.
    pub fn start() -> Result<Self> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)
            .trying("make a socket")?;
        socket
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .trying("bind a socket")?;
        socket.listen(4096).trying("listen")?;
        let listener: TcpListener = socket.into();
        listener.set_nonblocking(true).trying("set O_NONBLOCK")?;
        let address = listener.local_addr().trying("ask for a socket's address")?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).trying("make an epoll")?;
        let (open, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let mut hall = Hall {
            epoll,
            listener,
            guests: HashMap::new(),
            open: Arc::clone(&open),
        };
        hall.watch_listener()?;
        let stopping = Arc::clone(&stop);
        let thread =
            thread::spawn(
                move || {
                    while !stopping.load(Ordering::SeqCst) && hall.turn().is_ok() {}
                },
            );
        Ok(Self {
            address,
            open,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _joined = thread.join();
        }
    }
}

/// The server's own side.
struct Hall {
    epoll: OwnedFd,
    listener: TcpListener,
    guests: HashMap<u64, TcpStream>,
    open: Arc<AtomicUsize>,
}

const LISTENER: u64 = u64::MAX;

impl Hall {
    fn watch_listener(&self) -> Result<()> {
        let data = epoll::EventData::new_u64(LISTENER);
        epoll::add(&self.epoll, &self.listener, data, epoll::EventFlags::IN)
            .trying("watch a socket")
    }

    fn turn(&mut self) -> std::io::Result<()> {
        let tick = Timespec {
            tv_sec: 0,
            tv_nsec: 50_000_000,
        };
        let mut events = Vec::with_capacity(256);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&tick)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for event in events {
            match event.data.u64() {
                LISTENER => self.accept()?,
                guest => self.answer(guest),
            }
        }
        self.open.store(self.guests.len(), Ordering::SeqCst);
        Ok(())
    }

    fn accept(&mut self) -> std::io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The client gave up in the queue.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            let guest = u64::from(stream.as_raw_fd().unsigned_abs());
            let data = epoll::EventData::new_u64(guest);
            epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?;
            self.guests.insert(guest, stream);
        }
    }

    fn answer(&mut self, guest: u64) {
        let Some(stream) = self.guests.get_mut(&guest) else {
            return;
        };
        let mut buffer = [0; 4096];
        let stays = match stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(length) => stream.write_all(&buffer[..length]).is_ok(),
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        if !stays {
            // Closing takes it out of the epoll, too.
            self.guests.remove(&guest);
        }
    }
}

/// Clients that stay, each of which has been served once.
#[derive(Debug)]
pub struct Crowd(Vec<TcpStream>);

impl Crowd {
    /// Connects so many, one after the other.
    ///
    /// # Errors
    /// One of them was not served.
    pub fn gather(address: SocketAddr, count: usize) -> Result<Self> {
        let mut clients = Vec::with_capacity(count);
        for number in 0..count {
            let mut client = connect(address)?;
            exchange(&mut client).trying(format!("serve client {number}"))?;
            clients.push(client);
        }
        Ok(Self(clients))
    }

    /// All of them, once more.
    ///
    /// # Errors
    /// One of them was not served.
    pub fn exchange(&mut self) -> Result<()> {
        for (number, client) in self.0.iter_mut().enumerate() {
            exchange(client).trying(format!("serve client {number} again"))?;
        }
        Ok(())
    }
}

/// Runs so many short sessions on a few threads: connect, one byte there and back, close.
///
/// # Errors
/// One of them was not served.
pub fn short_sessions(address: SocketAddr, count: usize, threads: usize) -> Result<()> {
    let workers: Vec<_> = (0..threads)
        .map(|_| thread::spawn(move || (0..count / threads).try_for_each(|_| short(address))))
        .collect();
    for worker in workers {
        let ended = worker.join();
        ended.map_err(|_| Problem::Unexpected("a client panicked".into()))??;
    }
    Ok(())
}

fn short(address: SocketAddr) -> Result<()> {
    let mut client = connect(address)?;
    exchange(&mut client).trying("serve a short session")?;
    client.shutdown(Shutdown::Write).trying("shut down")?;
    let mut rest = [0];
    match client.read(&mut rest).trying("wait for the end")? {
        0 => Ok(()),
        _ => Err(Problem::Unexpected("bytes after the end".into())),
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let client =
        TcpStream::connect_timeout(&address, PATIENCE).trying(format!("connect to {address}"))?;
    client
        .set_read_timeout(Some(PATIENCE))
        .trying("set a timeout")?;
    Ok(client)
}

fn exchange(client: &mut TcpStream) -> std::io::Result<()> {
    client.write_all(b"x")?;
    let mut answer = [0];
    client.read_exact(&mut answer)
}

/// What a process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

/// What a process uses now.
///
/// # Errors
/// There is no such process.
pub fn usage(pid: u32) -> Result<Usage> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).trying("read statm")?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    let pages: u64 = pages.ok_or_else(|| Problem::Unexpected(format!("odd statm: {statm}")))?;
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).trying("list descriptors")?;
    Ok(Usage {
        memory: pages * page,
        descriptors: descriptors.count(),
    })
}
