//! How a pair is set up for one test, and its files.

use std::{fmt, net::IpAddr};

/// A way to run VRRP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setup {
    /// 2 or 3.
    pub(super) version: u8,
    /// Adverts to the peer's address rather than to the group.
    pub(super) unicast: bool,
    /// IPv6 rather than IPv4.
    pub(super) ipv6: bool,
    /// With a password (version 2).
    pub(super) password: bool,
    /// Adverts every 0.1 s rather than every second (version 3).
    pub(super) fast: bool,
}

/// The preferred node, or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Priority 101.
    First,
    /// Priority 100.
    Second,
}

impl Place {
    /// Its addresses.
    pub(super) const fn addresses(self) -> [&'static str; 2] {
        match self {
            Self::First => ["10.0.1.207", "fd00:1::207"],
            Self::Second => ["10.0.1.190", "fd00:1::190"],
        }
    }

    /// Its priority.
    pub(super) const fn priority(self) -> u8 {
        match self {
            Self::First => 101,
            Self::Second => 100,
        }
    }

    /// The other one.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What `authentication` says, and what is on the wire.
pub(super) const PASSWORD: &str = "s3cret";
/// The virtual router.
pub(super) const ROUTER: u8 = 51;

impl Setup {
    /// All that make sense, and whether they belong to the short form.
    pub(super) fn all() -> Vec<(Self, bool)> {
        let mut all = Vec::new();
        for unicast in [false, true] {
            for password in [false, true] {
                all.push((Self::v2(unicast, password), unicast == password));
            }
            for ipv6 in [false, true] {
                for fast in [false, true] {
                    all.push((Self::v3(unicast, ipv6, fast), fast));
                }
            }
        }
        all
    }

    /// Version 2.
    pub(super) const fn v2(unicast: bool, password: bool) -> Self {
        Self {
            version: 2,
            unicast,
            ipv6: false,
            password,
            fast: false,
        }
    }

    /// Version 3.
    pub(super) const fn v3(unicast: bool, ipv6: bool, fast: bool) -> Self {
        Self {
            version: 3,
            unicast,
            ipv6,
            password: false,
            fast,
        }
    }

    /// The address that others use.
    pub(super) fn shared(self) -> IpAddr {
        let text = if self.ipv6 {
            "fd00:1::100"
        } else {
            "10.0.1.100"
        };
        text.parse().expect("an address")
    }

    /// The `keepalived.conf` of a node.
    pub(super) fn keepalived_conf(self, place: Place) -> String {
        let priority = place.priority();
        let (version, unicast) = (self.version, self.unicast_lines(place));
        let interval = if self.fast { "0.1" } else { "1" };
        let password = if self.password {
            format!(
                "    authentication {{\n        auth_type PASS\n        auth_pass {PASSWORD}\n    }}\n"
            )
        } else {
            String::new()
        };
        let addresses = if self.ipv6 {
            "        fe80::100/64\n        fd00:1::100/64\n"
        } else {
            "        10.0.1.100/24\n"
        };
        format!(
            "global_defs {{\n    vrrp_version {version}\n}}\n\n\
             vrrp_instance VI_1 {{\n    interface eth0\n    state BACKUP\n    \
             virtual_router_id {ROUTER}\n    priority {priority}\n    advert_int {interval}\n\
             {unicast}{password}    virtual_ipaddress {{\n{addresses}    }}\n}}\n"
        )
    }

    fn unicast_lines(self, place: Place) -> String {
        if !self.unicast {
            return String::new();
        }
        let own = place.addresses()[usize::from(self.ipv6)];
        let peer = place.other().addresses()[usize::from(self.ipv6)];
        format!("    unicast_src_ip {own}\n    unicast_peer {{\n        {peer}\n    }}\n")
    }
}

/// For a test's name.
impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cast = if self.unicast { "unicast" } else { "multicast" };
        let family = if self.ipv6 { "ipv6" } else { "ipv4" };
        write!(f, "v{}_{cast}_{family}", self.version)?;
        f.write_str(if self.password { "_password" } else { "" })?;
        f.write_str(if self.fast { "_fast" } else { "" })
    }
}
