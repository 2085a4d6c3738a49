//! Serves an API on threads of its own, as broken as its faults say.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use super::{
    faults::{Down, Faults, Lost},
    http::{self, Incoming, Request, Response},
};

/// How soon a stopped server is noticed.
const TICK: Duration = Duration::from_millis(20);

/// An API.
pub(super) trait Service: Send + Sync + 'static {
    /// What is wrong with it.
    fn faults(&self) -> &Faults;
    /// Carries a request out.
    fn handle(&self, request: &Request, source: IpAddr) -> Answer;
}

/// What a request came to.
pub(super) struct Answer {
    /// What it asked for.
    pub(super) action: String,
    /// What is said to it.
    pub(super) response: Response,
}

/// A listening API; it ends with its owner, and so do its connections.
#[derive(Debug)]
pub struct Server {
    address: Option<SocketAddr>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        service: impl Service,
    ) -> Self {
        let address = listener.local_addr().ok();
        let stop = Arc::new(AtomicBool::new(false));
        let door = Door {
            service: Arc::new(service),
            tls,
            stop: Arc::clone(&stop),
        };
        let thread = thread::spawn(move || door.serve(&listener));
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }

    /// Where it listens; `None` if the system would not tell.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _joined = thread.join();
        }
    }
}

struct Door<S> {
    service: Arc<S>,
    tls: Option<Arc<ServerConfig>>,
    stop: Arc<AtomicBool>,
}

impl<S: Service> Door<S> {
    fn serve(&self, listener: &TcpListener) {
        // An accept that gives up now and then notices that the server was stopped.
        let _else_it_blocks = SockRef::from(listener).set_read_timeout(Some(TICK));
        while !self.stopped() {
            match listener.accept() {
                Ok((stream, from)) => self.admit(stream, from),
                Err(error) if is_wait(&error) => {}
                Err(_) => thread::sleep(TICK),
            }
        }
    }

    fn admit(&self, stream: TcpStream, from: SocketAddr) {
        let guest = Guest {
            service: Arc::clone(&self.service),
            stop: Arc::clone(&self.stop),
            source: from.ip().to_canonical(),
        };
        let tls = self.tls.clone();
        thread::spawn(move || {
            // A client may go away whenever it likes.
            let _ended = guest.receive(stream, tls);
        });
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// One connection.
struct Guest<S> {
    service: Arc<S>,
    stop: Arc<AtomicBool>,
    source: IpAddr,
}

/// How a connection ends.
enum End {
    Closed,
    Reset,
}

impl<S: Service> Guest<S> {
    fn receive(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
        stream.set_read_timeout(Some(TICK))?;
        stream.set_nodelay(true)?;
        let raw = stream.try_clone()?;
        let end = match tls {
            None => self.converse(stream),
            Some(config) => {
                let session = ServerConnection::new(config).map_err(io::Error::other)?;
                self.converse(StreamOwned::new(session, stream))
            }
        };
        if matches!(end, Ok(End::Reset)) {
            SockRef::from(&raw).set_linger(Some(Duration::ZERO))?;
        }
        end.map(drop)
    }

    fn converse(&self, stream: impl Read + Write) -> io::Result<End> {
        let mut line = Line {
            stream,
            guest: self,
        };
        let mut rest = Vec::new();
        loop {
            let request = match http::read(&mut line, &mut rest) {
                Ok(Incoming::Request(request)) => request,
                Ok(Incoming::End) => return Ok(End::Closed),
                Ok(Incoming::Malformed(why)) => {
                    line.stream.write_all(&Response::text(400, why).bytes())?;
                    return Ok(End::Closed);
                }
                Err(_) if self.faults().is_down() == Some(Down::Reset) => return Ok(End::Reset),
                Err(error) => return Err(error),
            };
            self.wait(self.faults().delay(self.source));
            let answer = self.service.handle(&request, self.source);
            match self.faults().loses(&answer.action) {
                Some(Lost::Dies) => return Ok(End::Reset),
                Some(Lost::Hangs) => return self.hang(&mut line),
                None => line.stream.write_all(&answer.response.bytes())?,
            }
            line.stream.flush()?;
            if !request.keeps_alive() {
                return Ok(End::Closed);
            }
        }
    }

    /// Says nothing until the client goes or the server ends.
    fn hang(&self, line: &mut impl Read) -> io::Result<End> {
        while line.read(&mut [0; 512])? > 0 {}
        Ok(End::Closed)
    }

    /// Waits; a stopped server does not.
    fn wait(&self, delay: Duration) {
        let end = Instant::now() + delay;
        while !self.stopped() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(TICK));
        }
    }

    fn faults(&self) -> &Faults {
        self.service.faults()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// A connection that notices while it reads that its server has stopped or is down.
struct Line<'a, T, S> {
    stream: T,
    guest: &'a Guest<S>,
}

impl<T: Read, S: Service> Read for Line<'_, T, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.guest.stopped() {
                return Ok(0);
            }
            if self.guest.faults().is_down() == Some(Down::Reset) {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            match self.stream.read(buffer) {
                Err(error) if is_wait(&error) => {}
                // A service that is silent takes everything and understands nothing.
                Ok(length) if length > 0 && self.silent() => {}
                other => return other,
            }
        }
    }
}

impl<T, S: Service> Line<'_, T, S> {
    fn silent(&self) -> bool {
        self.guest.faults().is_down() == Some(Down::Silent)
    }
}

fn is_wait(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
