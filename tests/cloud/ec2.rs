//! Stories at EC2: two nodes, a stranger, one Elastic IP.

mod faults;
mod keys;
mod metadata;
mod moves;
mod way;

use std::net::{IpAddr, Ipv4Addr};

use pontoon_engine::floating_ip::event::{Holder, Whereabouts};
use pontoon_lab::cloud::{Call, Cloud, Instance, Server};

use super::stage::{self, Node};
use crate::harness::{Failure, Outcome, Test};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(34, 249, 49, 35);
const ALLOCATION: &str = "eipalloc-0123456789abcdef0";
const REGION: &str = "eu-west-1";
const RIGHTS: [&str; 2] = ["ec2:DescribeAddresses", "ec2:AssociateAddress"];

/// This node, with a secondary private address.
const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 207);
const HERE_TOO: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 208);
/// Its further interface.
const ASIDE: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 207);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 190);
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 99);

const THIS: &str = "i-0aaaaaaaaaaaaaaaa";

type Variables<'a> = [(&'a str, &'a str); 2];

/// Keys that may do what is needed.
const KEYS: Variables<'static> = [
    ("AWS_ACCESS_KEY_ID", "AKIATEST"),
    ("AWS_SECRET_ACCESS_KEY", "secret/of+test"),
];

pub(super) fn register(tests: &mut Vec<Test>) {
    moves::register(tests);
    keys::register(tests);
    metadata::register(tests);
    faults::register(tests);
    way::register(tests);
}

fn add(tests: &mut Vec<Test>, name: &str, run: fn() -> Outcome) {
    tests.push(Test::new(format!("cloud::ec2::{name}"), run));
}

/// The cloud, its API and the metadata of this node.
struct Scene {
    cloud: Cloud,
    api: Server,
    metadata: Server,
}

impl Scene {
    fn set() -> Result<Self, Failure> {
        let cloud = Cloud::new();
        let boot = |id: &str, interface: &str, private_ips: &[Ipv4Addr]| {
            cloud.instance(Instance {
                id: id.to_owned(),
                interface: interface.to_owned(),
                private_ips: private_ips.to_vec(),
                region: REGION.to_owned(),
            });
        };
        boot(THIS, "eni-0aaaaaaaaaaaaaaa1", &[HERE, HERE_TOO]);
        boot(THIS, "eni-0aaaaaaaaaaaaaaa2", &[ASIDE]);
        boot("i-0bbbbbbbbbbbbbbbb", "eni-0bbbbbbbbbbbbbbb1", &[PEER]);
        boot("i-0cccccccccccccccc", "eni-0ccccccccccccccc1", &[STRANGER]);
        cloud.address(ADDRESS, ALLOCATION);
        let [(_, key), (_, secret)] = KEYS;
        cloud.credentials(key, secret, None, &RIGHTS);
        let api = cloud.serve_ec2(stage::listener()?);
        let metadata = cloud.serve_metadata_of(THIS, stage::listener()?);
        Ok(Self {
            cloud,
            api,
            metadata,
        })
    }

    fn node(&self) -> Result<Node, Failure> {
        self.node_with("", KEYS)
    }

    /// With further lines, and in another environment.
    fn node_with<const N: usize>(
        &self,
        lines: &str,
        variables: [(&str, &str); N],
    ) -> Result<Node, Failure> {
        let api = self.api.address().ok_or("no API")?;
        let lines = format!(
            "endpoint http://{api}\n api_timeout 2\n {}{lines}",
            self.nearby()?
        );
        Node::new(&ADDRESS.to_string(), &lines, variables)
    }

    /// Where the metadata is.
    fn nearby(&self) -> Result<String, Failure> {
        let metadata = self.metadata.address().ok_or("no metadata")?;
        Ok(format!("metadata_endpoint http://{metadata}\n "))
    }

    fn holder(&self) -> Option<Ipv4Addr> {
        self.cloud.holder(ADDRESS)
    }

    fn move_to(&self, private: Option<Ipv4Addr>) {
        self.cloud.move_to(ADDRESS, private);
    }

    /// How often the API was asked for something with this end.
    fn calls(&self, action: &str, outcome: &str) -> usize {
        let is = |call: &&Call| call.action == action && call.outcome == outcome;
        self.cloud.calls().iter().filter(is).count()
    }
}

/// With somebody: `i-… 10.0.1.190`.
fn is_with(seen: &Whereabouts, private: Ipv4Addr, peer: Option<Ipv4Addr>) -> Outcome {
    let Whereabouts::With(Holder { name, peer: found }) = seen else {
        return Err(format!("{seen:?} instead of {private}").into());
    };
    stage::tells(name, &[&private.to_string(), "i-0"])?;
    stage::is("the peer's address", *found, peer.map(IpAddr::from))
}
