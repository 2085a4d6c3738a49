//! `pontoon run`: started, watched, restarted, stopped.

use std::{fs, net::SocketAddr, process::Command, time::Duration};

use pontoon_lab::{
    balancer::free_address,
    client::Client,
    needs::Need,
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};
use pontoon_sys::process::{Pid, Signal, child::signal_pid};

use super::relay;
use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new(
        "process::supervisor_restarts_a_killed_proxy",
        restarts,
    ));
    tests.push(Test::new(
        "process::supervisor_dies_and_takes_the_proxy_along",
        || dies_together(""),
    ));
    // A change of the user makes the kernel forget whose death matters.
    let other = Test::new(
        "process::supervisor_dies_and_takes_a_proxy_of_another_user_along",
        || dies_together("uid 65534\n gid 65534"),
    );
    tests.push(other.needs(Need::Root));
    tests.push(Test::new(
        "process::supervisor_refuses_a_wrong_file_at_once",
        refuses_a_wrong_file,
    ));
    tests.push(Test::new(
        "process::supervisor_gives_up_at_once_on_a_taken_address",
        refuses_a_taken_address,
    ));
    tests.push(Test::new(
        "process::supervisor_passes_a_soft_stop_on",
        stops_softly,
    ));
    tests.push(Test::new(
        "process::supervisor_takes_a_stop_of_the_whole_group_for_no_crash",
        stops_with_its_group,
    ));
    let names = Test::new("process::pidof_and_killall_find_the_proxy", names);
    tests.push(
        names
            .needs(Need::Program("pidof"))
            .needs(Need::Program("killall")),
    );
    let first = Test::new(
        "process::supervisor_works_as_process_one",
        works_as_process_one,
    );
    tests.push(
        first
            .needs(Need::Root)
            .needs(Need::Program("unshare"))
            .needs(Need::Program("nsenter")),
    );
    tests.push(Test::new(
        "process::keepalived_conf_is_recognised",
        keepalived,
    ));
}

struct Scene {
    supervisor: Program,
    listens: SocketAddr,
    folder: TempDir,
    _server: Server,
}

fn scene(wrap: impl FnOnce(&str) -> Command) -> Result<Scene, Failure> {
    scene_with("", wrap)
}

fn scene_with(more: &str, wrap: impl FnOnce(&str) -> Command) -> Result<Scene, Failure> {
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    let folder = TempDir::new("supervisor")?;
    let global = format!("daemon\n pidfile {}/pid\n {more}", folder.path().display());
    let file = folder.write("haproxy.cfg", relay(&global, listens, server.address()))?;
    let mut command = wrap(&pontoon().display().to_string());
    let supervisor = Program::start(command.arg("run").arg(file))?;
    let scene = Scene {
        supervisor,
        listens,
        folder,
        _server: server,
    };
    // It is bound, and may answer, a moment before it is ready.
    scene
        .supervisor
        .wait_for_line("the proxy to be ready", |line| {
            line.contains("Proxy relay started.")
        })?;
    scene.wait_until_it_answers()?;
    Ok(scene)
}

impl Scene {
    fn wait_until_it_answers(&self) -> Outcome {
        wait::until("the proxy to answer", wait::PATIENCE, || {
            let mut client = Client::connect(self.listens).ok()?;
            client.send(b"ping").ok()?;
            let seen = client.receive(4, Duration::from_secs(5)).ok()?;
            (seen.bytes == b"ping").then_some(())
        })
        .map_err(|problem| format!("{problem}; {}", self.supervisor.output().join("\n")))?;
        Ok(())
    }

    /// The proxy process: the only child.
    fn proxy(&self) -> Option<Pid> {
        child_of(self.supervisor.pid())
    }
}

pub(crate) fn child_of(parent: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children
        .split_whitespace()
        .next()?
        .parse()
        .ok()
        .and_then(Pid::from_raw)
}

/// A zombie counts as gone: whoever adopted it may take its time.
fn is_gone(pid: Pid) -> bool {
    let cmdline = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
    cmdline.map_or(true, |text| text.is_empty())
}

fn restarts() -> Outcome {
    let mut scene = scene(|program| Command::new(program))?;
    let first = scene.proxy().ok_or_else(|| "no proxy".to_owned())?;
    signal_pid(first, Signal::KILL)?;
    scene.supervisor.wait_for_line("the crash to be told", |line| {
        line == "pontoon: warning: the proxy was ended by SIGKILL; it will be started again in 1 s"
    })?;
    scene
        .supervisor
        .wait_for_line("the restart to be told", |line| {
            line.starts_with("pontoon: note: the proxy runs again (process ")
        })?;
    scene.wait_until_it_answers()?;
    assert_ne!(scene.proxy(), Some(first));
    scene.supervisor.signal(Signal::TERM)?;
    assert_eq!(scene.supervisor.wait(wait::PATIENCE)?.code(), Some(0));
    Ok(())
}

fn dies_together(more: &str) -> Outcome {
    let mut scene = scene_with(more, |program| Command::new(program))?;
    let proxy = scene.proxy().ok_or_else(|| "no proxy".to_owned())?;
    scene.supervisor.signal(Signal::KILL)?;
    scene.supervisor.wait(wait::PATIENCE)?;
    wait::until("the proxy to follow", wait::PATIENCE, || {
        is_gone(proxy).then_some(())
    })?;
    Ok(())
}

fn refuses_a_wrong_file() -> Outcome {
    let folder = TempDir::new("supervisor")?;
    let file = folder.write("haproxy.cfg", "global\n maxcon 5\n")?;
    let mut program = Program::start(Command::new(pontoon()).arg("run").arg(file))?;
    assert_eq!(program.wait(wait::PATIENCE)?.code(), Some(1));
    program.wait_for_line("the mistake", |line| {
        line.contains("did you mean `maxconn`?")
    })?;
    Ok(())
}

fn refuses_a_taken_address() -> Outcome {
    let folder = TempDir::new("supervisor")?;
    let server = Server::start(Behaviour::Echo)?;
    let config = relay("", server.address(), server.address());
    let file = folder.write("haproxy.cfg", config)?;
    let mut program = Program::start(Command::new(pontoon()).arg("run").arg(file))?;
    assert_eq!(program.wait(wait::PATIENCE)?.code(), Some(1));
    program.wait_for_line("the reason", |line| line.contains("Address already in use"))?;
    Ok(())
}

fn stops_softly() -> Outcome {
    let mut scene = scene(|program| Command::new(program))?;
    let mut client = Client::connect(scene.listens)?;
    client.send(b"one")?;
    assert_eq!(client.receive(3, Duration::from_secs(5))?.bytes, b"one");
    scene.supervisor.signal(Signal::USR1)?;
    scene
        .supervisor
        .wait_for_line("the soft stop", |line| line.contains("Proxy relay stopped"))?;
    client.send(b"two")?;
    assert_eq!(client.receive(3, Duration::from_secs(5))?.bytes, b"two");
    drop(client);
    assert_eq!(scene.supervisor.wait(wait::PATIENCE)?.code(), Some(0));
    Ok(())
}

/// Systemd and terminals signal everybody, and the proxy may be gone before its supervisor looks.
fn stops_with_its_group() -> Outcome {
    let mut scene = scene(|program| Command::new(program))?;
    let proxy = scene.proxy().ok_or_else(|| "no proxy".to_owned())?;
    scene.supervisor.signal(Signal::STOP)?;
    signal_pid(proxy, Signal::TERM)?;
    wait::until("the proxy to end", wait::PATIENCE, || {
        is_gone(proxy).then_some(())
    })?;
    scene.supervisor.signal(Signal::TERM)?;
    scene.supervisor.signal(Signal::CONT)?;
    assert_eq!(scene.supervisor.wait(wait::PATIENCE)?.code(), Some(0));
    let said = scene.supervisor.output().join("\n");
    assert!(!said.contains("started again"), "{said}");
    Ok(())
}

fn names() -> Outcome {
    let scene = scene(|program| Command::new(program))?;
    let proxy = scene.proxy().ok_or_else(|| "no proxy".to_owned())?;
    let pid = proxy.as_raw_nonzero().to_string();
    let found = Command::new("pidof").arg("haproxy").output()?;
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.split_whitespace().any(|word| word == pid), "{found}");
    assert!(
        Command::new("killall")
            .args(["-0", "haproxy"])
            .status()?
            .success()
    );
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}"));
    assert_eq!(read("comm")?, "haproxy\n");
    assert!(read("cmdline")?.starts_with("haproxy\0"));
    let pidfile = fs::read_to_string(scene.folder.path().join("pid"))?;
    assert_eq!(
        pidfile.trim_end(),
        scene.supervisor.pid().to_string(),
        "the master's"
    );
    Ok(())
}

/// In a namespace of its own it is the first process: orphans are left to it, and it reaps them.
fn works_as_process_one() -> Outcome {
    let mut scene = scene(|program| {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--mount-proc", program]);
        command
    })?;
    let first = child_of(scene.supervisor.pid()).ok_or_else(|| "no process 1".to_owned())?;
    let first_number = first.as_raw_nonzero().to_string();
    let inside = |script: &str| {
        let mut command = Command::new("nsenter");
        command.args(["-t", &first_number, "-p", "-m", "sh", "-c", script]);
        command.output()
    };
    let orphan = inside("(sleep 0.2 & echo $!)")?;
    let orphan = String::from_utf8_lossy(&orphan.stdout)
        .trim_end()
        .to_owned();
    let stat = format!("cat /proc/{orphan}/stat");
    wait::until("the orphan to be reaped", wait::PATIENCE, || {
        inside(&stat).ok().filter(|output| !output.status.success())
    })?;
    scene.wait_until_it_answers()?;
    signal_pid(first, Signal::TERM)?;
    assert_eq!(scene.supervisor.wait(wait::PATIENCE)?.code(), Some(0));
    Ok(())
}

fn keepalived() -> Outcome {
    let folder = TempDir::new("supervisor")?;
    let file = folder.write("keepalived.conf", "! failover\nvrrp_instance VI_1 {\n}\n")?;
    for command in ["run", "check"] {
        let mut program = Program::start(Command::new(pontoon()).arg(command).arg(&file))?;
        assert_eq!(program.wait(wait::PATIENCE)?.code(), Some(1), "{command}");
        program.wait_for_line("a mistake of that language", |line| {
            line.contains("the instance `VI_1` has no `interface`")
        })?;
    }
    Ok(())
}
