//! A syslog daemon that only remembers.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    os::unix::net::UnixDatagram,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::{
    problem::{Problem, Result, Trying},
    wait,
};

/// Receives lines over UDP, or on a socket in the file system.
#[derive(Debug)]
pub struct Syslog {
    address: Option<SocketAddr>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Syslog {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// No socket can be bound.
    pub fn start() -> Result<Self> {
        Self::on("127.0.0.1:0")
    }

    /// Listens on a given address.
    ///
    /// # Errors
    /// The socket cannot be bound.
    pub fn on(address: &str) -> Result<Self> {
        let socket =
            UdpSocket::bind(address).trying(format!("bind a syslog socket to {address}"))?;
        let address = socket.local_addr().trying("ask for a socket's address")?;
        let lines = remember(move |buffer| socket.recv(buffer));
        Ok(Self {
            address: Some(address),
            lines,
        })
    }

    /// Listens on a socket in the file system, such as `/dev/log`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn at(path: &Path) -> Result<Self> {
        let socket = UnixDatagram::bind(path).trying(format!("make {}", path.display()))?;
        let lines = remember(move |buffer| socket.recv(buffer));
        Ok(Self {
            address: None,
            lines,
        })
    }

    /// Where it listens.
    ///
    /// # Panics
    /// If that is no address but a path.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address.expect("it listens on an address")
    }

    /// Everything so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for a line.
    ///
    /// # Errors
    /// No such line came; the error shows what did.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        self.wait_for_count(what, 1, wanted)
            .map(|mut lines| lines.remove(0))
    }

    /// Waits until there are `count` such lines, and returns them all.
    ///
    /// # Errors
    /// They did not come; the error shows what did.
    pub fn wait_for_count(
        &self,
        what: &str,
        count: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>> {
        let found = wait::until(what, wait::PATIENCE, || {
            let lines: Vec<_> = self
                .lines()
                .into_iter()
                .filter(|line| wanted(line))
                .collect();
            (lines.len() >= count).then_some(lines)
        });
        found.map_err(|problem| {
            Problem::Unexpected(format!("{problem}; received:\n{}", self.lines().join("\n")))
        })
    }
}

fn remember(
    receive: impl Fn(&mut [u8]) -> io::Result<usize> + Send + 'static,
) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let sink = Arc::clone(&lines);
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(length) = receive(&mut buffer) {
            let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
            sink.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
    });
    lines
}
