//! The cloud of the site: its API and metadata, which tell the nodes apart by their addresses.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    time::Duration,
};

use pontoon_sys::{
    namespace::Network,
    netlink::{
        conntrack,
        nftables::{Mapping, map_one_to_one},
    },
};

use super::{ADDRESS, Name, network::OUTSIDE};
use crate::{
    cloud::{Cloud, Down, Instance, Server},
    problem::{Result, Trying},
};

/// Where the API is, as a private endpoint of the subnet.
pub(super) const API: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
/// The same, as `keepalived.conf` names it.
pub(super) const ENDPOINT: &str = "http://10.0.1.5";
/// Where metadata is in every such cloud.
pub(super) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const REGION: &str = "eu-west-1";
/// What the role of the nodes allows, and what a node needs.
const ALLOWED: [&str; 2] = ["ec2:DescribeAddresses", "ec2:AssociateAddress"];
const KEY_LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// A running cloud.
pub(super) struct Provider {
    pub(super) cloud: Cloud,
    _servers: [Server; 2],
}

impl Provider {
    /// Opens it at the gateway.
    pub(super) fn open(gateway: &Network) -> Result<Self> {
        let cloud = Cloud::new();
        for node in Name::ALL {
            cloud.instance(instance(node));
        }
        cloud.address(ADDRESS, "eipalloc-0c0ffee34249049035");
        cloud.instance_role("pontoon", &ALLOWED, KEY_LIFETIME);
        let served = gateway.run(|| {
            let listen = |address| TcpListener::bind((address, 80));
            let servers = [
                cloud.serve_ec2(listen(API)?),
                cloud.serve_metadata(listen(METADATA)?),
            ];
            io::Result::Ok(servers)
        });
        let servers = served.flatten().trying("serve the cloud")?;
        Ok(Self {
            cloud,
            _servers: servers,
        })
    }

    /// Nobody reaches its API any more, or all do again.
    pub(super) fn down(&self, down: bool) {
        self.cloud.faults().down(down.then_some(Down::Reset));
    }
}

fn instance(node: Name) -> Instance {
    let number = match node {
        Name::Master => "207",
        Name::Slave => "190",
    };
    Instance {
        id: format!("i-0a00000000000{number}0"),
        interface: format!("eni-0e00000000000{number}0"),
        private_ips: vec![node.address()],
        region: REGION.into(),
    }
}

/// Lets the gateway map the public address to this private one, or to nobody; connections under
/// way to another end.
pub(super) fn map(gateway: &Arc<Network>, private: Option<Ipv4Addr>) -> io::Result<()> {
    let mapping = Mapping {
        public: ADDRESS,
        private,
        outside: OUTSIDE,
    };
    let mapped = gateway.run(|| {
        map_one_to_one(mapping)?;
        // Where the kernel cannot, the site's limits say so.
        let _kept = conntrack::forget_all();
        Ok(())
    });
    mapped.flatten()
}
