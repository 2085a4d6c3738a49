//! Servers that do as they are told.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use crate::problem::{Result, Trying};

/// What a server does with a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Sends back what it gets; closes when the client has.
    Echo,
    /// Says its name and closes at once.
    Greet(String),
    /// Answers each read with its name and a newline; closes when the client has.
    Answer(String),
    /// Answers one HTTP request with this text and closes.
    Http(String),
    /// Says nothing and keeps the connection.
    Hang,
    /// Says nothing and keeps the connection, even when the client has closed.
    HangOn,
    /// Reads until the client closes, then sends this and closes.
    AfterEnd(Vec<u8>),
    /// Sends this at once, then waits for the client to close.
    Send(Vec<u8>),
    /// Closes at once.
    Close,
    /// Resets at once.
    Reset,
    /// Waits for some bytes, then resets.
    ResetAfterRead,
    /// Waits for some bytes, then closes.
    CloseAfterRead,
}

/// A listening server on threads of its own; it ends with its owner.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// No socket can be bound.
    pub fn start(behaviour: Behaviour) -> Result<Self> {
        Self::on(SocketAddr::from(([127, 0, 0, 1], 0)), behaviour)
    }

    /// Listens on a given address; port 0 finds one.
    ///
    /// # Errors
    /// The socket cannot be bound.
    pub fn on(address: SocketAddr, behaviour: Behaviour) -> Result<Self> {
        let listener = listen(address)?;
        let address = listener.local_addr().trying("ask for a socket's address")?;
        let stop = Arc::new(AtomicBool::new(false));
        let accepted = Arc::new(AtomicU32::new(0));
        let thread = {
            let (stop, accepted) = (Arc::clone(&stop), Arc::clone(&accepted));
            thread::spawn(move || serve(&listener, &behaviour, &stop, &accepted))
        };
        Ok(Self {
            address,
            stop,
            accepted,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn accepted(&self) -> u32 {
        self.accepted.load(Ordering::SeqCst)
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

pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener> {
    let what = || format!("listen on {address}");
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).trying(what())?;
    // A server that is killed and revived in a test must get its port again at once.
    socket.set_reuse_address(true).trying(what())?;
    socket.bind(&address.into()).trying(what())?;
    socket.listen(1024).trying(what())?;
    // An accept that gives up now and then notices that the server was stopped.
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .trying(what())?;
    Ok(socket.into())
}

fn serve(
    listener: &TcpListener,
    behaviour: &Behaviour,
    stop: &Arc<AtomicBool>,
    accepted: &AtomicU32,
) {
    while !stop.load(Ordering::SeqCst) {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if would_block(&error) => continue,
            Err(_) => return,
        };
        accepted.fetch_add(1, Ordering::SeqCst);
        let (behaviour, stop) = (behaviour.clone(), Arc::clone(stop));
        thread::spawn(move || {
            // The peer may reset whenever it likes; that is what many tests are about.
            let _ended = converse(stream, &behaviour, &stop);
        });
    }
}

fn converse(
    mut stream: TcpStream,
    behaviour: &Behaviour,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    let mut buffer = [0; 16_384];
    match behaviour {
        Behaviour::Echo => loop {
            let length = read_or_stop(&mut stream, &mut buffer, stop)?;
            if length == 0 {
                return Ok(());
            }
            stream.write_all(&buffer[..length])?;
        },
        Behaviour::Answer(name) => loop {
            if read_or_stop(&mut stream, &mut buffer, stop)? == 0 {
                return Ok(());
            }
            stream.write_all(format!("{name}\n").as_bytes())?;
        },
        Behaviour::Http(text) => {
            read_request(&mut stream, &mut buffer, stop)?;
            stream.write_all(page(text).as_bytes())
        }
        Behaviour::Greet(name) => stream.write_all(name.as_bytes()),
        Behaviour::Send(bytes) => {
            stream.write_all(bytes)?;
            drain(&mut stream, &mut buffer, stop)
        }
        Behaviour::Hang => drain(&mut stream, &mut buffer, stop),
        Behaviour::HangOn => {
            drain(&mut stream, &mut buffer, stop)?;
            while !stop.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        Behaviour::AfterEnd(bytes) => {
            drain(&mut stream, &mut buffer, stop)?;
            stream.write_all(bytes)
        }
        Behaviour::Close => Ok(()),
        Behaviour::Reset => reset(stream),
        Behaviour::ResetAfterRead => {
            read_or_stop(&mut stream, &mut buffer, stop)?;
            reset(stream)
        }
        Behaviour::CloseAfterRead => read_or_stop(&mut stream, &mut buffer, stop).map(|_| ()),
    }
}

/// Reads up to the empty line that ends a request without a body, or to the end.
fn read_request(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    stop: &AtomicBool,
) -> std::io::Result<()> {
    const LONGEST: usize = 64 << 10;
    let mut request = Vec::new();
    while !request.windows(4).any(|four| four == b"\r\n\r\n") && request.len() < LONGEST {
        match read_or_stop(stream, buffer, stop)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => request.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(())
}

fn page(text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{text}",
        text.len()
    )
}

fn drain(stream: &mut TcpStream, buffer: &mut [u8], stop: &AtomicBool) -> std::io::Result<()> {
    while read_or_stop(stream, buffer, stop)? > 0 {}
    Ok(())
}

/// Reads; a server that was stopped counts as closed, so that killing it ends its sessions too.
fn read_or_stop(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    stop: &AtomicBool,
) -> std::io::Result<usize> {
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    loop {
        if stop.load(Ordering::SeqCst) {
            return Ok(0);
        }
        match stream.read(buffer) {
            Err(error) if would_block(&error) => {}
            other => return other,
        }
    }
}

fn would_block(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
    )
}

fn reset(stream: TcpStream) -> std::io::Result<()> {
    Socket::from(stream).set_linger(Some(Duration::ZERO))
}
