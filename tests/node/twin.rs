//! A proxy that was started by itself, as an election by itself sees it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use pontoon::election::{
    log::Log,
    proxy::{News, ProxyWatch},
};
use pontoon_engine::vrrp::event::{Proxy, ProxyFault, Servers};
use pontoon_lab::{
    balancer::{Kind, free_address, program_of},
    needs::Need,
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};
use pontoon_sys::process::{Pid, Signal, child::signal_pid};
use tokio::{runtime::Runtime, time::timeout};

use crate::harness::{Failure, Outcome, Test, measured, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    let jail = Test::new(
        "node::twin_tells_of_its_servers_from_behind_a_chroot_as_another_user",
        tells_of_its_servers,
    );
    tests.push(jail.needs(Need::Root));
    tests.push(Test::new("node::twin_killed_is_noticed_at_once", killed));
    tests.push(Test::new(
        "node::twin_stopped_on_purpose_did_not_crash",
        stopped,
    ));
    tests.push(Test::new(
        "node::twin_that_stops_softly_is_left_at_once",
        stops_softly,
    ));
    tests.push(Test::new(
        "node::twin_that_hangs_is_noticed_within_three_seconds",
        hangs,
    ));
    tests.push(Test::new("node::twin_reloaded_is_no_failure", reloaded));
    tests.push(Test::new(
        "node::twin_in_a_master_worker_pair_is_heard",
        master_and_worker,
    ));
    tests.push(Test::new(
        "node::twin_whose_master_reloads_is_no_failure",
        master_reloads,
    ));
    let real = Test::new("node::real_haproxy_is_followed_by_its_pid", real_haproxy);
    tests.push(real.needs(Need::Program("haproxy")));
}

/// A proxy in the background, and an election that looks for it.
struct Scene {
    folder: TempDir,
    program: PathBuf,
    runtime: Runtime,
    watch: ProxyWatch,
    listens: SocketAddr,
    running: Vec<Pid>,
}

impl Scene {
    fn new(kind: Kind) -> Result<Self, Failure> {
        let folder = TempDir::new("twin")?;
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build()?;
        let pidfile = folder.path().join("pid");
        let watch = {
            let _inside = runtime.enter();
            ProxyWatch::twin(pidfile, Log::to_standard_error())
        };
        let mut scene = Self {
            program: program_of(kind, pontoon(), &folder)?,
            folder,
            runtime,
            watch,
            listens: free_address()?,
            running: Vec::new(),
        };
        assert_eq!(scene.next()?, Proxy::Absent);
        Ok(scene)
    }

    /// A proxy before this server, which is checked every 50 ms.
    fn configure(&self, global: &str, server: SocketAddr) -> Outcome {
        let text = format!(
            "global\n {global}\ndefaults\n mode tcp\n timeout connect 1s\n timeout client 9s\n \
             timeout server 9s\nlisten relay\n bind {}\n \
             server s1 {server} check inter 50ms fall 2 rise 1\n",
            self.listens
        );
        self.folder.write("haproxy.cfg", text)?;
        Ok(())
    }

    /// Runs it in the background; returns its number.
    fn start(&mut self, arguments: &str) -> Result<Pid, Failure> {
        let output = Command::new(&self.program)
            .args(["-D", "-f", "haproxy.cfg", "-p", "pid"])
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let pid = pid_in(&self.folder.path().join("pid"))?;
        self.running.push(pid);
        Ok(pid)
    }

    /// The next that is said of the proxy.
    fn next(&mut self) -> Result<Proxy, Failure> {
        loop {
            let Self { runtime, watch, .. } = self;
            let next = runtime.block_on(async { timeout(wait::PATIENCE, watch.next()).await });
            match next {
                Ok(News::Proxy(state)) => return Ok(state),
                Ok(News::Hung { .. }) => {}
                Err(_) => return Err("nothing is said of the proxy".to_owned().into()),
            }
        }
    }

    /// Whatever is said until this is said.
    fn until(&mut self, wanted: Proxy) -> Result<Vec<Proxy>, Failure> {
        let mut before = Vec::new();
        loop {
            match self.next()? {
                state if state == wanted => return Ok(before),
                state => before.push(state),
            }
            assert!(before.len() < 20, "{before:?} instead of {wanted:?}");
        }
    }

    /// Whatever is said until a process has left, and its end was seen.
    fn until_left(&mut self, pid: Pid) -> Result<Vec<Proxy>, Failure> {
        let mut said = Vec::new();
        let Self { runtime, watch, .. } = self;
        let mut turn = || {
            let next = async { timeout(Duration::from_millis(20), watch.next()).await };
            if let Ok(News::Proxy(state)) = runtime.block_on(next) {
                said.push(state);
            }
        };
        wait::until("the old one to leave", wait::PATIENCE, || {
            turn();
            let cmdline = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
            cmdline.map_or(true, |text| text.is_empty()).then_some(())
        })?;
        turn();
        Ok(said)
    }

    fn until_usable(&mut self) -> Result<Vec<Proxy>, Failure> {
        self.until(Proxy::Serving(Servers::Usable))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for pid in &self.running {
            let comm = fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero()));
            if comm.is_ok_and(|comm| comm == "haproxy\n") {
                let _gone = signal_pid(*pid, Signal::KILL);
            }
        }
    }
}

fn pid_in(path: &Path) -> Result<Pid, Failure> {
    let text = fs::read_to_string(path)?;
    let pid = text.trim_end().parse().ok().and_then(Pid::from_raw);
    Ok(pid.ok_or_else(|| format!("the pid file holds {text:?}"))?)
}

/// One of ours with a server that passes its checks.
fn usable() -> Result<(Scene, Pid, Server), Failure> {
    let mut scene = Scene::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    scene.configure("", server.address())?;
    let pid = scene.start("")?;
    scene.until_usable()?;
    Ok((scene, pid, server))
}

fn tells_of_its_servers() -> Outcome {
    let mut scene = Scene::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    let address = server.address();
    let jail = scene.folder.path().join("jail");
    fs::create_dir(&jail)?;
    let global = format!("chroot {}\n uid 65534\n gid 65534", jail.display());
    scene.configure(&global, address)?;
    scene.start("")?;
    let before = scene.until_usable()?;
    let down = before.iter().any(|state| matches!(state, Proxy::Down(_)));
    assert!(!down, "{before:?}");
    drop(server);
    assert_eq!(scene.next()?, Proxy::Serving(Servers::AllDown));
    let _again = Server::on(address, Behaviour::Echo)?;
    assert_eq!(scene.next()?, Proxy::Serving(Servers::Usable));
    Ok(())
}

fn killed() -> Outcome {
    let (mut scene, pid, _server) = usable()?;
    let begun = Instant::now();
    signal_pid(pid, Signal::KILL)?;
    assert_eq!(scene.next()?, Proxy::Down(ProxyFault::Died));
    let took = begun.elapsed();
    measured(&format!("death of a twin noticed after {took:?}"));
    // Milliseconds; the rest is for a busy machine.
    assert!(took < Duration::from_millis(500), "{took:?}");
    scene.start("")?;
    scene.until_usable()?;
    Ok(())
}

fn stopped() -> Outcome {
    let (mut scene, pid, _server) = usable()?;
    signal_pid(pid, Signal::TERM)?;
    assert_eq!(scene.next()?, Proxy::Down(ProxyFault::Stopped));
    Ok(())
}

/// Its sessions run on, but it takes no new ones.
fn stops_softly() -> Outcome {
    let (mut scene, pid, _server) = usable()?;
    let _session = pontoon_lab::client::Client::connect(scene.listens)?;
    signal_pid(pid, Signal::USR1)?;
    assert_eq!(scene.next()?, Proxy::Down(ProxyFault::Stopped));
    Ok(())
}

fn hangs() -> Outcome {
    let (mut scene, pid, _server) = usable()?;
    let begun = Instant::now();
    signal_pid(pid, Signal::STOP)?;
    assert_eq!(scene.next()?, Proxy::Down(ProxyFault::Hung));
    let took = begun.elapsed();
    measured(&format!("hang of a twin noticed after {took:?}"));
    assert!(took < Duration::from_secs(3), "{took:?}");
    signal_pid(pid, Signal::CONT)?;
    scene.until_usable()?;
    Ok(())
}

fn reloaded() -> Outcome {
    let (mut scene, first, _server) = usable()?;
    let (mut old, mut before) = (first, Vec::new());
    for _ in 0..3 {
        let new = scene.start(&format!("-sf {}", old.as_raw_nonzero()))?;
        // Until its end is seen, the new one may not have been.
        before.extend(scene.until_left(old)?);
        old = new;
    }
    // Whatever is said of servers that are checked anew: nothing was down until this.
    signal_pid(old, Signal::KILL)?;
    before.extend(scene.until(Proxy::Down(ProxyFault::Died))?);
    let down = before.iter().any(|state| matches!(state, Proxy::Down(_)));
    assert!(!down, "{before:?}");
    Ok(())
}

/// The pid file names the master, and the worker beats.
fn master_and_worker() -> Outcome {
    let mut scene = Scene::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    scene.configure("", server.address())?;
    let mut command = Command::new(&scene.program);
    let arguments = ["-W", "-f", "haproxy.cfg", "-p", "pid"];
    command.args(arguments).current_dir(scene.folder.path());
    let master = Program::start(&mut command)?;
    scene.until_usable()?;
    let worker = crate::process::child_of(master.pid());
    let worker = worker.ok_or_else(|| "there is no worker".to_owned())?;
    signal_pid(worker, Signal::KILL)?;
    assert_eq!(scene.next()?, Proxy::Down(ProxyFault::Died));
    Ok(())
}

/// The worker that is heard stops, and another one of the same master is heard.
fn master_reloads() -> Outcome {
    let mut scene = Scene::new(Kind::Pontoon)?;
    let server = Server::start(Behaviour::Echo)?;
    scene.configure("", server.address())?;
    let mut command = Command::new(&scene.program);
    let arguments = ["-W", "-f", "haproxy.cfg", "-p", "pid"];
    command.args(arguments).current_dir(scene.folder.path());
    let master = Program::start(&mut command)?;
    scene.until_usable()?;
    let mut before = Vec::new();
    for count in 1..=3 {
        let worker = crate::process::child_of(master.pid()).ok_or("there is no worker")?;
        // A session keeps the old one, or moves.
        let _session = pontoon_lab::client::Client::connect(scene.listens)?;
        master.signal(Signal::USR2)?;
        before.extend(scene.until_left(worker)?);
        let ready = |line: &&String| line.contains("Loading success.");
        assert_eq!(master.output().iter().filter(ready).count(), count + 1);
    }
    let worker = crate::process::child_of(master.pid()).ok_or("there is no worker")?;
    signal_pid(worker, Signal::KILL)?;
    before.extend(scene.until(Proxy::Down(ProxyFault::Died))?);
    let down = before.iter().any(|state| matches!(state, Proxy::Down(_)));
    assert!(!down, "{before:?}");
    Ok(())
}

fn real_haproxy() -> Outcome {
    let mut scene = Scene::new(Kind::Haproxy)?;
    let server = Server::start(Behaviour::Echo)?;
    scene.configure("", server.address())?;
    let pid = scene.start("")?;
    assert_eq!(scene.next()?, Proxy::Serving(Servers::Unchecked));
    let second = scene.start(&format!("-sf {}", pid.as_raw_nonzero()))?;
    assert_eq!(scene.until_left(pid)?, []);
    signal_pid(second, Signal::KILL)?;
    assert_eq!(scene.next()?, Proxy::Down(ProxyFault::Died));
    Ok(())
}
