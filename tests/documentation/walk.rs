//! Plays a page on two hosts, as its reader would: writes the files that it shows, runs its commands, and
//! looks for what it says will be seen.
//!
//! Words behind the tag of a fence: `on=lb1` (if nothing is said), `on=lb2` or `on=both` says where; `apart`: a file that is only
//! shown; `until`: the commands are run again until they succeed and say what is expected; `without=db3`: that server has ended;
//! `text expect`: each of its lines is in what the last command has said; `anew`: what ran on the nodes is ended first. Lines below a command are what it says, whatever the numbers
//! are; `…` stands for more.
//!
//! Pages in `OF_THE_PAIR` are about the files of `examples/pair`, to which their parts of a `haproxy.cfg` are added, and if they start nothing,
//! about a pair that runs.

use std::{fs, net::SocketAddr, time::Duration};

use pontoon_lab::{
    host::{Host, Inmate},
    netns::{Network, inside},
    server::{Behaviour, Server},
    wait,
};
use pontoon_sys::process::Signal;

use regex::Regex;

use super::{
    ROOT,
    commands::{Command, commands, left_out},
    fences::{Fence, of_page},
};
use crate::harness::{Failure, Outcome, pontoon};

const NODES: [(&str, &str); 2] = [("lb1", "10.0.1.207/24"), ("lb2", "10.0.1.190/24")];
/// A node comes back ten seconds after its proxy has crashed.
const PATIENCE: Duration = Duration::from_secs(60);
/// The how-to's files, for the page that replaces them.
const HOW_TO: [(&str, &str); 5] = [
    ("haproxy.cfg", "/etc/haproxy/haproxy.cfg"),
    ("keepalived-master.conf", "/etc/keepalived/keepalived.conf"),
    ("notify.sh", "/usr/libexec/keepalived/notify.sh"),
    ("master.sh", "/usr/libexec/keepalived/master.sh"),
    ("backup.sh", "/usr/libexec/keepalived/backup.sh"),
];

const OF_THE_PAIR: [&str; 5] = [
    "README.md",
    "docs/election.md",
    "docs/operating.md",
    "docs/runtime.md",
    "docs/server-state.md",
];
/// Where a reader has the files that have no other place.
const HERE: &str = "/tmp";
/// Where both programs look for them.
const FILES: [(&str, &str); 2] = [
    ("haproxy.cfg", "/etc/haproxy/haproxy.cfg"),
    ("keepalived.conf", "/etc/keepalived/keepalived.conf"),
];

struct Scene {
    nodes: [Node; 2],
    /// By name.
    servers: Vec<(String, Server)>,
    _network: Network,
}

struct Node {
    host: Host,
    /// What `pontoon run` has been started as.
    running: Option<Inmate>,
    /// What the last command has said.
    said: String,
}

/// Plays one page.
pub(super) fn play(page: &str) -> Outcome {
    let text = fs::read_to_string(format!("{ROOT}/{page}"))?;
    let fences = of_page(page, &text)?;
    let mut scene = Scene::build()?;
    if !text.contains("$ sudo install ") {
        scene.install()?;
    }
    if page.ends_with("migrate-cloud.md") {
        scene.prepare_how_to()?;
    }
    if OF_THE_PAIR.contains(&page) {
        scene.give_pair(&fences)?;
    }
    // A page may ask what is wrong with a file before it shows it.
    for fence in fences.iter().rev().filter(|it| is_file(it)) {
        scene.write(fence)?;
    }
    let mut played = 0;
    for (at, fence) in fences.iter().enumerate() {
        if is_file(fence) {
            scene.write(fence)?;
        }
        let after = fences.get(at + 1);
        let expected = after.filter(|it| it.tag == "text" && it.says("expect"));
        if let Some(name) = fence.word("without=") {
            scene.servers.retain(|(it, _)| it != name);
        }
        if fence.says("anew") {
            for which in scene.meant(fence) {
                scene.nodes[which].end()?;
            }
        }
        for command in commands(fence) {
            if left_out(fence, &command.text) {
                continue;
            }
            played += 1;
            let outcome = scene.run(fence, &command, expected);
            outcome.map_err(|problem| scene.complaint(fence, &command.text, &problem))?;
        }
    }
    if played == 0 {
        return Err("nothing was played".into());
    }
    Ok(())
}

/// A whole file that is meant to be used.
fn is_file(fence: &Fence) -> bool {
    let language = fence.tag == "haproxy" || fence.tag == "keepalived";
    language && !["part", "lines", "apart"].iter().any(|it| fence.says(it))
}

impl Scene {
    fn build() -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let mut servers = Vec::new();
        for number in 1..=3_u8 {
            let name = format!("db{number}");
            let namespace = network.host(&name, &[&format!("10.0.1.1{number}/24")])?;
            let address = SocketAddr::from(([10, 0, 1, 10 + number], 8563));
            let server = inside(&namespace, || Server::on(address, Behaviour::Echo))?;
            servers.push((name, server));
        }
        let mut node = |(name, address): (&str, &str)| -> Result<Node, Failure> {
            let host = Host::boot(&network.host(name, &[address])?, &[])?;
            host.run(&["hostname", name])?;
            Ok(Node {
                host,
                running: None,
                said: String::new(),
            })
        };
        let nodes = [node(NODES[0])?, node(NODES[1])?];
        Ok(Self {
            nodes,
            servers,
            _network: network,
        })
    }

    fn install(&self) -> Outcome {
        let program = pontoon().display().to_string();
        for Node { host, .. } in &self.nodes {
            host.run(&["ln", "-s", &program, "/usr/sbin/pontoon"])?;
        }
        Ok(())
    }

    /// The files of a pair, where they are looked for and where the reader is; and the pair, if the page does not start it.
    fn give_pair(&mut self, fences: &[Fence]) -> Outcome {
        let starts = |command: Command| started(&command.text).is_some();
        let runs = !fences.iter().flat_map(commands).any(starts);
        let is_part = |it: &&Fence| it.tag == "haproxy" && it.says("part");
        let parts: String = fences.iter().filter(is_part).map(|it| &*it.text).collect();
        for node in &mut self.nodes {
            for (name, at) in FILES {
                let mut text = fs::read_to_string(format!("{ROOT}/examples/pair/{name}"))?;
                if name == "haproxy.cfg" {
                    text += &parts;
                }
                node.host.write(at, &text)?;
                node.host.write(&format!("{HERE}/{name}"), &text)?;
            }
            // As the package `haproxy` makes it for sockets.
            node.host.run(&["mkdir", "-p", "/run/haproxy"])?;
            if runs {
                node.start(&FILES.map(|(_, at)| at).join(" "))?;
            }
        }
        Ok(())
    }

    fn prepare_how_to(&self) -> Outcome {
        for (name, at) in HOW_TO {
            let text = fs::read_to_string(format!("{ROOT}/tests/data/seed/{name}"))?;
            self.nodes[0].host.write_script(at, text)?;
        }
        Ok(())
    }

    /// The nodes that a fence is for.
    fn meant(&self, fence: &Fence) -> Vec<usize> {
        let files = fence.tag == "haproxy";
        match fence.word("on=") {
            Some("lb2") => vec![1],
            Some("both") => vec![0, 1],
            None if files => vec![0, 1],
            _ => vec![0],
        }
    }

    fn write(&self, fence: &Fence) -> Outcome {
        let path = match fence.tag.as_str() {
            "haproxy" => "/etc/haproxy/haproxy.cfg",
            _ => "/etc/keepalived/keepalived.conf",
        };
        for node in self.meant(fence) {
            self.nodes[node].host.write(path, &fence.text)?;
        }
        Ok(())
    }

    fn run(&mut self, fence: &Fence, command: &Command, expected: Option<&Fence>) -> Outcome {
        let program = pontoon().display().to_string();
        let line = command.text.replace("sudo ", "");
        let line = line.replace("$PWD/target/release/pontoon", &program);
        let line = line.replace("target/release/pontoon", &program);
        let wanted: Vec<&str> = expected
            .map(|it| it.text.lines().collect())
            .unwrap_or_default();
        for which in self.meant(fence) {
            let node = &mut self.nodes[which];
            if let Some(files) = started(&command.text) {
                node.start(files)?;
                continue;
            }
            let mut says = || {
                node.says(&line, &wanted)?;
                node.has_said(&command.answer)
            };
            if !fence.says("until") {
                says()?;
                continue;
            }
            let mut last = None;
            let what = format!("`{}` to say what is expected", command.text);
            let waited = wait::until(&what, PATIENCE, || {
                says().map_err(|it| last = Some(it)).ok()
            });
            waited.map_err(|problem| match &last {
                Some(last) => Failure::from(format!("{problem}: {last}")),
                None => Failure::from(problem),
            })?;
        }
        Ok(())
    }

    fn complaint(&self, fence: &Fence, command: &str, problem: &Failure) -> Failure {
        let story = |node: &Node| {
            let output = node.running.as_ref().map(Inmate::output);
            format!("{}\n{}", node.said, output.unwrap_or_default().join("\n"))
        };
        let [first, second] = [&self.nodes[0], &self.nodes[1]].map(story);
        let place = &fence.place;
        Failure::from(format!(
            "{place}: {command}: {problem}\n-- lb1:\n{first}\n-- lb2:\n{second}"
        ))
    }
}

impl Node {
    /// In the foreground of another terminal; what ran there before is ended, as the page says.
    fn start(&mut self, files: &str) -> Outcome {
        self.end()?;
        let line = format!("cd {HERE} && exec /usr/sbin/pontoon run {files}");
        self.running = Some(self.host.start(&["sh", "-c", &line])?);
        wait::until("the node to answer", PATIENCE, || {
            self.host.run(&["pontoon", "status"]).ok()
        })?;
        Ok(())
    }

    fn end(&mut self) -> Outcome {
        if let Some(mut running) = self.running.take() {
            running.signal(Signal::INT)?;
            running.wait(wait::PATIENCE)?;
        }
        Ok(())
    }

    /// Runs a line; it succeeds, and says all this.
    fn says(&mut self, line: &str, wanted: &[&str]) -> Outcome {
        let line = format!("cd {HERE} || exit\n{line}");
        let output = self.host.command("sh").args(["-c", &line]).output()?;
        let text = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
        self.said = text.concat();
        if !output.status.success() {
            return Err(format!("{}", output.status).into());
        }
        match wanted
            .iter()
            .find(|line| !self.said.contains(line.trim_end()))
        {
            None => Ok(()),
            Some(line) => Err(format!("it does not say `{line}`").into()),
        }
    }

    /// Whether each of these lines has been said, whatever its numbers are.
    fn has_said(&self, answer: &[String]) -> Outcome {
        let said = shape(&self.said)?;
        for line in answer {
            let wanted = line.trim_end_matches('…').trim_end();
            if !said.contains(&shape(wanted)?) {
                return Err(format!("it does not say `{line}`").into());
            }
        }
        Ok(())
    }
}

/// The files that this command starts a node on.
fn started(command: &str) -> Option<&str> {
    let line = command.strip_prefix("sudo ").unwrap_or(command);
    let line = line.strip_prefix("target/release/").unwrap_or(line);
    line.strip_prefix("pontoon run ")
}

/// A text in which all numbers, times and addresses are alike.
fn shape(text: &str) -> Result<String, Failure> {
    let numbers = Regex::new(r"\d[\d.:-]*( (ms|s|min|h)\b)?").map_err(|it| it.to_string())?;
    Ok(numbers.replace_all(text, "#").into_owned())
}
