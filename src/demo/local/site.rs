//! The three servers behind the proxy.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use pontoon_lab::{
    problem::Problem,
    server::{Behaviour, Server},
};

/// Where clients connect, as in the configuration.
pub(super) const ENTRANCE: SocketAddr = loopback(8080);
/// Names and addresses, as in the configuration.
const SERVERS: [(&str, SocketAddr); 3] = [
    ("one", loopback(8081)),
    ("two", loopback(8082)),
    ("three", loopback(8083)),
];

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Three servers, each of which may be dead.
#[derive(Debug)]
pub(super) struct Site([Option<Server>; 3]);

impl Site {
    /// Starts all three.
    pub(super) fn open() -> Result<Self, Problem> {
        Ok(Self([start(0)?, start(1)?, start(2)?]))
    }

    /// Kills a server, or revives it; tells which.
    pub(super) fn toggle(&mut self, index: usize) -> Result<String, Problem> {
        let (name, _) = SERVERS[index];
        let place = &mut self.0[index];
        if place.take().is_some() {
            return Ok(format!("you killed server {name}; its checks will fail"));
        }
        *place = start(index)?;
        Ok(format!(
            "you revived server {name}; its checks will succeed"
        ))
    }
}

fn start(index: usize) -> Result<Option<Server>, Problem> {
    let (name, address) = SERVERS[index];
    let text = format!("Hello from server {name} at {address}.\n");
    Server::on(address, Behaviour::Http(text)).map(Some)
}

/// Sends one request through the proxy; its log line shows what became of it.
pub(super) fn request() {
    thread::spawn(|| {
        const PATIENCE: Duration = Duration::from_secs(5);
        let Ok(mut stream) = TcpStream::connect_timeout(&ENTRANCE, PATIENCE) else {
            return;
        };
        // Whatever happens to it is in the proxy's log.
        let _limited = stream.set_read_timeout(Some(PATIENCE));
        let _sent = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let _answered = stream.read_to_end(&mut Vec::new());
    });
}
