//! A whole node: its proxy tells of the election from inside its chroot.

use pontoon_lab::{
    needs::Need,
    netns::Network,
    node::{Node, Programs},
    wait,
};

use crate::harness::{Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    let test = Test::new(
        "metrics::a_node_tells_of_its_election_from_a_chroot",
        tells_of_its_election,
    );
    tests.push(
        test.needs(Need::Root)
            .needs(Need::Namespaces)
            .needs(Need::Hosts)
            .needs(Need::Program("curl")),
    );
}

const HAPROXY_CFG: &str = "global
    chroot /tmp
    user nobody
    group nogroup
    tune.pontoon.metrics 127.0.0.1:9105
listen l
    mode tcp
    timeout connect 1s
    timeout client 1s
    timeout server 1s
    bind :8563
    server s 127.0.0.1:9
";

const KEEPALIVED_CONF: &str = "vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 0.2
    version 3
    virtual_ipaddress {
        10.0.1.100/24
    }
}
";

fn tells_of_its_election() -> Outcome {
    let mut network = Network::new()?;
    let space = network.host("m", &["10.0.1.1/24"])?;
    let mut node = Node::boot(&space, Programs::Together(pontoon()))?;
    node.configure(HAPROXY_CFG, KEEPALIVED_CONF)?;
    node.start()?;
    let scrape = || {
        let url = "http://127.0.0.1:9105/metrics";
        node.host.run(&["curl", "-s", "-m", "5", url]).ok()
    };
    let master = "pontoon_election_role{vrrp_instance=\"VI_1\",role=\"MASTER\"} 1";
    let text = wait::until("the election to be told", wait::PATIENCE, || {
        scrape().filter(|text| text.contains(master))
    });
    let text = text.map_err(|problem| node.complain(&problem))?;
    for wanted in [
        "pontoon_election_became_master_total{vrrp_instance=\"VI_1\"} 1",
        "pontoon_election_priority{vrrp_instance=\"VI_1\"} 100",
        "pontoon_election_role{vrrp_instance=\"VI_1\",role=\"BACKUP\"} 0",
        "haproxy_process_stopping 0",
    ] {
        if !text.lines().any(|line| line == wanted) {
            return Err(format!("no {wanted} in\n{text}").into());
        }
    }
    // Without its election a node tells the rest, and soon.
    node.kill_election()?;
    wait::until("an answer without an election", wait::PATIENCE, || {
        scrape().filter(|text| text.contains("haproxy_process_stopping 0"))
    })?;
    node.stop()?;
    Ok(())
}
