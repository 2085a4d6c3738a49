//! Started the old way: `keepalived` and `haproxy`, each by itself.

use std::{fs, os::unix::fs::symlink, path::PathBuf, time::Duration};

use pontoon::node::status::SOCKET;
use pontoon_lab::{
    balancer::{Kind, program_of},
    needs::Need,
    netns::{self, Network},
    program::Program,
    temp::TempDir,
    wait,
};
use pontoon_sys::process::{Pid, Signal, child::signal_pid};

use super::supervision::{HAPROXY, KEEPALIVED, Scene};
use crate::harness::{Failure, Outcome, Test, measured, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    let test = Test::new(
        "node::two_programs_are_one_node_when_one_is_killed",
        one_is_killed,
    );
    tests.push(test.needs(Need::Root).needs(Need::Namespaces));
}

/// A proxy in the background, killed with its owner.
pub(super) struct Daemon(Pid);

impl Daemon {
    pub(super) fn start(scene: &Scene) -> Result<Self, Failure> {
        let file = |name: &str| scene.folder.path().join(name);
        let mut command = netns::command(&scene.namespace, file("haproxy"));
        command.args(["-D", "-p"]).arg(file("haproxy.pid"));
        let status = command.arg("-f").arg(file("haproxy.cfg")).status()?;
        assert!(status.success(), "{status}");
        let number = fs::read_to_string(file("haproxy.pid"))?;
        let pid = number.trim_end().parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| format!("the pid file holds {number:?}"))?;
        Ok(Self(pid))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = signal_pid(self.0, Signal::KILL);
    }
}

/// A host on which `keepalived` was started.
pub(super) fn scene() -> Result<Scene, Failure> {
    let mut network = Network::new()?;
    let namespace = network.host("a", &["10.0.1.1/24"])?;
    let folder = TempDir::new("apart")?;
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    let pidfile = format!("proxy_pidfile {}", file("haproxy.pid").display());
    let version = "vrrp_version 3";
    let text = KEEPALIVED.replace(version, &format!("{version}\n {pidfile}"));
    folder.write("ka.conf", text)?;
    folder.write("haproxy.cfg", HAPROXY)?;
    program_of(Kind::Pontoon, pontoon(), &folder)?;
    symlink(pontoon(), file("keepalived"))?;
    let socket = file("keepalived.sock");
    let mut command = netns::command(&namespace, file("keepalived"));
    command.args(["-n", "-l", "-f"]).arg(file("ka.conf"));
    command.arg("-p").arg(file("ka.pid"));
    command.arg("-r").arg(file("vrrp.pid"));
    Ok(Scene {
        node: Program::start(command.env(SOCKET, &socket))?,
        namespace,
        socket,
        folder,
        network,
    })
}

fn one_is_killed() -> Outcome {
    let mut scene = scene()?;
    let proxy = Daemon::start(&scene)?;
    scene.until_held(true)?;
    assert!(scene.status_now()?.proxy.is_none());
    // Until it was found, there was none to be missed.
    scene.node.wait_for_line("the proxy to be found", |line| {
        line.contains("Proxy: process ")
    })?;
    drop(proxy);
    let took = scene.until_held(false)?;
    measured(&format!(
        "address given up {took:?} after a proxy by itself was killed"
    ));
    assert!(took < Duration::from_millis(500), "{took:?}");
    let _again = Daemon::start(&scene)?;
    scene.until_held(true)?;
    signal_pid(scene.child("keepalived")?, Signal::KILL)?;
    let took = scene.until_held(false)?;
    assert!(took < Duration::from_millis(500), "{took:?}");
    scene.node.signal(Signal::TERM)?;
    let code = scene.node.wait(wait::PATIENCE)?.code();
    assert_eq!(code, Some(0), "{}", scene.said());
    Ok(())
}
