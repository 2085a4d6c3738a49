//! A running data path: threads before servers, and the lines they log.

use std::{
    io::Read as _,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::{BindAddress, Model};
use pontoon_engine::address::Endpoint;
use pontoon_sys::socket::{self, Address};

use crate::{
    proxy::{handoff, listen, thread},
    state::{Running, mailbox::Message},
    testing,
};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A running proxy.
pub(crate) struct Fixture {
    /// Its shared state.
    pub(crate) running: Arc<Running>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    pub(crate) listeners: listen::Listeners,
    threads: Vec<JoinHandle<()>>,
    log: UdpSocket,
    /// Connections for the statistics.
    pub(crate) statistics: handoff::Receiver,
}

impl Fixture {
    /// One `listen` called `px` with these lines, before these servers, on so many threads.
    pub(crate) fn start(servers: &[SocketAddr], threads: u16, lines: &str) -> Self {
        let log = UdpSocket::bind("127.0.0.1:0").unwrap();
        log.set_read_timeout(Some(PATIENCE)).unwrap();
        let model = model(servers, log.local_addr().unwrap(), lines);
        let listeners = listen::bind_all(&model, &listen::Inherited::default()).unwrap();
        let first = listeners.iter().next().unwrap();
        let Ok(Address::Ip(address)) = socket::local_address(&first.socket) else {
            panic!("a TCP listener has an address");
        };
        let running = testing::running(model, testing::process(), threads);
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let threads = (0..threads)
            .map(|n| {
                let running = Arc::clone(&running);
                thread::spawn(running, n, listeners.clone(), false, sender.clone()).unwrap()
            })
            .collect();
        Self {
            running,
            address,
            listeners,
            threads,
            log,
            statistics: receiver,
        }
    }

    /// A client's connection.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The next line logged: `backend/server Tw/Tc U/B flags retries sq/bq`.
    pub(crate) fn line(&self) -> String {
        let mut buffer = [0; 2048];
        let n = self.log.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..n]).trim_end().to_owned()
    }

    /// Tells every thread.
    pub(crate) fn post(&self, message: impl Fn() -> Message) {
        for thread in &self.running.threads {
            thread.post(message());
        }
    }

    /// Waits until this holds.
    pub(crate) fn wait_until(&self, what: &str, holds: impl Fn(&Running) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.running) {
            assert!(Instant::now() < deadline, "{what} did not happen");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.post(|| Message::Quit);
        for thread in self.threads.drain(..) {
            // A panic has been shown already.
            let _panicked = thread.join();
        }
    }
}

/// A server that does this with each connection.
pub(crate) fn server(behaviour: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            behaviour(stream.unwrap());
        }
    });
    address
}

/// Sends back what it gets, until the end.
pub(crate) fn echo() -> SocketAddr {
    server(|mut stream| {
        std::thread::spawn(move || {
            let mut copy = stream.try_clone().unwrap();
            let _broken = std::io::copy(&mut stream, &mut copy);
        });
    })
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Everything up to the end.
pub(crate) fn read_all(mut stream: &TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the fixture listens on until the model is there: the language knows no port 0.
const BIND: &str = "bind 127.0.0.1:1";

/// The model of a `listen` with these lines.
fn model(servers: &[SocketAddr], log: SocketAddr, lines: &str) -> Model {
    let bind = if lines.contains("bind ") { "" } else { BIND };
    let servers: String = (1..)
        .zip(servers)
        .map(|(number, address)| format!("    server s{number} {address}\n"))
        .collect();
    let mut model = testing::model(format!(
        "
defaults
    timeout connect 10s
    timeout client 10s
    timeout server 10s
    log {log} format raw local0
    log-format \"%b/%s %U/%B %ts %rc %sq/%bq\"
listen px
    {bind}
    {lines}
{servers}"
    ));
    for bind in &mut model.proxies[0].frontend.as_mut().unwrap().binds {
        bind.address = BindAddress::Endpoint(Endpoint::Ip("127.0.0.1:0".parse().unwrap()));
    }
    model
}
