//! The how-to's files, with a `floating_ip` block where its notify scripts were.

use super::{ADDRESS, Limit, Name, provider::ENDPOINT};

const HAPROXY: &str = "\
global
    log         127.0.0.1 local2

    chroot      /var/lib/haproxy
    pidfile     /var/run/haproxy.pid
    maxconn     4000
    user        haproxy
    group       haproxy
    daemon

defaults
        log     global
        mode    tcp
        option  httplog
        option  dontlognull
        timeout connect 5000
        timeout client 50000
        timeout server 50000

listen stats
        bind :9090
        balance
        mode http
        stats enable
        stats uri /haproxy_stats
        stats auth admin:strongPassworD

listen exasol_proxy
        bind :8563
        mode tcp
        option tcplog
        balance roundrobin

        server ip-10-0-1-11.eu-west-1.compute.internal 10.0.1.11:8563 weight 1 check rise 2 fall 3
        server ip-10-0-1-12.eu-west-1.compute.internal 10.0.1.12:8563 weight 1 check rise 2 fall 3
        server ip-10-0-1-13.eu-west-1.compute.internal 10.0.1.13:8563 weight 1 check rise 2 fall 3
";

const EVERYBODY: [(&str, &str); 2] = [
    (
        "passwd",
        "root:x:0:0:root:/tmp:/bin/sh\n\
         haproxy:x:188:188::/var/lib/haproxy:/sbin/nologin\n\
         keepalived_script:x:189:189::/tmp:/sbin/nologin\n\
         nobody:x:65534:65534::/tmp:/sbin/nologin\n",
    ),
    (
        "group",
        "root:x:0:\nhaproxy:x:188:\nkeepalived_script:x:189:\nnogroup:x:65534:\n",
    ),
];
/// Where nobody can become anybody else, nobody else is named.
const ROOT_ALONE: [(&str, &str); 2] = [
    ("passwd", "root:x:0:0:root:/tmp:/bin/sh\n"),
    ("group", "root:x:0:\n"),
];

/// `/etc/passwd` and `/etc/group`: names below `/etc`, and contents.
pub(super) fn users(limits: &[Limit]) -> [(&'static str, &'static str); 2] {
    if limits.contains(&Limit::OneUser) {
        ROOT_ALONE
    } else {
        EVERYBODY
    }
}

/// `/etc/haproxy/haproxy.cfg`.
pub(super) fn haproxy(limits: &[Limit]) -> String {
    if !limits.contains(&Limit::OneUser) {
        return HAPROXY.into();
    }
    let of_users = |line: &&str| {
        let word = line.split_whitespace().next();
        word == Some("user") || word == Some("group")
    };
    let kept = HAPROXY.lines().filter(|line| !of_users(line));
    kept.map(|line| line.to_owned() + "\n").collect()
}

/// `/etc/keepalived/keepalived.conf`.
pub(super) fn keepalived(node: Name, limits: &[Limit]) -> String {
    let (state, priority) = match node {
        Name::Master => ("MASTER", 101),
        Name::Slave => ("BACKUP", 100),
    };
    let (own, peer) = (node.address(), node.other().address());
    let (script, track) = if limits.contains(&Limit::NoPidof) {
        ("", "")
    } else {
        (
            "vrrp_script chk_haproxy {\n    script \"pidof haproxy\"\n    interval 2\n}\n\n",
            "    track_script {\n        chk_haproxy\n    }\n",
        )
    };
    format!(
        "{script}\
vrrp_instance VI_1 {{
    interface eth0
    state {state}
    virtual_router_id 1
    priority {priority}
    unicast_src_ip {own}
    unicast_peer {{
        {peer}
    }}
{track}\
    floating_ip {ADDRESS} {{
        provider aws
        endpoint {ENDPOINT}
    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_one_user_the_proxy_keeps_it() {
        assert_eq!(haproxy(&[]).matches("haproxy\n").count(), 3);
        let alone = haproxy(&[Limit::OneUser]);
        assert!(
            !alone.contains("user ") && !alone.contains("group "),
            "{alone}"
        );
        assert!(alone.contains("chroot      /var/lib/haproxy\n"), "{alone}");
    }

    #[test]
    fn each_node_names_the_other() {
        let text = keepalived(Name::Slave, &[]);
        assert!(text.contains("unicast_src_ip 10.0.1.190\n"), "{text}");
        assert!(text.contains("        10.0.1.207\n"), "{text}");
        assert!(text.contains("chk_haproxy"));
        assert!(!keepalived(Name::Slave, &[Limit::NoPidof]).contains("chk_haproxy"));
    }
}
