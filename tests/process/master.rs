//! `-W` and `-Ws`: a master and its worker, beside the real ones.

use std::{fs, net::SocketAddr, os::unix::net::UnixDatagram, process::Command, time::Duration};

use pontoon_lab::{
    balancer::{Kind, free_address},
    client::Client,
    needs::Need,
    program::Program,
    server::{Behaviour, Server},
    wait,
};
use pontoon_sys::process::{Signal, child::signal_pid};

use super::{Bench, patience, relay, supervisor::child_of};
use crate::harness::{Failure, Outcome, Test};

pub(super) fn register(tests: &mut Vec<Test>) {
    for kind in [Kind::Pontoon, Kind::Haproxy] {
        let add = |tests: &mut Vec<Test>, name: &str, run: fn(Kind) -> Outcome| {
            let test = Test::new(format!("process::{name} ({kind:?})"), move || run(kind));
            tests.push(match kind {
                Kind::Haproxy => test.needs(Need::Program("haproxy")),
                Kind::Pontoon => test,
            });
        };
        add(tests, "master_exits_as_asked", exits_as_asked);
        add(tests, "master_follows_a_killed_worker", follows_its_worker);
        add(tests, "master_tells_systemd", tells_systemd);
    }
}

struct Scene {
    master: Program,
    bench: Bench,
    listens: SocketAddr,
    _server: Server,
}

fn scene(kind: Kind, option: &str, socket: Option<&str>) -> Result<Scene, Failure> {
    let bench = Bench::new(kind)?;
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    let config = relay("daemon", listens, server.address());
    // In systemd mode `daemon` does not count; a plain master would leave the foreground.
    let config = if option == "-Ws" {
        config
    } else {
        config.replace("daemon", "")
    };
    bench.folder.write("haproxy.cfg", config)?;
    let mut command = Command::new(&bench.program);
    command
        .args([option, "-f", "haproxy.cfg", "-p", "pid"])
        .current_dir(bench.folder.path())
        .envs(socket.map(|path| ("NOTIFY_SOCKET", path)));
    let master = Program::start(&mut command)?;
    let scene = Scene {
        master,
        bench,
        listens,
        _server: server,
    };
    scene.wait_until_ready()?;
    Ok(scene)
}

impl Scene {
    fn wait_until_ready(&self) -> Outcome {
        self.master
            .wait_for_line("the worker to be ready", |line| {
                line.contains("Loading success.")
            })?;
        wait::until("the master to handle signals", wait::PATIENCE, || {
            handles_signals(self.master.pid()).then_some(())
        })?;
        self.answers()
    }

    fn answers(&self) -> Outcome {
        let mut client = Client::connect(self.listens)?;
        client.send(b"ping")?;
        assert_eq!(client.receive(4, Duration::from_secs(5))?.bytes, b"ping");
        Ok(())
    }
}

/// Ours reads signals from a descriptor and blocks them; HAProxy has handlers, some time after it
/// says that it is ready.
fn handles_signals(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let wanted = [Signal::TERM, Signal::INT, Signal::USR1]
        .iter()
        .fold(0, |mask, signal| mask | 1_u64 << (signal.as_raw() - 1));
    let has = |name: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(name));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & wanted == wanted)
    };
    let name = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let ours = name.ends_with("pontoon");
    has(if ours { "SigBlk:" } else { "SigCgt:" }) && (ours || !has("SigBlk:"))
}

fn exits_as_asked(kind: Kind) -> Outcome {
    for (signal, code) in [(Signal::TERM, 0), (Signal::INT, 130), (Signal::USR1, 0)] {
        let mut scene = scene(kind, "-W", None)?;
        let pidfile = fs::read_to_string(scene.bench.folder.path().join("pid"))?;
        assert_eq!(pidfile.trim_end(), scene.master.pid().to_string());
        scene.master.signal(signal)?;
        let status = scene.master.wait(patience(kind))?;
        assert_eq!(status.code(), Some(code), "{signal:?}");
    }
    Ok(())
}

fn follows_its_worker(kind: Kind) -> Outcome {
    let mut scene = scene(kind, "-W", None)?;
    let worker = child_of(scene.master.pid()).ok_or_else(|| "no worker".to_owned())?;
    signal_pid(worker, Signal::KILL)?;
    assert_eq!(scene.master.wait(wait::PATIENCE)?.code(), Some(137));
    Ok(())
}

fn tells_systemd(kind: Kind) -> Outcome {
    let folder = pontoon_lab::temp::TempDir::new("systemd")?;
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path)?;
    systemd.set_read_timeout(Some(wait::PATIENCE))?;
    let mut scene = scene(kind, "-Ws", Some(&path.display().to_string()))?;
    let ready = hear(&systemd, "READY=1")?;
    assert!(
        ready.contains(&format!("MAINPID={}", scene.master.pid())),
        "{ready}"
    );
    scene.master.signal(Signal::TERM)?;
    hear(&systemd, "STOPPING=1")?;
    assert_eq!(scene.master.wait(wait::PATIENCE)?.code(), Some(0));
    Ok(())
}

/// The next message that begins so.
fn hear(systemd: &UnixDatagram, wanted: &str) -> Result<String, Failure> {
    let mut buffer = [0; 512];
    loop {
        let length = systemd.recv(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with(wanted) {
            return Ok(text);
        }
    }
}
