//! A reload is applied to both files of a node, or to none: each process has its own reasons to refuse.

use std::{fs, net::TcpListener, process::Command};

use pontoon_lab::{needs::Need, netns, problem::Trying as _};

use super::supervision::{HAPROXY, KEEPALIVED, Scene};
use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: &[(&str, Run)] = &[
        ("an_interface_that_is_missing", no_interface),
        ("a_socket_that_cannot_be_opened", no_socket),
        ("a_proxy_that_cannot_bind", no_proxy),
    ];
    for (name, run) in all {
        let test = Test::new(format!("node::reload_of_neither_file_for_{name}"), run);
        tests.push(test.needs(Need::Root).needs(Need::Namespaces));
    }
}

/// What is seen of both files: the proxy's process, whether it listens at the second port, whether
/// the second address is there, and how many descriptors the election has.
#[derive(Debug, PartialEq, Eq)]
struct Applied {
    proxy: Option<u32>,
    port: bool,
    address: bool,
    descriptors: usize,
}

fn applied(scene: &Scene) -> Result<Applied, Failure> {
    let election = scene.child("keepalived")?.as_raw_nonzero();
    let port = netns::inside(&scene.namespace, || {
        TcpListener::bind("0.0.0.0:8564").trying("bind")
    });
    Ok(Applied {
        proxy: scene.status_now()?.proxy.and_then(|proxy| proxy.pid),
        port: port.is_err(),
        address: scene.shown().contains("10.0.1.101/24"),
        descriptors: fs::read_dir(format!("/proc/{election}/fd"))?.count(),
    })
}

/// Both files have something new, and one of them something wrong.
fn write(scene: &Scene, haproxy: &str, keepalived: &str) -> Outcome {
    let listens = "bind 0.0.0.0:8563\n bind 0.0.0.0:8564\n";
    let haproxy = haproxy.replace("bind 0.0.0.0:8563\n", listens);
    let more = "10.0.1.100/24\n        10.0.1.101/24";
    let keepalived = keepalived.replace("10.0.1.100/24", more);
    scene.folder.write("haproxy.cfg", haproxy)?;
    scene.folder.write("ka.conf", keepalived)?;
    Ok(())
}

/// What `pontoon reload` says, and whether it was content.
fn reload(scene: &Scene) -> Result<(bool, String), Failure> {
    let mut command = Command::new(pontoon());
    let command = command.args(["reload", "--socket"]).arg(&scene.socket);
    let output = command.output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok((output.status.success(), said))
}

/// Nothing changes, and the reason is told; then the fault is mended, and both are applied.
fn refused(scene: &Scene, before: &Applied, what: &str, why: &str) -> Outcome {
    let (content, said) = reload(scene)?;
    assert!(
        !content && said.contains(what) && said.contains(why),
        "{said}"
    );
    assert_eq!(&applied(scene)?, before, "{}", scene.said());
    write(scene, HAPROXY, KEEPALIVED)?;
    let (content, said) = reload(scene)?;
    assert!(content, "{said}; {}", scene.said());
    let after = applied(scene)?;
    assert!(
        after.port && after.address && after.proxy != before.proxy,
        "{after:?}"
    );
    let said = scene.said();
    assert_eq!(said.matches("Entering MASTER STATE").count(), 1, "{said}");
    Ok(())
}

const REFUSED: &str = "Reload refused, nothing has changed";

fn no_interface() -> Outcome {
    let scene = Scene::new()?;
    let before = applied(&scene)?;
    let wants = "track_interface {\n nope0\n }\n    track_script";
    write(&scene, HAPROXY, &KEEPALIVED.replace("track_script", wants))?;
    refused(&scene, &before, REFUSED, "interface nope0 does not exist")
}

fn no_socket() -> Outcome {
    let scene = Scene::new()?;
    // There is no IPv6 on an interface with so small packets, nor a group to join.
    let line = ["-n", &scene.namespace, "link", "set", "eth0", "mtu", "1000"];
    assert!(Command::new("ip").args(line).status()?.success());
    let before = applied(&scene)?;
    let sixth = "vrrp_instance VI_6 {\n interface eth0\n virtual_router_id 56\n \
                 virtual_ipaddress {\n fd00::100/64\n }\n}\n";
    write(&scene, HAPROXY, &format!("{KEEPALIVED}{sixth}"))?;
    refused(
        &scene,
        &before,
        REFUSED,
        "cannot open a socket for ff02::12",
    )
}

/// The election has its new file ready by then, and a socket that only that file needs.
fn no_proxy() -> Outcome {
    let scene = Scene::new()?;
    let before = applied(&scene)?;
    let taken = netns::inside(&scene.namespace, || {
        TcpListener::bind("0.0.0.0:8565").trying("bind")
    })?;
    let haproxy = HAPROXY.replace("bind 0.0.0.0:8563\n", "bind 0.0.0.0:8563\n bind :8565\n");
    let sixth = "vrrp_instance VI_6 {\n interface eth0\n virtual_router_id 56\n \
                 virtual_ipaddress {\n fd00::100/64\n }\n}\n";
    write(&scene, &haproxy, &format!("{KEEPALIVED}{sixth}"))?;
    let what = "Reload failed, the proxy runs on as before";
    refused(&scene, &before, what, "cannot bind socket")?;
    drop(taken);
    Ok(())
}
