//! Where lines go: a syslog daemon over UDP or a UNIX socket, or a descriptor. Sending never
//! waits; what cannot be sent at once is dropped and counted.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::LogAddress;
use pontoon_sys::descriptor::duplicate;

use super::writer::Writer;

/// How often a syslog daemon that went away is looked for.
const RECONNECT: Duration = Duration::from_secs(1);

/// One destination, shared by all proxies that name it.
#[derive(Debug)]
pub(crate) struct Sink {
    kind: Kind,
    /// Lines dropped since one was last sent.
    lost: AtomicU64,
}

#[derive(Debug)]
enum Kind {
    Udp(UdpSocket, SocketAddr),
    Unix(Daemon),
    Descriptor(Writer),
}

impl Sink {
    /// Opens a destination. A daemon that does not listen yet is no error.
    ///
    /// # Errors
    /// No socket can be made, or the descriptor is not open.
    pub(crate) fn open(address: &LogAddress) -> io::Result<Self> {
        let kind = match address {
            LogAddress::Udp(to) => Kind::Udp(udp_socket(*to)?, *to),
            LogAddress::Unix(path) => Kind::Unix(Daemon::open(path.clone())?),
            LogAddress::Descriptor(number) => Kind::Descriptor(Writer::new(duplicate(*number)?)),
        };
        Ok(Self {
            kind,
            lost: AtomicU64::new(0),
        })
    }

    /// Whatever is behind a descriptor: a file, a terminal.
    pub(crate) fn of(descriptor: OwnedFd) -> Self {
        Self {
            kind: Kind::Descriptor(Writer::new(descriptor)),
            lost: AtomicU64::new(0),
        }
    }

    /// Sends a line with its newline. If it works again after lines were lost, tells how many.
    ///
    /// # Errors
    /// The line was dropped.
    pub(crate) fn send(&self, line: &[u8]) -> Result<Option<u64>, Dropped> {
        let sent = match &self.kind {
            Kind::Udp(socket, to) => socket.send_to(line, to).is_ok(),
            Kind::Unix(daemon) => daemon.send(line),
            Kind::Descriptor(writer) => writer.push(line),
        };
        if !sent {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Err(Dropped);
        }
        if self.lost.load(Ordering::Relaxed) == 0 {
            return Ok(None);
        }
        Ok(Some(self.lost.swap(0, Ordering::Relaxed)).filter(|lost| *lost > 0))
    }

    /// Ends the thread that writes, if there is one; the next line starts another. False: it is still
    /// busy at the deadline.
    pub(crate) fn pause(&self, deadline: Instant) -> bool {
        match &self.kind {
            Kind::Udp(..) | Kind::Unix(_) => true,
            Kind::Descriptor(writer) => writer.pause(deadline),
        }
    }

    /// Waits until what was taken is written, at most until the deadline. False: it is not.
    pub(crate) fn flush(&self, deadline: Instant) -> bool {
        match &self.kind {
            Kind::Udp(..) | Kind::Unix(_) => true,
            Kind::Descriptor(writer) => writer.flush(deadline),
        }
    }
}

/// A line could not be sent at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped;

fn udp_socket(to: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = if to.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0u16; 8], 0).into()
    };
    // Not connected: a daemon that is away for a while must not turn into errors here.
    let socket = UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A syslog daemon behind a UNIX datagram socket.
///
/// It is connected at the start, before `chroot`, so that `/dev/log` works from inside one. When
/// the daemon restarts, its socket is looked for by its path again; within a `chroot` the path
/// then counts from its root.
#[derive(Debug)]
struct Daemon {
    socket: UnixDatagram,
    path: PathBuf,
    opened: Instant,
    /// Milliseconds after `opened` at which the daemon was last looked for.
    looked: AtomicU64,
}

impl Daemon {
    fn open(path: PathBuf) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        // Not there yet: looked for again when there is something to say.
        let _absent = socket.connect(&path);
        Ok(Self {
            socket,
            path,
            opened: Instant::now(),
            looked: AtomicU64::new(0),
        })
    }

    fn send(&self, line: &[u8]) -> bool {
        match self.socket.send(line) {
            Ok(_) => true,
            // It is there, but does not keep up.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => self.reconnect() && self.socket.send(line).is_ok(),
        }
    }

    fn reconnect(&self) -> bool {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        let looked = self.looked.load(Ordering::Relaxed);
        let pause = u64::try_from(RECONNECT.as_millis()).unwrap_or(u64::MAX);
        if looked != 0 && now.saturating_sub(looked) < pause {
            return false;
        }
        self.looked.store(now.max(1), Ordering::Relaxed);
        self.socket.connect(&self.path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(daemon: &UnixDatagram) -> String {
        let mut buffer = [0; 100];
        let length = daemon.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn a_line_reaches_udp_over_both_families() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(daemon) = UdpSocket::bind(address) else {
                // No IPv6 here.
                continue;
            };
            let to = daemon.local_addr().unwrap();
            let sink = Sink::open(&LogAddress::Udp(to)).unwrap();
            assert_eq!(sink.send(b"hello\n"), Ok(None));
            let mut buffer = [0; 10];
            let length = daemon.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"hello\n");
        }
    }

    #[test]
    fn a_daemon_may_come_late_and_go_and_come_back() {
        let directory = std::env::temp_dir().join(format!("pontoon-log-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("late.sock");
        let sink = Sink::open(&LogAddress::Unix(path.clone())).unwrap();
        assert_eq!(sink.send(b"nobody\n"), Err(Dropped));

        let daemon = UnixDatagram::bind(&path).unwrap();
        let Kind::Unix(known) = &sink.kind else {
            panic!("a UNIX sink");
        };
        known.looked.store(0, Ordering::Relaxed);
        assert_eq!(sink.send(b"one\n"), Ok(Some(1)));
        assert_eq!(received(&daemon), "one\n");

        drop(daemon);
        std::fs::remove_file(&path).unwrap();
        known.looked.store(0, Ordering::Relaxed);
        assert_eq!(sink.send(b"gone\n"), Err(Dropped));

        let daemon = UnixDatagram::bind(&path).unwrap();
        assert_eq!(sink.send(b"soon\n"), Err(Dropped), "not looked for at once");
        known.looked.store(0, Ordering::Relaxed);
        assert_eq!(sink.send(b"two\n"), Ok(Some(2)));
        assert_eq!(received(&daemon), "two\n");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_daemon_that_does_not_read_costs_lines_not_time() {
        let directory = std::env::temp_dir().join(format!("pontoon-slow-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("slow.sock");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let sink = Sink::open(&LogAddress::Unix(path)).unwrap();
        let sent = (0..100_000)
            .take_while(|_| sink.send(b"x\n").is_ok())
            .count();
        assert!(sent < 100_000, "the daemon's queue is finite");
        received(&daemon);
        assert_eq!(sink.send(b"y\n"), Ok(Some(1)));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
