//! A small HTTP proxy that leads everybody to one place, whatever they ask for.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::{cloud::stage, harness::Failure};

/// The proxy; it ends with the test's process.
pub(super) struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Asks for these credentials, if any.
    pub(super) fn start(
        target: SocketAddr,
        credentials: Option<&'static str>,
    ) -> Result<Self, Failure> {
        let listener = stage::listener()?;
        let address = listener.local_addr()?;
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || {
                    // A client may go away whenever it likes.
                    let _ended = serve(client, target, credentials, &seen);
                });
            }
        });
        Ok(Self { address, asked })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first lines of the requests that it took.
    pub(super) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    mut client: TcpStream,
    target: SocketAddr,
    credentials: Option<&str>,
    seen: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let head = head(&mut client)?;
    let first = head.lines().next().unwrap_or_default().to_owned();
    if credentials.is_some_and(|wanted| !shows(&head, wanted)) {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(refusal.as_bytes());
    }
    let tunnel = first.starts_with("CONNECT ");
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(first);
    let mut server = TcpStream::connect(target)?;
    if tunnel {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    } else {
        server.write_all(forwarded(&head, target).as_bytes())?;
    }
    relay(client, server)
}

fn shows(head: &str, credentials: &str) -> bool {
    let line = format!("proxy-authorization: {credentials}");
    head.lines().any(|each| each.eq_ignore_ascii_case(&line))
}

/// As the server wants to see it: the path alone, and nothing that was for the proxy.
fn forwarded(head: &str, target: SocketAddr) -> String {
    head.replacen(&format!(" http://{target}/"), " /", 1)
}

fn head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ended = io::copy(&mut from, &mut to);
        let _closed = to.shutdown(std::net::Shutdown::Write);
    });
    let (mut from, mut to) = (server, client);
    io::copy(&mut from, &mut to)?;
    to.shutdown(std::net::Shutdown::Write)
}
