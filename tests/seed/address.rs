//! The how-to's Elastic IP: `notify.sh`, `master.sh` and `backup.sh`, byte for byte, move it. The tool
//! that they call is a link to Pontoon; EC2 is moto behind a TLS of our own, with the name of the real
//! one; who the machine is, our fake of the metadata service tells at its usual address.

use std::{net::Ipv4Addr, net::TcpListener};

use pontoon_lab::{
    cloud::{Cloud, Instance, Server, Tokens},
    front::Front,
    moto::{self, Moto},
    needs::Need,
    netns::inside,
    problem::Trying as _,
    wait,
};

use super::pair::{COMEBACK, Pair, Start};
use crate::harness::{Failure, Outcome, Test};

/// What `master.sh` calls.
const TOOL: &str = "/opt/aws/bin/ec2-associate-address";
/// What `master.sh` writes into.
const LOG: &str = "/tmp/master.log";
const ELASTIC_IP: Ipv4Addr = Ipv4Addr::new(34, 249, 49, 35);
const NODES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 1, 207), Ipv4Addr::new(10, 0, 1, 190)];
/// The host that EC2 and the metadata service are on.
const PROVIDER: &str = "10.0.1.2";
const METADATA: &str = "169.254.169.254";
const EC2: &str = "ec2.eu-west-1.amazonaws.com";
const AUTHORITY: &str = "/etc/ssl/test-authority.pem";

/// Adds this area's tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, start) in [
        ("two_programs", Start::Apart),
        ("one_command", Start::Together),
    ] {
        let test = Test::new(
            format!("seed::scripts_move_the_address_by_{name}"),
            move || moves(start),
        );
        tests.push(
            test.needs(Need::Root)
                .needs(Need::Namespaces)
                .needs(Need::Hosts)
                .needs(Need::User("haproxy"))
                .needs(Need::Program("pidof"))
                .needs(Need::Program("curl"))
                .needs(moto::NEED),
        );
    }
}

fn moves(start: Start) -> Outcome {
    let mut town = Town::build(start)?;
    town.pair.start(0)?;
    town.pair.becomes_master(0)?;
    town.until_held_by(0)?;
    town.pair.start(1)?;
    town.pair.is_told(1, "BACKUP")?;

    town.pair.kill_proxy(0)?;
    town.pair.becomes_master(1)?;
    town.until_held_by(1)?;

    town.pair.revive_proxy(0)?;
    town.pair.becomes_master(0)?;
    town.until_held_by(0)?;

    town.pair.stop(0)?;
    town.pair.becomes_master(1)?;
    town.until_held_by(1)?;
    town.line_is_the_old_one(1)
}

struct Town {
    pair: Pair,
    moto: Moto,
    instances: [moto::Instance; 2],
    _metadata: Server,
}

impl Town {
    fn build(start: Start) -> Result<Self, Failure> {
        let moto = Moto::start()?;
        let account = moto.account();
        let subnet = account.subnet()?;
        let instances = [
            account.instance(&subnet, NODES[0])?,
            account.instance(&subnet, NODES[1])?,
        ];
        account.allocate(ELASTIC_IP)?;

        let mut pair = Pair::build(start)?;
        let addresses = [&format!("{PROVIDER}/24"), &format!("{METADATA}/32")];
        let provider = pair.network.host("aws", &addresses.map(String::as_str))?;
        let listen = |address: &str, port| {
            let listening = || TcpListener::bind((address, port)).trying("listen");
            inside(&provider, listening)
        };
        let front = Front::start(listen(PROVIDER, 443)?, EC2, account.address())?;
        let metadata = metadata(&instances).serve_metadata(listen(METADATA, 80)?);
        for node in &pair.nodes {
            let host = &node.host;
            host.run(&["ip", "route", "add", METADATA, "dev", "eth0"])?;
            host.write(
                "/etc/hosts",
                format!("127.0.0.1 localhost\n{PROVIDER} {EC2}\n"),
            )?;
            host.write(AUTHORITY, front.authority())?;
            host.run(&["mkdir", "-p", "/opt/aws/bin"])?;
            host.run(&["ln", "-s", "/usr/sbin/pontoon", TOOL])?;
        }
        pair.environment = vec![format!("SSL_CERT_FILE={AUTHORITY}")];
        Ok(Self {
            pair,
            moto,
            instances,
            _metadata: metadata,
        })
    }

    /// Waits until moto says so.
    fn until_held_by(&self, which: usize) -> Outcome {
        let wanted = Some(NODES[which]);
        let waited = wait::until("the address to move", COMEBACK, || {
            let holder = self.moto.account().holder(ELASTIC_IP).ok()?;
            (holder == wanted).then_some(())
        });
        waited.map_err(|problem| self.pair.complain(&problem))
    }

    /// What the old tool wrote to its output.
    fn line_is_the_old_one(&self, which: usize) -> Outcome {
        let log = self.pair.nodes[which].host.read(LOG);
        let wanted = format!("ADDRESS\t{ELASTIC_IP}\t{}\n", self.instances[which].id);
        if log.contains(&wanted) {
            return Ok(());
        }
        Err(Failure::from(format!("no {wanted:?} in:\n{log}")))
    }
}

/// Who the machines are, to whoever asks as the how-to does: without a token.
fn metadata(instances: &[moto::Instance; 2]) -> Cloud {
    let cloud = Cloud::new();
    cloud.metadata_tokens(Tokens::Optional);
    for instance in instances {
        cloud.instance(Instance {
            id: instance.id.clone(),
            interface: instance.interface.clone(),
            private_ips: vec![instance.private],
            region: "eu-west-1".to_owned(),
        });
    }
    cloud
}
