//! The how-to's pair: both its `keepalived.conf` and its scripts, byte for byte, on its own
//! addresses, beside its `haproxy.cfg`.

use std::{net::SocketAddr, time::Duration};

use pontoon_lab::{
    host::{Host, Inmate, Installed, wait_for_file},
    needs::Need,
    netns::{Network, inside},
    problem::{Problem, Result as Lab},
    server::{Behaviour, Server},
    syslog::Syslog,
    wait,
};
use rustix::process::Signal;

use crate::harness::{Failure, Outcome, Test, pontoon};

const HAPROXY_CFG: &str = include_str!("../data/seed/haproxy.cfg");
const CONFIGURATIONS: [&str; 2] = [
    include_str!("../data/seed/keepalived-master.conf"),
    include_str!("../data/seed/keepalived-backup.conf"),
];
const ADDRESSES: [&str; 2] = ["10.0.1.207/24", "10.0.1.190/24"];
const SCRIPTS: [(&str, &str); 3] = [
    ("notify.sh", include_str!("../data/seed/notify.sh")),
    ("master.sh", include_str!("../data/seed/master.sh")),
    ("backup.sh", include_str!("../data/seed/backup.sh")),
];
/// What `notify.sh` touches and removes.
const MASTER: &str = "/tmp/MASTER";
/// What it writes every state into.
const COUNTER: &str = "/tmp/COUNTER";
/// A node whose proxy has died may wait ten seconds before it comes back, and the machine is slow.
pub(super) const COMEBACK: Duration = Duration::from_secs(40);

/// How the programs are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// `service haproxy start && service keepalived start`.
    Apart,
    /// `pontoon run haproxy.cfg keepalived.conf`.
    Together,
}

/// Adds this area's tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, start) in [
        ("two_programs", Start::Apart),
        ("one_command", Start::Together),
    ] {
        let test = Test::new(format!("seed::pair_by_{name}"), move || fails_over(start));
        tests.push(
            test.needs(Need::Root)
                .needs(Need::Namespaces)
                .needs(Need::Hosts)
                .needs(Need::User("haproxy"))
                .needs(Need::Program("pidof"))
                .needs(Need::Program("curl")),
        );
    }
}

fn fails_over(start: Start) -> Outcome {
    let mut pair = Pair::build(start)?;
    pair.start(0)?;
    pair.becomes_master(0)?;
    pair.start(1)?;
    pair.is_told(1, "BACKUP")?;

    pair.kill_proxy(0)?;
    pair.becomes_master(1)?;
    pair.is_told(0, "FAULT")?;
    assert!(
        !pair.nodes[0].host.has(MASTER),
        "the first still believes it is master"
    );

    pair.revive_proxy(0)?;
    pair.becomes_master(0)?;
    pair.is_told(1, "BACKUP")?;
    wait_for_file(&pair.nodes[1].host, "/tmp/backup.log", |log| {
        log.contains("I'm backup nothing to do")
    })?;
    assert!(
        !pair.nodes[1].host.has(MASTER),
        "the second still believes it is master"
    );

    pair.stop(0)?;
    pair.becomes_master(1)
}

pub(super) struct Pair {
    start: Start,
    pub(super) nodes: [Node; 2],
    pub(super) network: Network,
    /// What the programs find in their environment, besides what they always do: `NAME=value`.
    pub(super) environment: Vec<String>,
    _databases: Vec<Server>,
}

pub(super) struct Node {
    pub(super) host: Host,
    syslog: Syslog,
    /// `pontoon run`.
    daemon: Option<Inmate>,
    /// Lines of the counter that have been looked at.
    seen: usize,
}

impl Pair {
    pub(super) fn build(start: Start) -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let databases = (1..=3)
            .map(|n| database(&mut network, n))
            .collect::<Lab<_>>()?;
        let first = Node::boot(&network.host("a", &[ADDRESSES[0]])?, CONFIGURATIONS[0])?;
        let second = Node::boot(&network.host("b", &[ADDRESSES[1]])?, CONFIGURATIONS[1])?;
        Ok(Self {
            start,
            nodes: [first, second],
            network,
            environment: Vec::new(),
            _databases: databases,
        })
    }

    pub(super) fn start(&mut self, which: usize) -> Outcome {
        let environment = self.environment.iter().map(String::as_str);
        let mut line: Vec<&str> = ["env"].into_iter().chain(environment).collect();
        let node = &mut self.nodes[which];
        match self.start {
            Start::Apart => {
                node.start_proxy()?;
                line.extend(["/usr/sbin/keepalived", "-D"]);
                node.host.run(&line)?;
            }
            Start::Together => {
                let files = [
                    "/etc/haproxy/haproxy.cfg",
                    "/etc/keepalived/keepalived.conf",
                ];
                line.extend(["/usr/sbin/pontoon", "run", files[0], files[1]]);
                node.daemon = Some(node.host.start(&line)?);
            }
        }
        Ok(())
    }

    pub(super) fn kill_proxy(&self, which: usize) -> Outcome {
        let killed = self.nodes[which].host.signal_all("haproxy", Signal::KILL)?;
        assert!(killed > 0, "there was no proxy");
        Ok(())
    }

    pub(super) fn revive_proxy(&self, which: usize) -> Outcome {
        match self.start {
            Start::Apart => Ok(self.nodes[which].start_proxy()?),
            // Its supervisor does that.
            Start::Together => Ok(()),
        }
    }

    pub(super) fn stop(&mut self, which: usize) -> Outcome {
        let node = &mut self.nodes[which];
        if let Some(daemon) = &node.daemon {
            return Ok(daemon.signal(Signal::TERM)?);
        }
        let stop = "kill -TERM $(cat /var/run/keepalived.pid)";
        Ok(node.host.run(&["sh", "-c", stop]).map(drop)?)
    }

    pub(super) fn becomes_master(&mut self, which: usize) -> Outcome {
        self.is_told(which, "MASTER")?;
        let host = &self.nodes[which].host;
        assert!(host.has(MASTER), "{MASTER} is missing");
        wait_for_file(host, "/tmp/master.log", |log| {
            log.contains("I'm master now")
        })?;
        Ok(())
    }

    /// Waits until a node's script is told this state, after all that was waited for before.
    pub(super) fn is_told(&mut self, which: usize, state: &str) -> Outcome {
        let node = &mut self.nodes[which];
        let wanted = format!("Becoming {state}");
        let what = format!("node {which} to be told {state}");
        let told = wait::until(&what, COMEBACK, || {
            let counter = node.host.read(COUNTER);
            let mut lines = counter.lines().enumerate().skip(node.seen);
            lines
                .find(|(_, line)| line.ends_with(&wanted))
                .map(|(at, _)| at + 1)
        });
        match told {
            Ok(seen) => {
                node.seen = seen;
                Ok(())
            }
            Err(problem) => Err(self.complain(&problem)),
        }
    }

    pub(super) fn complain(&self, problem: &Problem) -> Failure {
        let [first, second] = [&self.nodes[0], &self.nodes[1]].map(Node::story);
        Failure::from(format!(
            "{problem}\n-- first:\n{first}\n-- second:\n{second}"
        ))
    }
}

impl Node {
    fn boot(namespace: &str, configuration: &str) -> Lab<Self> {
        let programs = [
            "/usr/sbin/haproxy",
            "/usr/sbin/keepalived",
            "/usr/sbin/pontoon",
        ];
        let installed = programs.map(|at| Installed {
            program: pontoon(),
            at,
        });
        let host = Host::boot(namespace, &installed)?;
        host.write("/etc/haproxy/haproxy.cfg", HAPROXY_CFG)?;
        host.write("/etc/keepalived/keepalived.conf", configuration)?;
        for (name, text) in SCRIPTS {
            host.write_script(&format!("/usr/libexec/keepalived/{name}"), text)?;
        }
        let syslog = Syslog::at(&host.path("/dev/log"))?;
        Ok(Self {
            host,
            syslog,
            daemon: None,
            seen: 0,
        })
    }

    fn start_proxy(&self) -> Lab<()> {
        let line = ["/usr/sbin/haproxy", "-D", "-f", "/etc/haproxy/haproxy.cfg"];
        self.host.run(&line).map(drop)
    }

    /// All that can be known of it.
    fn story(&self) -> String {
        let said = self.daemon.as_ref().map(Inmate::output).unwrap_or_default();
        let told = self.host.read(COUNTER);
        let called = self.host.read("/tmp/master.log");
        [
            self.syslog.lines().join("\n"),
            said.join("\n"),
            told,
            called,
        ]
        .join("\n")
    }
}

fn database(network: &mut Network, number: u8) -> Lab<Server> {
    let namespace = network.host(&format!("d{number}"), &[&format!("10.0.1.1{number}/24")])?;
    let address = SocketAddr::from(([10, 0, 1, 10 + number], 8563));
    inside(&namespace, move || {
        Server::on(address, Behaviour::Answer(number.to_string()))
    })
}
