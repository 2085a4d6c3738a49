//! Two nodes with an address between them, as `keepalived.conf` is commonly written: a script that looks for the proxy
//! and weighs, unicast, a password, notify scripts. Both nodes run the original programs, then both run ours.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use pontoon_lab::{
    client::Client,
    needs::Need,
    netns::{Network, inside},
    node::{Node, Programs},
    server::{Behaviour, Server},
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

const HAPROXY_CFG: &str = include_str!("pair.cfg");
const KEEPALIVED_CONF: &str = include_str!("keepalived.conf");
const ADDRESSES: [&str; 2] = ["10.0.1.207", "10.0.1.190"];
const SHARED: &str = "10.0.1.100";
const NOTES: &str = "/tmp/notes";
/// A node whose proxy has died may wait ten seconds before it comes back.
const COMEBACK: Duration = Duration::from_secs(40);

/// Adds the test.
pub(super) fn register(tests: &mut Vec<Test>) {
    let test = Test::new("real::pair", compare)
        .needs(Need::Root)
        .needs(Need::Namespaces)
        .needs(Need::Hosts);
    let programs = ["haproxy", "keepalived", "killall"];
    tests.push(
        programs
            .iter()
            .fold(test, |test, name| test.needs(Need::Program(name))),
    );
}

/// What is seen after one step.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    step: &'static str,
    /// Whether each node has the address.
    holds: [bool; 2],
    /// What each node's scripts have been told since the start.
    notes: [String; 2],
}

/// What scripts are told when the proxy has died: Keepalived's hears of it from its script, which weighs; ours at once,
/// and a node without a proxy is at fault, whatever a script weighs. It leaves that by way of `BACKUP`.
const FALLEN: &str = "FAULT";

fn compare() -> Outcome {
    let theirs = story(Programs::Debian, "BACKUP")?;
    let mut ours = story(Programs::Apart(pontoon()), FALLEN)?;
    for sight in &mut ours {
        let [first, _] = &mut sight.notes;
        let mut lines: Vec<_> = first
            .lines()
            .map(|line| line.replace(FALLEN, "BACKUP"))
            .collect();
        lines.dedup();
        *first = lines.join("\n") + "\n";
    }
    if theirs == ours {
        return Ok(());
    }
    Err(format!("the originals: {theirs:#?}\nours: {ours:#?}").into())
}

fn story(programs: Programs<'_>, fallen: &str) -> Result<Vec<Sight>, Failure> {
    let mut pair = Pair::build(programs)?;
    let mut sights = Vec::new();
    pair.nodes[0].start()?;
    sights.push(pair.see("the first starts", 0, ["MASTER", ""], "12")?);
    pair.nodes[1].start()?;
    sights.push(pair.see("the second starts", 0, ["MASTER", "BACKUP"], "12")?);
    pair.databases[0] = None;
    pair.nodes[0].kill_proxy()?;
    sights.push(pair.see("a database and a proxy die", 1, [fallen, "MASTER"], "2")?);
    pair.databases[0] = Some(database(&pair.homes[0], 1)?);
    pair.nodes[0].start_proxy()?;
    sights.push(pair.see("both are back", 0, ["MASTER", "BACKUP"], "12")?);
    pair.nodes[0].stop()?;
    sights.push(pair.see("the first stops", 1, ["", "MASTER"], "12")?);
    Ok(sights)
}

struct Pair {
    nodes: [Node; 2],
    /// Where the databases live.
    homes: [String; 2],
    databases: [Option<Server>; 2],
    client: String,
    _network: Network,
}

impl Pair {
    fn build(programs: Programs<'_>) -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let client = network.host("cl", &["10.0.1.50/24"])?;
        let homes = [
            network.host("d1", &["10.0.1.11/24"])?,
            network.host("d2", &["10.0.1.12/24"])?,
        ];
        let mut node = |name, which: usize, conf: &str| {
            let space = network.host(name, &[&format!("{}/24", ADDRESSES[which])])?;
            let node = Node::boot(&space, programs)?;
            node.configure(HAPROXY_CFG, conf)?;
            let notify = format!("#!/bin/sh\necho \"$1 $2 $3\" >>{NOTES}\n");
            node.host
                .write_script("/etc/keepalived/notify.sh", notify)?;
            let state = format!("#!/bin/sh\necho \"$1\" >>{NOTES}.states\n");
            node.host.write_script("/etc/keepalived/state.sh", state)?;
            Ok::<_, Failure>(node)
        };
        let other = KEEPALIVED_CONF
            .replace("LB1", "LB2")
            .replace("state MASTER", "state BACKUP")
            .replace("priority 101", "priority 100")
            .replace(ADDRESSES[0], "first")
            .replace(ADDRESSES[1], ADDRESSES[0])
            .replace("first", ADDRESSES[1]);
        let nodes = [node("a", 0, KEEPALIVED_CONF)?, node("b", 1, &other)?];
        let databases = [Some(database(&homes[0], 1)?), Some(database(&homes[1], 2)?)];
        Ok(Self {
            nodes,
            homes,
            databases,
            client,
            _network: network,
        })
    }

    /// Waits until this node serves, the last words of the scripts are these, where there are any, and clients reach
    /// these databases.
    fn see(
        &self,
        step: &'static str,
        master: usize,
        last: [&str; 2],
        databases: &str,
    ) -> Result<Sight, Failure> {
        let shared = SHARED.parse().expect("an address");
        let told = |which: usize| {
            let word = last[which].to_ascii_lowercase();
            let states = self.nodes[which].host.read(&format!("{NOTES}.states"));
            let notes = self.notes(which);
            let ends = |text: &str, word: &str| text.trim_end().ends_with(word);
            last[which].is_empty() || ends(&notes, last[which]) && ends(&states, &word)
        };
        let holds = || [0, 1].map(|which| self.nodes[which].host.holds(shared));
        let settled = || {
            let right = holds() == [master == 0, master == 1];
            (right && told(0) && told(1)).then_some(())
        };
        if let Err(problem) = wait::until(step, COMEBACK, settled) {
            let problem = self.nodes[0].complain(&problem);
            return Err(self.nodes[1].complain(&problem).into());
        }
        // A check may not have found yet what has changed.
        wait::until("all clients to be served", wait::PATIENCE, || {
            self.ask()
                .is_ok_and(|reached| reached == databases)
                .then_some(())
        })?;
        Ok(Sight {
            step,
            holds: holds(),
            notes: [0, 1].map(|which| self.notes(which)),
        })
    }

    fn notes(&self, which: usize) -> String {
        self.nodes[which].host.read(NOTES)
    }

    /// Which databases answer.
    fn ask(&self) -> Result<String, Failure> {
        let shared = SocketAddr::new(SHARED.parse().expect("an address"), 8563);
        let mut names = BTreeSet::new();
        for _ in 0..4 {
            let answer = inside(&self.client, || {
                let mut client = Client::connect(shared)?;
                client.send(b"who?")?;
                client.receive(2, wait::PATIENCE)
            })?;
            let name = String::from_utf8_lossy(&answer.bytes).trim().to_owned();
            names.insert(if name.is_empty() { "-".into() } else { name });
        }
        Ok(names.into_iter().collect())
    }
}

fn database(namespace: &str, number: u8) -> Result<Server, Failure> {
    let address = SocketAddr::from(([10, 0, 1, 10 + number], 8563));
    let answer = Behaviour::Answer(number.to_string());
    Ok(inside(namespace, move || Server::on(address, answer))?)
}
