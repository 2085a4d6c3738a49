//! The container's root, without a container's engine: the program serves in it, with the rights that the compose file gives.

use std::{fs, net::SocketAddr, process::Command};

use pontoon_lab::{
    client::Client,
    needs::Need,
    netns::{self, Network, inside},
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};
use serde_json::Value;

use super::packaging;
use crate::harness::{Failure, Outcome, Test, pontoon};

const FRONT: ([u8; 4], u16) = ([10, 0, 1, 7], 8563);
const SERVER: ([u8; 4], u16) = ([10, 0, 1, 11], 8563);
const HAPROXY_CFG: &str = "global\n log stdout format raw local0\ndefaults\n log global\n mode tcp\n option tcplog\n \
    timeout connect 5s\n timeout client 1h\n timeout server 1h\nlisten database\n bind :8563\n \
    server db1 10.0.1.11:8563 check\n";
const KEEPALIVED_CONF: &str = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n priority 101\n \
    advert_int 0.1\n virtual_ipaddress {\n 10.0.1.100/24\n }\n}\n";

/// What an engine does itself: here a program in the root takes the rights away.
const PREPARE: &str = "set -e; mkdir $0/proc $0/dev; cp $(command -v setpriv) $0/setpriv; \
    for library in $(ldd $0/setpriv | grep -o '/[^ ]*'); do \
    mkdir -p $0$(dirname $library); cp -L $library $0$library; done";
const ENTER: &str =
    "mount -t proc proc $0/proc && mount --bind /dev $0/dev && exec chroot $0 /setpriv \"$@\"";

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: [(&str, Run); 2] = [("balancer", balancer), ("node", node)];
    for (name, run) in all {
        let test = Test::new(
            format!("packages::container_{name}_serves_in_its_root"),
            run,
        );
        let test = test.needs(Need::Root).needs(Need::Namespaces);
        tests.push(
            test.needs(Need::Program("setpriv"))
                .needs(Need::Program("ldd")),
        );
    }
    tests.push(Test::new(
        "packages::container_compose_gives_these_rights",
        compose,
    ));
}

/// A host, a server, a client, and a root in which nothing is but what the image holds.
struct Scene {
    _network: Network,
    namespace: String,
    client: String,
    root: TempDir,
    _server: Server,
}

impl Scene {
    fn new() -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let namespace = network.host("a", &["10.0.1.7/24"])?;
        let client = network.host("c", &["10.0.1.50/24"])?;
        let database = network.host("d", &["10.0.1.11/24"])?;
        let server = inside(&database, || {
            Server::on(SocketAddr::from(SERVER), Behaviour::Answer("d".into()))
        })?;
        let root = TempDir::new("container")?;
        let mut assemble = Command::new(packaging("container/assemble"));
        let assembled = assemble.arg(pontoon()).arg(root.path()).output()?;
        if !assembled.status.success() {
            let said = String::from_utf8_lossy(&assembled.stderr).into_owned();
            return Err(Failure::from(said));
        }
        let prepared = Command::new("sh")
            .args(["-c", PREPARE])
            .arg(root.path())
            .status()?;
        assert!(prepared.success(), "the root cannot be prepared");
        fs::write(root.path().join("etc/pontoon/haproxy.cfg"), HAPROXY_CFG)?;
        fs::write(
            root.path().join("etc/pontoon/keepalived.conf"),
            KEEPALIVED_CONF,
        )?;
        Ok(Self {
            _network: network,
            namespace,
            client,
            root,
            _server: server,
        })
    }

    /// Starts it there with these rights, as the first process, as an engine would.
    fn start(&self, rights: &[&str], words: &[&str]) -> Result<Program, Failure> {
        let mut command = netns::command(&self.namespace, "unshare");
        command.args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            ENTER,
        ]);
        command.arg(self.root.path()).args(rights);
        command.arg("/usr/bin/pontoon").args(words);
        Ok(Program::start(&mut command)?)
    }

    fn serves(&self, program: &Program) -> Outcome {
        let served = wait::until("a session", wait::PATIENCE, || {
            inside(&self.client, || {
                let mut client = Client::connect(SocketAddr::from(FRONT))?;
                client.send(b"?")?;
                client.receive(2, wait::PATIENCE)
            })
            .ok()
            .filter(|seen| seen.bytes == b"d\n")
        });
        served
            .map(drop)
            .map_err(|problem| Failure::from(format!("{problem}\n{}", program.output().join("\n"))))
    }
}

/// `USER 65532`, `cap_drop: [ALL]`, `no-new-privileges`.
fn balancer() -> Outcome {
    let scene = Scene::new()?;
    let rights = [
        "--reuid=65532",
        "--regid=65532",
        "--clear-groups",
        "--no-new-privs",
        // Another user loses what unshare has asked for: to end with it.
        "--pdeathsig",
        "KILL",
    ];
    let none = ["--bounding-set=-all", "--inh-caps=-all"];
    let program = scene.start(
        &[rights.as_slice(), &none].concat(),
        &["run", "/etc/pontoon/haproxy.cfg"],
    )?;
    scene.serves(&program)
}

/// `user: "0:0"`, `cap_drop: [ALL]`, `cap_add: [NET_ADMIN, NET_RAW]`.
fn node() -> Outcome {
    let scene = Scene::new()?;
    let rights = ["--bounding-set=-all,+net_admin,+net_raw", "--inh-caps=-all"];
    let files = [
        "run",
        "/etc/pontoon/haproxy.cfg",
        "/etc/pontoon/keepalived.conf",
    ];
    let program = scene.start(&rights, &files)?;
    let held = wait::until("the address", wait::PATIENCE, || {
        let addresses = netns::addresses(&scene.namespace, "eth0").ok()?;
        addresses
            .contains(&"10.0.1.100/24".to_owned())
            .then_some(())
    });
    held.map_err(|problem| format!("{problem}\n{}", program.output().join("\n")))?;
    scene.serves(&program)
}

fn compose() -> Outcome {
    let text = fs::read_to_string(packaging("container/compose.yaml"))?;
    let file: Value = serde_saphyr::from_str(&text).map_err(|error| error.to_string())?;
    let services = file["services"].as_object().ok_or("no services")?;
    for (name, service) in services {
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(service["read_only"], true, "{name}");
    }
    let balancer = &services["balancer"];
    assert!(balancer.get("cap_add").is_none() && balancer.get("user").is_none());
    let added = &services["node"]["cap_add"];
    assert_eq!(added, &serde_json::json!(["NET_ADMIN", "NET_RAW"]));
    let image = fs::read_to_string(packaging("container/Containerfile"))?;
    assert!(image.contains("\nUSER 65532:65532\n") && image.contains("\nFROM scratch\n"));
    Ok(())
}
