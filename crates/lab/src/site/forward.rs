//! Ports of the host that lead to a node: listened on in the host's network, connected from the
//! node's.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use pontoon_sys::namespace::Network;

/// Where the statistics page listens inside.
const INSIDE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);
const PATIENCE: Duration = Duration::from_secs(2);

/// The way into a node: its network, while it is on.
pub(super) type Way = Arc<Mutex<Option<Arc<Network>>>>;

/// Forwards until it is dropped.
#[derive(Debug)]
pub(super) struct Forward {
    address: SocketAddr,
    listener: Arc<TcpListener>,
    thread: Option<JoinHandle<()>>,
}

impl Forward {
    pub(super) fn start(listener: TcpListener, way: Way) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let listener = Arc::new(listener);
        let accepting = Arc::clone(&listener);
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = accepting.accept() {
                let way = Arc::clone(&way);
                thread::spawn(move || {
                    // Whoever asked sees that the connection ends.
                    let _ended = carry(&stream, &way);
                });
            }
        });
        Ok(Self {
            address,
            listener,
            thread: Some(thread),
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // Ends the accept (shutdown(2) of a listening socket on Linux).
        let _woken = rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn carry(outside: &TcpStream, way: &Way) -> io::Result<()> {
    let network = way.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let network = network.ok_or(io::ErrorKind::HostUnreachable)?;
    let connect = || TcpStream::connect_timeout(&INSIDE, PATIENCE);
    let inside = network.run(connect).flatten()?;
    thread::scope(|scope| {
        scope.spawn(|| pass(outside, &inside));
        pass(&inside, outside);
    });
    Ok(())
}

/// Whatever happens, each end hears of the other's end.
fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let _ended = io::copy(&mut from, &mut to);
    let _told = to.shutdown(Shutdown::Write);
}
