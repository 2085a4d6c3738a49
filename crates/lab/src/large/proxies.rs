//! Large `haproxy.cfg` files.

use std::{
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::repeat;

const HEAD: &str = "\
global
    log /dev/log local0
    maxconn 100000
    user haproxy
    group haproxy

defaults
    log global
    mode tcp
    option tcplog
    option dontlognull
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout check 5s

";

/// A valid file of so many lines: frontends with lists and rules, backends with checked servers,
/// remarks and blank lines between them, about fifty lines to an application.
#[must_use]
pub fn haproxy(lines: usize) -> String {
    repeat(HEAD.to_owned(), lines, application)
}

/// An address that no other number has, below 10.0.0.0/8.
fn address(number: usize) -> Ipv4Addr {
    let number = u32::try_from(number).unwrap_or(u32::MAX) & 0x00ff_ffff;
    Ipv4Addr::from(0x0a00_0000 | number)
}

fn application(text: &mut String, number: usize) -> fmt::Result {
    let bind = address(0x80_0000 + number);
    let (second, third) = (number / 256 % 256, number % 256);
    writeln!(
        text,
        "\
# Application {number}: its own address, two groups of servers.
frontend app{number}
    bind {bind}:5432 name db
    bind {bind}:5433 name tls
    maxconn 2000
    option clitcpka
    acl office src 10.{second}.{third}.0/24 172.16.0.0/12
    acl vpn src 192.168.{third}.0/24
    acl busy fe_conn gt 1500
    acl tls dst_port 5433
    tcp-request connection reject if !office !vpn
    tcp-request inspect-delay 5s
    tcp-request content accept if {{ req.ssl_hello_type 1 }}
    tcp-request content reject if tls
    use_backend app{number}-reports if {{ req.ssl_sni -i reports.app{number}.example }}
    use_backend app{number}-reports if busy
    default_backend app{number}-main

backend app{number}-main
    balance leastconn
    option tcp-check
    tcp-check connect
    tcp-check send PING\\r\\n
    tcp-check expect string PONG
    option srvtcpka
    retries 2
    option redispatch
    default-server inter 2s fall 3 rise 2 maxconn 200"
    )?;
    servers(text, number * 20, 12)?;
    writeln!(
        text,
        "
backend app{number}-reports
    balance roundrobin
    option pgsql-check user haproxy
    default-server inter 5s on-marked-down shutdown-sessions"
    )?;
    servers(text, number * 20 + 12, 5)?;
    writeln!(text)
}

fn servers(text: &mut String, first: usize, count: usize) -> fmt::Result {
    for number in first..first + count {
        let address = address(number);
        let weight = number % 100 + 1;
        writeln!(
            text,
            "    server node{number} {address}:5432 check weight {weight}"
        )?;
    }
    Ok(())
}

/// A file of so many lines of which most are wrong, in a dozen ways.
#[must_use]
pub fn haproxy_of_mistakes(lines: usize) -> String {
    repeat(HEAD.to_owned(), lines, mistakes)
}

fn mistakes(text: &mut String, number: usize) -> fmt::Result {
    writeln!(
        text,
        "\
frontend front{number}
    bnid 10.0.0.1:{number}
    bind 10.0.0.{number}:99999
    acl known src 10.0.0.0/99
    acl 1st{number} unknown_fetch{number} x
    use_backend missing{number} if nowhere{number}
    use_backend back if {{ srcs 10.0.0.1 }} or nothing
    tcp-request contents reject if never{number}
    default_backend gone{number}
    timeout cleint 5s
    option tcplogg
backend back
    balance lastconn
    server twice 10.0.0.1:1 chekc
    server twice 10.0.0.1:1 check inter 5x
    server s{number} 10.0.0.1:1 track nobody/n{number}
    server t{number} 10.0.0.1:1 wieght 7
    servr u{number} 10.0.0.1:1
    somethingelse{number} entirely"
    )
}

/// Servers, in one or more listening proxies, that a test starts for real.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// Where the first proxy listens; the others take the ports after it on addresses of
    /// loopback after it.
    pub front: SocketAddr,
    /// How many proxies there are.
    pub proxies: usize,
    /// How many servers all of them have together.
    pub servers: usize,
    /// Where the servers are, each on an address of its own.
    pub port: u16,
    /// What is added to each `server` line, such as `check`.
    pub parameters: String,
}

impl Fleet {
    /// The sections, to be put behind `defaults`.
    #[must_use]
    pub fn sections(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        for proxy in 0..self.proxies {
            let front = SocketAddr::new(nth(self.front.ip(), proxy), self.front.port());
            writeln!(text, "listen fleet{proxy}\n    bind {front}")?;
            let first = self.servers * proxy / self.proxies;
            let end = self.servers * (proxy + 1) / self.proxies;
            for number in first..end {
                let [_, a, b, c] = address(number).octets();
                let (port, parameters) = (self.port, &self.parameters);
                let address = Ipv4Addr::new(127, a.wrapping_add(1), b, c.max(1));
                writeln!(text, "    server s{number} {address}:{port} {parameters}")?;
            }
        }
        Ok(())
    }
}

/// The address that comes so many after this one.
fn nth(first: IpAddr, number: usize) -> IpAddr {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    match first {
        IpAddr::V4(first) => Ipv4Addr::from(u32::from(first).wrapping_add(number)).into(),
        IpAddr::V6(first) => {
            let next = u128::from(first).wrapping_add(u128::from(number));
            std::net::Ipv6Addr::from(next).into()
        }
    }
}
