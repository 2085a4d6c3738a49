//! A whole node in a network namespace: what happens to one process is an event for the others.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use pontoon::node::status::NodeStatus;
use pontoon_lab::{
    needs::Need,
    netns::{self, Network},
    program::Program,
    temp::TempDir,
    wait,
};
use pontoon_sys::process::{Pid, Signal, child::signal_pid};

use crate::harness::{Failure, Outcome, Test, measured, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: &[(&str, Run)] = &[
        ("takes_its_address_and_gives_it_back", takes_and_gives_back),
        ("resigns_when_its_proxy_is_killed", proxy_killed),
        ("resigns_when_its_proxy_hangs_and_kills_it", proxy_hangs),
        ("without_an_election_keeps_no_address", election_killed),
        ("without_a_supervisor_ends", supervisor_killed),
        ("that_cannot_bind_ends_without_an_address", cannot_bind),
        ("with_a_wrong_election_ends", wrong_election),
        ("works_as_process_one", process_one),
        ("stops_softly", stops_softly),
        ("reads_its_election_again_without_a_failover", reloads),
        ("becomes_another_program_and_keeps_its_address", becomes),
        ("ends_the_scripts_of_a_dead_election", scripts_end),
        ("works_on_although_nobody_reads_what_it_says", nobody_reads),
        ("of_an_election_only_has_a_status", election_only),
        ("without_an_instance_runs_and_says_so", no_instance),
        ("takes_a_haproxy_cfg_in_two_files", two_parts),
    ];
    for (name, run) in all {
        let test = Test::new(format!("node::node_{name}"), run);
        tests.push(test.needs(Need::Root).needs(Need::Namespaces));
    }
    tests.push(Test::new("node::node_has_one_election", one_election));
    tests.push(Test::new(
        "node::node_shows_mistakes_before_it_starts",
        mistakes,
    ));
}

const ADDRESS: &str = "10.0.1.100/24";

/// A host, and what runs on it.
pub(super) struct Scene {
    pub(super) node: Program,
    pub(super) namespace: String,
    pub(super) socket: PathBuf,
    pub(super) folder: TempDir,
    /// Goes when the scene does.
    pub(super) network: Network,
}

pub(super) const HAPROXY: &str = "defaults\n mode tcp\n timeout connect 1s\n timeout client 9s\n \
                       timeout server 9s\nlisten relay\n bind 0.0.0.0:8563\n \
                       server s1 127.0.0.1:1\n";

/// Fast enough for tests: a master after about half a second.
pub(super) const KEEPALIVED: &str = "global_defs {
    vrrp_version 3
}
vrrp_script always {
    script \"/bin/true\"
    interval 1
    weight 2
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 0.1
    virtual_ipaddress {
        10.0.1.100/24
    }
    track_script {
        always
    }
}
";

impl Scene {
    pub(super) fn new() -> Result<Self, Failure> {
        let mut scene = Self::starting(&[("haproxy.cfg", HAPROXY), ("ka.conf", KEEPALIVED)], &[])?;
        scene.until_held(true)?;
        scene.must_run()?;
        Ok(scene)
    }

    /// These files on a host, started with this wrapper.
    pub(super) fn starting(files: &[(&str, &str)], wrap: &[&str]) -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let namespace = network.host("a", &["10.0.1.1/24"])?;
        let folder = TempDir::new("node")?;
        let socket = folder.path().join("run/node.sock");
        let program = pontoon().display().to_string();
        let words: Vec<_> = wrap.iter().copied().chain([program.as_str()]).collect();
        let mut command = netns::command(&namespace, words[0]);
        command.current_dir(folder.path());
        command.args(&words[1..]).arg("run");
        for (name, text) in files {
            command.arg(folder.write(name, text)?);
        }
        command.arg("--socket").arg(&socket);
        Ok(Self {
            node: Program::start(&mut command)?,
            namespace,
            socket,
            folder,
            network,
        })
    }

    pub(super) fn must_run(&mut self) -> Outcome {
        assert!(self.node.ended()?.is_none(), "{}", self.said());
        Ok(())
    }

    pub(super) fn said(&self) -> String {
        self.node.output().join("\n")
    }

    pub(super) fn holds(&self) -> bool {
        self.shown().contains(ADDRESS)
    }

    /// The addresses on the interface.
    pub(super) fn shown(&self) -> String {
        let mut command = Command::new("ip");
        command.args([
            "-n",
            &self.namespace,
            "-o",
            "address",
            "show",
            "dev",
            "eth0",
        ]);
        let shown = command.output().map(|output| output.stdout);
        String::from_utf8_lossy(&shown.unwrap_or_default()).into_owned()
    }

    /// Waits until the address is there, or is not; returns how long that took.
    pub(super) fn until_held(&self, held: bool) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let what = format!("the address to be there: {held}");
        let found = wait::until(&what, wait::PATIENCE, || {
            (self.holds() == held).then(|| begun.elapsed())
        });
        found.map_err(|problem| format!("{problem}; {}", self.said()).into())
    }

    fn status(&self) -> Option<NodeStatus> {
        let mut command = Command::new(pontoon());
        command
            .args(["status", "--json", "--socket"])
            .arg(&self.socket);
        serde_json::from_slice(&command.output().ok()?.stdout).ok()
    }

    pub(super) fn status_now(&self) -> Result<NodeStatus, Failure> {
        let status = wait::until("the status", wait::PATIENCE, || self.status());
        status.map_err(|problem| format!("{problem}; {}", self.said()).into())
    }

    /// The process of this name below the supervisor.
    pub(super) fn child(&self, name: &str) -> Result<Pid, Failure> {
        let found = wait::until("a child", wait::PATIENCE, || {
            let status = self.status()?;
            let child = if name == "haproxy" {
                status.proxy
            } else {
                status.election
            };
            Pid::from_raw(i32::try_from(child?.pid?).ok()?)
        });
        let pid = found.map_err(|problem| format!("{problem}; {}", self.said()))?;
        let comm = fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero()))?;
        assert_eq!(comm.trim_end(), name);
        Ok(pid)
    }
}

fn is_gone(pid: Pid) -> bool {
    let cmdline = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
    cmdline.map_or(true, |text| text.is_empty())
}

pub(super) fn until_gone(pid: Pid) -> Outcome {
    wait::until("a process to end", wait::PATIENCE, || {
        is_gone(pid).then_some(())
    })?;
    Ok(())
}

fn takes_and_gives_back() -> Outcome {
    let mut scene = Scene::new()?;
    let status = scene.status_now()?;
    assert!(status.proxy.is_some() && status.election.is_some());
    let mut command = Command::new(pontoon());
    let output = command
        .args(["status", "--socket"])
        .arg(&scene.socket)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in [
        "VI_1: MASTER for ",
        "  priority   102 = 100 + 2 (script always: up)",
        "  tracks     interface eth0: up\n",
        "  router     51 on eth0, VRRP version 3\n",
        "  peer       nobody has been heard: backups are silent\n",
        "  address    10.0.1.100/24 on eth0, held\n",
        "  servers    none is checked\n",
        "\nlast transitions\n",
        "BACKUP -> MASTER",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    let (proxy, election) = (scene.child("haproxy")?, scene.child("keepalived")?);
    scene.node.signal(Signal::TERM)?;
    assert_eq!(
        scene.node.wait(wait::PATIENCE)?.code(),
        Some(0),
        "{}",
        scene.said()
    );
    assert!(!scene.holds(), "{}", scene.said());
    assert!(is_gone(proxy) && is_gone(election));
    let said = scene.node.output();
    let line = |text: &str| said.iter().position(|line| line.contains(text));
    // The election's last words come before the proxy's.
    let (resigned, stopped) = (line("]: Stopped"), line("Stopping at once"));
    assert!(resigned.is_some() && resigned < stopped, "{said:#?}");
    Ok(())
}

fn proxy_killed() -> Outcome {
    let mut scene = Scene::new()?;
    let proxy = scene.child("haproxy")?;
    signal_pid(proxy, Signal::KILL)?;
    let took = scene.until_held(false)?;
    measured(&format!(
        "address given up {took:?} after the proxy was killed"
    ));
    assert!(took < Duration::from_millis(500), "{took:?}");
    scene.until_held(true)?;
    assert_ne!(scene.child("haproxy")?, proxy);
    scene.must_run()
}

fn proxy_hangs() -> Outcome {
    let mut scene = Scene::new()?;
    let proxy = scene.child("haproxy")?;
    signal_pid(proxy, Signal::STOP)?;
    let took = scene.until_held(false)?;
    measured(&format!("address given up {took:?} after the proxy hung"));
    assert!(took < Duration::from_secs(3), "{took:?}");
    scene.node.wait_for_line("the kill", |line| {
        line.contains("has not answered for 10 s; it is killed")
    })?;
    scene.until_held(true)?;
    assert_ne!(scene.child("haproxy")?, proxy);
    scene.must_run()
}

fn election_killed() -> Outcome {
    let mut scene = Scene::new()?;
    let election = scene.child("keepalived")?;
    signal_pid(election, Signal::KILL)?;
    let took = scene.until_held(false)?;
    measured(&format!(
        "address removed {took:?} after the election was killed"
    ));
    assert!(took < Duration::from_millis(500), "{took:?}");
    scene.node.wait_for_line("the removal to be told", |line| {
        line == "pontoon: warning: removed 10.0.1.100/24 on eth0, which it held"
    })?;
    scene.until_held(true)?;
    assert_ne!(scene.child("keepalived")?, election);
    scene.must_run()
}

fn supervisor_killed() -> Outcome {
    let mut scene = Scene::new()?;
    let (proxy, election) = (scene.child("haproxy")?, scene.child("keepalived")?);
    let supervisor = Pid::from_raw(i32::try_from(scene.status_now()?.pid).unwrap_or(0));
    let supervisor = supervisor.ok_or_else(|| "no supervisor".to_owned())?;
    signal_pid(supervisor, Signal::KILL)?;
    scene.until_held(false)?;
    until_gone(proxy)?;
    until_gone(election)?;
    scene.node.wait(wait::PATIENCE)?;
    Ok(())
}

fn cannot_bind() -> Outcome {
    let taken = HAPROXY.replace("0.0.0.0:8563", "10.99.99.99:8563");
    let files = [("haproxy.cfg", taken.as_str()), ("ka.conf", KEEPALIVED)];
    let mut scene = Scene::starting(&files, &[])?;
    assert_eq!(
        scene.node.wait(wait::PATIENCE)?.code(),
        Some(1),
        "{}",
        scene.said()
    );
    assert!(!scene.holds());
    let said = scene.said();
    assert!(said.contains("cannot bind socket"), "{said}");
    let stops = "pontoon: error: the proxy exited with code 1 before it was ready; stopping";
    assert!(said.contains(stops), "{said}");
    assert!(!said.contains("MASTER"), "{said}");
    Ok(())
}

fn wrong_election() -> Outcome {
    let wrong = KEEPALIVED.replace("eth0", "eth77");
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", wrong.as_str())];
    let mut scene = Scene::starting(&files, &[])?;
    let code = scene.node.wait(wait::PATIENCE)?.code();
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    assert!(scene.said().contains("eth77"), "{}", scene.said());
    Ok(())
}

/// With a process namespace of its own.
fn process_one() -> Outcome {
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", KEEPALIVED)];
    let wrap = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut scene = Scene::starting(&files, &wrap)?;
    scene.until_held(true)?;
    assert_eq!(scene.status_now()?.pid, 1);
    let first = crate::process::child_of(scene.node.pid());
    let first = first.ok_or_else(|| "no process 1".to_owned())?;
    signal_pid(first, Signal::TERM)?;
    assert_eq!(
        scene.node.wait(wait::PATIENCE)?.code(),
        Some(0),
        "{}",
        scene.said()
    );
    assert!(!scene.holds());
    Ok(())
}

fn reloads() -> Outcome {
    let mut scene = Scene::new()?;
    let election = scene.child("keepalived")?;
    let proxy = scene.child("haproxy")?;
    let more = KEEPALIVED.replace("10.0.1.100/24", "10.0.1.100/24\n        10.0.1.101/24");
    scene.folder.write("ka.conf", more)?;
    scene.node.signal(Signal::HUP)?;
    wait::until("the new address", wait::PATIENCE, || {
        assert!(scene.holds(), "{}", scene.said());
        scene.shown().contains("10.0.1.101/24").then_some(())
    })?;
    scene.node.wait_for_line("the reload to be told", |line| {
        line.starts_with("pontoon: note: Reloaded: ")
            && line.contains("the election has read its file")
    })?;
    assert_eq!(scene.child("keepalived")?, election);
    assert_ne!(scene.child("haproxy")?, proxy);
    let said = scene.said();
    assert_eq!(said.matches("Entering MASTER STATE").count(), 1, "{said}");
    assert!(
        !said.contains("Entering FAULT STATE") && !said.contains("Entering BACKUP STATE; "),
        "{said}"
    );
    scene.must_run()
}

/// A new program on the disk: the supervisor executes it, the election goes on, and what it holds is
/// still known.
fn becomes() -> Outcome {
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", KEEPALIVED)];
    let wrap = ["sh", "-c", "ln -s \"$0\" pontoon; exec ./pontoon \"$@\""];
    let mut scene = Scene::starting(&files, &wrap)?;
    scene.until_held(true)?;
    let election = scene.child("keepalived")?;
    let script = format!(
        "#!/bin/bash\ncase $1 in\nrun|can-resume) exec -a pontoon {real} \"$@\";;\nesac\n\
         exec -a haproxy {real} \"$@\"\n",
        real = pontoon().display()
    );
    let new = scene.folder.write("new", script)?;
    fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    fs::rename(new, scene.folder.path().join("pontoon"))?;
    let pid = scene.status_now()?.pid;
    scene.node.signal(Signal::HUP)?;
    scene.node.wait_for_line("the new program", |line| {
        line.starts_with("pontoon: note: the supervisor is pontoon ")
    })?;
    let status = scene.status_now()?;
    assert_eq!(status.pid, pid);
    assert!(status.vrrp.is_some(), "the election talks");
    assert_eq!(scene.child("keepalived")?, election);
    let said = scene.said();
    assert_eq!(said.matches("Entering MASTER STATE").count(), 1, "{said}");
    assert!(scene.holds());
    signal_pid(election, Signal::KILL)?;
    let took = scene.until_held(false)?;
    assert!(took < Duration::from_millis(500), "{took:?}");
    scene.until_held(true)?;
    scene.node.signal(Signal::TERM)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    assert!(!scene.holds());
    Ok(())
}

/// An address that came with a reload is removed like the others; the election cannot do it: its
/// file is not valid any more.
/// What a script has started does not notice that the election is gone: it would go on, say, to
/// claim a cloud address that another node has by then.
fn scripts_end() -> Outcome {
    let mut scene = Scene::new()?;
    let script = "#!/bin/sh\n[ \"$3\" = MASTER ] || exit\nsleep 1000 &\necho $! >\"$0.new\"\n\
                  mv \"$0.new\" \"$0.pid\"\nwait\n";
    let path = scene.folder.write("notify", script)?;
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let notify = format!("priority 100\n notify {}", path.display());
    let text = KEEPALIVED.replace("priority 100", &notify);
    scene.folder.write("ka.conf", text)?;
    scene.node.signal(Signal::HUP)?;
    let reloaded = |line: &str| line.contains("Reload complete");
    scene.node.wait_for_line("the reload", reloaded)?;
    scene.network.unplug(&scene.namespace)?;
    scene.until_held(false)?;
    scene.network.plug(&scene.namespace)?;
    let pid = path.with_extension("pid");
    let child = wait::until("the script to start", wait::PATIENCE, || {
        let number = fs::read_to_string(&pid).ok()?.trim_end().parse().ok()?;
        Pid::from_raw(number)
    })?;
    signal_pid(scene.child("keepalived")?, Signal::KILL)?;
    until_gone(child)?;
    let told = |line: &str| line.contains("ended a notify script of the election");
    scene.node.wait_for_line("that to be told", told)?;
    scene.must_run()
}

/// Its standard error is a pipe that is full (a stopped terminal, a log that hangs).
fn nobody_reads() -> Outcome {
    const SHELL: &str =
        "exec 3<>pipe; head -c 65536 /dev/zero >&3; exec \"$@\" >&3 2>&3 </dev/null";
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", KEEPALIVED)];
    let wrap = ["sh", "-c", &format!("mkfifo pipe; {SHELL}"), "sh"];
    let mut scene = Scene::starting(&files, &wrap)?;
    scene.until_held(true)?;
    for name in ["haproxy", "keepalived"] {
        let before = scene.child(name)?;
        signal_pid(before, Signal::KILL)?;
        scene.until_held(false)?;
        scene.until_held(true)?;
        assert_ne!(scene.child(name)?, before);
    }
    scene.node.signal(Signal::TERM)?;
    let code = scene.node.wait(wait::PATIENCE)?.code();
    assert_eq!(code, Some(0));
    assert!(!scene.holds());
    Ok(())
}

/// The address goes first, the session stays.
fn stops_softly() -> Outcome {
    let mut scene = Scene::new()?;
    let session = netns::inside(&scene.namespace, || {
        pontoon_lab::client::Client::connect(([127, 0, 0, 1], 8563).into())
    });
    let _session = session?;
    let proxy = scene.child("haproxy")?;
    scene.node.signal(Signal::USR1)?;
    scene.until_held(false)?;
    // Its only session has nobody to talk to, and ends soon.
    until_gone(proxy)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    Ok(())
}

fn election_only() -> Outcome {
    let mut scene = Scene::starting(&[("ka.conf", KEEPALIVED)], &[])?;
    scene.until_held(true)?;
    let status = scene.status_now()?;
    assert!(status.proxy.is_none() && status.vrrp.is_some());
    scene.node.signal(Signal::HUP)?;
    scene.node.signal(Signal::INT)?;
    assert_eq!(scene.node.wait(wait::PATIENCE)?.code(), Some(0));
    assert!(!scene.holds());
    Ok(())
}

/// The proxy is of use all the same.
fn no_instance() -> Outcome {
    let empty = "global_defs {\n router_id lb1\n}\n";
    let files = [("haproxy.cfg", HAPROXY), ("ka.conf", empty)];
    let mut scene = Scene::starting(&files, &[])?;
    scene.node.wait_for_line("what that means", |line| {
        line.ends_with("there is no `vrrp_instance`: this node takes part in no election")
    })?;
    scene.child("haproxy")?;
    let status = wait::until("the election's status", wait::PATIENCE, || {
        scene.status_now().ok()?.vrrp
    })?;
    assert_eq!(status["instances"], serde_json::json!([]));
    scene.must_run()
}

fn two_parts() -> Outcome {
    let (first, second) = HAPROXY.split_once("listen").ok_or("no proxy")?;
    let second = format!("listen{second}");
    let files = [
        ("a.cfg", first),
        ("ka.conf", KEEPALIVED),
        ("b.cfg", second.as_str()),
    ];
    let mut scene = Scene::starting(&files, &[])?;
    scene.until_held(true)?;
    scene.child("haproxy")?;
    scene.must_run()
}

fn one_election() -> Outcome {
    let folder = TempDir::new("node")?;
    let mut command = Command::new(pontoon());
    command.arg("run");
    for name in ["a.conf", "b.conf"] {
        command.arg(folder.write(name, KEEPALIVED)?);
    }
    let output = command.output()?;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("b.conf is a second keepalived.conf"),
        "{said}"
    );
    Ok(())
}

/// As `pontoon check` shows them, whichever file they are in.
fn mistakes() -> Outcome {
    let folder = TempDir::new("node")?;
    let wrong = KEEPALIVED.replace("priority 100", "prioritty 100");
    let mut command = Command::new(pontoon());
    command.arg("run");
    command.arg(folder.write("ka.conf", wrong)?);
    command.arg(folder.write("haproxy.cfg", HAPROXY)?);
    let output = command.output()?;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("ka.conf:12"), "{said}");
    assert!(said.contains("did you mean `priority`?"), "{said}");
    Ok(())
}
