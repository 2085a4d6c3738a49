//! How the proxies are set up: what a scenario varies, and the addresses each contender gets.

use std::net::{Ipv4Addr, SocketAddr};

use crate::contender::Contender;

/// Where the load's server listens, on every address of loopback.
pub(crate) const BACKEND: SocketAddr = address([0, 0, 0, 0], 8000);

/// What differs from one proxy of one thread, with one server, no log, as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    /// For the names of files.
    pub(crate) name: &'static str,
    /// Data threads.
    pub(crate) threads: u16,
    /// Servers in the backend.
    pub(crate) servers: u16,
    /// Proxies in the file; only the last is used.
    pub(crate) proxies: u16,
    /// Whether each session writes its line to a syslog server.
    pub(crate) log: bool,
    /// Whether the proxy gives its rights up: `user`, `group` and `chroot`.
    pub(crate) dropped: bool,
}

impl Setting {
    /// The usual one.
    pub(crate) const PLAIN: Self = Self {
        name: "plain",
        threads: 1,
        servers: 1,
        proxies: 1,
        log: false,
        dropped: false,
    };

    /// Whether the proxy has a processor of its own.
    pub(crate) const fn apart(&self) -> bool {
        self.threads == 1
    }
}

/// A setting with the addresses of one contender: no two share any, so that nobody meets what a rival's
/// connections left in the kernel.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The setting.
    pub(crate) setting: Setting,
    /// Where the proxies listen; clients go to the last.
    pub(crate) fronts: Vec<SocketAddr>,
    /// The servers; they are all the same one.
    pub(crate) servers: Vec<SocketAddr>,
    /// Where log lines go.
    pub(crate) log: SocketAddr,
}

impl Plan {
    /// For a contender.
    pub(crate) fn new(setting: Setting, contender: Contender, log: SocketAddr) -> Self {
        let number = Contender::ALL.iter().position(|one| *one == contender);
        let number = u8::try_from(number.unwrap_or(0)).unwrap_or(0);
        let fronts = 0..setting.proxies;
        let fronts = fronts.map(|port| address([127, 1, number, 1], 7000 + port));
        let servers = 0..setting.servers;
        let servers = servers.map(|one| {
            let [high, low] = (one + 1).to_be_bytes();
            address([127, 100 + number, high, low], BACKEND.port())
        });
        Self {
            setting,
            fronts: fronts.collect(),
            servers: servers.collect(),
            log,
        }
    }

    /// Where clients go.
    pub(crate) fn target(&self, contender: Contender) -> SocketAddr {
        let addresses = match contender {
            Contender::Direct => &self.servers,
            _ => &self.fronts,
        };
        addresses.last().copied().unwrap_or(BACKEND)
    }
}

const fn address([a, b, c, d]: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(a, b, c, d)), port)
}
