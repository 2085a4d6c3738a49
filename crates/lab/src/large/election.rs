//! Large `keepalived.conf` files.

use std::fmt::{self, Write as _};

use super::repeat;

const HEAD: &str = "\
global_defs {
    router_id node1
    enable_script_security
    script_user root
}

";

/// A valid file of so many lines: scripts, instances on many interfaces, groups.
#[must_use]
pub fn keepalived(lines: usize) -> String {
    repeat(HEAD.to_owned(), lines, instance)
}

fn instance(text: &mut String, number: usize) -> fmt::Result {
    let (second, third, router) = (number / 250 % 250, number % 250, number % 250 + 1);
    let interface = number / 250;
    writeln!(
        text,
        "\
# Application {number}.
vrrp_script alive{number} {{
    script \"/usr/bin/killall -0 haproxy\"
    interval 2
    weight 10
    fall 2
    rise 2
}}

vrrp_instance VI_{number} {{
    state BACKUP
    interface eth{interface}
    virtual_router_id {router}
    priority 100
    advert_int 1
    unicast_src_ip 10.{second}.{third}.2
    unicast_peer {{
        10.{second}.{third}.3
    }}
    authentication {{
        auth_type PASS
        auth_pass secret{third}
    }}
    virtual_ipaddress {{
        10.{second}.{third}.100/24 dev eth{interface}
        10.{second}.{third}.101/24 dev eth{interface}
        10.{second}.{third}.102/24 dev eth{interface}
    }}
    track_script {{
        alive{number}
    }}
}}
"
    )
}

/// A file of so many lines of which most are wrong, in several ways.
#[must_use]
pub fn keepalived_of_mistakes(lines: usize) -> String {
    repeat(HEAD.to_owned(), lines, mistakes)
}

fn mistakes(text: &mut String, number: usize) -> fmt::Result {
    writeln!(
        text,
        "\
vrrp_instance twice {{
    sate MASTER
    interfaces eth0
    virtual_router_id {number}
    priority 999
    advert_int x{number}
    unicast_pear {{
    }}
    virtual_ipaddress {{
        10.0.0.{number}/99
        nowhere{number}
    }}
    track_script {{
        missing{number}
    }}
}}
vrrp_scripts s{number} {{
    intervall 1
}}
vrrp_sync_group g{number} {{
    group {{
        gone{number}
    }}
}}"
    )
}
