//! What a node logs at its 127.0.0.1:514, as its configuration says.

use std::{
    io,
    net::{Ipv4Addr, UdpSocket},
    sync::Arc,
    thread::{self, JoinHandle},
};

use pontoon_sys::namespace::Network;

use super::{Name, Teller, What};
use crate::problem::{Result, Trying};

/// Less important lines, of single connections, are not told (RFC 5424, section 6.2.1).
const NOTICE: u32 = 5;
/// No datagram is longer.
const LONGEST: usize = 64 << 10;

/// A listener that ends with its owner.
#[derive(Debug)]
pub(super) struct Syslog {
    socket: Arc<UdpSocket>,
    thread: Option<JoinHandle<()>>,
}

impl Syslog {
    pub(super) fn listen(network: &Network, node: Name, teller: &Teller) -> Result<Self> {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 514));
        let socket = network.run(bind).flatten().trying("listen for log lines")?;
        let socket = Arc::new(socket);
        let (hearing, teller) = (Arc::clone(&socket), teller.clone());
        let thread = thread::spawn(move || {
            // Whatever is left in the queue when it is shut down is of no interest any more.
            let _ended = hear(&hearing, |line| teller.tell(What::Said { node, line }));
        });
        Ok(Self {
            socket,
            thread: Some(thread),
        })
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        // Wakes the reader with an empty datagram; the error is that it was not connected.
        let _woken = rustix::net::shutdown(&*self.socket, rustix::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn hear(socket: &UdpSocket, tell: impl Fn(String)) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST];
    loop {
        let length = socket.recv(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&buffer[..length]);
        if let Some(line) = important(&text) {
            tell(line.to_owned());
        }
    }
}

/// What a line says, without its number, date and program; `None` if it is of no importance.
fn important(text: &str) -> Option<&str> {
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    let severity = number.parse::<u32>().ok()? % 8;
    let (_, said) = rest.split_once("]: ")?;
    (severity <= NOTICE).then_some(said.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_of_no_importance() {
        let down = "<145>Nov 22 16:00:00 haproxy[7]: Server exasol_proxy/one is DOWN.\n";
        assert_eq!(important(down), Some("Server exasol_proxy/one is DOWN."));
        let session = "<150>Nov 22 16:00:00 haproxy[7]: 1.2.3.4:5 [22/Nov] exasol_proxy";
        assert_eq!(important(session), None);
        assert_eq!(important("nonsense"), None);
    }
}
