//! How often a master speaks, and the `keepalived.conf` that says so.

use std::time::Duration;

use pontoon_lab::pair::{NODES, NOTIFY, SHARED};

use crate::contender::Contender;

/// A version of the protocol and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// The how-to's: VRRPv2, 1 s.
    V2,
    /// VRRPv3, 0.1 s.
    V3,
}

impl Timing {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::V2, Self::V3];

    /// For the command line and the files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::V2 => "VRRPv2, advert every second",
            Self::V3 => "VRRPv3, advert every 0.1 s",
        }
    }

    /// Between two adverts.
    pub(crate) const fn interval(self) -> Duration {
        match self {
            Self::V2 => Duration::from_secs(1),
            Self::V3 => Duration::from_millis(100),
        }
    }

    /// The files of both nodes: those of the how-to, with an address and without its scripts.
    pub(crate) fn configurations(self, contender: Contender) -> [String; 2] {
        [0, 1].map(|which| self.keepalived_conf(which, contender))
    }

    fn keepalived_conf(self, which: usize, contender: Contender) -> String {
        let (version, interval) = match self {
            Self::V2 => (2, "1"),
            Self::V3 => (3, "0.1"),
        };
        let (state, priority) = [("MASTER", 101), ("BACKUP", 100)][which];
        let (own, peer, script) = (NODES[which], NODES[1 - which], contender.script());
        format!(
            "global_defs {{
    vrrp_version {version}
    script_user root
}}

vrrp_script chk_haproxy {{
    script \"/usr/bin/killall -0 haproxy\"
    {script}
}}

vrrp_instance VI_1 {{
    interface eth0
    state {state}
    virtual_router_id 51
    priority {priority}
    advert_int {interval}
    unicast_src_ip {own}
    unicast_peer {{
        {peer}
    }}
    virtual_ipaddress {{
        {SHARED}/24
    }}
    track_script {{
        chk_haproxy
    }}
    notify {NOTIFY}
}}
"
        )
    }
}
