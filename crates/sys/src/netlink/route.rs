//! Routes.

use std::net::IpAddr;

use super::{
    Change,
    address::{ORIGIN, octets},
    message::{Body, flag, kind},
};

/// A route to be put up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoute {
    /// The network; with prefix 0, everything.
    pub destination: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
    /// The next hop.
    pub gateway: Option<IpAddr>,
    /// The interface.
    pub interface: Option<u32>,
    /// Which of our addresses packets come from.
    pub source: Option<IpAddr>,
    /// Less is preferred.
    pub metric: Option<u32>,
    /// The table; main (254) if nothing is said.
    pub table: Option<u32>,
    /// As in rtnetlink(7); if nothing is said, link (253) without a gateway, else global (0).
    pub scope: Option<u8>,
}

impl NewRoute {
    /// Puts it up. `EEXIST`: such a route is there.
    #[must_use]
    pub fn add(&self) -> Change {
        const LINK: u8 = 253;
        let direct = self.destination.is_ipv4() && self.gateway.is_none();
        let scope = self.scope.unwrap_or(if direct { LINK } else { 0 });
        Change(self.body(kind::NEW_ROUTE, flag::CREATE | flag::EXCLUSIVE, scope))
    }

    /// Takes it away, if it bears our mark. `ESRCH`: it is not there.
    #[must_use]
    pub fn remove(&self) -> Change {
        /// Any will do.
        const NOWHERE: u8 = 255;
        Change(self.body(kind::DEL_ROUTE, 0, NOWHERE))
    }

    fn body(&self, kind: u16, flags: u16, scope: u8) -> Body {
        const DESTINATION: u16 = 1;
        const INTERFACE: u16 = 4;
        const GATEWAY: u16 = 5;
        const METRIC: u16 = 6;
        const SOURCE: u16 = 7;
        const TABLE: u16 = 15;
        let mut body = Body::new(kind, flags, &self.fixed(scope));
        if self.prefix > 0 {
            body = body.attribute(DESTINATION, &octets(self.destination));
        }
        let addresses = [(GATEWAY, self.gateway), (SOURCE, self.source)];
        for (kind, address) in addresses {
            if let Some(address) = address {
                body = body.attribute(kind, &octets(address));
            }
        }
        let table = Some(self.table());
        let numbers = [
            (INTERFACE, self.interface),
            (METRIC, self.metric),
            (TABLE, table),
        ];
        for (kind, number) in numbers {
            if let Some(number) = number {
                body = body.attribute(kind, &number.to_ne_bytes());
            }
        }
        body
    }

    const fn table(&self) -> u32 {
        const MAIN: u32 = 254;
        match self.table {
            Some(table) => table,
            None => MAIN,
        }
    }

    /// `rtmsg`: family, lengths, type of service, table, origin, scope, type, flags.
    fn fixed(&self, scope: u8) -> [u8; 12] {
        const UNICAST: u8 = 1;
        let v4 = self.destination.is_ipv4();
        let family = if v4 { libc::AF_INET } else { libc::AF_INET6 };
        let family = u8::try_from(family).unwrap_or_default();
        // A table that does not fit here stands in its attribute only.
        let table = u8::try_from(self.table()).unwrap_or_default();
        let prefix = self.prefix;
        [
            family, prefix, 0, 0, table, ORIGIN, scope, UNICAST, 0, 0, 0, 0,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        netlink::Requests,
        testing::{in_private_network, ip},
    };

    fn route(destination: &str, prefix: u8) -> NewRoute {
        NewRoute {
            destination: destination.parse().unwrap(),
            prefix,
            gateway: None,
            interface: None,
            source: None,
            metric: None,
            table: None,
            scope: None,
        }
    }

    #[test]
    fn routes_come_and_go() {
        in_private_network(|| {
            ip("link set lo up");
            ip("addr add 10.0.1.1/24 dev lo");
            let mut requests = Requests::open().unwrap();
            let links = requests.links().unwrap();
            let mut through = route("10.7.0.0", 16);
            through.gateway = Some("10.0.1.2".parse().unwrap());
            through.source = Some("10.0.1.1".parse().unwrap());
            through.metric = Some(5);
            let mut direct = route("10.8.0.0", 16);
            direct.interface = Some(links[0].index);
            direct.table = Some(1000);
            let mut default = route("0.0.0.0", 0);
            default.gateway = through.gateway;
            let mut v6 = route("fd08::", 32);
            v6.interface = Some(links[0].index);
            let all = [through, direct, default, v6];
            let add: Vec<_> = all.iter().map(NewRoute::add).collect();
            for outcome in requests.apply(&add) {
                outcome.unwrap();
            }
            let shown = ip("route show table all");
            let wanted = "10.7.0.0/16 via 10.0.1.2 dev lo proto keepalived src 10.0.1.1 metric 5";
            assert!(shown.contains(wanted), "{shown}");
            assert!(shown.contains("10.8.0.0/16 dev lo table 1000 proto keepalived scope link"));
            assert!(shown.contains("default via 10.0.1.2 dev lo"), "{shown}");
            assert!(shown.contains("fd08::/32 dev lo"), "{shown}");
            let again = requests.apply(&add).remove(0).unwrap_err();
            assert_eq!(again.raw_os_error(), Some(libc::EEXIST));
            let remove: Vec<_> = all.iter().map(NewRoute::remove).collect();
            for outcome in requests.apply(&remove) {
                outcome.unwrap();
            }
            let gone = requests.apply(&remove).remove(0).unwrap_err();
            assert_eq!(gone.raw_os_error(), Some(libc::ESRCH));
        });
    }
}
