//! Servers that follow a script, for everything that speaks in turns.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};

use crate::problem::{Problem, Result, Trying};

/// What a server does next; at the end of its script it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Sends this.
    Says(&'static [u8]),
    /// Waits for some bytes, or for the client's end.
    Hears,
    /// Will close with a reset.
    Resets,
    /// Says nothing more, until the client has gone.
    Hangs,
}

/// A server with one script for all its connections, one at a time; it lives as long as the
/// process.
#[derive(Debug)]
pub struct Scripted {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it heard, a read at a time; empty for an end, `None` for a reset.
    pub heard: Receiver<Option<Vec<u8>>>,
}

impl Scripted {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// No socket can be bound.
    pub fn start(script: &[Does]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").trying("listen on loopback")?;
        let address = listener.local_addr().trying("ask for a socket's address")?;
        let (tell, heard) = channel();
        let script = script.to_vec();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                play(stream, &script, &tell);
            }
        });
        Ok(Self { address, heard })
    }
}

fn play(mut stream: TcpStream, script: &[Does], tell: &Sender<Option<Vec<u8>>>) {
    let mut buffer = vec![0; 65_536];
    let mut hear = |stream: &mut TcpStream| {
        let length = stream.read(&mut buffer).ok();
        // Whoever started the server may not listen any more.
        let _unheard = tell.send(length.map(|length| buffer[..length].to_vec()));
        length.is_some_and(|length| length > 0)
    };
    for step in script {
        match step {
            // The client may have had enough.
            Does::Says(bytes) => drop(stream.write_all(bytes)),
            Does::Hears => drop(hear(&mut stream)),
            Does::Resets => drop(SockRef::from(&stream).set_linger(Some(Duration::ZERO))),
            Does::Hangs => while hear(&mut stream) {},
        }
    }
}

/// An address that refuses connections for as long as the process lives: it is taken, but
/// nobody listens.
///
/// # Errors
/// No socket can be bound.
pub fn nowhere() -> Result<SocketAddr> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).trying("make a socket")?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).trying("bind a socket")?;
    let address = socket.local_addr().trying("ask for a socket's address")?;
    // Closed, its port could become somebody else's in the middle of a test.
    std::mem::forget(socket);
    let ip = address.as_socket();
    ip.ok_or_else(|| Problem::Unexpected("a TCP socket without an IP address".into()))
}

/// A full backlog: connections to it are never answered, as long as this lives.
#[derive(Debug)]
pub struct Silence {
    /// Where nobody answers.
    pub address: SocketAddr,
    _kept: Vec<Socket>,
}

impl Silence {
    /// Fills the backlog of a new socket.
    ///
    /// # Errors
    /// No socket can be bound.
    pub fn new() -> Result<Self> {
        let what = "listen on loopback";
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).trying(what)?;
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&any.into()).trying(what)?;
        listener.listen(0).trying(what)?;
        let address: SocketAddr = TcpListener::from(listener.try_clone().trying(what)?)
            .local_addr()
            .trying(what)?;
        let mut kept = vec![listener];
        for _ in 0..3 {
            let client =
                Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).trying(what)?;
            // Pending is all it needs to be.
            let _pending = client.connect(&address.into());
            kept.push(client);
        }
        Ok(Self {
            address,
            _kept: kept,
        })
    }
}
