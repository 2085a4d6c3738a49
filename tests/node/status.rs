//! What a node tells of itself, and to whom.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Command, Output},
};

use pontoon::node::{
    message::Servers,
    status::{NodeStatus, ProcessState},
};
use pontoon_lab::{
    balancer::free_address,
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};
use pontoon_sys::process::{Signal, child::signal_pid};

use crate::{
    harness::{Failure, Outcome, Test, pontoon},
    process::child_of,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "node::status_of_a_proxy_is_told_to_people_and_programs",
        is_told,
    ));
    tests.push(Test::new(
        "node::status_shows_what_was_restarted",
        shows_restarts,
    ));
    tests.push(Test::new(
        "node::status_is_told_although_the_proxy_hangs",
        proxy_hangs,
    ));
    tests.push(Test::new(
        "node::socket_of_a_living_node_is_not_taken",
        living_is_left,
    ));
    tests.push(Test::new(
        "node::election_beside_another_node_needs_a_name",
        second_election,
    ));
    tests.push(Test::new(
        "node::socket_of_a_dead_node_is_replaced",
        dead_is_replaced,
    ));
    tests.push(Test::new(
        "node::strange_clients_disturb_nobody",
        strange_clients,
    ));
    tests.push(Test::new(
        "node::status_without_this_node_names_the_others",
        others,
    ));
    tests.push(Test::new(
        "node::status_without_a_node_says_where_it_looked",
        nobody,
    ));
}

/// A node of one proxy with one server, which is checked.
struct Scene {
    node: Program,
    socket: PathBuf,
    folder: TempDir,
    _server: Server,
}

impl Scene {
    fn new() -> Result<Self, Failure> {
        let folder = TempDir::new("status")?;
        let server = Server::start(Behaviour::Echo)?;
        let text = format!(
            "defaults\n mode tcp\n timeout connect 1s\n timeout client 9s\n timeout server 9s\n\
             listen relay\n bind {}\n server s1 {} check inter 50ms\n",
            free_address()?,
            server.address()
        );
        folder.write("haproxy.cfg", text)?;
        let socket = folder.path().join("run/lb1.sock");
        let scene = Self {
            node: start(&folder)?,
            socket,
            folder,
            _server: server,
        };
        scene.until_usable()?;
        Ok(scene)
    }

    fn status(&self, more: &[&str]) -> Result<Output, Failure> {
        let mut command = Command::new(pontoon());
        command.arg("status").args(more);
        Ok(command.arg("--socket").arg(&self.socket).output()?)
    }

    fn parsed(&self) -> Option<NodeStatus> {
        let output = self.status(&["--json"]).ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    fn until(
        &self,
        what: &str,
        holds: impl Fn(&NodeStatus) -> bool,
    ) -> Result<NodeStatus, Failure> {
        let found = wait::until(what, wait::PATIENCE, || self.parsed().filter(&holds));
        found.map_err(|problem| {
            let said = self.node.output().join("\n");
            format!("{problem}; {:?}; {said}", self.parsed()).into()
        })
    }

    fn until_usable(&self) -> Result<NodeStatus, Failure> {
        self.until("the server to be usable", |node| {
            node.servers == Some(Servers::Usable)
        })
    }
}

/// Starts the node that this folder describes.
fn start(folder: &TempDir) -> Result<Program, Failure> {
    let mut command = Command::new(pontoon());
    command.args(["run", "haproxy.cfg", "--socket", "run/lb1.sock"]);
    Ok(Program::start(command.current_dir(folder.path()))?)
}

fn is_told() -> Outcome {
    let mut scene = Scene::new()?;
    let node = scene.until_usable()?;
    assert_eq!(node.pid, scene.node.pid());
    let proxy = node.proxy.ok_or_else(|| "no proxy".to_owned())?;
    assert_eq!((proxy.state, proxy.restarts), (ProcessState::Up, 0));
    let pid = child_of(scene.node.pid()).map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    assert_eq!(proxy.pid, pid);
    assert!(node.election.is_none() && node.vrrp.is_none() && !node.stopping);

    let output = scene.status(&[])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    for part in [
        "node: running for ",
        "  proxy      up for ",
        "  servers    at least one is up and has passed a check\n",
    ] {
        assert!(said.contains(part), "{said}");
    }
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    assert!(!scene.socket.exists(), "the socket goes with the node");
    Ok(())
}

fn shows_restarts() -> Outcome {
    let scene = Scene::new()?;
    let proxy = child_of(scene.node.pid()).ok_or_else(|| "no proxy".to_owned())?;
    signal_pid(proxy, Signal::KILL)?;
    let node = scene.until("the end to be told", |node| {
        node.proxy
            .as_ref()
            .is_some_and(|proxy| proxy.state == ProcessState::Waiting)
    })?;
    let last_end = node.proxy.and_then(|proxy| proxy.last_end);
    assert_eq!(last_end.as_deref(), Some("was ended by SIGKILL"));
    let node = scene.until_usable()?;
    assert_eq!(node.proxy.map(|proxy| proxy.restarts), Some(1));
    Ok(())
}

fn proxy_hangs() -> Outcome {
    let scene = Scene::new()?;
    let proxy = child_of(scene.node.pid()).ok_or_else(|| "no proxy".to_owned())?;
    signal_pid(proxy, Signal::STOP)?;
    let output = scene.status(&[])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("servers    not known: the proxy does not answer"),
        "{said}"
    );
    Ok(())
}

fn living_is_left() -> Outcome {
    let scene = Scene::new()?;
    let mut second = start(&scene.folder)?;
    assert_eq!(second.wait(wait::PATIENCE)?.code(), Some(1));
    second.wait_for_line("the reason", |line| {
        line.contains("another node answers at run/lb1.sock")
    })?;
    scene.until_usable()?;
    Ok(())
}

/// Both would be masters.
fn second_election() -> Outcome {
    let scene = Scene::new()?;
    let file = "vrrp_instance VI_1 {\n interface lo\n virtual_router_id 1\n}\n";
    let file = scene.folder.write("keepalived.conf", file)?;
    let mut command = Command::new(pontoon());
    command.arg("run").arg(file);
    let mut second = Program::start(command.env("PONTOON_SOCKET", &scene.socket))?;
    assert_eq!(second.wait(wait::PATIENCE)?.code(), Some(1));
    second.wait_for_line("the reason", |line| {
        line.contains("this node is not started: another node answers")
    })?;
    scene.until_usable()?;
    Ok(())
}

fn dead_is_replaced() -> Outcome {
    let mut scene = Scene::new()?;
    scene.node.signal(Signal::KILL)?;
    scene.node.wait(wait::PATIENCE)?;
    assert!(scene.socket.exists(), "nobody was there to remove it");
    assert_eq!(scene.status(&[])?.status.code(), Some(1));
    // Its proxy ends with it, and gives the address back.
    scene.node = wait::until("the address to be free", wait::PATIENCE, || {
        let mut node = start(&scene.folder).ok()?;
        let served = wait::until("it to serve or end", wait::PATIENCE, || {
            let ended = node.ended().ok()?.is_some();
            let serves = scene.parsed().is_some_and(|node| node.servers.is_some());
            (ended || serves).then_some(serves)
        });
        served.is_ok_and(|serves| serves).then_some(node)
    })?;
    scene.until_usable()?;
    Ok(())
}

fn strange_clients() -> Outcome {
    let mut scene = Scene::new()?;
    let silent: Vec<_> = (0..40)
        .map(|_| UnixStream::connect(&scene.socket))
        .collect::<Result<_, _>>()?;
    for (request, refusal) in [
        ("\n", "EOF while parsing"),
        ("{\"command\":\"dance\"}\n", "unknown variant `dance`"),
        ("\u{0}\u{1}\u{2}\n", "expected value"),
    ] {
        let mut stream = UnixStream::connect(&scene.socket)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        assert!(answer.starts_with("{\"refused\":"), "{answer}");
        assert!(answer.contains(refusal), "{answer}");
    }
    let mut endless = UnixStream::connect(&scene.socket)?;
    // It is cut off long before that.
    let _cut = (0..1000).try_for_each(|_| endless.write_all(&[b'x'; 4096]));
    let begun = UnixStream::connect(&scene.socket)?;
    (&begun).write_all(b"{\"comm")?;
    scene.until_usable()?;
    drop(silent);
    let spent = fs::read_to_string(format!("/proc/{}/stat", scene.node.pid()))?;
    let ticks: u64 = spent
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|word| word.parse::<u64>().ok())
        .sum();
    assert!(ticks < 100, "the supervisor has spun: {ticks} ticks");
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    Ok(())
}

fn others() -> Outcome {
    let scene = Scene::new()?;
    let mut command = Command::new(pontoon());
    let asked = scene.socket.with_file_name("node.sock");
    let output = command.args(["status", "--socket"]).arg(&asked).output()?;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let wanted = format!("try --socket {}", scene.socket.display());
    assert!(said.contains(&wanted), "{said}");
    Ok(())
}

fn nobody() -> Outcome {
    let folder = TempDir::new("status")?;
    let socket = folder.path().join("nowhere.sock");
    let mut command = Command::new(pontoon());
    let output = command
        .arg("status")
        .arg("--socket")
        .arg(&socket)
        .output()?;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let wanted = format!("pontoon: error: no node listens at {}", socket.display());
    assert!(said.starts_with(&wanted), "{said}");
    Ok(())
}
